//! How long `summary`, `services` and `diagnose` take over a quarter of an hour of 1,000 services with 5,000 edges, as commands
//! and console ask: from ten-second intervals and from rollups; and by how much memory grows in a diagnosis. Prints one line of
//! JSON; `cargo xtask bench store` runs it.
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
/// Each service calls so many others.
const CALLS: u32 = 5;
/// In the last so many intervals one service is slow.
const SLOW: i64 = 12;
const CULPRIT: u32 = 700;
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

fn figures(requests: u64, times: u64) -> (Counts, Histogram) {
    let mut durations = Histogram::default();
    (0..requests).for_each(|i| durations.record(times * 1_000_000 * (i + 1)));
    let counts = Counts {
        requests,
        errors: 0,
        client_errors: 0,
    };
    (counts, durations)
}

/// An interval's summary and its last pulse of every service.
fn items(n: i64) -> Vec<Item> {
    let to = second(10 * n);
    let (pulse_counts, pulse_durations) = figures(4, 1);
    let slow = n > INTERVALS - SLOW;
    let served = |instance| figures(40, if slow && instance == CULPRIT { 20 } else { 1 });
    let of = |instance: u32| {
        let (counts, durations) = served(instance);
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
            durations,
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
    let items = (0..SERVICES).flat_map(of);
    items.chain(edges(to, &served)).collect()
}

/// Each service is called by five of those before it.
fn edges(to: TimeNs, served: &dyn Fn(u32) -> (Counts, Histogram)) -> Vec<Item> {
    let edge = |n: u32| {
        let callee = 1 + n / CALLS;
        let caller = callee.saturating_sub(1 + (n % CALLS) * 37);
        let (counts, durations) = served(callee);
        Item::Edge(EdgeSummary {
            window: Window {
                from: to.minus(SUMMARY),
                to,
            },
            caller: Endpoint::Instance(caller),
            callee: Endpoint::Instance(callee),
            protocol: Protocol::Http1,
            side: Side::Client,
            counts,
            durations,
            connections: 1,
            bytes_sent: 100,
            bytes_received: 200,
            retransmits: None,
            rtt: None,
        })
    };
    (0..CALLS * (SERVICES - 1)).map(edge).collect()
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
            items: items(n),
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

/// A line of this process's status, in megabytes.
fn status_mb(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(name)).unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1e3
}

/// By how much the most memory of an answer is above that before it.
fn grown_mb(query: &Query, question: &Question, now: TimeNs) -> f64 {
    let before = status_mb("VmRSS:");
    // The peak is counted from here on.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    ms(query, question, now);
    status_mb("VmHWM:") - before
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
    let first_mb = grown_mb(&query, &diagnose, now);
    let whole_mb = status_mb("VmHWM:");
    let fine = measure();
    let later = now.plus(Duration::from_secs(31));
    runtime.block_on(async { while store.maintain(later).await.unwrap().more {} });
    let rolled = measure();
    store.close();
    println!(
        "{{\"services\":{SERVICES},\"summary_ms\":{:.1},\"services_ms\":{:.1},\"summary_rolled_ms\":{:.1},\"services_rolled_ms\":{:.1},\"diagnose_ms\":{:.1},\"diagnose_rolled_ms\":{:.1},\"diagnose_grown_mb\":{first_mb:.1},\"process_mb\":{whole_mb:.1}}}",
        fine[0], fine[1], rolled[0], rolled[1], fine[2], rolled[2]
    );
}
