//! Rollups: whatever is asked, at whatever level it is answered, the sums are those of the intervals.

use crate::samples::{batch, edge, host, process, second, summary, window};
use coral_model::{Endpoint, Histogram, Route, TimeNs, Window};
use coral_store::{
    Append, Duck, Keeping, Level, Memory, Reach, Read, Routes, Snapshot, StoredBatch, SummaryFilter,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Where the days of these tests begin: far from zero, at an hour.
pub const DAY: i64 = 1_000 * 86_400;

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

/// Maintains until there is nothing to do.
pub async fn settle(store: &impl Append, now: i64) {
    while store.maintain(second(now)).await.unwrap().more {}
}

type Sums = BTreeMap<String, (Vec<u64>, Histogram)>;

fn add(sums: &mut Sums, key: String, counts: &[u64], durations: &Histogram) {
    let (held, histogram) = sums.entry(key).or_default();
    held.resize(counts.len(), 0);
    held.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
    histogram.merge(durations);
}

/// Everything that can be added up in a window.
pub fn sums(view: &dyn Snapshot, window: Window, widest: Level) -> Sums {
    let mut sums = Sums::new();
    for routes in [Routes::Exact, Routes::Split] {
        let filter = SummaryFilter {
            window,
            instances: None,
            routes,
            widest,
        };
        for r in view.summaries(&filter).unwrap() {
            let (route, class) = (r.route, r.status_class);
            let key = (r.instance, r.side, r.protocol, route, r.method, class);
            let counts = [r.counts.requests, r.counts.errors, r.counts.client_errors];
            add(&mut sums, format!("{key:?}"), &counts, &r.durations);
        }
    }
    for e in view.edges(window).unwrap() {
        let counts = [
            e.counts.requests,
            e.connections,
            e.bytes_sent,
            e.bytes_received,
            e.retransmits.unwrap_or(0),
            e.retransmits.is_some().into(),
        ];
        let key = format!("{:?}", (e.agent, e.side, e.protocol, e.caller, e.callee));
        add(&mut sums, key, &counts, &e.durations);
    }
    let none = Histogram::default();
    for g in view.gauges(window).unwrap() {
        let values = [g.last, g.least, g.most, g.total].map(f64::to_bits);
        let key = format!("{:?} {} {:?}", g.agent, g.name, g.label);
        add(&mut sums, key, &[&values[..], &[g.samples]].concat(), &none);
    }
    for p in view.processes(window).unwrap() {
        let values = [p.cpu_ns.to_bits(), p.rss_bytes, p.last.0 as u64];
        add(
            &mut sums,
            format!("process {:?}", p.instance),
            &values,
            &none,
        );
    }
    let active = (view.active(window).unwrap(), view.spoken(window).unwrap());
    add(&mut sums, format!("{active:?}"), &[], &none);
    // Whether some retransmits were known is no sum.
    for (counts, _) in sums.values_mut().filter(|(c, _)| c.len() == 6) {
        counts[5] = counts[5].min(1);
    }
    sums
}

/// A batch whose intervals end at `at`, which need not be aligned.
fn odd(seq: u64, at: i64, n: u64) -> StoredBatch {
    let mut next = batch("a", 5, seq, at);
    let route = |n: u64| Route::Template(format!("/{}", n % 3).as_str().into());
    next.summaries = vec![
        summary(at - 10, 0, Route::All, n),
        summary(at - 10, 0, route(n), n),
        summary(at - 10, 1, Route::All, 2 * n),
    ];
    next.summaries[0].durations.record(n * 1000);
    next.edges = vec![edge(at - 10), edge(at - 10)];
    next.edges[1].retransmits = Some(n);
    next.edges[1].caller = Endpoint::Instance(1);
    // Halves and quarters add up exactly in any order.
    next.hosts = vec![host(at - 10, n as f64 / 4.0)];
    next.processes = vec![process(at - 10, 1, n as f64 / 4.0)];
    next
}

#[derive(Debug, Clone)]
enum Step {
    /// A batch that ends so many seconds before the newest, and how much it counts.
    Late(i64, u64),
    /// A batch so many seconds after the newest.
    Next(i64, u64),
    Maintain,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1i64..400, 1u64..50).prop_map(|(s, n)| Step::Next(s, n)),
        1 => (0i64..9_000, 1u64..50).prop_map(|(s, n)| Step::Late(s, n)),
        2 => Just(Step::Maintain),
    ];
    prop::collection::vec(step, 5..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn sums_are_those_of_the_intervals(steps in steps(), cuts in prop::collection::vec(0i64..12_000, 2..6)) {
        let dir = tempfile::tempdir().unwrap();
        let duck = Duck::open(&dir.path().join("s.duckdb"), Keeping::default(), second(0)).unwrap();
        let memory = Memory::default();
        let (mut now, mut seq) = (DAY, 0);
        // Of two values of one moment neither is the newest.
        let mut ends = BTreeSet::new();
        runtime().block_on(async {
            for step in steps {
                let (at, n) = match step {
                    Step::Next(later, n) => {
                        now += later;
                        (now, n)
                    }
                    Step::Late(before, n) => (now - before, n),
                    Step::Maintain => {
                        settle(&duck, now + 31).await;
                        continue;
                    }
                };
                if !ends.insert(at) {
                    continue;
                }
                seq += 1;
                duck.append(odd(seq, at, n)).await.unwrap();
                memory.append(odd(seq, at, n)).await.unwrap();
            }
        });
        let (wanted, found) = (memory.snapshot().unwrap(), duck.snapshot().unwrap());
        let begin = DAY - 10_000;
        let mut windows = vec![window(begin, now + 100)];
        windows.extend(cuts.windows(2).map(|c| window(begin + c[0].min(c[1]), begin + c[0].max(c[1]))));
        for window in windows {
            prop_assert_eq!(found.reach(window).unwrap(), Reach::Kept(window));
            for widest in Level::ALL {
                let (wanted, found) = (sums(&*wanted, window, widest), sums(&*found, window, widest));
                prop_assert_eq!(found, wanted, "{:?} {:?}", window, widest);
            }
        }
        duck.close();
    }
}

#[test]
fn an_hour_is_read_from_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.duckdb");
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    let count = |duck: &Duck, window: Window, widest| {
        let filter = SummaryFilter {
            window,
            instances: None,
            routes: Routes::Exact,
            widest,
        };
        let view = duck.snapshot().unwrap();
        let rows = view.summaries(&filter).unwrap();
        let requests: u64 = rows.iter().map(|r| r.counts.requests).sum();
        (rows.len(), requests)
    };
    let hour = window(DAY, DAY + 3_600);
    runtime().block_on(async {
        for seq in 1..=360 {
            let at = DAY + 10 * i64::try_from(seq).unwrap();
            let mut next = batch("a", 5, seq, at);
            next.summaries.truncate(1);
            duck.append(next).await.unwrap();
        }
        assert_eq!(count(&duck, hour, Level::Hour), (360, 3_600));
        // The last minute has not been over for long enough.
        settle(&duck, DAY + 3_620).await;
        assert_eq!(count(&duck, hour, Level::Hour), (59 + 6, 3_600));
        settle(&duck, DAY + 3_631).await;
    });
    assert_eq!(count(&duck, hour, Level::Hour), (1, 3_600));
    assert_eq!(count(&duck, hour, Level::Minute), (60, 3_600));
    assert_eq!(count(&duck, hour, Level::TenSeconds), (360, 3_600));
    let moved = |ns| Window {
        from: TimeNs(hour.from.0 + ns),
        to: TimeNs(hour.to.0 + ns),
    };
    let (rows, requests) = count(&duck, moved(-25_000_000_000), Level::Hour);
    assert_eq!((rows, requests), (59 + 3, 3_570));
    duck.close();
    drop(duck);
    // What was rolled up is known after a restart.
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    runtime().block_on(settle(&duck, DAY + 3_640));
    assert_eq!(count(&duck, hour, Level::Hour), (1, 3_600));
    duck.close();
}
