//! Profiles of one process, of a host, and of a build beside the one before it.

use super::builds::{built, copied};
use super::run::Running;
use super::session::{always, samples};
use crate::world::{World, able, eventually, free_port};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Starts a program that was built, under a name that others may have too.
fn started(folder: &Path, name: &str, script: &str, ms: u64) -> Running {
    let home = folder.join(free_port().to_string());
    std::fs::create_dir_all(&home).unwrap();
    let path = copied(&built(script), &home, name);
    let mut command = Command::new(&path);
    command.arg(ms.to_string());
    let mut running = Running::spawn(command, name.to_owned(), path);
    running.await_ready();
    running
}

const BARE: &str = "cc -O2 -Wl,--build-id burn.c drive.c -o out";

#[test]
fn a_process_and_a_host_have_profiles_of_their_own() {
    if !able(&["cc"]) {
        return;
    }
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let name = format!("twin-{}", free_port());
    let mut twins = [0, 1].map(|_| started(folder.path(), &name, BARE, 60_000));
    twins.iter_mut().for_each(Running::go);
    // The first samples of a program are those of nobody in particular.
    let known = |p: &Value| p["instances"].as_u64().is_some_and(|n| n >= 2);
    always(&world, &name, "both are known", known);
    let pid = twins[0].pid().to_string();
    let session = |arguments: &[&str]| {
        let all = [
            &["profile", "cpu"],
            arguments,
            &["--duration", "5s", "--hz", "199"],
        ];
        world.json(&all.concat())
    };
    let own = |profile: &Value| samples(profile, |frames| frames.contains(&"sixty"));
    let one = session(&["--pid", &pid]);
    assert!(own(&one) > 100, "{one:#}");
    let rows = world.json(&["status"]);
    let host = rows["agents"][0]["host"].as_str().unwrap().to_owned();
    let all = session(&["--host", &host]);
    assert!(own(&all) > 100, "{all:#}");
    assert!(all["instances"].as_u64().unwrap() >= 2, "{all:#}");
    let other = format!("pid:{}", twins[1].pid());
    let beside = world.json(&["profile", "cpu", &name, "--since", "5m", "--diff", &other]);
    assert!(beside["before_samples"].as_u64().unwrap() > 0, "{beside:#}");
    assert!(beside["samples"].as_u64().unwrap() > 0, "{beside:#}");
    let nobody = world.coral(&["profile", "cpu", "--host", "nowhere"]);
    assert_eq!(nobody.status.code(), Some(1));
}

/// Processor time of each build: more than 500 samples at 19 a second.
const LONG_MS: u64 = 40_000;

#[test]
#[ignore = "full tier: two builds run for 40 seconds each"]
fn a_build_that_spends_its_time_elsewhere_is_an_event() {
    if !able(&["cc"]) {
        return;
    }
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let name = format!("shipped-{}", free_port());
    let slower = format!("sed -i s/37000/370000/ burn.c; {BARE}");
    for script in [BARE, &slower] {
        let mut build = started(folder.path(), &name, script, LONG_MS);
        build.go();
        build.took_ns();
    }
    let mut told = Value::Null;
    eventually("the regression is an event", || {
        let events = world.json(&["query", "events", &name]);
        let rows = events["events"].as_array().unwrap().iter();
        told = rows
            .filter(|e| e["kind"] == "regression")
            .cloned()
            .collect();
        told.as_array().is_some_and(|told| !told.is_empty())
    });
    let text = told[0]["text"].as_str().unwrap();
    assert!(
        text.contains("of its processor time in ten ") && told.as_array().unwrap().len() == 1,
        "{told:#}"
    );
    let difference = [
        "profile",
        "cpu",
        &name,
        "--since",
        "1m",
        "--diff",
        "previous-build",
    ];
    let compared = world.json(&difference);
    assert!(
        compared["before_samples"].as_u64().unwrap() > 100,
        "{compared:#}"
    );
    assert_ne!(
        compared["builds"], compared["before_builds"],
        "{compared:#}"
    );
}
