//! How soon a request can be seen after it ended.

use crate::world::{Nginx, World, able, eventually, run};
use std::time::{Duration, Instant};

/// In figures that pulses tell: those that are watched.
const WATCHED: Duration = Duration::from_secs(2);
/// In figures that only whole intervals tell, such as those by route.
const OTHERWISE: Duration = Duration::from_secs(12);
/// Other programs may keep the processors for themselves now and then: one of so many must do.
const ROUNDS: usize = 3;

/// How long after its end one more request shows in `count`, and in how many rounds the limit held.
fn within(limit: Duration, ask: impl Fn(), count: impl Fn() -> u64) -> Vec<Duration> {
    let mut took = vec![];
    while took.len() < ROUNDS && took.last().is_none_or(|took| *took > limit) {
        let before = count();
        ask();
        let ended = Instant::now();
        eventually("the request is seen", || count() > before);
        took.push(ended.elapsed());
    }
    took
}

fn by_route(world: &World, service: &str) -> u64 {
    let output = world.coral(&["query", "metrics", service, "-o", "json"]);
    let metrics: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let rows = metrics["rows"].as_array().into_iter().flatten();
    rows.map(|row| row["requests"].as_u64().unwrap()).sum()
}

#[test]
fn a_request_is_seen_two_seconds_after_its_end_and_by_route_after_twelve() {
    if !able(&["nginx", "curl"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start();
    let (curl, service) = (nginx.client("curl").0, nginx.service());
    let get = || drop(run(&curl, &["-s", "-o", "/dev/null", &nginx.url("/hello")]));
    let seen = within(WATCHED, get, || world.figures(&service, "server").0);
    assert!(seen.iter().any(|took| *took <= WATCHED), "{seen:?}");
    let seen = within(OTHERWISE, get, || by_route(&world, &service));
    assert!(seen.iter().any(|took| *took <= OTHERWISE), "{seen:?}");
    let status = world.json(&["status"]);
    let freshness = status["agents"][0]["freshness_s"].as_f64().unwrap();
    println!("freshness_s {freshness}");
    assert!(freshness > 0.0 && freshness < 12.0, "{status}");
}
