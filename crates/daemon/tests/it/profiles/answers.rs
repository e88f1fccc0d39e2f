//! The known answers: three functions that take 60, 30 and 10 of 100 parts by the program's own clock, in C, C++, Rust and
//! Go as they are built and shipped. All programs run at once, each under a session of its own.

use super::builds::{has_symbol, source};
use super::run::Running;
use super::session::{HZ, Session, await_aimed, follows, samples, settle};
use crate::world::{World, able};
use serde_json::Value;

/// Processor time that each program burns: 5,000 samples and some more.
const BURN_MS: u64 = 5_700;
const ENOUGH: u64 = 5_000;
/// How far a share may be from the program's own.
const POINTS: f64 = 0.03;
/// How far samples times their period may be from the program's own clock.
const SUM: f64 = 0.05;
/// The part of stacks that reach the start. The first samples of a process are walked before its tables are there.
const WHOLE: f64 = 0.98;

/// What is known of a program.
struct Known {
    kind: &'static str,
    script: &'static str,
    /// Names of the three functions.
    parts: [&'static str; 3],
    /// The outermost frame.
    start: &'static str,
    /// That of threads that its runtime has for itself, which are not on the program's clock.
    beside: Option<&'static str>,
    /// Who calls them, outermost first, and whom they call, without anything between.
    callers: &'static [&'static str],
    callees: &'static [&'static str],
    /// The source, when the profile can know it.
    source: Option<&'static str>,
    /// A word of a name that is in no symbol table: only debug information can tell it.
    inlined: Option<&'static str>,
}

const C: Known = Known {
    kind: "c",
    script: "",
    parts: ["sixty", "thirty", "ten"],
    start: "_start",
    beside: None,
    callers: &["main", "work"],
    callees: &["stir"],
    source: None,
    inlined: None,
};

const PROGRAMS: [Known; 8] = [
    Known {
        kind: "c-bare",
        script: "cc -O2 -fomit-frame-pointer burn.c drive.c -o out",
        ..C
    },
    Known {
        kind: "c-framed",
        script: "cc -O2 -g -fno-omit-frame-pointer burn.c drive.c -o out",
        source: Some("burn.c"),
        ..C
    },
    Known {
        kind: "c-static",
        script: "cc -O2 -static burn.c drive.c -o out",
        ..C
    },
    Known {
        kind: "c-linked",
        script: "cc -O2 -g burn.c drive.c -o out
            objcopy --only-keep-debug out apart.debug
            strip --strip-all out
            objcopy --add-gnu-debuglink=apart.debug out",
        source: Some("burn.c"),
        ..C
    },
    Known {
        kind: "c-shared",
        script: "cc -O2 -g -fPIC -fplt -shared burn.c -o libburn.so
            cc -O2 -g -fplt -Wl,-z,lazy drive.c -o out -L. -lburn '-Wl,-rpath,$ORIGIN'",
        source: Some("burn.c"),
        ..C
    },
    Known {
        kind: "cpp",
        script: "c++ -O2 -g burn.cc drive.c -o out",
        parts: [
            "sixty(unsigned long)",
            "thirty(unsigned long)",
            "ten(unsigned long)",
        ],
        callers: &["main", "work(unsigned long)"],
        callees: &[
            "shop::Cart<unsigned long>::price(int)",
            "shop::Cart<unsigned long>::stir(int)",
        ],
        source: Some("burn.cc"),
        inlined: Some("Cart"),
        ..C
    },
    Known {
        kind: "rust",
        script: "rustc -O -g --crate-name burn rusty.rs -o out",
        parts: ["burn::shop::sixty", "burn::shop::thirty", "burn::shop::ten"],
        callers: &["burn::main", "burn::work"],
        callees: &[],
        source: Some("rusty.rs"),
        inlined: Some("stir"),
        ..C
    },
    Known {
        kind: "go",
        script: "GOCACHE=$PWD/cache GOFLAGS= go build -o out burn.go; chmod -R u+w cache; rm -rf cache",
        parts: ["main.sixty", "main.thirty", "main.ten"],
        start: "runtime.goexit",
        beside: Some("runtime.mstart"),
        callers: &["runtime.main", "main.main", "main.work"],
        callees: &[],
        source: Some("burn.go"),
        ..C
    },
];

#[test]
fn shares_names_and_stacks_are_those_that_the_program_itself_knows() {
    if !able(&["cc", "c++", "rustc", "go", "objcopy", "bpftool"]) {
        return;
    }
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let start = |known: &Known| Running::start(folder.path(), known.kind, known.script, BURN_MS);
    let mut running: Vec<Running> = PROGRAMS.iter().map(start).collect();
    let begin = |program: &Running| Session::begin(&world, &program.name);
    let sessions: Vec<Session> = running.iter().map(begin).collect();
    await_aimed(&world, running.len());
    running.iter_mut().for_each(Running::go);
    let took: Vec<_> = running.iter_mut().map(Running::took_ns).collect();
    let names: Vec<_> = running.iter().map(|r| r.name.as_str()).collect();
    settle(&world, &names);
    let profiles: Vec<Value> = sessions.into_iter().map(Session::end).collect();
    let mut wrong = vec![];
    for (((known, running), took), profile) in
        PROGRAMS.iter().zip(&running).zip(&took).zip(&profiles)
    {
        let mut judge = Judge::new(known, profile);
        judge.sums(took);
        judge.shares(took);
        judge.stacks();
        judge.lines();
        judge.inlined(running);
        eprintln!("{}", judge.summary);
        wrong.extend(judge.wrong);
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), world.shown());
}

/// Compares a profile with what is known.
struct Judge<'a> {
    known: &'a Known,
    profile: &'a Value,
    wrong: Vec<String>,
    summary: String,
}

impl<'a> Judge<'a> {
    fn new(known: &'a Known, profile: &'a Value) -> Self {
        let summary = format!("{}: {}", known.kind, profile["unwind"]);
        Self {
            known,
            profile,
            wrong: vec![],
            summary,
        }
    }

    fn want(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(format!("{}: {}", self.known.kind, what()));
        }
    }

    /// As many samples as it takes, and as much time as the program's own clock says.
    fn sums(&mut self, took: &[u64]) {
        let samples = self.profile["samples"].as_u64().unwrap();
        let truth = took.iter().sum::<u64>() as f64;
        let ratio = self.profile["total"].as_u64().unwrap() as f64 / truth;
        let period = samples as f64 * (1e9 / HZ as f64) / truth;
        self.summary += &format!(" samples {samples} sum {ratio:.4}");
        self.want(samples >= ENOUGH, || format!("only {samples} samples"));
        self.want((ratio - 1.0).abs() < SUM, || {
            format!("{ratio} of its own time")
        });
        self.want((period - ratio).abs() < 1e-3, || {
            format!("{period} is not {ratio}")
        });
        let stacks = samples_of(self.profile, "");
        self.want(stacks == samples, || {
            format!("stacks have {stacks} of {samples}")
        });
    }

    /// Samples of threads that the runtime has for itself.
    fn beside(&self) -> u64 {
        let Some(start) = self.known.beside else {
            return 0;
        };
        samples(self.profile, |frames| frames.first() == Some(&start))
    }

    fn shares(&mut self, took: &[u64]) {
        let all = samples_of(self.profile, "") - self.beside();
        let truth = took.iter().sum::<u64>();
        for (part, took) in self.known.parts.into_iter().zip(took) {
            let share = samples_of(self.profile, part) as f64 / all as f64;
            let own = *took as f64 / truth as f64;
            self.summary += &format!(" {part} {share:.4}/{own:.4}");
            self.want((share - own).abs() < POINTS, || {
                format!("{part} has {share}, not {own}")
            });
            let functions = self.profile["functions"].as_array().unwrap();
            let row = functions.iter().find(|f| f["function"] == part);
            let total = row.and_then(|f| f["total_samples"].as_u64());
            let stacks = samples_of(self.profile, part);
            self.want(total == Some(stacks), || {
                format!("{part}: {total:?}, in stacks {stacks}")
            });
        }
    }

    /// They reach the start, and callers and callees are in their order.
    fn stacks(&mut self) {
        let [complete, user] = ["complete", "user"].map(|n| self.profile["unwind"][n].as_f64());
        let ratio = (complete.unwrap() + self.beside() as f64) / user.unwrap();
        self.want(ratio >= WHOLE, || {
            let mut others = super::session::stacks(self.profile);
            others.retain(|(frames, _)| frames.first() != Some(&self.known.start));
            others.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            others.truncate(4);
            format!("{ratio} of the stacks are whole, not {others:?}")
        });
        for part in self.known.parts {
            let chain = [self.known.callers, &[part], self.known.callees].concat();
            let whole = |frames: &[&str]| {
                frames.first() == Some(&self.known.start) && follows(frames, &chain)
            };
            let (whole, all) = (samples(self.profile, whole), samples_of(self.profile, part));
            let least = all as f64 * 0.9;
            self.want(whole as f64 >= least, || {
                let some = super::session::stacks(self.profile);
                let most = some
                    .into_iter()
                    .filter(|(frames, _)| frames.contains(&part));
                let most = most.max_by_key(|(_, n)| *n);
                format!("{part}: {whole} of {all} by {chain:?}, most by {most:?}")
            });
        }
    }

    /// File and line lie where the function is written.
    fn lines(&mut self) {
        let Some(file) = self.known.source else {
            return;
        };
        for part in self.known.parts {
            let word = part.split('(').next().unwrap_or(part);
            let word = word.rsplit([':', '.']).next().unwrap_or(word);
            let lines = lines_of(file, word);
            let functions = self.profile["functions"].as_array().unwrap();
            let row = functions.iter().find(|f| f["function"] == part);
            let place = row.map(|f| (f["file"].clone(), f["line"].as_u64().unwrap_or(0)));
            let right = place.as_ref().is_some_and(|(path, line)| {
                path.as_str().is_some_and(|p| p.ends_with(file)) && lines.contains(line)
            });
            self.want(right, || {
                format!("{part} is at {place:?}, not in {lines:?} of {file}")
            });
        }
    }

    /// A function that no symbol table names stands inside of the one that it was put into.
    fn inlined(&mut self, running: &Running) {
        let Some(word) = self.known.inlined else {
            return;
        };
        assert!(!has_symbol(&running.path, word), "{word} is a symbol");
        for part in self.known.parts {
            let inside = |frames: &[&str]| {
                let at = frames.iter().position(|f| *f == part);
                at.is_some_and(|at| frames[at + 1..].iter().any(|f| f.contains(word)))
            };
            let (inside, all) = (
                samples(self.profile, inside),
                samples_of(self.profile, part),
            );
            let least = all as f64 * 0.9;
            self.want(inside as f64 >= least, || {
                format!("{part}: {word} in {inside} of {all}")
            });
        }
    }
}

/// Samples of the stacks that a function is in; of all without one.
fn samples_of(profile: &Value, part: &str) -> u64 {
    samples(profile, |frames| part.is_empty() || frames.contains(&part))
}

/// The lines of a function in its source: from the line with its name and a brace to the one with the closing brace.
fn lines_of(file: &str, word: &str) -> std::ops::RangeInclusive<u64> {
    let lines: Vec<_> = source(file).lines().collect();
    let opens = |line: &&str| line.contains(&format!(" {word}(")) && line.ends_with('{');
    let first = lines.iter().position(opens).unwrap();
    let indent = lines[first].len() - lines[first].trim_start().len();
    let closing = format!("{}}}", " ".repeat(indent));
    let length = lines[first..].iter().position(|line| *line == closing);
    (first as u64 + 1)..=(first + length.unwrap() + 1) as u64
}
