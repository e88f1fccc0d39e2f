//! What known processes use: processor time, memory, descriptors, threads; one look at each every ten seconds.
//!
//! A master that listens stands for its forked workers: the figures of its children, and of theirs, that run the same
//! file are added to its own, except those that are known by themselves. Pages that they share are counted in each.

use crate::enrich::{InstanceId, Processes};
use crate::proc::stat::{self, Stat};
use crate::proc::text::Reader;
use coral_model::{ProcessSample, Window};
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;

/// Workers of one master that are looked at.
const WORKERS_MAX: usize = 256;
/// Masters without workers are asked for them at each so many looks: most that listen never fork.
const LONELY_LOOKS: u32 = 6;
/// Generations of workers: a master, its workers, and what they fork.
const GENERATIONS: usize = 2;

/// Processor time at the last look, by pid and start.
#[derive(Debug, Default)]
pub struct ProcessMeter {
    before: HashMap<(u32, u64), u64>,
    /// Masters that had workers at the last look.
    masters: HashSet<u32>,
    looks: u32,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    /// Its name for the colony.
    pub window: Window,
    /// Its length by the boot clock.
    pub seconds: f64,
    /// Its beginning after boot, in clock ticks.
    pub since_ticks: u64,
}

/// One process at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    pid: u32,
    stat: Stat,
}

impl ProcessMeter {
    /// Looks at every living process. One that was not there at the last look, and did not start since then, has a
    /// sample from the next look on: its processor time before is not of this interval.
    pub fn sample(
        &mut self,
        processes: &Processes,
        interval: Interval,
        reader: &mut Reader,
    ) -> Vec<ProcessSample> {
        let own: HashSet<u32> = processes.living_pids().map(|(_, pid)| pid).collect();
        let (mut now, mut masters) = (HashMap::new(), HashSet::new());
        let mut samples = vec![];
        for (id, pid) in processes.living_pids() {
            let Some(instance) = processes.get(id) else {
                continue;
            };
            let Some(look) =
                look(pid, reader).filter(|l| l.stat.start_ticks == instance.key.start_ticks)
            else {
                continue;
            };
            let mut group = vec![look];
            let ask = self.looks.is_multiple_of(LONELY_LOOKS) || self.masters.contains(&pid);
            if ask && !instance.ports.is_empty() {
                workers(pid, &own, reader, &mut group);
            }
            if group.len() > 1 {
                masters.insert(pid);
            }
            let used = self.used(&group, interval.since_ticks, &mut now);
            samples.extend(used.map(|ticks| sum(id, &group, ticks, interval)));
        }
        (self.before, self.masters) = (now, masters);
        self.looks = self.looks.wrapping_add(1);
        samples
    }

    /// Ticks that a group used since the last look; `None` when its first process was there and was not looked at then.
    fn used(
        &self,
        group: &[Look],
        since_ticks: u64,
        now: &mut HashMap<(u32, u64), u64>,
    ) -> Option<u64> {
        let (mut used, mut known) = (0, true);
        for (place, look) in group.iter().enumerate() {
            let key = (look.pid, look.stat.start_ticks);
            now.insert(key, look.stat.cpu_ticks);
            let fresh = look.stat.start_ticks >= since_ticks;
            let before = self.before.get(&key).copied();
            match before.or(fresh.then_some(0)) {
                Some(before) => used += look.stat.cpu_ticks.saturating_sub(before),
                None if place == 0 => known = false,
                None => {}
            }
        }
        known.then_some(used)
    }
}

fn look(pid: u32, reader: &mut Reader) -> Option<Look> {
    let stat = stat::parse(&reader.read(format!("/proc/{pid}/stat"))?)?;
    Some(Look { pid, stat })
}

/// Adds the children that run the same file and are not known by themselves.
fn workers(master: u32, own: &HashSet<u32>, reader: &mut Reader, group: &mut Vec<Look>) {
    let Some(program) = program(master) else {
        return;
    };
    let mut parents = vec![master];
    for _ in 0..GENERATIONS {
        let mut next = vec![];
        for parent in parents {
            let Some(text) = reader.read(format!("/proc/{parent}/task/{parent}/children")) else {
                continue;
            };
            let children: Vec<u32> = text
                .split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .filter(|pid| !own.contains(pid))
                .collect();
            for pid in children {
                if group.len() > WORKERS_MAX || self::program(pid) != Some(program) {
                    continue;
                }
                group.extend(look(pid, reader));
                next.push(pid);
            }
        }
        parents = next;
    }
}

/// The file that a process runs, by device and inode.
fn program(pid: u32) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((meta.dev(), meta.ino()))
}

fn sum(id: InstanceId, group: &[Look], ticks: u64, interval: Interval) -> ProcessSample {
    let per_second = procfs::ticks_per_second().max(1) as f64;
    let fds = group.iter().map(|look| fds(look.pid));
    ProcessSample {
        window: interval.window,
        instance: id.0,
        cpu_cores: ticks as f64 / per_second / interval.seconds,
        rss_bytes: group.iter().map(|l| l.stat.rss_pages).sum::<u64>() * procfs::page_size(),
        fds: fds.sum(),
        threads: group.iter().map(|l| l.stat.threads).sum(),
    }
}

/// Open descriptors. Since Linux 6.2 the folder's size says how many; before, it is 0 and they are counted.
fn fds(pid: u32) -> Option<u32> {
    let folder = format!("/proc/{pid}/fd");
    let size = std::fs::metadata(&folder).ok()?.size();
    if size > 0 {
        return u32::try_from(size).ok();
    }
    u32::try_from(std::fs::read_dir(folder).ok()?.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Reading};
    use crate::enrich::processes_for_tests;
    use crate::health::tests::spin;
    use coral_model::TimeNs;
    use std::collections::{BTreeMap, BTreeSet};
    use std::process::Command;
    use std::time::{Duration, Instant};

    fn interval(since_ticks: u64) -> Interval {
        let (from, to) = (TimeNs(0), TimeNs(1_000_000_000));
        Interval {
            window: Window { from, to },
            seconds: 1.0,
            since_ticks,
        }
    }

    #[test]
    fn the_own_process_has_its_time_from_the_second_look_on() {
        let (mut meter, mut reader) = (ProcessMeter::default(), Reader::default());
        let mut known = processes_for_tests();
        let clock = Clock::new(Reading::now());
        let id = known.learn_client(std::process::id(), &[0; 16], &clock);
        // The process is older than the interval.
        let old = interval(u64::MAX);
        assert_eq!(meter.sample(&known, old, &mut reader), []);
        spin(Duration::from_millis(60));
        let samples = meter.sample(&known, old, &mut reader);
        let sample = &samples[0];
        assert_eq!(sample.instance, id.0);
        assert!(sample.cpu_cores > 0.02, "{sample:?}");
        assert!(sample.rss_bytes > 100_000 && sample.threads >= 1);
        assert!(sample.fds.unwrap() >= 3);
    }

    #[test]
    fn a_listening_master_stands_for_its_workers() {
        // A shell that forks one more of itself; neither listens, the test says that it does.
        let mut master = Command::new("sh")
            .args(["-c", "(sleep 9; :) & wait"])
            .spawn()
            .unwrap();
        let mut known = processes_for_tests();
        let id = known.learn_client(master.id(), &[0; 16], &Clock::new(Reading::now()));
        let (mut meter, mut reader) = (ProcessMeter::default(), Reader::default());
        let threads = |known: &Processes, meter: &mut ProcessMeter, reader: &mut Reader| {
            meter.sample(known, interval(0), reader)[0].threads
        };
        assert_eq!(threads(&known, &mut meter, &mut reader), 1);
        known.set_ports(&BTreeMap::from([(id, BTreeSet::from([80]))]));
        let until = Instant::now() + Duration::from_secs(5);
        while threads(&known, &mut meter, &mut reader) != 2 {
            assert!(Instant::now() < until, "the worker was not found");
        }
        let _ = master.kill();
        let _ = master.wait();
    }
}
