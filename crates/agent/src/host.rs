//! Measurements of the host and of known processes, every ten seconds at the interval's edge.
//!
//! Parsers are functions over text, readers are small, and what cannot be read is left out: a gauge is never 0 because
//! nothing is known. The vocabulary; the unit stands at the end of each name, `_ratio` is 0 to 1:
//!
//! | name | label | means |
//! |---|---|---|
//! | `cpu.busy_ratio` | | time that was neither idle nor iowait |
//! | `cpu.user_ratio`, `cpu.system_ratio`, `cpu.iowait_ratio`, `cpu.steal_ratio` | | shares of all processors' time; user with nice, system with interrupts |
//! | `cpu.cores` | | processors that are online |
//! | `mem.total_bytes`, `mem.available_bytes` | | as in meminfo |
//! | `mem.used_ratio` | | 1 - available / total |
//! | `swap.total_bytes`, `swap.used_bytes`, `swap.used_ratio` | | ratio only where there is swap |
//! | `swap.in_bytes_per_s`, `swap.out_bytes_per_s` | | memory that came from and went to swap |
//! | `load.1m_tasks`, `load.5m_tasks`, `load.15m_tasks` | | load averages |
//! | `pressure.cpu_some_ratio`, `pressure.memory_some_ratio`, `pressure.io_some_ratio` | | share of the interval in which some task waited |
//! | `pressure.memory_full_ratio`, `pressure.io_full_ratio` | | share in which all did |
//! | `disk.reads_per_s`, `disk.writes_per_s` | disk | requests |
//! | `disk.read_bytes_per_s`, `disk.write_bytes_per_s` | disk | bytes |
//! | `disk.await_ms` | disk | mean time of a request, in queue and device; left out without requests |
//! | `disk.busy_ratio` | disk | share of the time with a request under way |
//! | `fs.size_bytes`, `fs.used_bytes` | mount point | local file systems |
//! | `fs.used_ratio`, `fs.inodes_used_ratio` | mount point | as `df` says |
//! | `net.rx_bytes_per_s`, `net.rx_packets_per_s`, `net.rx_errors_per_s`, `net.rx_drops_per_s`, and `tx` | interface | the agent's network namespace |
//! | `cgroup.cpu_cores` | group | processor time per time |
//! | `cgroup.throttled_ratio` | group | share of the quota's periods in which it was stopped |
//! | `cgroup.throttled_ms_per_s` | group | time that its tasks were stopped, summed over processors |
//! | `cgroup.memory_bytes`, `cgroup.memory_limit_bytes`, `cgroup.memory_used_ratio` | group | limit and ratio only where there is a limit |
//! | `cgroup.oom_kills` | group | processes killed for lack of memory in the interval |

mod cgroup;
mod cpu;
mod disk;
mod filesystem;
mod groups;
mod memory;
mod network;
mod oom;
mod pressure;
mod process;

pub use groups::Groups;
pub use oom::OomWatch;

use crate::enrich::Processes;
use crate::proc::mounts;
use crate::proc::text::Reader;
use coral_model::{Gauge, HostSample, Item, Observed, TimeNs, Window};
use pressure::{Resource, Stalled};
use process::{Interval, ProcessMeter};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// An interval that is shorter says too little: it is joined with the next one.
const SHORTEST: Duration = Duration::from_secs(1);

/// Gauges of one interval.
#[derive(Debug, Default)]
pub struct Gauges(Vec<Gauge>);

impl Gauges {
    /// Adds one; a figure that is none (such as 0/0) is left out.
    fn push(&mut self, name: &str, label: &str, value: f64) {
        if value.is_finite() {
            self.0.push(Gauge {
                name: name.to_owned(),
                label: Observed::new(label),
                value,
            });
        }
    }

    fn maybe(&mut self, name: &str, label: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.push(name, label, value);
        }
    }

    #[cfg(test)]
    fn find(&self, name: &str, label: &str) -> Option<f64> {
        let found = |g: &&Gauge| g.name == name && g.label.raw() == label;
        self.0.iter().find(found).map(|g| g.value)
    }
}

/// Growth per second; `None` when the counter went back, which is another counter.
fn rate(before: u64, after: u64, seconds: f64) -> Option<f64> {
    Some(after.checked_sub(before)? as f64 / seconds)
}

/// A boot time in the clock ticks that `/proc` counts in.
fn ticks(boot_ns: u64) -> u64 {
    boot_ns / (1_000_000_000 / procfs::ticks_per_second().max(1))
}

/// What only grows, as it stood at the last look.
#[derive(Debug, Default)]
struct Counters {
    cpu: Option<cpu::Times>,
    swapped: Option<memory::Swapped>,
    stalled: [Option<Stalled>; 3],
    disks: BTreeMap<String, disk::Counters>,
    interfaces: BTreeMap<String, network::Counters>,
}

impl Counters {
    fn read(reader: &mut Reader) -> Self {
        let whole = |name: &str| Path::new("/sys/block").join(name).exists();
        let disks = reader.read("/proc/diskstats");
        let disks = disks.map(|text| disk::parse(&text, whole));
        let interfaces = reader.read("/proc/net/dev");
        let interfaces = interfaces.map(|text| network::parse(&text));
        Self {
            cpu: reader.read("/proc/stat").and_then(|text| cpu::parse(&text)),
            swapped: reader
                .read("/proc/vmstat")
                .and_then(|text| memory::swapped(&text)),
            stalled: Resource::ALL.map(|r| Some(pressure::parse(&reader.read(r.file())?))),
            disks: disks.unwrap_or_default(),
            interfaces: interfaces.unwrap_or_default(),
        }
    }

    fn gauges(&self, after: &Self, seconds: f64, out: &mut Gauges) {
        if let (Some(before), Some(after)) = (&self.cpu, &after.cpu) {
            cpu::gauges(before, after, out);
        }
        if let (Some(before), Some(after)) = (&self.swapped, &after.swapped) {
            memory::swap_rates(before, after, seconds, procfs::page_size() as f64, out);
        }
        let stalled = self.stalled.iter().zip(&after.stalled);
        for (resource, (before, after)) in Resource::ALL.into_iter().zip(stalled) {
            if let (Some(before), Some(after)) = (before, after) {
                pressure::gauges(resource, before, after, seconds, out);
            }
        }
        for (name, after) in &after.disks {
            if let Some(before) = self.disks.get(name) {
                disk::gauges(name, before, after, seconds, out);
            }
        }
        for (name, after) in &after.interfaces {
            if let Some(before) = self.interfaces.get(name) {
                network::gauges(name, before, after, seconds, out);
            }
        }
    }
}

/// Measures; holds what was read last.
#[derive(Debug)]
pub struct Host {
    reader: Reader,
    counters: Counters,
    processes: ProcessMeter,
    /// The groups of known processes.
    pub groups: Groups,
    last: TimeNs,
    last_boot_ns: u64,
}

impl Host {
    /// Takes the first look, at `at` and boot time `boot_ns`.
    pub fn new(processes: &Processes, at: TimeNs, boot_ns: u64) -> Self {
        let mut reader = Reader::default();
        let counters = Counters::read(&mut reader);
        let mut host = Self {
            reader,
            counters,
            processes: ProcessMeter::default(),
            groups: Groups::default(),
            last: at,
            last_boot_ns: boot_ns,
        };
        host.follow(processes);
        // The first look has nothing to compare with; it is the beginning of the first interval.
        let begin = Interval {
            window: Window { from: at, to: at },
            seconds: 1.0,
            since_ticks: u64::MAX,
        };
        host.processes.sample(processes, begin, &mut host.reader);
        let reader = &mut host.reader;
        host.groups.sample(1.0, reader, &mut Gauges::default());
        host
    }

    /// Measures the interval that ends at `at`; the boot clock says how long it was, since the wall's may have jumped.
    pub fn sample(&mut self, processes: &Processes, at: TimeNs, boot_ns: u64) -> Vec<Item> {
        let length = Duration::from_nanos(boot_ns.saturating_sub(self.last_boot_ns));
        if length < SHORTEST {
            return vec![];
        }
        let seconds = length.as_secs_f64();
        let jumped = at.since(self.last).abs_diff(length) > Duration::from_millis(500);
        let from = if jumped { at.minus(length) } else { self.last };
        let window = Window { from, to: at };
        let interval = Interval {
            window,
            seconds,
            since_ticks: ticks(self.last_boot_ns),
        };
        (self.last, self.last_boot_ns) = (at, boot_ns);
        let gauges = self.host(processes, seconds).0;
        let samples = self.processes.sample(processes, interval, &mut self.reader);
        let mut items: Vec<Item> = samples.into_iter().map(Item::Process).collect();
        items.push(Item::Host(HostSample { window, gauges }));
        items
    }

    fn host(&mut self, processes: &Processes, seconds: f64) -> Gauges {
        let mut out = Gauges::default();
        let counters = Counters::read(&mut self.reader);
        self.counters.gauges(&counters, seconds, &mut out);
        self.counters = counters;
        if let Some(text) = self.reader.read("/proc/meminfo") {
            memory::gauges(&text, &mut out);
        }
        if let Some(text) = self.reader.read("/proc/loadavg") {
            memory::load(&text, &mut out);
        }
        for point in filesystem::wanted(&self.follow(processes)) {
            if let Ok(stat) = nix::sys::statvfs::statvfs(&point) {
                filesystem::gauges(&point, &stat, &mut out);
            }
        }
        self.groups.sample(seconds, &mut self.reader, &mut out);
        out
    }

    /// Looks up the groups of new processes; returns the mounts, which were read for it.
    fn follow(&mut self, processes: &Processes) -> Vec<mounts::Mount> {
        let text = self.reader.read("/proc/self/mountinfo");
        let mounts = text.map(|text| mounts::parse(&text)).unwrap_or_default();
        let living: Vec<_> = processes.living_pids().collect();
        self.groups.follow(&living, &mounts, &mut self.reader);
        mounts
    }
}

#[cfg(test)]
mod tests;
