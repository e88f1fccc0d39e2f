//! How fast rows go in, and how fast p50, p95 and p99 of one service and one hour come out: from ten-second rows of 30 days,
//! and from rollups. Prints one line of JSON. `--rows` go in by the writer and are what is measured; the engine fills up to
//! `--filled` rows by itself, which only takes less time. Reading is the path that answers take.
//! `--services 1000 --dir FOLDER`
#![allow(clippy::unwrap_used, reason = "a bench may unwrap")]

#[path = "bench_store/fill.rs"]
mod fill;

use coral_model::summary::Counts;
use coral_model::{
    AgentId, BootId, Epoch, Histogram, Instance, InstanceKey, Method, Protocol, Route, Seq,
    ServiceClass, ServiceKey, Side, StatusClass, Summary, TimeNs, Window,
};
use coral_store::{
    Append, Duck, InstanceId, Keeping, Level, Read, Routes, StoredBatch, SummaryFilter, Tally,
};
use std::path::{Path, PathBuf};
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
        profiles: vec![],
        symbols: vec![],
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

fn open(path: &Path) -> Duck {
    let keeping = Keeping {
        max_bytes: 0,
        ..Keeping::default()
    };
    Duck::open(path, keeping, second(BEGIN)).unwrap()
}

/// Stores rows by the writer; how many a second, with making them, and when the last one ends.
fn append(path: &Path, rows: u64, services: u32) -> (f64, Duration, i64) {
    let duck = open(path);
    let intervals = (rows / u64::from(services)).max(1);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let (took, making) = runtime
        .unwrap()
        .block_on(fill(&duck, services, intervals, 10));
    duck.close();
    let rate = (intervals * u64::from(services)) as f64 / took.as_secs_f64();
    (rate, making, BEGIN + intervals as i64 * 10)
}

fn hour(from: i64) -> Window {
    Window {
        from: second(from),
        to: second(from + 3600),
    }
}

fn main() {
    let number = |name, default| flag(name, default).parse::<u64>().unwrap();
    let (rows, filled) = (number("--rows", "2000000"), number("--filled", "100000000"));
    let services = number("--services", "1000") as u32;
    let folder = tempfile::tempdir().unwrap();
    let dir = match flag("--dir", "").as_str() {
        "" => folder.path().to_owned(),
        named => PathBuf::from(named),
    };
    let path = dir.join("bench.duckdb");
    eprintln!("append {rows} rows");
    let (rows_per_s, making, last) = append(&path, rows, services);
    eprintln!("fill up to {filled} rows");
    let begin = Instant::now();
    let days = second(BEGIN + DAYS * 86_400);
    let pool: Vec<_> = (0..4096).map(durations).collect();
    let total = fill::ten_seconds(&path, services, filled, (second(last), days), &pool);
    let filling = begin.elapsed();
    let middle = BEGIN + DAYS / 2 * 86_400;
    let duck = open(&path);
    let raw = red(&duck, services / 2, hour(middle), 15);
    let odd_raw = red(&duck, services / 3, hour(middle - 86_400 - 1234), 15);
    duck.close();
    drop(duck);
    fill::rollups(
        &path,
        services,
        (second(BEGIN), days),
        second(middle),
        &pool,
    );
    let duck = open(&path);
    let rolled = red(&duck, services / 2, hour(middle), 31);
    let odd = red(&duck, services / 3, hour(middle - 1234), 31);
    let month = Window {
        from: second(BEGIN + 86_400),
        to: days,
    };
    let month = red(&duck, services / 2, month, 15);
    duck.close();
    let size = std::fs::metadata(&path).map_or(0, |m| m.len());
    println!(
        "{}",
        serde_json::json!({
            "rows_per_s": rows_per_s.round(),
            "red_100m_ms": raw.0,
            "rollup_ms": rolled.0,
            "red_odd_ms": odd_raw.0,
            "rollup_odd_ms": odd.0,
            "rollup_month_ms": month.0,
            "appended": rows,
            "rows": total,
            "services": services,
            "rows_read": [raw.2, odd_raw.2, rolled.2, odd.2, month.2],
            "p95_ms": raw.1,
            "making_s": making.as_secs_f64(),
            "filling_s": filling.as_secs_f64(),
            "file_mb": size / 1_000_000,
        })
    );
}
