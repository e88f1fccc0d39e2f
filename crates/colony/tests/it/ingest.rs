//! What is shipped over the socket is answered over the socket, once; what is not the agent's own is refused.

use crate::agent::{Agent, batch, exact, instance, pulse};
use crate::colony::{TestColony, ask, second};
use coral_colony::hub::Beat;
use coral_model::*;
use coral_proto::v1;
use coral_store::{Duck, Keeping, Memory, Read};
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

fn last(seconds: u64) -> Span {
    Span::Last(Duration::from_secs(seconds))
}

async fn requests(channel: &tonic::transport::Channel, seconds: u64) -> u64 {
    let question = Question::Summary {
        span: last(seconds),
        service: Some("shop".into()),
        compare: None,
    };
    match ask(channel, &question).await.unwrap().body {
        AnswerBody::Summary(rows) => rows.iter().map(|r| r.red.counts.requests).sum(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shipped_is_answered_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let store =
        tokio::task::spawn_blocking(move || Duck::open(&path, Keeping::default(), second(0)));
    let store = Arc::new(store.await.unwrap().unwrap());
    let colony = TestColony::start(store.clone(), Beat::default());
    let channel = colony.channel().await;
    let (mut agent, held) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    assert_eq!(held, 0);
    let mut sent = 0;
    for seq in 1..=30u64 {
        let at = second(seq as i64);
        let mut next = batch("a", 5, seq, at);
        next.items.push(pulse(at, seq));
        sent += seq;
        if seq % 10 == 0 {
            next.items.push(exact(at, (seq - 9..=seq).sum()));
        }
        assert_eq!(agent.ship(&next).await.unwrap(), seq);
        // Sent again, as after a lost acknowledgement: acknowledged again, counted once.
        assert_eq!(agent.ship(&next).await.unwrap(), seq);
        colony.now(seq as i64);
        assert_eq!(requests(&channel, 900).await, sent);
    }
    let question = Question::Summary {
        span: last(900),
        service: None,
        compare: None,
    };
    let AnswerBody::Summary(rows) = ask(&channel, &question).await.unwrap().body else {
        panic!()
    };
    assert_eq!(rows[0].red.rate_per_s, Some(sent as f64 / 30.0));
    assert_eq!(rows[0].red.samples, sent);
    let status = ask(&channel, &Question::Status).await.unwrap();
    assert_eq!(status.complete_until, Some(second(30)));
    let AnswerBody::Status(status) = status.body else {
        panic!()
    };
    assert_eq!((status.agents.len(), status.services), (1, 1));
    assert!(status.agents[0].connected);
    // Every question of the wire has an answer.
    for question in [
        Question::Services {
            span: last(900),
            trend_points: 30,
        },
        Question::Metrics {
            span: last(900),
            service: "shop".into(),
        },
        Question::Topology { span: last(900) },
        Question::Events {
            span: last(900),
            service: None,
            kinds: vec![],
            limit: 5,
        },
    ] {
        let answer = ask(&channel, &question).await.unwrap();
        assert_eq!(answer.body.name(), question.name());
    }
    drop(agent);
    let actions = audited(&*store);
    assert_eq!(
        actions
            .iter()
            .filter(|a| *a == "coral.v1.Ship/Stream")
            .count(),
        1
    );
    let runs = actions
        .iter()
        .filter(|a| *a == "coral.v1.Query/Run summary");
    assert_eq!(runs.count(), 31);
    colony.stop.send(true).unwrap();
    colony.served.await.unwrap();
    tokio::task::spawn_blocking(move || store.close())
        .await
        .unwrap();
}

fn audited(store: &impl Read) -> Vec<String> {
    let rows = store.snapshot().unwrap().audit(1000).unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

#[tokio::test]
async fn a_stream_speaks_for_one_agent_alone() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let channel = colony.channel().await;
    let foreign: [fn(&mut Batch); 3] = [
        |b| b.instances[0] = instance("b", 1, "shop"),
        |b| b.items = batch("b", 5, 1, second(1)).items,
        |b| {
            b.items.push(Item::Event(Event {
                at: second(1),
                until: None,
                kind: EventKind::Exit,
                agent: AgentId::new("b").unwrap(),
                service: None,
                instance: None,
                text: "not mine".into(),
            }));
        },
    ];
    for make in foreign {
        let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
        let mut bad = batch("a", 5, 1, second(1));
        make(&mut bad);
        let refused = agent.ship(&bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    }
    let (mut agent, held) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    assert_eq!(held, 0);
    assert_eq!(agent.ship(&batch("a", 5, 1, second(1))).await.unwrap(), 1);
}

#[tokio::test]
async fn counts_that_nothing_reaches_are_refused() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let absurd: [fn(&mut Batch); 2] = [
        |b| {
            if let Item::Health(health) = &mut b.items[0] {
                health.loss.unparsed = u64::MAX;
            }
        },
        |b| {
            b.items.push(pulse(second(1), 1));
            if let Some(Item::Pulse(pulse)) = b.items.last_mut() {
                pulse.counts.errors = 1 << 50;
            }
        },
    ];
    for make in absurd {
        let (mut agent, _) = Agent::open(colony.channel().await, "a", 5).await.unwrap();
        let mut bad = batch("a", 5, 1, second(1));
        make(&mut bad);
        let refused = agent.ship(&bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
}

#[tokio::test]
async fn a_stream_begins_with_a_hello_that_fits() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let channel = colony.channel().await;
    let refused = Agent::open(channel.clone(), "../etc", 5)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let open = |first: v1::Batch| {
        let mut client = v1::ship_client::ShipClient::new(channel.clone());
        async move {
            let stream = client.stream(tokio_stream::once(first)).await?;
            stream.into_inner().message().await
        }
    };
    let refused = open(v1::Batch::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let mut later = coral_proto::hello("a", "b00t", 5, &[]);
    later.wire_revision += 100;
    let refused = open(v1::Batch {
        hello: Some(later),
        ..Default::default()
    });
    let refused = refused.await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
}

#[tokio::test]
async fn a_new_run_leaves_a_gap_event() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    agent.ship(&batch("a", 5, 1, second(10))).await.unwrap();
    drop(agent);
    // Back in the same run with nothing missing: no gap.
    let (mut agent, held) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    assert_eq!(held, 1);
    agent.ship(&batch("a", 5, 2, second(40))).await.unwrap();
    drop(agent);
    let (mut agent, held) = Agent::open(channel.clone(), "a", 9).await.unwrap();
    assert_eq!(held, 0);
    agent.ship(&batch("a", 9, 1, second(50))).await.unwrap();
    colony.now(51);
    let question = Question::Events {
        span: last(900),
        service: None,
        kinds: vec![],
        limit: 10,
    };
    let AnswerBody::Events { rows, .. } = ask(&channel, &question).await.unwrap().body else {
        panic!()
    };
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].kind, rows[0].at, rows[0].until),
        (EventKind::Gap, second(40), Some(second(49)))
    );
    assert_eq!(
        rows[0].text.raw(),
        "agent restarted; nothing was observed for 9.0 s"
    );
}

#[tokio::test]
async fn items_of_a_newer_agent_are_skipped_and_counted() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    let mut newer = v1::Batch::from(&batch("a", 5, 1, second(10)));
    newer
        .items
        .extend([v1::Item { kind: None }, v1::Item { kind: None }]);
    assert!(agent.send(newer).await);
    agent.acked().await.unwrap();
    agent.ship(&batch("a", 5, 2, second(20))).await.unwrap();
    colony.now(20);
    let answer = ask(&channel, &Question::Status).await.unwrap();
    assert_eq!(answer.loss.unknown, 2);
}

#[tokio::test]
async fn a_refused_question_says_what_to_ask_instead() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    agent.ship(&batch("a", 5, 1, second(10))).await.unwrap();
    let question = Question::Metrics {
        span: last(900),
        service: "shpo".into(),
    };
    let refused = ask(&channel, &question).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(
        refused.message().contains("did you mean shop?"),
        "{refused}"
    );
    // What would be passed over is refused.
    let mut client = v1::query_client::QueryClient::new(channel);
    let status = v1::Question::from(&Question::Status);
    for odd in [
        v1::Question {
            limit: 5,
            ..status.clone()
        },
        v1::Question {
            cursor: "x".into(),
            ..status
        },
    ] {
        let refused = client.run(odd).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
}
