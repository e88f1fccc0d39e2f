//! The load generators: hey, which sends an exact number and stamps every request, and wrk, which is quicker.

use crate::failure::{Failure, Trying as _};
use crate::program;
use std::process::Command;

/// What hey says of a run.
#[derive(Debug, Default, PartialEq)]
pub struct Hey {
    /// Requests a second.
    pub rate: f64,
    /// Answers with this status class, by its first digit.
    pub answers: [u64; 6],
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Requests that failed without an answer.
    pub failed: u64,
}

fn hey_program() -> Result<Command, Failure> {
    let path = program::find("hey")
        .ok_or_else(|| Failure::new("there is no hey").hint("run: apt-get install hey"))?;
    let mut command = Command::new(path);
    command.env("OTEL_SERVICE_NAME", "bench-hey");
    Ok(command)
}

/// Runs hey and reads its summary.
pub fn hey(arguments: &[&str]) -> Result<Hey, Failure> {
    let printed = program::output(hey_program()?.args(arguments))?;
    read_hey(&printed).ok_or_else(|| Failure::new(format!("hey printed no summary:\n{printed}")))
}

fn read_hey(printed: &str) -> Option<Hey> {
    let after = |word: &str| {
        let line = printed
            .lines()
            .find_map(|line| line.trim().strip_prefix(word))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let mut hey = Hey {
        rate: after("Requests/sec:")?,
        p50_ms: after("50% in").unwrap_or(0.0) * 1e3,
        p99_ms: after("99% in").unwrap_or(0.0) * 1e3,
        ..Hey::default()
    };
    let (_, tail) = printed
        .split_once("Status code distribution:")
        .unwrap_or_default();
    for line in tail
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('['))
    {
        let (code, rest) = line[1..].split_once(']')?;
        let Some(count) = rest
            .split_whitespace()
            .next()
            .and_then(|n| n.parse::<u64>().ok())
        else {
            // An error: `[3] Get "http://...": EOF`.
            hey.failed += code.parse::<u64>().unwrap_or(0);
            continue;
        };
        let class = code.parse::<usize>().ok()? / 100;
        *hey.answers.get_mut(class)? += count;
    }
    Some(hey)
}

/// Every duration of a run in milliseconds, as hey stamped it, sorted.
pub fn hey_durations(arguments: &[&str]) -> Result<Vec<f64>, Failure> {
    let printed = program::output(hey_program()?.args(["-o", "csv"]).args(arguments))?;
    let first = |line: &str| line.split(',').next()?.parse::<f64>().ok();
    let mut durations: Vec<_> = printed
        .lines()
        .skip(1)
        .filter_map(first)
        .map(|s| s * 1e3)
        .collect();
    durations.sort_by(f64::total_cmp);
    if durations.is_empty() {
        return Err(Failure::new("hey stamped no request"));
    }
    Ok(durations)
}

/// What wrk says of a run.
#[derive(Debug, PartialEq)]
pub struct Wrk {
    pub requests: u64,
    pub rate: f64,
}

/// Runs wrk flat out, one thread, 32 connections.
pub fn wrk(url: &str, seconds: u32) -> Result<Wrk, Failure> {
    let path = program::find("wrk")
        .ok_or_else(|| Failure::new("there is no wrk").hint("run: apt-get install wrk"))?;
    let length = format!("-d{seconds}s");
    let mut command = Command::new(path);
    command.env("OTEL_SERVICE_NAME", "bench-wrk");
    let printed = program::output(command.args(["-t1", "-c32", &length, url]))?;
    read_wrk(&printed).trying("read what wrk printed")
}

fn read_wrk(printed: &str) -> Result<Wrk, String> {
    let find = || {
        let (before, _) = printed.split_once(" requests in ")?;
        let requests = before.split_whitespace().next_back()?.parse().ok()?;
        let (_, rate) = printed.split_once("Requests/sec:")?;
        let rate = rate.split_whitespace().next()?.parse().ok()?;
        Some(Wrk { requests, rate })
    };
    find().ok_or_else(|| printed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_summaries() {
        let hey = "Summary:\n  Requests/sec:\t12345.5\n\nLatency distribution:\n  50% in 0.0021 secs\n  99% in 0.0105 secs\n\nStatus code distribution:\n  [200]\t90 responses\n  [500]\t7 responses\n\nError distribution:\n  [3]\tGet \"http://x\": EOF\n";
        let read = read_hey(hey).unwrap();
        assert_eq!(
            (read.rate, read.answers[2], read.answers[5], read.failed),
            (12345.5, 90, 7, 3)
        );
        assert!((read.p99_ms - 10.5).abs() < 1e-9);
        assert!(read_hey("").is_none());
        let wrk = "Running 1s test\n  1 threads and 32 connections\n  8400 requests in 1.00s, 1.2MB read\nRequests/sec:   8391.20\n";
        assert_eq!(
            read_wrk(wrk),
            Ok(Wrk {
                requests: 8400,
                rate: 8391.2
            })
        );
        assert!(read_wrk("no").is_err());
    }
}
