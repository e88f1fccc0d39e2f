//! Measurements of hosts and processes, ten seconds each.

use crate::{Observed, Window};

/// One measurement of a host. Names are a fixed vocabulary, the unit at their end (`_ratio` is 0 to 1):
/// `cpu.busy_ratio`, `mem.available_bytes`, `disk.await_ms`, ...
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// What is measured, from the vocabulary in `docs/GLOSSARY.md`.
    pub name: String,
    /// Of what: a disk, a mount point, an interface, a control group; empty for the host as a whole.
    pub label: Observed,
    /// The mean over the interval, or the last value of what only goes up and down.
    pub value: f64,
}

/// All measurements of one host in one interval.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSample {
    /// The interval.
    pub window: Window,
    /// What was measured; what could not be read is left out, never 0.
    pub gauges: Vec<Gauge>,
}

/// One process in one interval.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSample {
    /// The interval.
    pub window: Window,
    /// Index into the batch's instances.
    pub instance: u32,
    /// Processor time per time, in cores.
    pub cpu_cores: f64,
    /// Resident memory at the end of the interval.
    pub rss_bytes: u64,
    /// Open descriptors, where they may be counted.
    pub fds: Option<u32>,
    /// Threads.
    pub threads: u32,
}
