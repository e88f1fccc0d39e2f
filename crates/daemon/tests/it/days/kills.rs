//! kill -9, again and again, under load.

use super::{CONNECTIONS, Load, events, resident_mb, signal};
use crate::world::{Nginx, World, able, eventually, run};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;

/// A supervisor gives a role up that dies five times in a minute; here a death is forgotten soon.
const PACED: &[(&str, &str)] = &[("CORAL_DEATHS_WITHIN_S", "1")];
/// Memory of any of them stays below, in megabytes; the tests run programs that are not optimised.
const MEMORY_MB: u64 = 400;

fn back(world: &World, role: &str, before: i32) {
    let answers = || world.coral(&["status"]).status.success();
    eventually("it is back", || world.pid(role) != before && answers());
}

fn colony(times: u32) {
    if !able(&["nginx", "hey"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start_with(PACED);
    let load = Load::start(&nginx);
    for _ in 0..times {
        let before = world.pid("colony");
        signal(before, Signal::SIGKILL);
        back(&world, "colony", before);
    }
    load.end();
    let truth = nginx.truth();
    assert!(truth.0 > 100 * u64::from(times), "hey sent {truth:?}");
    let figures = |w: &World| w.figures(&nginx.service(), "server");
    eventually("all of it arrived", || figures(&world).0 >= truth.0);
    assert_eq!(world.quiescent(figures), truth, "{}", world.shown());
    let gaps = events(&world, "gap");
    assert!(gaps.is_empty(), "the agent lived all the time: {gaps:?}");
    for role in ["colony", "agent", "supervisor"] {
        let mb = resident_mb(world.pid(role));
        assert!(mb < MEMORY_MB, "{role} has {mb} MB");
    }
}

#[test]
fn a_colony_killed_ten_times_under_load_loses_nothing() {
    colony(10);
}

/// The kernel programs that a process holds.
fn held(pid: i32) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fdinfo"));
    let text = |e: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(e.ok()?.path()).ok();
    let texts = entries.into_iter().flatten().filter_map(text);
    let id = |text: String| {
        let line = text.lines().find_map(|l| l.strip_prefix("prog_id:"));
        line.and_then(|id| id.trim().parse().ok())
    };
    texts.filter_map(id).collect()
}

/// The kernel programs that there are.
fn loaded() -> BTreeSet<u64> {
    let output = run("bpftool", &["-j", "prog", "show"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = list.as_array().unwrap().iter();
    ids.map(|p| p["id"].as_u64().unwrap()).collect()
}

fn seconds(time: &serde_json::Value) -> f64 {
    let time: jiff_like::Moment = time.as_str().unwrap().parse().unwrap();
    time.0
}

/// RFC 3339 as the commands write it, in UTC.
mod jiff_like {
    pub struct Moment(pub f64);

    impl std::str::FromStr for Moment {
        type Err = std::num::ParseFloatError;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            let number = |range: std::ops::Range<usize>| text[range].parse::<f64>();
            let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
            // Days since 1970 after Hinnant: years begin in March.
            let (y, m) = if month > 2.0 {
                (year, month - 3.0)
            } else {
                (year - 1.0, month + 9.0)
            };
            let era = (y / 400.0).floor();
            let yoe = y - era * 400.0;
            let doy = ((153.0 * m + 2.0) / 5.0).floor() + day - 1.0;
            let doe = yoe * 365.0 + (yoe / 4.0).floor() - (yoe / 100.0).floor() + doy;
            let days = era * 146_097.0 + doe - 719_468.0;
            let clock = number(11..13)? * 3600.0 + number(14..16)? * 60.0;
            Ok(Self(
                days * 86_400.0 + clock + text[17..].trim_end_matches('Z').parse::<f64>()?,
            ))
        }
    }
}

fn agent(times: u32) {
    if !able(&["nginx", "hey", "bpftool"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start_with(PACED);
    let load = Load::start(&nginx);
    let mut all = BTreeSet::new();
    let counts = || world.figures(&nginx.service(), "server").0;
    for kills in 1..=times as usize {
        let seen = counts();
        eventually("it counts", || counts() > seen);
        let before = world.pid("agent");
        let programs = held(before);
        assert!(!programs.is_empty(), "the agent holds no program");
        all.extend(programs.iter().copied());
        signal(before, Signal::SIGKILL);
        eventually("its programs are gone", || loaded().is_disjoint(&programs));
        eventually("the gap is an event", || {
            events(&world, "gap").len() == kills
        });
    }
    load.end();
    let sum = world.quiescent(|w| w.figures(&nginx.service(), "server")).0;
    outside_the_gaps(&world, &nginx, sum);
    run(
        &nginx.client("hey").0,
        &["-n", "400", "-c", "4", &nginx.url("/hello")],
    );
    let after = world.quiescent(|w| w.figures(&nginx.service(), "server")).0;
    assert_eq!(after, sum + 400, "{}", world.shown());
    let mb = resident_mb(world.pid("agent"));
    assert!(mb < MEMORY_MB, "the agent has {mb} MB");
    all.extend(held(world.pid("agent")));
    assert!(world.coral(&["down"]).status.success());
    eventually("nothing is left", || loaded().is_disjoint(&all));
}

/// What ended outside the gaps is counted; of the requests under way when an agent begins it saw no beginning.
fn outside_the_gaps(world: &World, nginx: &Nginx, sum: u64) {
    let gaps: Vec<(f64, f64)> = events(world, "gap")
        .iter()
        .map(|gap| (seconds(&gap["at"]), seconds(&gap["until"])))
        .collect();
    let outside = |at: &&f64| !gaps.iter().any(|(from, until)| from <= *at && *at <= until);
    let moments = nginx.moments();
    let outside = moments.iter().filter(outside).count() as u64;
    let under_way = CONNECTIONS.parse::<u64>().unwrap() * gaps.len() as u64;
    let all = moments.len() as u64;
    assert!(sum <= all, "{sum} of {all}: counted twice");
    assert!(
        sum + under_way >= outside,
        "{sum} of {outside} outside {gaps:?}\n{}",
        world.shown()
    );
}

#[test]
fn an_agent_killed_under_load_leaves_nothing_and_counts_all_outside_its_gaps() {
    agent(3);
}

#[test]
#[ignore = "full tier"]
fn an_agent_killed_ten_times_under_load() {
    agent(10);
}

/// Whether a process still holds files, such as its lock.
fn has_files(pid: i32) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
    files.is_ok_and(|mut files| files.next().is_some())
}

fn supervisor(times: u32) {
    if !able(&["nginx", "hey", "bpftool"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start_with(PACED);
    let load = Load::start(&nginx);
    for _ in 0..times {
        let pids = ["supervisor", "colony", "agent"].map(|role| (role, world.pid(role)));
        let programs = held(pids[2].1);
        signal(pids[0].1, Signal::SIGKILL);
        eventually("it is gone", || !has_files(pids[0].1));
        world.up();
        for (role, before) in pids {
            back(&world, role, before);
        }
        eventually("its programs are gone", || loaded().is_disjoint(&programs));
    }
    load.end();
    let sum = world.quiescent(|w| w.figures(&nginx.service(), "server")).0;
    outside_the_gaps(&world, &nginx, sum);
    let programs = held(world.pid("agent"));
    assert!(world.coral(&["down"]).status.success());
    eventually("nothing is left", || loaded().is_disjoint(&programs));
}

#[test]
fn a_supervisor_killed_takes_its_own_along_and_the_next_one_starts() {
    supervisor(2);
}

#[test]
#[ignore = "full tier"]
fn a_supervisor_killed_ten_times_under_load() {
    supervisor(10);
}
