//! One row a service, also for those that only listen: both sides, and how p95 went.

mod unread;
mod used;

use super::Uses;
use super::fold::quantile;
use super::scope::{Exact, Scope};
use super::summary::{Part, youngest};
use coral_model::answer::{HealthState, Red, STALE_AFTER, ServiceRow};
use coral_model::summary::SUMMARY;
use coral_model::{Endpoint, Protocol, ServiceClass, ServiceKey, Side, TimeNs, Window};
use coral_store::{Edges, InstanceId, Level, SeenInstance, StoreError, Tally};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use unread::Conversations;
use used::Used;

#[derive(Default)]
struct Service {
    sides: BTreeMap<Side, (Part, Vec<Tally>)>,
    instances: Vec<SeenInstance>,
    /// Also what cannot be read.
    protocols: BTreeSet<Protocol>,
    used: Used,
    unread: Conversations,
}

/// The services of the window's instances. An instance's service is found without its name.
#[derive(Default)]
struct Services {
    services: Vec<Service>,
    by_name: BTreeMap<ServiceKey, usize>,
    by_instance: HashMap<InstanceId, usize>,
}

impl Services {
    /// A connected service has a row, also when no process of it is left.
    fn named(&mut self, name: &ServiceKey) {
        let services = &mut self.services;
        self.by_name.entry(name.clone()).or_insert_with(|| {
            services.push(Service::default());
            services.len() - 1
        });
    }

    fn of(&mut self, seen: &SeenInstance) -> &mut Service {
        let (services, by_name) = (&mut self.services, &mut self.by_name);
        let place = *self.by_instance.entry(seen.id).or_insert_with(|| {
            let name = seen.instance.service.clone();
            *by_name.entry(name).or_insert_with(|| {
                services.push(Service::default());
                services.len() - 1
            })
        });
        &mut self.services[place]
    }
}

/// What health checks say, in a window that reaches up to now.
fn checked(scope: &Scope<'_>) -> Vec<(ServiceKey, HealthState)> {
    match scope.now.since(scope.window.to) <= STALE_AFTER {
        true => scope.live.health(scope.now),
        false => vec![],
    }
}

pub(super) fn answer(scope: &Scope<'_>, points: u16) -> Result<Vec<ServiceRow>, StoreError> {
    let buckets = Buckets::new(scope.window, points);
    let mut all = Services::default();
    for seen in scope.instances() {
        all.of(seen).instances.push(seen.clone());
    }
    scope.each_exact(None, buckets.widest(), |exact| {
        let sides = &mut all.of(exact.seen).sides;
        let (part, trend) = sides.entry(exact.side).or_default();
        part.meet(exact.seen, exact.protocol);
        buckets.add(trend, &exact)?;
        let agent = &exact.seen.instance.key.agent;
        part.fold.add(agent, exact.counts, exact.durations)
    })?;
    scope.each_in_flight(|seen, side, protocol, in_flight| {
        let (part, _) = all.of(seen).sides.entry(side).or_default();
        part.meet(seen, protocol);
        part.in_flight += in_flight.requests;
        part.oldest = part.oldest.max(in_flight.oldest);
    });
    for (id, protocol) in scope.snapshot().spoken(scope.window)? {
        if let Some(seen) = scope.instance(id) {
            all.of(seen).protocols.insert(protocol);
        }
    }
    scope
        .snapshot()
        .each_edge(scope.window, Edges::Unread, Level::Hour, &mut |row| {
            let Endpoint::Instance(id) = row.callee else {
                return Ok(());
            };
            match scope.instance(InstanceId(id)) {
                Some(seen) => all.of(seen).unread.add(&row),
                None => Ok(()),
            }
        })?;
    for used in scope.snapshot().processes(scope.window)? {
        if let Some(seen) = scope.instance(used.instance) {
            let agent = &seen.instance.key.agent;
            all.of(seen).used.add(scope, agent, &used);
        }
    }
    let mut health: BTreeMap<_, _> = checked(scope).into_iter().collect();
    for service in health.keys() {
        all.named(service);
    }
    let services = &all.services;
    let rows = all.by_name.into_iter();
    Ok(rows
        .map(|(key, place)| {
            let health = health.remove(&key);
            ServiceRow {
                health,
                ..row(scope, &buckets, key, &services[place])
            }
        })
        .collect())
}

fn row(scope: &Scope<'_>, buckets: &Buckets, key: ServiceKey, service: &Service) -> ServiceRow {
    let side = |side| service.sides.get(&side);
    let red = |side| red(scope, &service.sides.get(&side)?.0);
    // The face of a service is what it serves, else what it sends.
    let face = side(Side::Server).or(side(Side::Client));
    let newest = service.instances.iter().max_by_key(|s| s.last_seen);
    let agents: BTreeSet<_> = service
        .instances
        .iter()
        .map(|s| s.instance.key.agent.clone())
        .collect();
    let ports: BTreeSet<u16> = service
        .instances
        .iter()
        .flat_map(|s| s.instance.ports.iter().copied())
        .collect();
    let read = service.sides.values().flat_map(|(part, _)| &part.protocols);
    let protocols: BTreeSet<_> = service.protocols.iter().chain(read).copied().collect();
    ServiceRow {
        service: key,
        class: newest.map_or(ServiceClass::App, |s| s.instance.class),
        instances: service.instances.len() as u32,
        hosts: agents.len() as u32,
        ports: ports.into_iter().collect(),
        server: red(Side::Server),
        client: red(Side::Client),
        in_flight: face.map_or(0, |(part, _)| part.in_flight),
        oldest_in_flight: face.and_then(|(part, _)| part.oldest),
        trend: buckets.p95(face.map_or(&[], |(_, trend)| trend)),
        stale: youngest(scope, &agents),
        protocols: protocols.into_iter().collect(),
        cpu_cores: service.used.cores(scope),
        rss_bytes: service.used.rss_bytes,
        unread: service.unread.row(),
        health: None,
    }
}

/// `None` for a side that saw nothing that can be read.
fn red(scope: &Scope<'_>, part: &Part) -> Option<Red> {
    let nothing = part.fold.counts.requests == 0 && part.fold.durations.is_empty();
    (!nothing || part.in_flight > 0).then(|| part.fold.red(scope, Uses::Pulses))
}

/// Equal stretches of the window. Their edges lie at multiples of their width, so that a trend does not tremble while
/// the window moves on; the newest holds the window's end.
struct Buckets {
    first: i64,
    width: i64,
    points: usize,
}

impl Buckets {
    fn new(window: Window, points: u16) -> Self {
        let length = i64::try_from(window.length().as_nanos()).unwrap_or(i64::MAX);
        let width = (length / i64::from(points.max(1))).max(1);
        let last = window.to.0 - 1;
        let end = last - last.rem_euclid(width) + width;
        Self {
            first: end.saturating_sub(width.saturating_mul(i64::from(points))),
            width,
            points: usize::from(points),
        }
    }

    /// The coarsest level whose stretches are not too coarse for the buckets.
    fn widest(&self) -> Level {
        let fits = |level: &Level| {
            let width = level.width().as_nanos() as i64;
            self.width % width == 0 || width <= self.width / 2
        };
        let coarse = [Level::Hour, Level::Minute].into_iter().find(fits);
        match self.points {
            0 => Level::Hour,
            _ => coarse.unwrap_or(Level::TenSeconds),
        }
    }

    fn of(&self, at: TimeNs) -> Option<usize> {
        let index = usize::try_from(at.0.saturating_sub(self.first).div_euclid(self.width)).ok()?;
        (index < self.points).then_some(index)
    }

    /// Adds to the bucket of the stretch's end; where buckets are finer than intervals, to all that it touches.
    fn add(&self, trend: &mut Vec<Tally>, exact: &Exact<'_>) -> Result<(), StoreError> {
        if exact.durations.is_empty() || self.points == 0 {
            return Ok(());
        }
        trend.resize(self.points, Tally::default());
        let last = self.of(TimeNs(exact.window.to.0 - 1));
        let fine = self.width < SUMMARY.as_nanos() as i64;
        let first = if fine {
            self.of(exact.window.from.max(TimeNs(self.first)))
        } else {
            last
        };
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(());
        };
        let mut touched = trend.iter_mut().take(last + 1).skip(first);
        touched.try_for_each(|bucket| bucket.add(exact.durations))
    }

    fn p95(&self, trend: &[Tally]) -> Vec<Option<std::time::Duration>> {
        let point = |i| trend.get(i).and_then(|t| quantile(t, 0.95));
        (0..self.points).map(point).collect()
    }
}
