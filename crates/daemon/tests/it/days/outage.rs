//! A colony that is gone for longer than the spool holds: the oldest goes first, and is counted to the last request.

use super::{Load, adds_up, dropped, signal};
use crate::world::{Nginx, World, able, eventually};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// After so long an interval has ended.
const INTERVAL: Duration = Duration::from_secs(11);
/// On a quiet host it takes this long at most to fill a small spool.
const MOST: Duration = Duration::from_secs(90);

/// Stops the colony under load, with a spool of so many bytes, for at least so long and until an interval has gone for lack
/// of room; then it is killed as it stands, so that the agent begins anew with what was on its way.
fn outage(least: Duration, spool_bytes: &'static str) {
    if !able(&["nginx", "hey"]) {
        return;
    }
    let nginx = Nginx::start();
    let environment = [
        ("CORAL_SPOOL_BYTES", spool_bytes),
        ("CORAL_DEATHS_WITHIN_S", "1"),
    ];
    let world = World::beside_others(&environment);
    world.up();
    let load = Load::start(&nginx);
    let (before, counts) = (world.pid("colony"), || {
        world.figures(&nginx.service(), "server").0
    });
    eventually("it counts", || counts() > 0);
    signal(before, Signal::SIGSTOP);
    overflows(&world, least);
    signal(before, Signal::SIGKILL);
    let back = || world.pid("colony") != before && world.coral(&["status"]).status.success();
    eventually("the colony is back", back);
    load.end();
    eventually("what was dropped is told", || {
        dropped(&world, &nginx.service()) > 0
    });
    adds_up(&world, &nginx);
    let loss = world.json(&["query", "summary"])["loss"].clone();
    assert!(loss["summaries_dropped"].as_u64() > Some(0), "{loss}");
}

/// Waits until all that was in the spool after an interval's end has gone from it.
fn overflows(world: &World, least: Duration) {
    let (agent, stopped) = (world.pid("agent"), Instant::now());
    let mut whole_interval = None;
    loop {
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(world.pid("agent"), agent, "the agent ended");
        // The newest batch is always there, and on a busy host it is a large one.
        let (bytes, names) = spooled(world);
        assert!(bytes < 1 << 20, "{bytes} in the spool");
        if stopped.elapsed() > INTERVAL && whole_interval.is_none() {
            whole_interval = names.last().cloned();
        }
        let gone = whole_interval.is_some() && names.first() > whole_interval.as_ref();
        if gone && stopped.elapsed() >= least {
            return;
        }
        assert!(
            stopped.elapsed() < least + MOST,
            "the spool holds all: {names:?}"
        );
    }
}

/// Bytes and names of the files of batches that wait on disk, oldest first.
fn spooled(world: &World) -> (u64, Vec<String>) {
    let spool = world.home.path().join("state/agent/local/spool");
    let files = std::fs::read_dir(&spool).unwrap().flatten();
    let (mut bytes, mut names) = (0, vec![]);
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".batches") {
            bytes += file.metadata().map_or(0, |meta| meta.len());
            names.push(name);
        }
    }
    names.sort();
    (bytes, names)
}

#[test]
fn a_colony_away_for_longer_than_the_spool_holds_costs_what_is_counted_as_lost() {
    outage(Duration::ZERO, "16384");
}

#[test]
#[ignore = "full tier"]
fn a_colony_away_for_five_minutes() {
    outage(Duration::from_secs(300), "131072");
}
