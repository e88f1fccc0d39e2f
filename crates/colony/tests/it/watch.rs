//! Live answers: the whole first, then what changed; who does not read is cut.

use crate::agent::{Agent, batch, instance, pulse};
use crate::colony::{TestColony, second};
use coral_colony::hub::Beat;
use coral_model::{Question, Span};
use coral_proto::v1;
use coral_proto::v1::update::Kind;
use coral_proto::v1::watch_client::WatchClient;
use coral_store::Memory;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

const LAST: Span = Span::Last(Duration::from_secs(900));

fn topics(questions: &[Question]) -> v1::Topics {
    let topic = |(id, question): (u32, &Question)| v1::Topic {
        id,
        question: Some(question.into()),
    };
    v1::Topics {
        topics: (10u32..).zip(questions).map(topic).collect(),
    }
}

#[tokio::test]
async fn a_reader_gets_the_whole_then_what_changed() {
    let beat = Beat {
        tick: Duration::from_millis(50),
        queue: 64,
    };
    let colony = TestColony::start(Arc::new(Memory::default()), beat);
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    let mut first = batch("a", 5, 1, second(1));
    first.instances.push(instance("a", 2, "idle"));
    first.items.push(pulse(second(1), 3));
    agent.ship(&first).await.unwrap();
    colony.now(1);
    let questions = [
        Question::Services {
            span: LAST,
            trend_points: 0,
        },
        Question::Status,
    ];
    let mut client = WatchClient::new(channel);
    let mut updates = client.open(topics(&questions)).await.unwrap().into_inner();
    let mut next = async || updates.message().await.unwrap().unwrap();
    let update = next().await;
    let Some(Kind::Snapshot(whole)) = update.kind else {
        panic!("{update:?}")
    };
    assert_eq!((update.topic, whole.services.len()), (10, 2));
    assert!(matches!(
        next().await,
        v1::Update {
            topic: 11,
            kind: Some(Kind::Snapshot(_))
        }
    ));

    let mut second_batch = batch("a", 5, 2, second(2));
    second_batch.items.push(pulse(second(2), 4));
    agent.ship(&second_batch).await.unwrap();
    let changed = loop {
        let update = next().await;
        match update.kind {
            Some(Kind::Delta(delta)) if update.topic == 10 => {
                let rows = delta.changed.unwrap().services;
                if let [row] = &rows[..] {
                    break row.clone();
                }
                assert!(rows.is_empty());
            }
            Some(Kind::Snapshot(_)) if update.topic == 11 => {}
            other => panic!("{other:?}"),
        }
    };
    // Only the service with traffic changed; both would, if the clock had moved.
    assert_eq!(changed.service.unwrap().name, "shop");

    // 15 minutes later both are gone.
    colony.now(1000);
    let removed = loop {
        if let Some(Kind::Delta(delta)) = next().await.kind
            && !delta.removed.is_empty()
        {
            break delta.removed;
        }
    };
    assert_eq!(removed, ["/idle", "/shop"]);
    colony.stop.send(true).unwrap();
    while updates.message().await.is_ok_and(|u| u.is_some()) {}
    drop((updates, agent, client));
    colony.served.await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_is_cut() {
    let beat = Beat {
        tick: Duration::from_millis(2),
        queue: 4,
    };
    let colony = TestColony::start(Arc::new(Memory::default()), beat);
    let channel = colony.channel().await;
    // An answer of some size, so that the transport's own buffers fill soon.
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    let mut many = batch("a", 5, 1, second(1));
    let long = "n".repeat(100);
    many.instances = (0..200)
        .map(|pid| instance("a", pid, &format!("{long}-{pid}")))
        .collect();
    agent.ship(&many).await.unwrap();
    colony.now(1);
    let question = Question::Topology { span: LAST };
    let services = Question::Services {
        span: LAST,
        trend_points: 0,
    };
    let mut client = WatchClient::new(channel.clone());
    let opened = client.open(topics(&[services, question])).await.unwrap();
    let mut updates = opened.into_inner();
    // Every tick changes every row while nobody reads.
    for tick in 0..400 {
        colony.now(2 + tick % 2);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut last = None;
    let mut seen = 0;
    while let Some(update) = updates.message().await.unwrap() {
        last = update.kind;
        seen += 1;
    }
    assert!(
        matches!(last, Some(Kind::Cut(true))),
        "after {seen}: {last:?}"
    );
    // The others are not disturbed, and the reader may open anew.
    let opened = client.open(topics(&[Question::Status])).await.unwrap();
    let first = opened.into_inner().message().await.unwrap().unwrap();
    assert!(matches!(first.kind, Some(Kind::Snapshot(_))));
}

#[tokio::test]
async fn topics_that_have_no_answer_are_refused() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let mut client = WatchClient::new(colony.channel().await);
    let question = Question::Metrics {
        span: LAST,
        service: "x".into(),
    };
    let refused = client.open(topics(&[question])).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = client.open(v1::Topics::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
