//! A colony that is gone for longer than the spool holds: the oldest goes first, and is counted to the last request.

use super::{Load, adds_up, dropped, signal};
use crate::world::{Nginx, World, able, eventually};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Stops the colony for so long, under load, with a spool of so many bytes; then it is killed as it stands, so that the
/// agent begins anew with what was on its way.
fn outage(long: Duration, spool_bytes: &'static str) {
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
    let (agent, stopped) = (world.pid("agent"), Instant::now());
    signal(before, Signal::SIGSTOP);
    while stopped.elapsed() < long {
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(world.pid("agent"), agent, "the agent ended");
        // The newest batch is always there, and on a busy host it is a large one.
        let bytes = spooled(&world);
        assert!(bytes < 1 << 20, "{bytes} in the spool");
    }
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

/// Bytes of the batches that wait on disk.
fn spooled(world: &World) -> u64 {
    let spool = world.home.path().join("state/agent/local/spool");
    let files = std::fs::read_dir(&spool).unwrap().flatten();
    let batches = files.filter(|f| f.path().extension().is_some_and(|e| e == "batches"));
    batches.filter_map(|f| Some(f.metadata().ok()?.len())).sum()
}

#[test]
fn a_colony_away_for_longer_than_the_spool_holds_costs_what_is_counted_as_lost() {
    outage(Duration::from_secs(32), "16384");
}

#[test]
#[ignore = "full tier"]
fn a_colony_away_for_five_minutes() {
    outage(Duration::from_secs(300), "131072");
}
