//! Finer profiles, taken by the command that a person uses; and what the agent holds of them.

use crate::world::{PATIENCE, World, beside, eventually, run, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How often a second and processor.
pub const HZ: u64 = 999;

/// A session that runs.
pub struct Session {
    command: Child,
    service: String,
}

impl Session {
    /// Begins one about a service that the colony knows.
    pub fn begin(world: &World, service: &str) -> Self {
        eventually("the service is known", || knows(world, service));
        let mut command = world.command(&beside("coral"));
        command.args(["profile", "cpu", service, "--duration", "10m"]);
        command.args(["--hz", &HZ.to_string(), "-o", "json"]);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            command: piped.spawn().unwrap(),
            service: service.to_owned(),
        }
    }

    /// Ends it as Ctrl-C does, which shows what there is.
    pub fn end(self) -> Value {
        kill(Pid::from_raw(self.command.id() as i32), Signal::SIGINT).unwrap();
        let output = self.command.wait_with_output().unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{}: {said}", self.service);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn knows(world: &World, service: &str) -> bool {
    let services = world.json(&["services"]);
    let rows = services["services"].as_array().unwrap();
    rows.iter().any(|row| row["service"] == service)
}

/// Waits until the kernel side aims at so many processes for sessions of this world.
pub fn await_aimed(world: &World, processes: usize) {
    let held = ids(world.pid("agent"), "map_id:");
    let maps = bpftool(&["map", "show"]);
    let targets = maps.as_array().unwrap().iter().find(|map| {
        let id = map["id"].as_u64().unwrap();
        map["name"] == "coral_targets" && held.contains(&id)
    });
    let id = targets.unwrap()["id"].to_string();
    let mut aimed = 0;
    let until = Instant::now() + PATIENCE;
    while aimed < processes {
        assert!(
            Instant::now() < until,
            "{aimed} of {processes} are aimed at"
        );
        std::thread::sleep(Duration::from_millis(200));
        let entries = bpftool(&["map", "dump", "id", &id]);
        aimed = entries.as_array().map_or(0, Vec::len);
    }
}

/// What the descriptors of a process say of themselves under a word.
fn ids(pid: i32, word: &str) -> Vec<u64> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fdinfo"));
    let texts = entries.into_iter().flatten().flatten();
    let texts = texts.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let id = |text: String| {
        text.lines()
            .find_map(|l| l.strip_prefix(word)?.trim().parse().ok())
    };
    texts.filter_map(id).collect()
}

fn bpftool(arguments: &[&str]) -> Value {
    let output = run("bpftool", &[&["-j"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The samples that are always taken of a service, when they satisfy.
pub fn always(
    world: &World,
    service: &str,
    what: &str,
    mut holds: impl FnMut(&Value) -> bool,
) -> Value {
    let mut profile = Value::Null;
    eventually(what, || {
        let arguments = ["profile", "cpu", service, "--since", "10m", "-o", "json"];
        let output = world.coral(&arguments);
        profile = serde_json::from_slice(&output.stdout).unwrap_or_default();
        !profile.is_null() && holds(&profile)
    });
    profile
}

/// Waits until samples of these services have come in and those that have names have got them: nothing changes any more.
pub fn settle(world: &World, services: &[&str]) {
    let until = Instant::now() + 2 * PATIENCE;
    let (mut last, mut same) = (vec![], 0);
    while same < 2 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1100));
        let now: Vec<_> = services.iter().map(|s| figures(world, s)).collect();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
}

fn figures(world: &World, service: &str) -> (Value, Value) {
    let profile = world.json(&["profile", "cpu", service, "--since", "10m"]);
    (
        profile["samples"].clone(),
        profile["unwind"]["unresolved"].clone(),
    )
}

/// The stacks of a profile: names from the outermost, and samples.
pub fn stacks(profile: &Value) -> Vec<(Vec<&str>, u64)> {
    let all = profile["stacks"].as_array().unwrap().iter();
    all.map(|stack| {
        let frames = stack["frames"].as_array().unwrap().iter();
        let frames = frames.map(|f| f.as_str().unwrap()).collect();
        (frames, stack["samples"].as_u64().unwrap())
    })
    .collect()
}

/// Samples of stacks that satisfy.
pub fn samples(profile: &Value, holds: impl Fn(&[&str]) -> bool) -> u64 {
    let all = stacks(profile).into_iter();
    all.filter(|(frames, _)| holds(frames))
        .map(|(_, n)| n)
        .sum()
}

/// Whether these names follow one another without anything between.
pub fn follows(frames: &[&str], chain: &[&str]) -> bool {
    frames.windows(chain.len()).any(|part| part == chain)
}
