//! How fast rows go in, and how fast p50, p95 and p99 of one service and one hour come out: from ten-second rows of 30 days,
//! and from rollups. Prints one line of JSON. `--rows 10000000 --services 1000 --dir FOLDER`;
//! `--step 10` gives every ten seconds a row instead of spreading them over the days.
#![allow(clippy::unwrap_used, reason = "a bench may unwrap")]

use coral_model::summary::Counts;
use coral_model::{
    AgentId, BootId, Epoch, Histogram, Instance, InstanceKey, Method, Protocol, Route, Seq,
    ServiceClass, ServiceKey, Side, StatusClass, Summary, TimeNs, Window,
};
use coral_store::{
    Append, Duck, InstanceId, Keeping, Level, Read, Routes, StoredBatch, SummaryFilter, Tally,
};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// 2026-10-21 00:00 UTC.
const BEGIN: i64 = 1_792_540_800;
const DAYS: i64 = 30;

fn flag(name: &str, default: &str) -> String {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|a| a == name);
    at.and_then(|i| args.get(i + 1).cloned())
        .unwrap_or_else(|| default.to_owned())
}

fn second(s: i64) -> TimeNs {
    TimeNs(s * 1_000_000_000)
}

fn instance(agent: &AgentId, n: u32) -> Instance {
    Instance {
        key: InstanceKey {
            agent: agent.clone(),
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

/// Requests of an interval: some around a few milliseconds, some slow ones.
fn durations(seed: u64) -> Histogram {
    let mut histogram = Histogram::default();
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for i in 0..20 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let slow = if i == 0 { 50 } else { 1 };
        histogram.record((2_000_000 + x % 6_000_000) * slow);
    }
    histogram
}

fn batch(
    agent: &AgentId,
    instances: &[Instance],
    seq: u64,
    end: i64,
    pool: &[Histogram],
) -> StoredBatch {
    let summary = |n: usize| Summary {
        window: Window {
            from: second(end - 10),
            to: second(end),
        },
        instance: n as u32,
        side: Side::Server,
        protocol: Protocol::Http1,
        route: Route::All,
        method: Method::Other,
        status_class: StatusClass::Success,
        counts: Counts {
            requests: 20,
            errors: 0,
            client_errors: 0,
        },
        durations: pool[(n + seq as usize * 31) % pool.len()].clone(),
    };
    StoredBatch {
        agent: agent.clone(),
        epoch: Epoch(1),
        seq: Seq(seq),
        clock: second(end),
        instances: instances.to_vec(),
        summaries: (0..instances.len()).map(summary).collect(),
        edges: vec![],
        events: vec![],
        hosts: vec![],
        processes: vec![],
        health: None,
        unknown: 0,
    }
}

/// The median time, and p95 in milliseconds so that it is not optimised away.
fn red(duck: &Duck, service: u32, window: Window, tries: usize) -> (f64, f64, u64) {
    let mut took = vec![];
    let (mut p95, mut rows) = (0.0, 0);
    for _ in 0..tries {
        let begin = Instant::now();
        let view = duck.snapshot().unwrap();
        let filter = SummaryFilter {
            window,
            instances: Some(vec![InstanceId(service)]),
            routes: Routes::Exact,
            widest: Level::Hour,
        };
        let mut tally = Tally::default();
        rows = 0;
        let mut each = |row: coral_store::SummaryRow<coral_store::Durations<'_>>| {
            rows += 1;
            tally.add(row.durations)
        };
        view.each_summary(&filter, &mut each).unwrap();
        let histogram = tally.histogram();
        let all = [0.5, 0.95, 0.99].map(|q| histogram.quantile(q).unwrap_or(0));
        took.push(begin.elapsed().as_secs_f64() * 1e3);
        p95 = all[1] as f64 / 1e6;
    }
    took.sort_by(f64::total_cmp);
    (took[took.len() / 2], p95, rows)
}

/// Stores so many intervals; how long that took, and how much of it went into making them.
async fn fill(duck: &Duck, services: u32, intervals: u64, step: i64) -> (Duration, Duration) {
    let agent = AgentId::new("a").unwrap();
    let instances: Vec<_> = (0..services).map(|n| instance(&agent, n)).collect();
    let pool: Vec<_> = (0..4096).map(durations).collect();
    let mut making = Duration::ZERO;
    let begin = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    for n in 0..intervals {
        let made = Instant::now();
        let end = BEGIN + 10 + n as i64 * step;
        let next = batch(&agent, &instances, n + 1, end, &pool);
        making += made.elapsed();
        waiting.push_back(tokio::spawn(duck.append(next)));
        tokio::task::yield_now().await;
        if waiting.len() >= 128
            && let Some(first) = waiting.pop_front()
        {
            first.await.unwrap().unwrap();
        }
    }
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    (begin.elapsed(), making)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rows: u64 = flag("--rows", "2000000").parse().unwrap();
    let services: u32 = flag("--services", "1000").parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let dir = match flag("--dir", "").as_str() {
        "" => folder.path().to_owned(),
        named => PathBuf::from(named),
    };
    let path = dir.join("bench.duckdb");
    let keeping = Keeping {
        max_bytes: 0,
        ..Keeping::default()
    };
    let duck = Duck::open(&path, keeping, second(BEGIN)).unwrap();
    let intervals = (rows / u64::from(services)).max(1);
    let spread = (DAYS * 86_400 / 10 / intervals as i64 * 10).max(10);
    let step = flag("--step", &spread.to_string()).parse().unwrap();
    let (append, making) = fill(&duck, services, intervals, step).await;
    let stored = intervals * u64::from(services);
    let last = BEGIN + intervals as i64 * step;
    let middle = BEGIN + (last - BEGIN) / 2 / 3600 * 3600;
    let hour = |from: i64| Window {
        from: second(from),
        to: second(from + 3600),
    };
    let (raw_ms, p95, raw_rows) = red(&duck, services / 2, hour(middle), 9);
    let begin = Instant::now();
    let mut pieces = 0u64;
    let now = second(last + 60);
    while duck.maintain(now).await.unwrap().more {
        pieces += 1;
    }
    let maintain = begin.elapsed();
    let recent = last / 3600 * 3600 - 7200;
    let (rollup_ms, _, rollup_rows) = red(&duck, services / 2, hour(middle), 21);
    let (odd_ms, _, odd_rows) = red(&duck, services / 2, hour(recent - 1234), 21);
    tokio::task::spawn_blocking({
        let duck = std::sync::Arc::new(duck);
        move || duck.close()
    })
    .await
    .unwrap();
    let size = std::fs::metadata(&path).map_or(0, |m| m.len());
    println!(
        "{}",
        serde_json::json!({
            "rows_per_s": (stored as f64 / append.as_secs_f64()).round(),
            "red_100m_ms": raw_ms,
            "rollup_ms": rollup_ms,
            "rollup_odd_ms": odd_ms,
            "rows": stored,
            "services": services,
            "rows_read": [raw_rows, rollup_rows, odd_rows],
            "p95_ms": p95,
            "making_s": making.as_secs_f64(),
            "maintain_s": maintain.as_secs_f64(),
            "maintain_pieces": pieces,
            "file_mb": size / 1_000_000,
        })
    );
}
