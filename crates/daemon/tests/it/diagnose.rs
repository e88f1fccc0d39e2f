//! Faults of the shop are diagnosed while they last: the culprit is the first cause within a minute, a bundle of the incident says
//! the same, and before the first of them nothing stands out. `cargo test -p coral-daemon --test it diagnose -- --ignored
//! --nocapture`.

use crate::world::{World, able, text};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The culprit must be named within it.
const MINUTE: Duration = Duration::from_secs(60);
/// What is normal is learned for so long before the first fault.
const NORMAL: Duration = Duration::from_secs(180);
/// The stretch that is looked at, and the pause after a fault: the next one must not share its stretch.
const STRETCH: &str = "2m";
const BETWEEN: Duration = Duration::from_secs(125);

/// Faults, the service where they are, and the function when it burns processor time.
const FAULTS: [(&str, &str, Option<&str>); 3] = [
    ("slow-downstream", "payments", None),
    ("error-burst", "checkout", None),
    ("cpu-hot", "catalog", Some("burn")),
];

/// The first cause, as service and kind; `None` when none is named.
fn first(diagnosis: &Value) -> Option<(String, String)> {
    let cause = &diagnosis["causes"][0];
    let word = |field: &str| cause[field].as_str().map(str::to_owned);
    word("service").zip(word("kind"))
}

impl World {
    fn diagnosis(&self) -> Value {
        self.json(&["diagnose", "--since", STRETCH])
    }

    /// Waits until the culprit comes first, with its function when it has one; after how long, and what was said last.
    fn named(&self, culprit: &str, function: Option<&str>) -> (Option<Duration>, Value) {
        let begun = Instant::now();
        loop {
            let said = self.diagnosis();
            let is_it = first(&said).is_some_and(|(service, _)| service == culprit);
            let found = said["causes"][0]["function"].as_str();
            if is_it && (function.is_none() || found == function) {
                return (Some(begun.elapsed()), said);
            }
            if begun.elapsed() > MINUTE {
                return (None, said);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

#[test]
#[ignore = "takes minutes, and the shop's ports"]
fn the_culprit_of_a_fault_is_the_first_cause_within_a_minute() {
    if !able(&[]) {
        return;
    }
    let world = World::start_with_shop();
    std::thread::sleep(NORMAL);
    let calm = world.diagnosis();
    println!("before: {:?} in {} ms", first(&calm), calm["elapsed_ms"]);
    let mut wrong = vec![];
    for (fault, culprit, function) in FAULTS {
        world.switch("on", fault);
        let (after, said) = world.named(culprit, function);
        println!(
            "{fault:<16} {:?} {} after {after:?}, in {} ms",
            first(&said),
            said["causes"][0]["function"],
            said["elapsed_ms"]
        );
        println!(
            "{}",
            text(&world.coral(&["diagnose", "frontend", "--since", STRETCH]))
        );
        if after.is_none() {
            wrong.push(format!("{fault}: {said:#}"));
        } else if fault == FAULTS[0].0 {
            exported(&world);
        }
        world.switch("off", fault);
        std::thread::sleep(BETWEEN);
    }
    let events = world.json(&["query", "events", "--since", "1h"]);
    let began = |e: &&Value| e["kind"] == "anomaly_began";
    let events = events["events"].as_array().cloned().unwrap_or_default();
    let began: Vec<_> = events
        .iter()
        .filter(began)
        .map(|e| e["text"].clone())
        .collect();
    println!("{began:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        began.iter().any(|t| t.to_string().contains("payments")),
        "{began:?}"
    );
}

/// What is exported says the same as the colony.
fn exported(world: &World) {
    let folder = world.home.path().join("incident");
    let folder = folder.to_str().unwrap();
    let to = world.coral(&["incident", "export", "--since", STRETCH, "--to", folder]);
    assert!(to.status.success(), "{}", text(&to));
    let live = world.diagnosis();
    let read = world.json(&["diagnose", "--bundle", folder]);
    assert_eq!(
        first(&read).map(|(service, _)| service),
        first(&live).map(|(service, _)| service)
    );
    let again = world.coral(&["incident", "export", "--to", folder]);
    assert_eq!(again.status.code(), Some(1), "it is there");
    let verdict = world.coral(&["diagnose", "--bundle", folder, "--exit-code"]);
    assert!(matches!(verdict.status.code(), Some(0 | 1)));
}
