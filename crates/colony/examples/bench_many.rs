//! How long `summary`, `services` and `diagnose` take over a quarter of an hour of 1,000 services, as commands and console ask: from
//! ten-second intervals and from rollups. Prints one line of JSON; `cargo xtask bench store` runs it.
#![allow(clippy::unwrap_used, reason = "a bench may unwrap")]

use coral_colony::ingest::Ingest;
use coral_colony::live::Live;
use coral_colony::query::{About, Query};
use coral_model::summary::{Counts, SUMMARY};
use coral_model::*;
use coral_store::{Append as _, Duck, Keeping};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SERVICES: u32 = 1_000;
const INTERVALS: i64 = 90;
/// Each question is asked so often; the median counts.
const ASKED: usize = 9;

fn second(s: i64) -> TimeNs {
    TimeNs((1_800_000_000 + s) * 1_000_000_000)
}

fn instance(n: u32) -> Instance {
    Instance {
        key: InstanceKey {
            agent: AgentId::new("a").unwrap(),
            boot: BootId::new("b00t").unwrap(),
            pid: n + 1,
            start_ticks: 1,
        },
        service: ServiceKey::plain(&format!("service-{n}")),
        class: ServiceClass::App,
        host: "host".into(),
        started: None,
        ports: vec![80],
    }
}

fn figures(requests: u64) -> (Counts, Histogram) {
    let mut durations = Histogram::default();
    (0..requests).for_each(|i| durations.record(1_000_000 * (i + 1)));
    let counts = Counts {
        requests,
        errors: 0,
        client_errors: 0,
    };
    (counts, durations)
}

/// An interval's summary and its last pulse of every service.
fn items(to: TimeNs) -> Vec<Item> {
    let (counts, durations) = figures(40);
    let (pulse_counts, pulse_durations) = figures(4);
    let of = |instance: u32| {
        let summary = Summary {
            window: Window {
                from: to.minus(SUMMARY),
                to,
            },
            instance,
            side: Side::Server,
            protocol: Protocol::Http1,
            route: Route::All,
            method: Method::Other,
            status_class: StatusClass::Success,
            counts,
            durations: durations.clone(),
        };
        let pulse = Pulse {
            at: to,
            instance,
            side: Side::Server,
            protocol: Protocol::Http1,
            counts: pulse_counts,
            in_flight: 0,
            oldest_in_flight: None,
            durations: pulse_durations.clone(),
        };
        [Item::Summary(summary), Item::Pulse(pulse)]
    };
    (0..SERVICES).flat_map(of).collect()
}

async fn fill(ingest: &Ingest) {
    let agent = AgentId::new("a").unwrap();
    let instances: Vec<_> = (0..SERVICES).map(instance).collect();
    for n in 1..=INTERVALS {
        let to = second(10 * n);
        let next = Batch {
            epoch: Epoch(5),
            seq: Seq(n as u64),
            clock: to,
            instances: instances.clone(),
            items: items(to),
            unknown: 0,
        };
        ingest.take(&agent, next, to).await.unwrap();
    }
}

/// The median time in milliseconds.
fn ms(query: &Query, question: &Question, now: TimeNs) -> f64 {
    let caller = Caller {
        id: "uid:0".into(),
        role: Role::Admin,
        via: Via::Unix,
    };
    let ask = |_| {
        let begin = Instant::now();
        query.run(question, &caller, now).unwrap();
        begin.elapsed().as_secs_f64() * 1e3
    };
    let mut took: Vec<f64> = (0..ASKED).map(ask).collect();
    took.sort_by(f64::total_cmp);
    took[ASKED / 2]
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let store = Arc::new(Duck::open(&path, Keeping::default(), second(0)).unwrap());
    let live = Arc::new(Live::default());
    let ingest = Ingest::new(store.clone(), live.clone(), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(fill(&ingest));
    let about = About {
        colony: ColonyId::new("bench").unwrap(),
        version: "0".into(),
        started: second(0),
    };
    let query = Query::new(store.clone(), live, about);
    let now = second(10 * INTERVALS);
    let span = Span::Last(Duration::from_secs(900));
    let summary = Question::Summary {
        span,
        service: None,
        compare: None,
    };
    let services = Question::Services {
        span,
        trend_points: 60,
    };
    let diagnose = Question::Diagnose {
        span: Span::Last(Duration::from_secs(300)),
        service: None,
        at: None,
    };
    let measure = || [&summary, &services, &diagnose].map(|question| ms(&query, question, now));
    let fine = measure();
    let later = now.plus(Duration::from_secs(31));
    runtime.block_on(async { while store.maintain(later).await.unwrap().more {} });
    let rolled = measure();
    store.close();
    println!(
        "{{\"services\":{SERVICES},\"summary_ms\":{:.1},\"services_ms\":{:.1},\"summary_rolled_ms\":{:.1},\"services_rolled_ms\":{:.1},\"diagnose_ms\":{:.1},\"diagnose_rolled_ms\":{:.1}}}",
        fine[0], fine[1], rolled[0], rolled[1], fine[2], rolled[2]
    );
}
