//! Single requests, asked of agents: those that answer are merged, newest first, those that do not are named.

use crate::agent::{Agent, batch};
use crate::colony::{TestColony, ask, second};
use coral_colony::hub::Beat;
use coral_model::*;
use coral_proto::v1;
use coral_proto::v1::detail_client::DetailClient;
use coral_store::Memory;
use prost::Message as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// What an agent does when it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    /// Requests that began at these seconds, a block each.
    With(&'static [i64]),
    /// Nothing, ever.
    Never,
    /// That it cannot.
    Error,
    /// Chunks for as long as somebody takes them.
    TooMuch,
}

/// An agent that has shipped once, and offers detail until this is dropped.
struct Offering {
    _agent: Agent,
    task: tokio::task::JoinHandle<()>,
    sent: Arc<std::sync::atomic::AtomicU64>,
}

impl Drop for Offering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn offering(colony: &TestColony, id: &'static str, answers: Answers) -> Offering {
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), id, 5).await.unwrap();
    agent.ship(&batch(id, 5, 1, second(10))).await.unwrap();
    let mut client = DetailClient::new(channel.clone());
    let hello = coral_proto::hello(id, "b00t", 5, &["requests"]);
    let mut wanted = client.offer(hello).await.unwrap().into_inner();
    let sent = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = sent.clone();
    let task = tokio::spawn(async move {
        while let Ok(Some(request)) = wanted.message().await {
            assert_eq!(
                (request.kind.as_str(), request.deadline_ms),
                ("requests", 5_000)
            );
            if answers != Answers::Never {
                answer(channel.clone(), id, request.id, answers, &count).await;
            }
        }
    });
    Offering {
        _agent: agent,
        task,
        sent,
    }
}

fn block(id: &str, s: i64) -> Vec<u8> {
    let record = RequestRecord {
        at: second(s),
        instance: 0,
        side: Side::Server,
        protocol: Protocol::Http1,
        method: Method::Get,
        route: "/x".into(),
        path: "/x".into(),
        status: Some(200),
        ending: Ending::Complete,
        duration: Duration::from_millis(3),
        ttfb: None,
        peer: Endpoint::Instance(0),
    };
    let mut of = batch(id, 5, 1, second(s));
    of.items = vec![Item::Request(record)];
    v1::Batch::from(&of).encode_to_vec()
}

async fn answer(
    channel: Channel,
    id: &str,
    request_id: String,
    answers: Answers,
    sent: &std::sync::atomic::AtomicU64,
) {
    let (chunks, stream) = mpsc::channel(1);
    let chunk = |data, last, error: &str| v1::Chunk {
        request_id: request_id.clone(),
        data,
        last,
        error: error.to_owned(),
    };
    chunks.send(chunk(vec![], false, "")).await.unwrap();
    let mut client = DetailClient::new(channel);
    let mut credits = client
        .answer(ReceiverStream::new(stream))
        .await
        .unwrap()
        .into_inner();
    let credit = credits.message().await.unwrap().unwrap();
    assert!(credit.bytes > 0);
    let seconds = match answers {
        Answers::With(seconds) => seconds,
        _ => &[],
    };
    for &s in seconds {
        chunks.send(chunk(block(id, s), false, "")).await.unwrap();
    }
    while answers == Answers::TooMuch && chunks.send(chunk(block(id, 5), false, "")).await.is_ok() {
        sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    let error = if answers == Answers::Error {
        "the disk is gone"
    } else {
        ""
    };
    let _ = chunks.send(chunk(vec![], true, error)).await;
    while credits.message().await.is_ok_and(|credit| credit.is_some()) {}
}

async fn requests(colony: &TestColony, limit: u32) -> (Vec<i64>, bool, Vec<String>) {
    let question = Question::Requests {
        span: Span::Last(Duration::from_secs(900)),
        service: "shop".into(),
        path: None,
        status_class: None,
        min_duration: None,
        limit,
    };
    match ask(&colony.channel().await, &question).await.unwrap().body {
        AnswerBody::Requests {
            rows,
            truncated,
            silent,
        } => (
            rows.iter()
                .map(|r| (r.at.0 - second(0).0) / 1_000_000_000)
                .collect(),
            truncated,
            silent.iter().map(|s| s.visible().into_owned()).collect(),
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_agents_are_merged_and_the_silent_are_named() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    colony.now(20);
    let _a = offering(&colony, "a", Answers::With(&[9, 7, 2])).await;
    let _b = offering(&colony, "b", Answers::With(&[8, 3])).await;
    assert_eq!(
        requests(&colony, 10).await,
        (vec![9, 8, 7, 3, 2], false, vec![])
    );
    let (rows, truncated, _) = requests(&colony, 3).await;
    assert_eq!((rows, truncated), (vec![9, 8, 7], true));
    let _c = offering(&colony, "c", Answers::Error).await;
    let d = offering(&colony, "d", Answers::Never).await;
    let gone = offering(&colony, "e", Answers::Never).await;
    drop(gone);
    let begin = Instant::now();
    let (rows, _, silent) = requests(&colony, 10).await;
    assert_eq!(rows, [9, 8, 7, 3, 2]);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let silent = silent.join("; ");
    for words in ["the disk is gone", "took longer than 5 s"] {
        assert!(silent.contains(words), "{silent}");
    }
    // It is asked, or the colony knows already that it has gone.
    let gone = ["not connected", "went away"];
    assert!(gone.iter().any(|words| silent.contains(words)), "{silent}");
    drop(d);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_says_too_much_is_bounded_and_told_to_stop() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    colony.now(20);
    let flood = offering(&colony, "a", Answers::TooMuch).await;
    let (rows, truncated, silent) = requests(&colony, 50).await;
    assert_eq!((rows.len(), truncated), (50, true));
    assert!(
        silent.is_empty() || silent[0].contains("took longer"),
        "{silent:?}"
    );
    // Nobody takes any more: it stops.
    let sent = || flood.sent.load(std::sync::atomic::Ordering::Relaxed);
    let until = Instant::now() + Duration::from_secs(20);
    let mut last = 0;
    while last == 0 || last != sent() {
        assert!(Instant::now() < until, "it still sends");
        last = sent();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
