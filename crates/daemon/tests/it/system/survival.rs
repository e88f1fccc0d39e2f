//! The death of the agent: nothing stays, and it comes back. More deaths, under load, are in `days`.

use crate::world::{World, able, eventually, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;

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
