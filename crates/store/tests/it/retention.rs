//! How long what is kept, what is asked beyond it, and the bound of the file.

use crate::rollup::{DAY, runtime, settle, sums};
use crate::samples::{batch, second, window};
use coral_model::{EventKind, Histogram};
use coral_store::{Append, Duck, EventFilter, Keeping, Level, Reach, Read, Routes, SummaryFilter};

const HOUR: i64 = 3_600;

fn requests(duck: &Duck, from: i64, to: i64) -> u64 {
    let filter = SummaryFilter {
        window: window(from, to),
        instances: None,
        routes: Routes::Exact,
        widest: Level::Hour,
    };
    let rows = duck.snapshot().unwrap().summaries(&filter).unwrap();
    rows.iter().map(|r| r.counts.requests).sum()
}

#[test]
fn fine_intervals_go_first_and_their_sums_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.duckdb");
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    let whole = window(DAY, DAY + 2 * HOUR);
    runtime().block_on(async {
        for seq in 1..=60 {
            let at = DAY + 120 * i64::try_from(seq).unwrap();
            duck.append(batch("a", 5, seq, at)).await.unwrap();
        }
        settle(&duck, DAY + 3 * HOUR).await;
    });
    let before = sums(&*duck.snapshot().unwrap(), whole, Level::Hour);
    assert_eq!(requests(&duck, DAY, DAY + 2 * HOUR), 60 * 13);
    let reach = |from, to| {
        let view = duck.snapshot().unwrap();
        view.reach(window(from, to)).unwrap()
    };
    // Two days later the first hour is only kept by the minute.
    runtime().block_on(settle(&duck, DAY + 49 * HOUR));
    assert_eq!(sums(&*duck.snapshot().unwrap(), whole, Level::Hour), before);
    let edge = DAY + HOUR;
    assert_eq!(
        reach(DAY + 5, edge + 5),
        Reach::Kept(window(DAY + 60, edge + 5))
    );
    assert_eq!(reach(edge, edge + 5), Reach::Kept(window(edge, edge + 5)));
    // A month later by the hour, and what comes late is still added.
    let month = DAY + 31 * 24 * HOUR;
    runtime().block_on(async {
        settle(&duck, month).await;
        duck.append(batch("b", 1, 1, DAY + 100)).await.unwrap();
        settle(&duck, month + 120).await;
    });
    assert_eq!(requests(&duck, DAY, DAY + 2 * HOUR), 61 * 13);
    assert_eq!(reach(DAY + 5, DAY + 10), Reach::Coarse(Level::Hour));
    // A year and more later nothing is left, and it says from when there is something.
    let year = DAY + 401 * 24 * HOUR;
    runtime().block_on(settle(&duck, year));
    assert_eq!(requests(&duck, DAY, DAY + 2 * HOUR), 0);
    let Reach::Gone(from) = reach(DAY, DAY + 2 * HOUR) else {
        panic!()
    };
    assert!(from >= second(DAY + 2 * HOUR), "{from:?}");
    let view = duck.snapshot().unwrap();
    assert!(view.instances(window(0, year)).unwrap().is_empty());
    assert!(view.health(window(0, year)).unwrap().is_empty());
    duck.close();
}

#[test]
fn states_are_thinned_to_the_last_of_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.duckdb");
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    runtime().block_on(async {
        for seq in 1..=30 {
            let at = DAY + 240 * i64::try_from(seq).unwrap();
            duck.append(batch("a", 5, seq, at)).await.unwrap();
        }
        settle(&duck, DAY + 50 * HOUR + 1).await;
    });
    let view = duck.snapshot().unwrap();
    let health = view.health(window(0, DAY + 100 * HOUR)).unwrap();
    let at: Vec<_> = health.iter().map(|h| h.at).collect();
    assert_eq!(at, [second(DAY + HOUR), second(DAY + 2 * HOUR)]);
    // The last one counts all that was skipped so far.
    assert_eq!(health[1].loss.unknown, 30);
    duck.close();
}

#[test]
fn a_file_over_its_bound_loses_the_oldest_of_the_finest_level() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.duckdb");
    let keeping = Keeping {
        max_bytes: 6_000_000,
        ..Keeping::default()
    };
    let duck = Duck::open(&path, keeping, second(0)).unwrap();
    let batches = 24u32;
    runtime().block_on(async {
        for seq in 1..=batches {
            let at = DAY + 600 * i64::from(seq);
            let mut next = batch("a", 5, seq.into(), at);
            let one = next.summaries[0].clone();
            next.summaries = (0..3_000u64)
                .map(|i| {
                    let mut row = one.clone();
                    row.durations = Histogram::default();
                    // Blobs that no compression makes small.
                    (0..60).for_each(|k| {
                        row.durations
                            .record((i * 7_919 + k * k * 104_729) << (k % 9))
                    });
                    row
                })
                .collect();
            duck.append(next).await.unwrap();
        }
    });
    let (from, to) = (DAY, DAY + 5 * HOUR);
    let all = requests(&duck, from, to);
    runtime().block_on(async {
        for later in 0..60 {
            settle(&duck, to + 61 * later).await;
        }
    });
    // The sums of all minutes are still there; the file is small; an event says it.
    assert_eq!(requests(&duck, from, to), all);
    let view = duck.snapshot().unwrap();
    assert!(
        matches!(view.reach(window(from + 5, to)).unwrap(), Reach::Kept(w) if w.from > second(from + 5))
    );
    let filter = EventFilter {
        window: window(0, to + 10 * HOUR),
        services: vec![],
        kinds: vec![EventKind::DiskFull],
        limit: 10,
    };
    let events = view.events(&filter).unwrap();
    assert!(
        !events.is_empty() && events[0].text.raw().contains("6 MB"),
        "{events:?}"
    );
    drop(view);
    duck.close();
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 12_000_000, "{size}");
}
