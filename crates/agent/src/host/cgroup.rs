//! Control groups of known processes: processor time, throttling, memory and kills. Both versions are read, and a mix of
//! both as well: each controller is where its own hierarchy is mounted (cgroups(7)). The root groups are the host itself
//! and are left out.

use super::{Gauges, rate};
use crate::proc::mounts::Mount;
use crate::proc::text::{Reader, value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A limit that is none is written as a number near the end of the address space (version 1).
const NO_LIMIT: u64 = 1 << 60;

/// Where each hierarchy is mounted.
#[derive(Debug, Default)]
pub struct Hierarchies {
    v2: Option<(String, PathBuf)>,
    /// Controller -> root of the mount, mount point.
    v1: BTreeMap<String, (String, PathBuf)>,
}

impl Hierarchies {
    /// Finds them among the mounts.
    pub fn find(mounts: &[Mount]) -> Self {
        let mut found = Self::default();
        for mount in mounts {
            let place = || (mount.root.clone(), mount.point.clone());
            match mount.kind.as_str() {
                "cgroup2" => _ = found.v2.get_or_insert_with(place),
                "cgroup" => {
                    for controller in mount.options.split(',') {
                        found.v1.entry(controller.to_owned()).or_insert_with(place);
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The group of a process, from its `/proc/PID/cgroup`; `None` when it is in no group of its own.
    pub fn group(&self, text: &str) -> Option<Group> {
        let lines = || {
            text.lines().filter_map(|line| {
                let (_, rest) = line.split_once(':')?;
                rest.split_once(':')
            })
        };
        let v1 = |controller: &str| {
            let (_, path) = lines().find(|(list, _)| list.split(',').any(|c| c == controller))?;
            Some((folder(self.v1.get(controller)?, path)?, path))
        };
        let v2 = lines().find(|(list, _)| list.is_empty());
        let v2 = v2.and_then(|(_, path)| Some((folder(self.v2.as_ref()?, path)?, path)));
        let places = [v2, v1("memory"), v1("cpuacct"), v1("cpu")];
        let longest = places.iter().flatten().max_by_key(|(_, path)| path.len())?;
        let label = longest.1.to_owned();
        let [v2, memory, usage, quota] = places.map(|place| Some(place?.0));
        Some(Group {
            label,
            v2,
            memory,
            usage,
            quota,
        })
    }
}

fn folder((root, point): &(String, PathBuf), path: &str) -> Option<PathBuf> {
    let below = Path::new(path).strip_prefix(root).ok()?;
    let plain = |part| matches!(part, std::path::Component::Normal(_));
    let inside = below.components().all(plain) && below.components().next().is_some();
    inside.then(|| point.join(below))
}

/// One group, by the folders of its controllers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Its path.
    pub label: String,
    v2: Option<PathBuf>,
    memory: Option<PathBuf>,
    usage: Option<PathBuf>,
    quota: Option<PathBuf>,
}

/// What a group used until now; what its controllers do not say is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    cpu_us: Option<u64>,
    periods: Option<u64>,
    throttled_periods: Option<u64>,
    throttled_us: Option<u64>,
    memory_bytes: Option<u64>,
    limit_bytes: Option<u64>,
    kills: Option<u64>,
}

impl Group {
    /// Reads its files. A controller of version 1 wins where it is mounted: then version 2 does not have it.
    pub fn usage(&self, reader: &mut Reader) -> Usage {
        let mut usage = Usage::default();
        if let Some(v2) = &self.v2 {
            if let Some(text) = reader.read(v2.join("cpu.stat")) {
                usage.cpu_us = value(&text, "usage_usec");
                usage.periods = value(&text, "nr_periods");
                usage.throttled_periods = value(&text, "nr_throttled");
                usage.throttled_us = value(&text, "throttled_usec");
            }
            usage.memory_bytes = reader.number(v2.join("memory.current"));
            usage.limit_bytes = reader.number(v2.join("memory.max"));
        }
        if let Some(folder) = &self.usage {
            let ns = reader.number(folder.join("cpuacct.usage"));
            usage.cpu_us = ns.map(|ns| ns / 1000).or(usage.cpu_us);
        }
        if let Some(folder) = &self.quota
            && let Some(text) = reader.read(folder.join("cpu.stat"))
        {
            usage.periods = value(&text, "nr_periods");
            usage.throttled_periods = value(&text, "nr_throttled");
            usage.throttled_us = value(&text, "throttled_time").map(|ns| ns / 1000);
        }
        if let Some(folder) = &self.memory {
            usage.memory_bytes = reader.number(folder.join("memory.usage_in_bytes"));
            let limit = reader.number(folder.join("memory.limit_in_bytes"));
            usage.limit_bytes = limit.filter(|limit| *limit < NO_LIMIT);
        }
        usage.kills = self.kills(reader);
        usage
    }

    /// Processes of the group, or of one below it, that the kernel killed for lack of memory.
    pub fn kills(&self, reader: &mut Reader) -> Option<u64> {
        match (&self.memory, &self.v2) {
            (Some(v1), _) => reader.value(v1.join("memory.oom_control"), "oom_kill"),
            (None, Some(v2)) => reader.value(v2.join("memory.events"), "oom_kill"),
            (None, None) => None,
        }
    }
}

/// What one group did between two readings.
pub fn gauges(label: &str, before: &Usage, after: &Usage, seconds: f64, out: &mut Gauges) {
    let per_s = |of: fn(&Usage) -> Option<u64>| rate(of(before)?, of(after)?, seconds);
    let cores = per_s(|u| u.cpu_us).map(|us| us / 1e6);
    out.maybe("cgroup.cpu_cores", label, cores);
    let waited = per_s(|u| u.throttled_us).map(|us| us / 1e3);
    out.maybe("cgroup.throttled_ms_per_s", label, waited);
    let periods = per_s(|u| u.periods).filter(|n| *n > 0.0);
    let throttled = per_s(|u| u.throttled_periods).zip(periods);
    out.maybe(
        "cgroup.throttled_ratio",
        label,
        throttled.map(|(t, n)| t / n),
    );
    let bytes = |n: Option<u64>| n.map(|n| n as f64);
    out.maybe("cgroup.memory_bytes", label, bytes(after.memory_bytes));
    let limit = bytes(after.limit_bytes).filter(|limit| *limit > 0.0);
    out.maybe("cgroup.memory_limit_bytes", label, limit);
    let used = bytes(after.memory_bytes).zip(limit);
    out.maybe("cgroup.memory_used_ratio", label, used.map(|(u, l)| u / l));
    let kills = per_s(|u| u.kills).map(|k| (k * seconds).round());
    out.maybe("cgroup.oom_kills", label, kills);
}

#[cfg(test)]
mod tests;
