//! Counts with names become pulses each second and summaries each ten. Every request is in exactly one pulse and one
//! interval; what waits for a name is carried to the next tick.

mod edges;
mod totals;

use crate::enrich::{Ends, Enrich, InstanceId};
use crate::path;
use crate::recent::Single;
use coral_model::request::{is_client_error, is_error};
use coral_model::summary::{Counts, SUMMARY};
use coral_model::{
    Ending, Histogram, Item, Method, Protocol, Pulse, Side, StatusClass, TimeNs, Window,
};
use coral_probes::Drained;
use coral_probes::abi::histogram::LINEAR;
use coral_probes::abi::records::Detail;
use edges::Edges;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use totals::Totals;

/// Whose figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    instance: InstanceId,
    side: Side,
    protocol: Protocol,
}

impl Key {
    fn of(ends: &Ends) -> Self {
        Self {
            instance: ends.own,
            side: ends.side,
            protocol: ends.protocol,
        }
    }
}

/// What a second adds up to.
#[derive(Debug, Default)]
struct Second {
    counts: Counts,
    durations: Histogram,
    in_flight: u64,
    oldest: Option<Duration>,
}

/// Folds drained counts; holds the open interval.
#[derive(Debug)]
pub struct Fold {
    opened: TimeNs,
    open: BTreeMap<Key, Totals>,
    edges: Edges,
    routes: totals::RouteTables,
    carried: Drained,
    singles: Vec<Single>,
}

impl Fold {
    /// Begins with an empty interval at `now`.
    pub fn new(now: TimeNs) -> Self {
        Self {
            opened: now,
            open: BTreeMap::new(),
            edges: Edges::default(),
            routes: totals::RouteTables::default(),
            carried: Drained::default(),
            singles: vec![],
        }
    }

    /// Takes what was drained up to `at` (a whole second of the agent's clock) and returns that second's pulses.
    pub fn second(&mut self, mut drained: Drained, enrich: &mut Enrich, at: TimeNs) -> Vec<Item> {
        self.take_carried(&mut drained);
        let mut seconds: BTreeMap<Key, Second> = BTreeMap::new();
        for (key, count) in std::mem::take(&mut drained.counts) {
            let Some(ends) = enrich.ends(key.series) else {
                self.carried.counts.push((key, count));
                continue;
            };
            let Some((method, class, ending)) = decode(key.method, key.class, key.ending) else {
                continue;
            };
            if enrich.is_coral(ends.own) {
                continue;
            }
            let counts = counts(count, class, ending);
            self.open
                .entry(Key::of(&ends))
                .or_default()
                .count(method, class, counts);
            self.edges.count(&ends, counts);
            seconds
                .entry(Key::of(&ends))
                .or_default()
                .counts
                .add(counts);
        }
        self.durations(&mut drained, enrich, &mut seconds);
        self.details(&mut drained, enrich);
        for (series, traffic) in std::mem::take(&mut drained.traffic) {
            match enrich.ends(series) {
                Some(ends) if enrich.is_coral(ends.own) => {}
                Some(ends) => self.edges.traffic(&ends, &traffic),
                None => self.carried.traffic.push((series, traffic)),
            }
        }
        in_flight(&drained, enrich, &mut seconds);
        seconds
            .into_iter()
            .map(|(key, second)| Item::Pulse(pulse(key, second, at)))
            .collect()
    }

    fn durations(
        &mut self,
        drained: &mut Drained,
        enrich: &mut Enrich,
        seconds: &mut BTreeMap<Key, Second>,
    ) {
        for (key, grown) in std::mem::take(&mut drained.durations) {
            let Some(ends) = enrich.ends(key.series) else {
                self.carried.durations.push((key, grown));
                continue;
            };
            let Some(class) = StatusClass::from_code(key.class) else {
                continue;
            };
            if enrich.is_coral(ends.own) {
                continue;
            }
            let mut histogram = Histogram::default();
            for (slot, count) in grown {
                histogram.add(u16::from(key.octave) * LINEAR + u16::from(slot), count);
            }
            self.edges.measure(&ends, &histogram);
            // Turns of what is not read are no requests.
            if !ends.protocol.is_read() {
                continue;
            }
            self.open
                .entry(Key::of(&ends))
                .or_default()
                .measure(class, &histogram);
            seconds
                .entry(Key::of(&ends))
                .or_default()
                .durations
                .merge(&histogram);
        }
    }

    /// Takes single requests, for their routes; called between seconds as well.
    pub fn details(&mut self, drained: &mut Drained, enrich: &mut Enrich) {
        for detail in std::mem::take(&mut drained.details) {
            match enrich.ends(detail.series) {
                None => self.carried.details.push(detail),
                Some(ends) if enrich.is_coral(ends.own) => {}
                Some(ends) => self.route(&ends, &detail),
            }
        }
    }

    fn route(&mut self, ends: &Ends, detail: &Detail) {
        let class = if detail.status > 599 {
            5
        } else {
            (detail.status / 100) as u8
        };
        let Some((method, class, ending)) = decode(detail.method, class, detail.ending) else {
            return;
        };
        let bytes = usize::from(detail.line_bytes).min(detail.line.len());
        let path = path::masked(&detail.line[..bytes]);
        let route = self.routes.of(ends, path.as_deref());
        self.singles.push(Single {
            ends: *ends,
            detail: *detail,
            route: route.clone(),
            path,
        });
        let complete = ending == Ending::Complete && detail.stream == 0;
        let duration_ns = complete.then(|| detail.ended_ns.saturating_sub(detail.began_ns));
        self.open.entry(Key::of(ends)).or_default().route(
            method,
            class,
            route,
            counts(1, class, ending),
            duration_ns,
        );
    }

    /// The requests that came singly since the last time.
    pub fn singles(&mut self) -> Vec<Single> {
        std::mem::take(&mut self.singles)
    }

    /// Puts what waited for a name in front.
    fn take_carried(&mut self, drained: &mut Drained) {
        let carried = std::mem::take(&mut self.carried);
        drained.counts.extend(carried.counts);
        drained.durations.extend(carried.durations);
        drained.traffic.extend(carried.traffic);
        drained.details.extend(carried.details);
    }

    /// The edge of the interval that is over before `at`'s own begins; what is drained at `at` belongs after it.
    pub fn edge_before(&self, at: TimeNs) -> Option<TimeNs> {
        let current = interval(at);
        let open = interval(self.opened.plus(Duration::from_nanos(1)));
        (current > open).then(|| TimeNs(current * SUMMARY.as_nanos() as i64))
    }

    /// The clock was moved, at an edge: the interval that is open begins at `now`.
    pub fn resume_at(&mut self, now: TimeNs) {
        self.opened = now;
    }

    /// Whether `at` is an interval's edge.
    pub fn is_edge(at: TimeNs) -> bool {
        at.0 % SUMMARY.as_nanos() as i64 == 0
    }

    /// Closes the open interval at `at`: its summaries and edges, and the processes that they speak of.
    pub fn close(&mut self, at: TimeNs) -> Vec<Item> {
        let window = Window {
            from: self.opened,
            to: at,
        };
        self.opened = at;
        let mut items = vec![];
        let mut ahead = BTreeMap::new();
        for (key, totals) in std::mem::take(&mut self.open) {
            let rest = totals.close(key, window, &mut items);
            if !rest.is_empty() {
                ahead.insert(key, rest);
            }
        }
        self.open = ahead;
        items.extend(self.edges.close(window));
        items
    }

    /// What [`Self::close`] would return, with the interval left open: for the checkpoint. Counts that still wait for a
    /// name are not in it.
    pub fn so_far(&self, at: TimeNs) -> Vec<Item> {
        let window = Window {
            from: self.opened,
            to: at,
        };
        let mut items = vec![];
        for (key, totals) in &self.open {
            totals.clone().close(*key, window, &mut items);
        }
        items.extend(self.edges.clone().close(window));
        items
    }

    /// The processes that the open interval speaks of.
    pub fn used(&self) -> HashSet<InstanceId> {
        self.open
            .keys()
            .map(|key| key.instance)
            .chain(self.edges.used())
            .collect()
    }
}

/// Which interval a moment closes: `(n * 10 s, (n + 1) * 10 s]`.
fn interval(at: TimeNs) -> i64 {
    (at.0 - 1).div_euclid(SUMMARY.as_nanos() as i64)
}

fn decode(method: u8, class: u8, ending: u8) -> Option<(Method, StatusClass, Ending)> {
    Some((
        Method::from_code(method)?,
        StatusClass::from_code(class)?,
        Ending::from_code(ending)?,
    ))
}

fn counts(requests: u64, class: StatusClass, ending: Ending) -> Counts {
    let of = |yes: bool| if yes { requests } else { 0 };
    Counts {
        requests,
        errors: of(is_error(class, ending)),
        client_errors: of(is_client_error(class, ending)),
    }
}

fn in_flight(drained: &Drained, enrich: &mut Enrich, seconds: &mut BTreeMap<Key, Second>) {
    for flight in &drained.in_flight {
        let Some(ends) = enrich
            .ends(flight.series)
            .filter(|e| !enrich.is_coral(e.own))
        else {
            continue;
        };
        let second = seconds.entry(Key::of(&ends)).or_default();
        second.in_flight += u64::from(flight.requests);
        if flight.oldest_ns != 0 {
            let age = Duration::from_nanos(drained.at_ns.saturating_sub(flight.oldest_ns));
            second.oldest = second.oldest.max(Some(age));
        }
    }
}

fn pulse(key: Key, second: Second, at: TimeNs) -> Pulse {
    Pulse {
        at,
        instance: key.instance.0,
        side: key.side,
        protocol: key.protocol,
        counts: second.counts,
        in_flight: second.in_flight,
        oldest_in_flight: second.oldest,
        durations: second.durations,
    }
}

#[cfg(test)]
mod tests;
