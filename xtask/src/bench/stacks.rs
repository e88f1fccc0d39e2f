//! stacks: how many stacks reach the start of their program or thread, over programs as Debian builds them, each at work
//! for some seconds under a finer profile of its own.

mod programs;

use super::Wish;
use super::lab::{Agent, Lab};
use super::page::Page;
use super::spread::rounded;
use crate::failure::{Failure, Trying as _};
use crate::program;
use crate::steps::Steps;
use programs::{PROGRAMS, Program};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

pub const STEPS: usize = PROGRAMS.len();
/// How often a second and processor.
const HZ: &str = "199";
/// At 19 samples a second: one second of one processor.
const AT_WORK: u64 = 19;
/// A process of this age has its tables; younger ones are not counted (design, section 6).
const AGE: Duration = Duration::from_secs(6);

pub fn run(lab: &Lab, wish: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    lab.alone()?;
    let agent = lab.agent()?;
    let mut found = vec![];
    for wanted in &PROGRAMS {
        steps.next(wanted.name);
        match measure(lab, wish, wanted) {
            Ok(profile) => {
                let of = Found::of(wanted, &profile);
                eprintln!("  {of:?}");
                found.push(of);
            }
            // One that is not installed is said, and the rest is measured.
            Err(failure) => eprintln!("  not measured: {failure}"),
        }
    }
    let tables_mb = tables_mb(&agent).unwrap_or(0.0);
    Ok(page(wish, &found, tables_mb))
}

/// The profile of a program at work.
fn measure(lab: &Lab, wish: &Wish, wanted: &Program) -> Result<Value, Failure> {
    let folder = lab.home().join(wanted.name);
    std::fs::create_dir_all(&folder).trying("create a folder")?;
    // The user of a database owns its own folder below it.
    program::run(Command::new("chmod").args(["-R", "a+rx"]).arg(lab.home()))?;
    let load = Load::start(&folder, wanted)?;
    // In its first seconds a program may still be counted among those that only pass.
    thread::sleep(2 * AGE);
    let service = service(lab, wanted)?;
    let length = format!("{}s", wish.seconds);
    let profile = [
        "profile",
        "cpu",
        &service,
        "--hz",
        HZ,
        "--duration",
        &length,
    ];
    let answer = lab.ask(&profile);
    drop(load);
    answer
}

/// What Coral calls it: of those with its name the one that is at work, others of the host may have it too.
fn service(lab: &Lab, wanted: &Program) -> Result<String, Failure> {
    let mut busiest = None;
    lab.eventually(&format!("{} is seen at work", wanted.name), || {
        let services = lab.ask(&["services", "--all"]).unwrap_or_default();
        let rows = services["services"].as_array().cloned().unwrap_or_default();
        let all = rows.iter().filter_map(|row| row["service"].as_str());
        let own = all.filter(|s| wanted.services.iter().any(|w| s.starts_with(w)));
        busiest = own
            .map(|name| (samples(lab, name), name.to_owned()))
            .max()
            .filter(|(samples, _)| *samples > AT_WORK);
        busiest.is_some()
    })?;
    let name = busiest.map(|(_, name)| name);
    name.ok_or_else(|| Failure::new("nobody knows it"))
}

/// How often it was met running of late.
fn samples(lab: &Lab, service: &str) -> u64 {
    let flame = lab.ask(&["profile", "cpu", service, "--since", "10s"]);
    flame.map_or(0, |flame| flame["samples"].as_u64().unwrap_or(0))
}

/// A program at work, with everything that it started; all of it is gone after this.
struct Load(std::process::Child);

impl Load {
    fn start(folder: &std::path::Path, wanted: &Program) -> Result<Self, Failure> {
        let mut shell = Command::new("setsid");
        shell
            .args(["bash", "-euc", wanted.script])
            .current_dir(folder);
        let quiet = shell.stdin(Stdio::null()).stdout(Stdio::null());
        let log = std::fs::File::create(folder.join("log")).trying("open a log")?;
        let mut child = quiet.stderr(log).spawn().trying("start a shell")?;
        thread::sleep(Duration::from_secs(1));
        if let Ok(Some(status)) = child.try_wait() {
            let said = super::read(folder.join("log"))?;
            return Err(Failure::new(format!("it ended with {status}: {said}")));
        }
        Ok(Self(child))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // The shell leads a session of its own, and all that it starts.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        thread::sleep(Duration::from_millis(500));
        let kill = ["-KILL", "--", &group];
        let _ = Command::new("kill")
            .args(kill)
            .stderr(Stdio::null())
            .status();
        let _ = self.0.wait();
    }
}

/// What a program's stacks came to.
#[derive(Debug, Default)]
struct Found {
    name: &'static str,
    is_native: bool,
    user: u64,
    complete: u64,
    unresolved: u64,
    /// Outermost frames of those that do not reach the start, and samples.
    ends: BTreeMap<String, u64>,
    /// Files without names: what to do, and samples.
    missing: BTreeMap<String, (String, u64)>,
}

impl Found {
    fn of(wanted: &Program, profile: &Value) -> Self {
        let count = |name: &str| profile["unwind"][name].as_u64().unwrap_or(0);
        let mut found = Self {
            name: wanted.name,
            is_native: wanted.is_native,
            user: count("user"),
            complete: count("complete"),
            unresolved: count("unresolved"),
            ..Self::default()
        };
        for stack in profile["stacks"].as_array().into_iter().flatten() {
            let first = stack["frames"][0].as_str().unwrap_or("");
            if !STARTS.contains(&first) {
                let samples = stack["samples"].as_u64().unwrap_or(0);
                *found.ends.entry(first.to_owned()).or_default() += samples;
            }
        }
        for missing in profile["missing"].as_array().into_iter().flatten() {
            let text = |name: &str| missing[name].as_str().unwrap_or("").to_owned();
            let samples = missing["samples"].as_u64().unwrap_or(0);
            found.missing.insert(text("path"), (text("hint"), samples));
        }
        found
    }

    /// The outermost frames that most of the others have.
    fn most(&self) -> String {
        let mut all: Vec<_> = self.ends.iter().collect();
        all.sort_by_key(|(_, samples)| std::cmp::Reverse(**samples));
        let text = |(name, samples): &(&String, &u64)| format!("{name} {samples}");
        all.iter().take(3).map(text).collect::<Vec<_>>().join(", ")
    }
}

/// Where programs and threads begin (design, section 6).
const STARTS: [&str; 6] = [
    "_start",
    "main",
    "clone3",
    "start_thread",
    "runtime.goexit",
    "rt0",
];

/// Kernel memory of the unwind tables: of the maps that the agent's map of tables holds.
fn tables_mb(agent: &Agent) -> Result<f64, Failure> {
    let list = |words: &[&str]| -> Result<Value, Failure> {
        let printed = program::output(Command::new("bpftool").arg("-j").args(words))?;
        serde_json::from_str(&printed).trying("read bpftool's list")
    };
    let held = held_maps(agent.pid());
    let maps = list(&["map", "show"])?;
    let maps = maps.as_array().map_or(&[][..], Vec::as_slice);
    let id = |map: &Value| map["id"].as_u64().unwrap_or(0);
    let tables = maps
        .iter()
        .find(|m| m["name"] == "coral_tables" && held.contains(&id(m)));
    let tables = tables.map_or(0, id).to_string();
    let entries = list(&["map", "dump", "id", &tables])?;
    let entries = entries.as_array().map_or(&[][..], Vec::as_slice);
    let inner: Vec<u64> = entries.iter().filter_map(inner_id).collect();
    let own = maps.iter().filter(|map| inner.contains(&id(map)));
    let bytes = own
        .filter_map(|map| map["bytes_memlock"].as_u64())
        .sum::<u64>();
    Ok(rounded(bytes as f64 / 1e6, 2))
}

fn inner_id(entry: &Value) -> Option<u64> {
    let mut bytes = entry["value"].as_array()?.iter().rev();
    bytes.try_fold(0, |id, byte| {
        let digits = byte.as_str()?.trim_start_matches("0x");
        Some(id << 8 | u64::from_str_radix(digits, 16).ok()?)
    })
}

fn held_maps(pid: u32) -> Vec<u64> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fdinfo"));
    let texts = entries.into_iter().flatten().flatten();
    let texts = texts.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let id = |text: String| {
        text.lines()
            .find_map(|l| l.strip_prefix("map_id:")?.trim().parse().ok())
    };
    texts.filter_map(id).collect()
}

fn page(wish: &Wish, found: &[Found], tables_mb: f64) -> Page {
    let sum = |of: &dyn Fn(&&Found) -> bool| -> f64 {
        let (complete, user) = found
            .iter()
            .filter(of)
            .fold((0, 0), |(c, u), f| (c + f.complete, u + f.user));
        rounded(complete as f64 / (user as f64).max(1.0), 4)
    };
    let (native, all) = (sum(&|f| f.is_native), sum(&|_| true));
    let share = |f: &Found| rounded(f.complete as f64 / (f.user as f64).max(1.0), 4);
    let programs: serde_json::Map<String, Value> = found
        .iter()
        .map(|f| (f.name.to_owned(), share(f).into()))
        .collect();
    let samples: u64 = found.iter().map(|f| f.user).sum();
    let figures = json!({
        "complete_ratio": native, "all_ratio": all, "samples": samples, "tables_mb": tables_mb,
        "programs": programs,
    });
    let method = format!(
        "Each program is at work for some seconds before it is looked at, then {HZ} times a second and processor for {} s. \
        Counted are samples with frames of the program; complete are those whose outermost frame is `_start`, `main`, \
        `clone3`, `start_thread`, `runtime.goexit` or `rt0`. All are as Debian builds them, without frame pointers; node, \
        whose code is made while it runs, is not in the sum of native code.",
        wish.seconds
    );
    let mut page = Page::new("Stacks that reach the start", method, figures);
    page.row("native code", format!("{native:.4}"), "0.95");
    page.row("all", format!("{all:.4}"), "");
    page.row(
        "unwind tables in the kernel, MB",
        format!("{tables_mb}"),
        "64",
    );
    for f in found {
        let figure = format!("{:.4} of {} samples", share(f), f.user);
        page.row(f.name, figure, &format!("others begin at: {}", f.most()));
    }
    for f in found {
        for (path, (hint, samples)) in &f.missing {
            let figure = format!("{samples} samples of {}", f.unresolved);
            page.row(&format!("{}: no names in {path}", f.name), figure, hint);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_stacks_are_counted_over_native_programs() {
        let profile = json!({
            "unwind": { "user": 10, "complete": 9, "unresolved": 2 },
            "stacks": [
                { "frames": ["_start", "main"], "samples": 9 }, { "frames": ["x"], "samples": 1 },
            ],
            "missing": [{ "path": "/lib/a.so", "hint": "install it", "samples": 2 }],
        });
        let native = Found::of(&PROGRAMS[0], &profile);
        assert_eq!(native.most(), "x 1");
        let other = Found {
            user: 10,
            ..Found::default()
        };
        let wish = Wish {
            seconds: 1,
            rounds: 1,
            folder: None,
            synthetic: false,
        };
        let page = page(&wish, &[native, other], 1.5);
        assert_eq!(page.figures()["complete_ratio"], 0.9);
        assert_eq!(page.figures()["all_ratio"], 0.45);
        assert_eq!(
            inner_id(&json!({ "value": ["0xff", "0x01", "0x00", "0x00"] })),
            Some(511)
        );
    }
}
