//! What is no longer as usual: every second each service, and every ten seconds each call from one to another, is compared with
//! what it usually does. What begins and ends is an event. Nothing is said while it is learned what is usual; a colony that
//! starts again learns it from what is stored.

mod history;

use crate::Clock;
use crate::live::{Call, Due, Live};
use coral_diagnose::baseline::{Anomaly, Baselines, Phase, Signal};
use coral_model::summary::SUMMARY;
use coral_model::{AgentId, Event, EventKind, Observed, ServiceKey, TimeNs};
use coral_report::figure;
use coral_store::{Append, Keep, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// More series are not followed.
const SERVICES: usize = 5_000;
const CALLS: usize = 10_000;
const EVERY: Duration = Duration::from_secs(1);
/// Seconds of an interval of calls.
const INTERVAL_S: i64 = SUMMARY.as_secs() as i64;

/// What is usual.
pub struct Anomalies {
    services: Baselines<ServiceKey>,
    /// Their time is counted in intervals.
    calls: Baselines<Call>,
}

impl Default for Anomalies {
    fn default() -> Self {
        Self {
            services: Baselines::new(SERVICES),
            calls: Baselines::new(CALLS),
        }
    }
}

impl Anomalies {
    /// Takes in what is due; what has begun or ended with it.
    pub fn observe(&mut self, due: &Due, now: TimeNs) -> Vec<Event> {
        let second = now.0.div_euclid(1_000_000_000);
        let mut services = vec![];
        for (at, service, pulse) in &due.services {
            services.extend(self.services.observe(*at, service, pulse));
        }
        services.extend(self.services.sweep(second));
        let mut calls = vec![];
        for (at, call, pulse) in &due.calls {
            calls.extend(self.calls.observe(*at, call, pulse));
        }
        calls.extend(self.calls.sweep(second.div_euclid(INTERVAL_S)));
        let of_service = |a: &Anomaly<ServiceKey>| {
            let name = a.key.name.visible().into_owned();
            event(a, &name, &a.key, 1)
        };
        let of_call = |a: &Anomaly<Call>| {
            let (caller, callee) = &a.key;
            let name = format!("{} -> {}", caller.name.visible(), callee.visible());
            event(a, &name, caller, INTERVAL_S)
        };
        let events = services.iter().filter_map(of_service);
        events.chain(calls.iter().filter_map(of_call)).collect()
    }

    /// How many series for which there was no room.
    pub fn refused(&self) -> u64 {
        self.services.refused() + self.calls.refused()
    }
}

/// An anomaly as an event; its time is counted in steps of so many seconds.
fn event<K>(anomaly: &Anomaly<K>, name: &str, service: &ServiceKey, step: i64) -> Option<Event> {
    let moment = |at: i64| TimeNs(at.saturating_mul(step).saturating_mul(1_000_000_000));
    let (began, at) = (moment(anomaly.began), moment(anomaly.at));
    let lasted = figure::age(at.since(began));
    let signal = anomaly.signal.name();
    let text = match anomaly.phase {
        Phase::Began => {
            let of = |value| shown(anomaly.signal, value, step);
            format!(
                "{name} {signal} {} -> {}",
                of(anomaly.usual),
                of(anomaly.value)
            )
        }
        Phase::Recovered => format!("{name} {signal} is as usual again after {lasted}"),
        Phase::Adopted => format!("{name} {signal} has become usual after {lasted}"),
        Phase::Gone => format!("{name} {signal}: no data any more after {lasted}"),
    };
    let began_now = anomaly.phase == Phase::Began;
    Some(Event {
        at: if began_now { began } else { at },
        until: None,
        kind: match began_now {
            true => EventKind::AnomalyBegan,
            false => EventKind::AnomalyEnded,
        },
        agent: AgentId::new(crate::WRITER).ok()?,
        service: Some(service.clone()),
        instance: None,
        text: Observed::new(text),
    })
}

/// A figure of a signal for a person.
fn shown(signal: Signal, value: f64, step: i64) -> String {
    match signal {
        Signal::Latency => match value {
            ms if ms >= 1_000.0 => format!("{:.2} s", ms / 1e3),
            ms if ms >= 10.0 => format!("{ms:.0} ms"),
            ms => format!("{ms:.2} ms"),
        },
        Signal::Errors => format!("{:.1} %", value * 100.0),
        Signal::Rate => format!("{:.1}/s", value / step as f64),
    }
}

/// Starts the task; it ends when `stop` turns true.
pub fn start(
    live: Arc<Live>,
    store: Arc<dyn Read>,
    sink: Arc<dyn Append>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut anomalies = history::relearned(store, clock()).await;
        let mut told = 0;
        loop {
            tokio::select! {
                () = crate::stopped(&mut stop) => return,
                _ = ticks.tick() => {}
            }
            let now = clock();
            let (due, dropped) = live.due(now);
            for event in anomalies.observe(&due, now) {
                if let Err(error) = sink.keep(Keep::Event(event)).await {
                    tracing::warn!(%error, "an anomaly could not be stored");
                }
            }
            let lost = dropped + anomalies.refused();
            if lost > told.max(1) * 2 {
                tracing::warn!(
                    lost,
                    "figures came too late or were too many to be compared with what is usual"
                );
                told = lost;
            }
        }
    });
}

#[cfg(test)]
mod tests;
