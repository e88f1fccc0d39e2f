//! Programs in other languages than C go on as before when calls leave probed frames by an exception, a panic, or on a stack
//! that has moved; and every call is counted.

use super::{is_called, row};
use crate::world::{World, able, eventually};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Calls of each program: few enough for what a probe may cost, as the ends of most are dear here.
const CALLS: u64 = 45;

/// How often something happens in so many rounds.
type Times = fn(u64) -> u64;

/// A program, how it is built, and what its functions are called.
struct Case {
    what: &'static str,
    needs: &'static str,
    /// With the source and the program to be made at its end.
    build: &'static [&'static str],
    source: &'static str,
    /// The functions, and how often each is called in so many rounds.
    functions: [(&'static str, Times); 2],
    /// What it says of so many calls: the sum, those that ended otherwise, and what was cleaned up.
    says: fn(u64) -> String,
}

fn thrown(calls: u64) -> String {
    let kept = (0..calls).filter(|n| n % 3 != 0);
    let sum: u64 = kept.map(|n| n * 2 + 1).sum();
    format!("{sum} {} {calls}", calls.div_ceil(3))
}

fn grown(calls: u64) -> String {
    let kept = (0..calls).filter(|n| n % 3 != 0);
    let sum: u64 = kept.map(|n| n * 2 + 20).sum();
    format!("{sum} {} 0", calls.div_ceil(3))
}

fn each(calls: u64) -> u64 {
    calls
}

/// Twenty-one times in each round that does not panic before.
fn deep(calls: u64) -> u64 {
    21 * (calls - calls.div_ceil(3))
}

const CASES: [Case; 5] = [
    Case {
        what: "C++ with exceptions",
        needs: "c++",
        build: &["c++", "-O2", "-o"],
        source: "throw.cc",
        functions: [("risky", each), ("middle", each)],
        says: thrown,
    },
    Case {
        what: "C++ without position independence, static",
        needs: "c++",
        build: &["c++", "-O2", "-static", "-no-pie", "-o"],
        source: "throw.cc",
        functions: [("risky", each), ("middle", each)],
        says: thrown,
    },
    Case {
        what: "Rust with panics",
        needs: "rustc",
        build: &["rustc", "--edition=2021", "-O", "-o"],
        source: "panic.rs",
        functions: [("risky", each), ("middle", each)],
        says: thrown,
    },
    Case {
        what: "Go with moving stacks",
        needs: "go",
        build: &["go", "build", "-o"],
        source: "grow.go",
        functions: [("main.risky", each), ("main.deep", deep)],
        says: grown,
    },
    Case {
        what: "Go, stripped",
        needs: "go",
        build: &["go", "build", "-ldflags=-s -w", "-o"],
        source: "grow.go",
        functions: [("main.risky", each), ("main.deep", deep)],
        says: grown,
    },
];

struct Running {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Running {
    fn start(path: &Path) -> Self {
        let mut command = Command::new(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, says };
        assert_eq!(running.line(), "ready");
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn does(&mut self, calls: u64) -> String {
        writeln!(self.child.stdin.as_ref().unwrap(), "{calls}").unwrap();
        self.line()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn built(case: &Case, folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/debugged")
        .join(case.source);
    let path = folder.join("program");
    let mut command = Command::new(case.build[0]);
    command.args(&case.build[1..]).arg(&path).arg(source);
    command
        .env("GOCACHE", folder.join("go"))
        .current_dir(folder);
    assert!(command.status().unwrap().success(), "{}", case.what);
    path
}

#[test]
fn programs_that_throw_panic_and_move_their_stacks_are_unharmed() {
    if !able(&["c++", "rustc", "go"]) {
        return;
    }
    let world = World::start();
    for case in &CASES {
        if able(&[case.needs]) {
            watched(&world, case);
        }
    }
}

fn watched(world: &World, case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Running::start(&built(case, folder.path()));
    let pid = program.child.id().to_string();
    let [(first, _), (second, _)] = case.functions;
    let names = ["-f", first, "-f", second, "--background"];
    let attached = world.json(&[&["debug", "attach", "--pid", &pid], &names[..]].concat());
    let id = attached["id"].as_str().unwrap().to_owned();
    let probes = attached["probes"].as_array().unwrap();
    let own = |name| probes.iter().any(|probe| is_called(probe, name));
    assert!(own(first) && own(second), "{}: {attached:#}", case.what);
    assert_eq!(program.does(CALLS), (case.says)(CALLS), "{}", case.what);
    let mut log = Value::Null;
    eventually("all calls are told", || {
        log = world.json(&["debug", "logs", &id]);
        let told = |(name, times): &(&str, Times)| row(&log, name)["hits"] == times(CALLS);
        case.functions.iter().all(told)
    });
    // What ends by an exception has no end that is seen; the rest has one, where ends can be seen at all.
    let thrower = row(&log, first);
    if thrower["kind"] != "entry" {
        let ended = CALLS - CALLS.div_ceil(3);
        assert_eq!(thrower["returned"], ended, "{}: {log:#}", case.what);
    }
    world.json(&["debug", "detach", &id]);
    assert_eq!(
        program.does(CALLS),
        (case.says)(CALLS),
        "{} after the probe",
        case.what
    );
}
