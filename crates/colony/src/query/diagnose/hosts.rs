//! What processes and their hosts used. A host is a service that those on it depend on, and only where something of it ran
//! short: what nobody lacks is no cause.

use super::Found;
use super::fill::{Face, Fill, rounded};
use coral_diagnose::{Family, Series};
use coral_model::diagnosis::Next;
use coral_model::summary::SUMMARY;
use coral_model::{AgentId, CauseKind, Diagnosis, Observed};
use coral_store::StoreError;
use std::collections::{BTreeMap, HashMap};

pub(super) const CPU: &str = "cpu_cores";
const MEMORY: &str = "memory_rss_bytes";
/// What never needs this many cores cannot lack them.
const SOME_CPU: f64 = 0.1;
/// Memory that changes by less is no leak.
const SOME_MEMORY: f64 = 32e6;
/// A program that nobody talks to matters when it takes so many cores of a host that has no more.
const NEIGHBOUR: f64 = 0.5;
const FULL_CPU: f64 = 0.9;

const BUSY: &str = "cpu.busy_ratio";
const CORES: &str = "cpu.cores";
const DISK_BUSY: &str = "disk.busy_ratio";
const AWAIT: &str = "disk.await_ms";
/// Measurements, the name in the incident, and what must be reached for it to matter.
const SHORT: [(&str, &str, f64); 6] = [
    ("cpu.steal_ratio", "cpu_steal_ratio", 0.05),
    ("mem.used_ratio", "memory_used_ratio", 0.9),
    ("pressure.memory_some_ratio", "memory_pressure_ratio", 0.1),
    ("pressure.io_some_ratio", "io_pressure_ratio", 0.2),
    (AWAIT, "disk_await_ms", 20.0),
    ("cgroup.throttled_ratio", "cpu_throttled_ratio", 0.05),
];
/// What others than the known services take of its processors.
const OTHERS: &str = "cpu_other_cores";
/// A disk that is seldom busy slows nobody.
const BUSY_DISK: f64 = 0.5;

/// The points of one measurement of a host.
type Course = Vec<f64>;

impl Fill<'_> {
    /// Processor and memory of the services.
    pub fn used(&mut self) -> Result<(), StoreError> {
        let (scope, axis) = (self.scope, self.axis);
        let step = axis.step().as_nanos() as f64;
        let mut sums: HashMap<(u32, usize), (f64, f64)> = HashMap::new();
        let each = &mut |row: coral_store::ProcessPoint| {
            if let Some((service, point)) = self.of(row.instance).zip(axis.of(row.window.to)) {
                let share = row.window.length().max(SUMMARY).as_nanos() as f64 / step;
                let (cpu, memory) = sums.entry((service, point)).or_default();
                *cpu += row.cpu_ns / step;
                *memory += row.rss_bytes as f64 * share.min(1.0);
            }
            Ok(())
        };
        if axis.len() > 0 {
            for window in axis.slices() {
                scope.snapshot().each_process(window, axis.level(), each)?;
            }
        }
        for ((service, point), (cpu, memory)) in sums {
            self.column(service, Face::Inside, CPU)[point] = rounded(cpu);
            self.column(service, Face::Inside, MEMORY)[point] = rounded(memory);
        }
        Ok(())
    }

    /// What ran short on the hosts; and of the services what they never used much of is left out.
    pub fn hosts(&mut self) -> Result<(), StoreError> {
        let full: Vec<AgentId> = self.each_host()?;
        let neighbours: Vec<u32> = full.iter().flat_map(|agent| self.on(agent)).collect();
        let talks: Vec<u32> = self.edges.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let serves: Vec<u32> = self
            .columns
            .keys()
            .filter(|(_, face, _)| *face != Face::Inside)
            .map(|(service, ..)| *service)
            .collect();
        self.columns.retain(|(service, _, metric), values| {
            let (low, high) = range(values);
            let alone = !talks.contains(service) && !serves.contains(service);
            match *metric {
                CPU if alone => high >= NEIGHBOUR && neighbours.contains(service),
                CPU => high >= SOME_CPU,
                MEMORY => !alone && high - low >= SOME_MEMORY,
                _ => true,
            }
        });
        Ok(())
    }

    /// Adds the hosts on which something ran short; those whose processors had nothing left.
    fn each_host(&mut self) -> Result<Vec<AgentId>, StoreError> {
        let courses = self.courses()?;
        let mut full = vec![];
        for (agent, courses) in courses {
            let Ok(agent) = AgentId::new(&agent) else {
                continue;
            };
            let mut shown: Vec<(&'static str, Course)> = vec![];
            let most = |name: &str| courses.get(name).map_or(0.0, |course| range(course).1);
            if most(BUSY) >= FULL_CPU {
                shown.extend(self.others(&agent, &courses).map(|course| (OTHERS, course)));
                full.push(agent.clone());
            }
            for (name, shows, least) in SHORT {
                let idle = name == AWAIT && most(DISK_BUSY) < BUSY_DISK;
                if most(name) >= least && !idle {
                    shown.extend(courses.get(name).map(|course| (shows, course.clone())));
                }
            }
            self.host(&agent, shown);
        }
        Ok(full)
    }

    fn host(&mut self, agent: &AgentId, shown: Vec<(&'static str, Course)>) {
        if shown.is_empty() {
            return;
        }
        let health = self.scope.agents.get(agent).and_then(|a| a.health.as_ref());
        let name = health.map_or_else(|| agent.as_str().to_owned(), |h| h.host.raw().to_owned());
        let on = self.on(agent);
        let host = self.service(Observed::new(format!("host {name}")), None);
        for (metric, course) in shown {
            *self.column(host, Face::Inside, metric) = course;
        }
        let measured = |s: &u32| {
            self.columns
                .keys()
                .any(|(service, face, _)| service == s && *face != Face::Inside)
        };
        let on: Vec<u32> = on.into_iter().filter(measured).collect();
        self.edges
            .extend(on.into_iter().map(|service| (service, host)));
    }

    /// Cores that are busy with anything but the known services.
    fn others(&self, agent: &AgentId, courses: &BTreeMap<String, Course>) -> Option<Course> {
        let (busy, cores) = (courses.get(BUSY)?, courses.get(CORES)?);
        let known = self.on(agent);
        let columns: Vec<&Course> = known
            .iter()
            .filter_map(|service| self.columns.get(&(*service, Face::Inside, CPU)))
            .collect();
        let used = |point: usize| {
            columns
                .iter()
                .map(|c| c[point])
                .filter(|v| !v.is_nan())
                .sum::<f64>()
        };
        let other = |point: usize| rounded((busy[point] * cores[point] - used(point)).max(0.0));
        Some((0..busy.len()).map(other).collect())
    }

    /// The measurements that count, by agent and name; of several disks or groups the worst.
    fn courses(&self) -> Result<BTreeMap<String, BTreeMap<String, Course>>, StoreError> {
        let (scope, axis) = (self.scope, self.axis);
        let names: Vec<&str> = SHORT
            .iter()
            .map(|(name, ..)| *name)
            .chain([BUSY, CORES, DISK_BUSY])
            .collect();
        let mut all: BTreeMap<String, BTreeMap<String, Course>> = BTreeMap::new();
        for window in axis.slices() {
            let each = &mut |row: coral_store::GaugePoint<'_>| {
                let Some(point) = axis.of(row.window.to) else {
                    return Ok(());
                };
                let courses = all.entry(row.agent.to_owned()).or_default();
                let course = courses.entry(row.name.to_owned());
                let cell = &mut course.or_insert_with(|| vec![f64::NAN; axis.len()])[point];
                *cell = if cell.is_nan() {
                    rounded(row.value)
                } else {
                    cell.max(rounded(row.value))
                };
                Ok(())
            };
            scope
                .snapshot()
                .each_gauge(window, axis.level(), &names, each)?;
        }
        Ok(all)
    }
}

/// A program that nobody talks to harms by what it takes from others.
pub(super) fn neighbours(found: &Found<'_>, diagnosis: &mut Diagnosis) {
    let incident = &found.incident;
    for cause in &mut diagnosis.causes {
        let at = incident.services.iter().position(|s| *s == cause.service);
        let Some(at) = at.map(|at| at as u32) else {
            continue;
        };
        let serves = |s: &Series| s.service == at && s.family == Family::Load;
        let calls = |(caller, _): &(u32, u32)| *caller == at;
        let works = incident.series.iter().any(serves) || incident.edges.iter().any(calls);
        if cause.kind == CauseKind::Cpu && !works {
            cause.kind = CauseKind::NoisyNeighbour;
            cause.next = vec![Next::Host];
        }
    }
}

/// Least and most; 0 without data.
fn range(values: &[f64]) -> (f64, f64) {
    let known = values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = known.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if low > high { (0.0, 0.0) } else { (low, high) }
}
