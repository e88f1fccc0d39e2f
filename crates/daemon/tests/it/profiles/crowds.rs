//! Many: processes that live for a moment, and threads by the thousand. No crash, no unbounded memory, and the samples are
//! where they belong or said to be nobody's.

use super::builds::{built, copied};
use super::run::Running;
use super::session::{always, samples};
use crate::world::{World, able, eventually, free_port, text};
use serde_json::Value;
use std::process::Command;

/// How often a second each processor is looked at, always.
const HZ: f64 = 19.0;
/// What the agent itself may take at its peak, in megabytes, by its design.
pub const AGENT_MB: f64 = 60.0;
/// What the reader of symbols may have beside it for a while: its data is bounded to so much, what it maps belongs to
/// files.
pub const READER_MB: f64 = 512.0;

#[test]
fn processes_that_live_for_a_moment_are_sampled_under_their_program() {
    if !able(&["cc"]) {
        return;
    }
    const RUNS: u32 = 500;
    const EACH_MS: u32 = 10;
    let world = World::start();
    let agent = world.pid("agent");
    let folder = tempfile::tempdir().unwrap();
    let name = format!("moment-{}", free_port());
    let program = copied(&built("cc -O2 moment.c -o out"), folder.path(), &name);
    let script = format!("i=0; while [ $i -lt {RUNS} ]; do \"$0\" {EACH_MS}; i=$((i+1)); done");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(&program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    // Samples by chance: as many as expected, within four times what chance makes of it.
    let expected = f64::from(RUNS * EACH_MS) / 1e3 * HZ;
    let least = expected - 4.0 * expected.sqrt();
    // The kernel knows fifteen characters of a program's name, which is all that is left of one that has ended.
    let total = |world: &World| {
        let known = services(world).into_iter();
        let own = known.filter(|s| name.starts_with(s.as_str()) && s.starts_with("moment-"));
        own.map(|service| profile(world, &service)).sum::<f64>()
    };
    eventually("its samples have come", || total(&world) >= least);
    let found = total(&world);
    assert!(
        found < expected + 5.0 * expected.sqrt(),
        "{found} samples of {expected}"
    );
    assert_eq!(world.pid("agent"), agent, "{}", world.shown());
    eprintln!("{found} samples of {expected}");
}

fn services(world: &World) -> Vec<String> {
    let services = world.json(&["services", "--all"]);
    let rows = services["services"].as_array().unwrap().iter();
    rows.filter_map(|row| Some(row["service"].as_str()?.to_owned()))
        .collect()
}

fn profile(world: &World, service: &str) -> f64 {
    let output = world.coral(&["profile", "cpu", service, "--since", "10m", "-o", "json"]);
    let profile: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    profile["samples"].as_f64().unwrap_or(0.0)
}

#[test]
fn thousands_of_threads_are_one_program_and_cost_little_memory() {
    if !able(&["cc"]) {
        return;
    }
    let world = World::start();
    let agent = world.pid("agent");
    let before = pss_mb(agent);
    let folder = tempfile::tempdir().unwrap();
    let build = "cc -O2 crowd.c -o out -pthread";
    let mut crowd = Running::start(folder.path(), "crowd", build, 5_000);
    let made = crowd.took_ns()[0];
    assert!(made >= 1_000, "this machine allows {made} threads");
    let profile = always(&world, &crowd.name, "its samples have names", |p| {
        p["samples"].as_u64() >= Some(150) && samples(p, |f| f.contains(&"stir")) >= 100
    });
    let (mut most, mut reader) = (0.0_f64, 0.0_f64);
    eventually("it was watched for a while", || {
        let now = pss_mb(agent);
        (most, reader) = (most.max(now.0), reader.max(now.1));
        self::profile(&world, &crowd.name) > 300.0
    });
    let threads = profile["stacks"].as_array().unwrap().iter();
    let named = threads.filter(|s| {
        s["thread"]
            .as_str()
            .is_some_and(|t| t.starts_with("member-"))
    });
    assert!(named.count() > 50, "{profile:#}");
    let said = format!("agent {before:?} MB before, {most:.1} at most, reader {reader:.1}");
    eprintln!("{made} threads, {said}");
    assert!(most < AGENT_MB && reader < READER_MB, "{said}");
    assert_eq!(world.pid("agent"), agent, "{}", world.shown());
}

/// Proportional set size in megabytes: of a process, and of those that it started.
pub fn pss_mb(pid: i32) -> (f64, f64) {
    let of = |pid: i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    };
    let children: f64 = children(pid).into_iter().filter_map(of).sum();
    (of(pid).unwrap_or(0.0) / 1024.0, children / 1024.0)
}

/// The processes that one has started.
pub fn children(pid: i32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children"));
    let texts = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|t| of_task(t).ok());
    let pids = |text: String| -> Vec<i32> {
        text.split_whitespace()
            .filter_map(|p| p.parse().ok())
            .collect()
    };
    texts.flat_map(pids).collect()
}
