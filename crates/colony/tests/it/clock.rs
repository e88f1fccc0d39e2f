//! The colony's own clock jumps by an hour, forth and back, with its agent's: nothing is lost or counted twice, although
//! minutes were rolled up that had not been yet.

use crate::agent::{Agent, batch, exact};
use crate::colony::{BEGIN, TestColony, ask, second};
use coral_colony::hub::Beat;
use coral_model::answer::Cell;
use coral_model::*;
use coral_store::{Duck, Keeping};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::transport::Channel;

async fn requests(channel: &Channel, from: i64, to: i64) -> u64 {
    let question = Question::Summary {
        span: Span::Between(Window {
            from: second(from),
            to: second(to),
        }),
        service: Some("shop".into()),
        compare: None,
    };
    match ask(channel, &question).await.unwrap().body {
        AnswerBody::Summary(rows) => rows.iter().map(|r| r.red.counts.requests).sum(),
        other => panic!("{other:?}"),
    }
}

/// Rows of minutes that end after this second.
async fn minutes_after(channel: &Channel, s: i64) -> bool {
    let at = BEGIN + s;
    let text = format!("SELECT count(*) FROM requests_1m WHERE epoch(at) > {at}");
    let question = Question::Sql { text, limit: 1 };
    match ask(channel, &question).await.unwrap().body {
        AnswerBody::Sql(table) => !matches!(table.rows[0][0], Cell::Int(0) | Cell::Uint(0)),
        other => panic!("{other:?}"),
    }
}

async fn rolled(channel: &Channel, after: i64) {
    let until = Instant::now() + Duration::from_secs(30);
    while !minutes_after(channel, after).await {
        assert!(
            Instant::now() < until,
            "no minute after {after} is rolled up"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colony_whose_clock_jumps_an_hour_either_way_counts_each_request_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let store = Arc::new(Duck::open(&path, Keeping::default(), second(0)).unwrap());
    let colony = TestColony::start(store, Beat::default());
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    // In turn: the hour that is, the next one, and back in the middle of the first.
    let ends = [
        (10, 1),
        (60, 2),
        (3_630, 4),
        (3_660, 8),
        (70, 16),
        (130, 32),
    ];
    for (seq, (end, count)) in (1..).zip(ends) {
        colony.now(end + 1);
        let mut next = batch("a", 5, seq, second(end));
        next.items.push(exact(second(end), count));
        agent.ship(&next).await.unwrap();
        if end == 3_660 {
            colony.now(3_760);
            rolled(&channel, 3_600).await;
        }
    }
    colony.now(190);
    assert_eq!(requests(&channel, 0, 4_000).await, 63);
    assert_eq!(requests(&channel, 0, 200).await, 1 + 2 + 16 + 32);
    assert_eq!(requests(&channel, 60, 120).await, 16);
    assert_eq!(requests(&channel, 3_600, 3_700).await, 12);
    // And when the hour has come by itself.
    colony.now(7_300);
    rolled(&channel, 120).await;
    assert_eq!(requests(&channel, 0, 4_000).await, 63);
    assert_eq!(requests(&channel, 0, 200).await, 1 + 2 + 16 + 32);
}
