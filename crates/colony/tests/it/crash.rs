//! kill -9 of the colony while agents ship: after the restart and the resume every request is counted, and counted once.

use crate::agent::{Agent, batch, exact};
use crate::colony::{Started, ask, channel};
use coral_model::*;
use coral_proto::v1;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tonic::Code;

fn now() -> TimeNs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    TimeNs(i64::try_from(since.as_nanos()).unwrap())
}

/// The batch `seq` of a run that began at `begin`: `seq` requests, each batch in an interval of its own.
fn numbered(seq: u64, begin: TimeNs) -> Batch {
    let to = begin.plus(Duration::from_millis(seq));
    let mut next = batch("a", 5, seq, to);
    next.items.push(exact(to, seq));
    next
}

async fn counted(socket: &Path) -> u64 {
    let question = Question::Summary {
        span: Span::Last(Duration::from_secs(900)),
        service: None,
        compare: None,
    };
    let channel = channel(socket).await.unwrap();
    match ask(&channel, &question).await.unwrap().body {
        AnswerBody::Summary(rows) => rows.iter().map(|r| r.red.counts.requests).sum(),
        other => panic!("{other:?}"),
    }
}

/// Ships from what the colony holds up to `upto`, some batches ahead of the acknowledgements; what was acknowledged last.
async fn ship(socket: &Path, begin: TimeNs, upto: u64) -> (u64, u64) {
    let channel = channel(socket).await.unwrap();
    let (mut agent, held) = Agent::open(channel, "a", 5).await.unwrap();
    let (mut sent, mut acked) = (held, held);
    while acked < upto {
        while sent < upto && sent < acked + 8 {
            if !agent.send((&numbered(sent + 1, begin)).into()).await {
                return (held, acked);
            }
            sent += 1;
        }
        match agent.acked().await {
            Ok(seq) => acked = seq,
            Err(_) => return (held, acked),
        }
    }
    (held, acked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_counted_twice_over_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let begin = now().minus(Duration::from_secs(60));
    let upto = 400;
    let total: u64 = (1..=upto).sum();
    let (mut acked, mut kills) = (0, 0);
    while acked < upto {
        let mut colony = Started::new(home.path()).await;
        let socket = colony.socket.clone();
        let shipping = tokio::spawn(async move { ship(&socket, begin, upto).await });
        if kills < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            colony.kill();
            kills += 1;
        }
        let (held, now) = shipping.await.unwrap();
        // What was acknowledged before the kill is held after it.
        assert!(held >= acked, "held {held}, acknowledged {acked}");
        acked = now;
    }
    let mut colony = Started::new(home.path()).await;
    assert_eq!(counted(&colony.socket).await, total);
    assert!(colony.terminate().success());
    // And once more from the file that was closed.
    let colony = Started::new(home.path()).await;
    assert_eq!(counted(&colony.socket).await, total);
}

#[tokio::test]
async fn a_second_colony_of_the_name_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let first = Started::new(home.path()).await;
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_coral-colony"))
        .args(["--colony", "test"])
        .env("CORAL_HOME", home.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        !second.status.success() && words.contains("runs already"),
        "{words}"
    );
    // The first one still answers on its socket.
    let channel = channel(&first.socket).await.unwrap();
    let unknown = Question::Summary {
        span: Span::Last(Duration::from_secs(900)),
        service: Some("x".into()),
        compare: None,
    };
    assert_eq!(
        ask(&channel, &unknown).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_open_streams_and_keeps_what_was_stored() {
    let home = tempfile::tempdir().unwrap();
    let mut colony = Started::new(home.path()).await;
    let to = channel(&colony.socket).await.unwrap();
    let (mut agent, _) = Agent::open(to.clone(), "a", 5).await.unwrap();
    agent.ship(&numbered(7, now())).await.unwrap();
    let status = v1::Topics {
        topics: vec![v1::Topic {
            id: 1,
            question: Some((&Question::Status).into()),
        }],
    };
    let mut watcher = v1::watch_client::WatchClient::new(to);
    let mut updates = watcher.open(status).await.unwrap().into_inner();
    assert!(updates.message().await.unwrap().is_some());
    let begin = Instant::now();
    let ended = tokio::task::spawn_blocking(move || colony.terminate());
    assert_eq!(agent.acked().await.unwrap_err().code(), Code::Unavailable);
    while updates.message().await.is_ok_and(|update| update.is_some()) {}
    assert!(ended.await.unwrap().success());
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    // The log was folded into the file.
    assert!(
        !home
            .path()
            .join("state/colony/test/coral.duckdb.wal")
            .exists()
    );
    let colony = Started::new(home.path()).await;
    assert_eq!(counted(&colony.socket).await, 7);
}
