//! What only a file can show.

use crate::samples::{batch, second, summary, window};
use coral_model::{Route, Seq};
use coral_store::{Append, Duck, Keeping, Level, Read, Routes, StoreError, SummaryFilter};
use std::time::Instant;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

#[test]
fn a_reopened_file_knows_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    runtime().block_on(async {
        for seq in 1..=3 {
            duck.append(batch("a", 5, seq, 100)).await.unwrap();
        }
    });
    duck.close();
    let closed = runtime().block_on(duck.append(batch("a", 5, 4, 100)));
    assert!(matches!(closed, Err(StoreError::Closed)));
    drop(duck);

    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    runtime().block_on(async {
        let again = duck.append(batch("a", 5, 3, 100)).await.unwrap();
        assert_eq!((again.new, again.last, again.unknown), (false, Seq(3), 3));
        let mut next = batch("a", 5, 4, 130);
        next.instances.swap(0, 1);
        assert!(duck.append(next).await.unwrap().new);
    });
    let view = duck.snapshot().unwrap();
    assert_eq!(view.instances(window(0, 1000)).unwrap().len(), 2);
    duck.close();
}

/// Not a benchmark, a guard: the debug build must take in many times what an agent sends.
#[test]
fn rows_go_in_by_the_thousand() {
    let dir = tempfile::tempdir().unwrap();
    let duck = Duck::open(
        &dir.path().join("coral.duckdb"),
        Keeping::default(),
        second(0),
    )
    .unwrap();
    let (batches, each) = (20u64, 2_000u32);
    let begin = Instant::now();
    runtime().block_on(async {
        let mut waiting = vec![];
        for seq in 1..=batches {
            let mut big = batch("a", 5, seq, 100);
            big.summaries = (0..each).map(|_| summary(90, 0, Route::All, 1)).collect();
            waiting.push(tokio::spawn(duck.append(big)));
        }
        for one in waiting {
            assert!(one.await.unwrap().unwrap().new);
        }
    });
    let elapsed = begin.elapsed();
    let filter = SummaryFilter {
        window: window(0, 1000),
        instances: None,
        routes: Routes::Exact,
        widest: Level::Hour,
    };
    let begin = Instant::now();
    let rows = duck.snapshot().unwrap().summaries(&filter).unwrap();
    let read = begin.elapsed();
    assert_eq!(rows.len() as u64, batches * u64::from(each));
    let per_s = rows.len() as f64 / elapsed.as_secs_f64();
    println!(
        "{per_s:.0} rows/s stored, {:.0} rows/s read back",
        rows.len() as f64 / read.as_secs_f64()
    );
    assert!(per_s > 5_000.0, "{per_s:.0} rows/s");
    duck.close();
}
