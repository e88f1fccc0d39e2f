//! What was usual before this start, out of stored intervals. What was unusual then is left out, so that it
//! still is.

use super::{Anomalies, INTERVAL_S};
use crate::live::{Call, outside};
use coral_diagnose::baseline::Pulse;
use coral_model::summary::{Counts, SUMMARY};
use coral_model::{Endpoint, EventKind, ServiceClass, ServiceKey, Side, TimeNs, Window};
use coral_store::{
    Durations, Edges, EventFilter, InstanceId, Level, Read, Routes, Snapshot, StoreError,
    SummaryFilter, Tally,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// What was before this is not looked at.
const BACK: Duration = Duration::from_secs(30 * 60);
/// Read at a time, so that few histograms are held.
const SLICE: Duration = Duration::from_secs(5 * 60);
/// An anomaly is usual after so long.
const LONGEST: Duration = Duration::from_secs(45 * 60);
/// So many begins and ends are looked at.
const EVENTS: usize = 10_000;

/// Baselines that know what the store does; empty ones when it cannot be read.
pub(super) async fn relearned(store: Arc<dyn Read>, now: TimeNs) -> Anomalies {
    let read = move || {
        let mut anomalies = Anomalies::default();
        match relearn(&mut anomalies, &*store, now) {
            Ok(()) => anomalies,
            Err(error) => {
                tracing::warn!(%error, "what was usual is learned anew");
                Anomalies::default()
            }
        }
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// Learns from what is stored of the last half an hour.
pub(super) fn relearn(
    anomalies: &mut Anomalies,
    store: &dyn Read,
    now: TimeNs,
) -> Result<(), StoreError> {
    let snapshot = store.snapshot()?;
    let whole = Window {
        from: now.minus(BACK),
        to: now,
    };
    let past = Past {
        services: services(&*snapshot, whole)?,
        odd: unusual(&*snapshot, whole)?,
    };
    let mut from = whole.from;
    while from < whole.to {
        let to = from.plus(SLICE).min(whole.to);
        past.services(&*snapshot, Window { from, to }, anomalies)?;
        past.calls(&*snapshot, Window { from, to }, anomalies)?;
        from = to;
    }
    Ok(())
}

/// The services of instances that are programs of the people who watch.
fn services(
    snapshot: &dyn Snapshot,
    whole: Window,
) -> Result<HashMap<InstanceId, ServiceKey>, StoreError> {
    let seen = snapshot.instances(whole)?.into_iter();
    let own = seen.filter(|seen| seen.instance.class == ServiceClass::App);
    Ok(own.map(|seen| (seen.id, seen.instance.service)).collect())
}

/// When each service was unusual: from a begin to the next end, or for as long as an anomaly can last.
fn unusual(
    snapshot: &dyn Snapshot,
    whole: Window,
) -> Result<HashMap<ServiceKey, Vec<Window>>, StoreError> {
    let mut events = snapshot.events(&EventFilter {
        window: Window {
            from: whole.from.minus(LONGEST),
            to: whole.to,
        },
        services: vec![],
        kinds: vec![EventKind::AnomalyBegan, EventKind::AnomalyEnded],
        limit: EVENTS,
    })?;
    events.reverse();
    let mut odd: HashMap<ServiceKey, Vec<Window>> = HashMap::new();
    let mut open: HashMap<ServiceKey, usize> = HashMap::new();
    for event in events {
        let Some(service) = event.service else {
            continue;
        };
        let (windows, open) = (
            odd.entry(service.clone()).or_default(),
            open.entry(service).or_default(),
        );
        match event.kind {
            EventKind::AnomalyBegan => {
                *open += 1;
                windows.push(Window {
                    from: event.at,
                    to: event.at.plus(LONGEST),
                });
            }
            // Only when all that began has ended is it as usual.
            _ => {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    windows.iter_mut().for_each(|w| w.to = w.to.min(event.at));
                }
            }
        }
    }
    Ok(odd)
}

#[derive(Default)]
struct Sum {
    counts: Counts,
    durations: Tally,
}

impl Sum {
    fn add(&mut self, counts: Counts, durations: Durations<'_>) -> Result<(), StoreError> {
        self.counts.add(counts);
        self.durations.add(durations)
    }

    fn pulse(&self) -> Pulse {
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let median = self.durations.quantile(0.5);
        Pulse {
            requests: count(self.counts.requests),
            errors: count(self.counts.errors),
            latency: median.map(|ns| ns as f64 / 1e6),
        }
    }
}

struct Past {
    services: HashMap<InstanceId, ServiceKey>,
    odd: HashMap<ServiceKey, Vec<Window>>,
}

impl Past {
    fn is_odd(&self, service: &ServiceKey, end: TimeNs) -> bool {
        let windows = self.odd.get(service).map_or(&[][..], Vec::as_slice);
        windows.iter().any(|w| w.from < end && end <= w.to)
    }

    fn services(
        &self,
        snapshot: &dyn Snapshot,
        window: Window,
        anomalies: &mut Anomalies,
    ) -> Result<(), StoreError> {
        let mut sums: BTreeMap<(TimeNs, &ServiceKey), Sum> = BTreeMap::new();
        let filter = SummaryFilter {
            window,
            instances: None,
            routes: Routes::Exact,
            widest: Level::TenSeconds,
        };
        snapshot.each_summary(&filter, &mut |row| {
            let service = self.services.get(&row.instance);
            let Some(service) = service.filter(|_| row.side == Side::Server) else {
                return Ok(());
            };
            let sum = sums.entry((row.window.to, service)).or_default();
            sum.add(row.counts, row.durations)
        })?;
        for ((end, service), sum) in sums {
            if !self.is_odd(service, end) {
                let second = end.0.div_euclid(1_000_000_000);
                let seconds = SUMMARY.as_secs() as u32;
                anomalies
                    .services
                    .relearn(second, service, &sum.pulse(), seconds);
            }
        }
        Ok(())
    }

    fn calls(
        &self,
        snapshot: &dyn Snapshot,
        window: Window,
        anomalies: &mut Anomalies,
    ) -> Result<(), StoreError> {
        let mut sums: BTreeMap<(i64, Call), Sum> = BTreeMap::new();
        snapshot.each_edge(window, Edges::All, Level::TenSeconds, &mut |row| {
            if row.side != Side::Client || !row.protocol.is_read() {
                return Ok(());
            }
            let Some(call) = self.call(&row.caller, &row.callee) else {
                return Ok(());
            };
            let interval = (row.window.to.0 - 1).div_euclid(INTERVAL_S * 1_000_000_000) + 1;
            let sum = sums.entry((interval, call)).or_default();
            sum.add(row.counts, row.durations)
        })?;
        for ((interval, call), sum) in sums {
            let end = TimeNs(interval * INTERVAL_S * 1_000_000_000);
            if !self.is_odd(&call.0, end) {
                anomalies.calls.relearn(interval, &call, &sum.pulse(), 1);
            }
        }
        Ok(())
    }

    fn call(&self, caller: &Endpoint, callee: &Endpoint) -> Option<Call> {
        let of = |id: u32| self.services.get(&InstanceId(id));
        let Endpoint::Instance(caller) = *caller else {
            return None;
        };
        let callee = match *callee {
            Endpoint::Instance(id) => of(id)?.name.clone(),
            Endpoint::Address { ip, port } => outside(ip, port),
        };
        Some((of(caller)?.clone(), callee))
    }
}
