//! Deaths: of the colony under load, of the agent.

use crate::world::{Nginx, World, able, eventually, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn a_colony_killed_under_load_loses_nothing() {
    if !able(&["nginx", "hey"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start();
    let mut load = Command::new("hey")
        .stdout(Stdio::null())
        .args(["-z", "9s", "-c", "4", "-q", "200", &nginx.url("/hello")])
        .spawn()
        .unwrap();
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(2600));
        let before = world.pid("colony");
        kill(Pid::from_raw(before), Signal::SIGKILL).unwrap();
        let back = || world.pid("colony") != before && world.coral(&["status"]).status.success();
        eventually("the colony is back", back);
    }
    assert!(load.wait().unwrap().success());
    let truth = nginx.truth();
    assert!(truth.0 > 2_000, "hey sent {truth:?}");
    eventually("all of it arrived", || {
        world.figures(&nginx.service(), "server").0 >= truth.0
    });
    assert_eq!(
        world.quiescent(|w| w.figures(&nginx.service(), "server")),
        truth
    );
}

/// Ids of the kernel programs whose name begins as Coral's do.
fn programs() -> BTreeSet<u64> {
    let output = run("bpftool", &["-j", "prog", "show"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours = |p: &&serde_json::Value| p["name"].as_str().is_some_and(|n| n.starts_with("coral_"));
    list.as_array()
        .unwrap()
        .iter()
        .filter(ours)
        .map(|p| p["id"].as_u64().unwrap())
        .collect()
}

#[test]
fn an_agent_killed_leaves_nothing_and_comes_back_with_a_gap() {
    if !able(&["bpftool"]) {
        return;
    }
    let strangers = programs();
    let world = World::start();
    let own = || {
        programs()
            .difference(&strangers)
            .copied()
            .collect::<BTreeSet<u64>>()
    };
    let first = own();
    assert!(
        !first.is_empty(),
        "no program named coral_ while the agent runs"
    );
    let before = world.pid("agent");
    kill(Pid::from_raw(before), Signal::SIGKILL).unwrap();
    eventually("its programs are gone", || own().is_disjoint(&first));
    eventually("it is back", || {
        world.pid("agent") != before && !own().is_empty()
    });
    let gap = || {
        let events = world.json(&["query", "events"]);
        events["events"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["kind"] == "gap" && !e["until"].is_null())
    };
    eventually("the gap is an event", gap);
    assert!(world.coral(&["down"]).status.success());
    eventually("nothing is left", || own().is_empty());
}
