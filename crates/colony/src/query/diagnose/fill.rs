//! Fills an incident with what agents counted: per service and step, from stored intervals. What nobody measured is NaN; a
//! service that was observed and had no request had the rate 0.

use super::axis::Axis;
use super::full;
use crate::query::scope::Scope;
use coral_diagnose::{Family, Happened, Incident, Series};
use coral_model::summary::Counts;
use coral_model::{AgentId, Endpoint, Observed, ServiceClass, ServiceKey, Side};
use coral_store::{
    Durations, EdgeRow, Edges, InstanceId, Routes, StoreError, SummaryFilter, Tally,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

/// What was said of an instance last is known to about so much.
const SEEN: Duration = Duration::from_secs(20);
/// Fewer segments sent again are usual on any network.
const RETRANSMITS: f64 = 5.0;

/// Rate, errors and durations of a service; the side that it is judged by.
pub(super) const RATE: &str = "requests_per_s";
pub(super) const ERRORS: &str = "error_ratio";
pub(super) const MEAN: &str = "latency_mean_ms";
pub(super) const P50: &str = "latency_p50_ms";
pub(super) const P95: &str = "latency_p95_ms";
const FAILURES: &str = "connection_failures_per_s";
const RESENT: &str = "tcp_retransmits_per_s";

/// Whose figures a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Face {
    /// What it served.
    Server,
    /// What it asked others for.
    Client,
    /// Its own machinery.
    Inside,
}

/// Figures of one step while they are added up.
#[derive(Default)]
struct Cell {
    counts: Counts,
    durations: Tally,
}

/// An incident while it is filled.
pub(super) struct Fill<'a> {
    pub scope: &'a Scope<'a>,
    pub axis: &'a Axis,
    names: Vec<(Observed, Option<ServiceKey>)>,
    by_name: HashMap<Observed, u32>,
    by_instance: HashMap<InstanceId, u32>,
    /// Instances of the people's own programs.
    pub columns: BTreeMap<(u32, Face, &'static str), Vec<f64>>,
    pub edges: BTreeSet<(u32, u32)>,
    pub events: Vec<Happened>,
}

impl<'a> Fill<'a> {
    pub fn new(scope: &'a Scope<'a>, axis: &'a Axis) -> Self {
        let mut fill = Self {
            scope,
            axis,
            names: vec![],
            by_name: HashMap::new(),
            by_instance: HashMap::new(),
            columns: BTreeMap::new(),
            edges: BTreeSet::new(),
            events: vec![],
        };
        for seen in scope.instances() {
            if seen.instance.class == ServiceClass::App {
                let key = &seen.instance.service;
                let service = fill.service(full(key), Some(key));
                fill.by_instance.insert(seen.id, service);
            }
        }
        fill
    }

    /// The number of a service.
    pub fn service(&mut self, name: Observed, key: Option<&ServiceKey>) -> u32 {
        if let Some(&known) = self.by_name.get(&name) {
            return known;
        }
        let number = self.names.len() as u32;
        self.names.push((name.clone(), key.cloned()));
        self.by_name.insert(name, number);
        number
    }

    /// The number of a service that is known.
    pub fn known(&self, key: &ServiceKey) -> Option<u32> {
        self.by_name.get(&full(key)).copied()
    }

    /// The service of an instance that people care about.
    pub fn of(&self, id: InstanceId) -> Option<u32> {
        self.by_instance.get(&id).copied()
    }

    /// The services on a host.
    pub fn on(&self, agent: &AgentId) -> BTreeSet<u32> {
        let there = self.scope.instances();
        let there = there.filter(|s| s.instance.key.agent == *agent);
        there.filter_map(|s| self.of(s.id)).collect()
    }

    /// A column, without data at first.
    pub fn column(&mut self, service: u32, face: Face, metric: &'static str) -> &mut Vec<f64> {
        let len = self.axis.len();
        let column = self.columns.entry((service, face, metric));
        column.or_insert_with(|| vec![f64::NAN; len])
    }

    /// Adds to a point, of which the first makes it known.
    pub fn add(&mut self, place: (u32, Face, &'static str), point: usize, value: f64) {
        let (service, face, metric) = place;
        let cell = &mut self.column(service, face, metric)[point];
        *cell = if cell.is_nan() { value } else { *cell + value };
    }

    /// What services served, and what those that serve nothing asked for.
    pub fn served(&mut self) -> Result<(), StoreError> {
        for window in self.axis.slices() {
            let mut cells: HashMap<(u32, Side, usize), Cell> = HashMap::new();
            let filter = SummaryFilter {
                window,
                instances: None,
                routes: Routes::Exact,
                widest: self.axis.level(),
            };
            self.scope.snapshot().each_summary(&filter, &mut |row| {
                let place = self.of(row.instance).zip(self.axis.of(row.window.to));
                let Some((service, point)) = place else {
                    return Ok(());
                };
                let cell = cells.entry((service, row.side, point)).or_default();
                cell.counts.add(row.counts);
                cell.durations.add(row.durations)
            })?;
            for ((service, side, point), cell) in cells {
                let face = match side {
                    Side::Server => Face::Server,
                    Side::Client => Face::Client,
                };
                self.write((service, face), point, &cell);
            }
        }
        self.choose_sides();
        self.fill_silence();
        Ok(())
    }

    fn write(&mut self, (service, face): (u32, Face), point: usize, cell: &Cell) {
        let (requests, seconds) = (cell.counts.requests, self.axis.step().as_secs_f64());
        let mut put =
            |metric, value: f64| self.column(service, face, metric)[point] = rounded(value);
        put(RATE, requests as f64 / seconds);
        if requests > 0 {
            put(ERRORS, cell.counts.errors as f64 / requests as f64);
        }
        let quantile = |q| cell.durations.quantile(q).map(|ns| ns as f64 / 1e6);
        let mean = cell.durations.mean().map(|ns| ns / 1e6);
        for (metric, value) in [(MEAN, mean), (P50, quantile(0.5)), (P95, quantile(0.95))] {
            if let Some(value) = value {
                put(metric, value);
            }
        }
    }

    /// A service is judged by what it serves; only who serves nothing by what it asks for.
    fn choose_sides(&mut self) {
        let serves = |((_, face, metric), values): (&(u32, Face, &'static str), &Vec<f64>)| {
            *face == Face::Server && *metric == RATE && values.iter().any(|v| *v > 0.0)
        };
        let servers = self
            .columns
            .iter()
            .filter(|(place, values)| serves((place, values)));
        let servers: BTreeSet<u32> = servers.map(|((service, ..), _)| *service).collect();
        self.columns.retain(|(service, face, _), _| match face {
            Face::Server => servers.contains(service),
            Face::Client => !servers.contains(service),
            Face::Inside => true,
        });
    }

    /// Writes the rate 0 where a service was observed and did nothing.
    fn fill_silence(&mut self) {
        let mut watched: HashMap<u32, Vec<bool>> = HashMap::new();
        let mut by_agent: HashMap<&AgentId, Vec<bool>> = HashMap::new();
        let len = self.axis.len();
        for seen in self.scope.instances() {
            let Some(service) = self.of(seen.id) else {
                continue;
            };
            let agent = &seen.instance.key.agent;
            let covered = by_agent.entry(agent).or_insert_with(|| {
                let whole = |point| self.scope.covers(agent, self.axis.window(point));
                (0..len).map(whole).collect()
            });
            let watched = watched.entry(service).or_insert_with(|| vec![false; len]);
            for (point, there) in watched.iter_mut().enumerate() {
                let window = self.axis.window(point);
                let alive =
                    seen.first_seen <= window.to && window.from <= seen.last_seen.plus(SEEN);
                *there |= alive && covered[point];
            }
        }
        for ((service, face, metric), values) in &mut self.columns {
            let Some(watched) = watched.get(service).filter(|_| *metric == RATE) else {
                continue;
            };
            let known = *face != Face::Inside;
            for (value, watched) in values.iter_mut().zip(watched) {
                if known && value.is_nan() && *watched {
                    *value = 0.0;
                }
            }
        }
    }

    /// Who talked to whom. What callers measured stands for services that nobody measures themselves.
    pub fn talked(&mut self) -> Result<(), StoreError> {
        let measured: BTreeSet<u32> = self.columns.keys().map(|(service, ..)| *service).collect();
        let (scope, axis) = (self.scope, self.axis);
        for window in axis.slices() {
            let mut cells: HashMap<(u32, usize), Cell> = HashMap::new();
            let each = &mut |row: EdgeRow<Durations<'_>>| {
                let Some((caller, callee)) = self.ends(&row) else {
                    return Ok(());
                };
                if caller != callee {
                    self.edges.insert((caller, callee));
                }
                let Some(point) = axis.of(row.window.to).filter(|_| row.side == Side::Client)
                else {
                    return Ok(());
                };
                self.wires(callee, point, &row);
                if measured.contains(&callee) {
                    return Ok(());
                }
                let cell = cells.entry((callee, point)).or_default();
                if row.protocol.is_read() {
                    cell.counts.add(row.counts);
                }
                cell.durations.add(row.durations)
            };
            scope
                .snapshot()
                .each_edge(window, Edges::All, axis.level(), each)?;
            for ((service, point), mut cell) in cells {
                if cell.counts.requests == 0 {
                    // Of what is not read the turns are known.
                    cell.counts.requests = cell.durations.count();
                }
                if cell.counts.requests > 0 {
                    self.write((service, Face::Server), point, &cell);
                }
            }
        }
        let level = |metric: &str| if metric == RESENT { RETRANSMITS } else { 0.0 };
        self.columns.retain(|(_, _, metric), values| {
            let wire = *metric == RESENT || *metric == FAILURES;
            !wire || values.iter().any(|v| *v > level(metric))
        });
        Ok(())
    }

    /// Both ends, when people care about them.
    fn ends(&mut self, row: &EdgeRow<Durations<'_>>) -> Option<(u32, u32)> {
        let Endpoint::Instance(caller) = row.caller else {
            return None;
        };
        let caller = self.of(InstanceId(caller))?;
        let callee = match row.callee {
            Endpoint::Instance(id) => self.of(InstanceId(id))?,
            Endpoint::Address { ip, port } => {
                let name = match ip {
                    IpAddr::V4(ip) => format!("{ip}:{port}"),
                    IpAddr::V6(ip) => format!("[{ip}]:{port}"),
                };
                self.service(Observed::new(name), None)
            }
        };
        Some((caller, callee))
    }

    /// Connections that could not be made, and segments that were sent again, on the way to a service.
    fn wires(&mut self, callee: u32, point: usize, row: &EdgeRow<Durations<'_>>) {
        let seconds = self.axis.step().as_secs_f64();
        let failed = if row.protocol.is_read() {
            0
        } else {
            row.counts.errors
        };
        self.add(
            (callee, Face::Inside, FAILURES),
            point,
            failed as f64 / seconds,
        );
        if let Some(resent) = row.retransmits {
            self.add(
                (callee, Face::Inside, RESENT),
                point,
                resent as f64 / seconds,
            );
        }
    }

    /// The incident, services and series in the order of their names, as a bundle has them.
    pub fn incident(self) -> (Incident, Vec<Option<ServiceKey>>) {
        let mut order: Vec<u32> = (0..self.names.len() as u32).collect();
        let with_data: BTreeSet<u32> = self.columns.keys().map(|(service, ..)| *service).collect();
        let talks: BTreeSet<u32> = self.edges.iter().flat_map(|(a, b)| [*a, *b]).collect();
        // Of an address that nobody said anything to there is nothing to say.
        let is_ours = |service: &u32| self.names[*service as usize].1.is_some();
        order.retain(|s| with_data.contains(s) || (talks.contains(s) && is_ours(s)));
        order.sort_by_key(|s| (!with_data.contains(s), self.names[*s as usize].0.clone()));
        let place: HashMap<u32, u32> = order.iter().copied().zip(0..).collect();
        let mut series: Vec<Series> = self
            .columns
            .into_iter()
            .filter_map(|((service, _, metric), values)| {
                Some(Series {
                    service: *place.get(&service)?,
                    metric: Observed::new(metric),
                    family: Family::of(metric),
                    values,
                })
            })
            .collect();
        series.sort_by(|a, b| (a.service, &a.metric).cmp(&(b.service, &b.metric)));
        let edge = |(a, b): &(u32, u32)| Some((*place.get(a)?, *place.get(b)?));
        let mut edges: Vec<_> = self.edges.iter().filter_map(edge).collect();
        edges.sort_unstable();
        let mut events = self.events;
        for event in &mut events {
            event.service = event.service.and_then(|s| place.get(&s).copied());
        }
        let name = |s: &u32| self.names[*s as usize].clone();
        let (services, keys) = order.iter().map(name).unzip();
        let incident = Incident {
            services,
            times: self.axis.times(),
            series,
            edges,
            events,
            ..Incident::default()
        };
        (incident, keys)
    }
}

/// Six digits are more than any figure is worth.
pub(super) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(5 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}
