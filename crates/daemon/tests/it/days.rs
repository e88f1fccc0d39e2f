//! Bad days: deaths of every process under load, a full disk, a colony that is gone for longer than the spool holds, a
//! clock that jumps. Nothing ends for good, and what Coral says still adds up to what the server's own log says.

mod clock;
mod disk;
mod kills;
mod outage;

use crate::world::{Nginx, World, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

/// A stream of requests until it is dropped: the load under which things die.
struct Load(Child);

impl Load {
    fn start(nginx: &Nginx) -> Self {
        let (hey, _) = nginx.client("hey");
        let load = Command::new(hey)
            .args([
                "-z",
                "300s",
                "-c",
                CONNECTIONS,
                "-q",
                "100",
                &nginx.url("/hello"),
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(load)
    }

    /// Ends it; the requests that were under way are answered.
    fn end(mut self) {
        signal(self.0.id() as i32, Signal::SIGINT);
        let _ = self.0.wait();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CONNECTIONS: &str = "4";

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// Resident memory of a process in megabytes.
fn resident_mb(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kilobytes = line.map(|l| l.trim().trim_end_matches(" kB").parse::<u64>().unwrap());
    kilobytes.unwrap_or(0) / 1024
}

/// The events of a kind.
fn events(world: &World, kind: &str) -> Vec<Value> {
    let events = world.json(&["query", "events"])["events"].clone();
    let all = events.as_array().unwrap().clone();
    all.into_iter().filter(|e| e["kind"] == kind).collect()
}

/// The number before `word` in a text.
fn number_before(text: &str, word: &str) -> u64 {
    let (before, _) = text.split_once(word).unwrap();
    before.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Requests that a service served, of batches that the agent dropped, as its events say.
fn dropped(world: &World, service: &str) -> u64 {
    let gaps = events(world, "gap");
    let own = gaps.iter().filter(|gap| gap["service"] == service);
    let texts = own.filter_map(|gap| gap["text"].as_str());
    let dropped = texts.filter(|text| text.contains("were dropped"));
    dropped
        .map(|text| number_before(text, " requests served"))
        .sum()
}

/// Requests that are stored, by a statement over all intervals.
fn stored(world: &World, service: &str) -> u64 {
    let sql = format!(
        "SELECT coalesce(sum(requests), 0) FROM requests WHERE service = '{service}' AND side = 'server'"
    );
    world.json(&["query", "sql", &sql])["rows"][0][0]
        .as_u64()
        .unwrap()
}

/// Stored and dropped together are what the server logged, in the end.
fn adds_up(world: &World, nginx: &Nginx) {
    let truth = nginx.truth().0;
    let all = || stored(world, &nginx.service()) + dropped(world, &nginx.service());
    eventually("what is stored and what was dropped add up", || {
        all() >= truth
    });
    assert_eq!(world.quiescent(|_| all()), truth, "{}", world.shown());
}
