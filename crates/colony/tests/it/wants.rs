//! Wishes over the wire: a connected service reaches the agents and its row, a note becomes an event, and what agents say
//! of health changes the row and the timeline, also over a new start of the colony.

use crate::agent::{Agent, batch};
use crate::colony::{TestColony, ask, second};
use coral_colony::hub::Beat;
use coral_model::*;
use coral_proto::v1;
use coral_proto::v1::desired_client::DesiredClient;
use coral_proto::v1::wants_client::WantsClient;
use coral_store::{Memory, Read};
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;
use tonic::transport::Channel;

const LAST: Span = Span::Last(Duration::from_secs(900));

fn web() -> Want {
    Want::Connect(Connect {
        service: ServiceKey::plain("web"),
        target: ConnectTarget::Port(80),
        check: Some(Check::Http("/up".into())),
        kind: Observed::new("http"),
    })
}

fn checked(at: TimeNs, healthy: bool, text: &str) -> Item {
    Item::HealthCheck(HealthCheck {
        at,
        service: ServiceKey::plain("web"),
        healthy,
        duration: Duration::from_millis(3),
        text: Observed::new(text),
    })
}

async fn listed(channel: &Channel) -> Vec<v1::WantState> {
    let mut client = WantsClient::new(channel.clone());
    let list = client.list(v1::WantFilter { mine: false }).await.unwrap();
    list.into_inner().wants
}

async fn health(channel: &Channel) -> Option<(bool, TimeNs, String)> {
    let question = Question::Services {
        span: LAST,
        trend_points: 0,
    };
    let AnswerBody::Services(rows) = ask(channel, &question).await.unwrap().body else {
        panic!("no services")
    };
    let row = rows
        .into_iter()
        .find(|row| row.service.name.raw() == "web")?;
    let health = row.health?;
    Some((health.healthy, health.since, health.text.raw().to_owned()))
}

async fn kinds(channel: &Channel) -> Vec<EventKind> {
    let question = Question::Events {
        span: LAST,
        service: None,
        kinds: vec![EventKind::Unhealthy, EventKind::Healthy],
        limit: 100,
    };
    match ask(channel, &question).await {
        Ok(Answer {
            body: AnswerBody::Events { rows, .. },
            ..
        }) => rows.iter().map(|event| event.kind).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connected_service_is_followed_listed_and_withdrawn() {
    let store = Arc::new(Memory::default());
    let colony = TestColony::start(store.clone(), Beat::default());
    let channel = colony.channel().await;
    let hello = coral_proto::hello("a", "b00t", 5, &[]);
    let mut agent = DesiredClient::new(channel.clone());
    let mut sets = agent.follow(hello).await.unwrap().into_inner();
    assert!(sets.message().await.unwrap().unwrap().items.is_empty());
    let mut client = WantsClient::new(channel.clone());
    let put = client.put(v1::Want::new("web/80", &web())).await.unwrap();
    assert_eq!(put.into_inner().state, "pending");
    let set = sets.message().await.unwrap().unwrap();
    let (item, kind) = (&set.items[0], "connect");
    assert_eq!((item.kind.as_str(), set.items.len()), (kind, 1));
    assert_eq!(item.target.clone().unwrap().name, "web");
    let rows = listed(&channel).await;
    assert_eq!(
        (rows[0].id.as_str(), rows[0].state.as_str()),
        ("web/80", "pending")
    );
    assert_eq!(
        Want::try_from(rows[0].want.clone().unwrap()).unwrap(),
        web()
    );

    let (mut ships, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    let mut named = batch("a", 5, 1, second(0));
    named.instances[0].service = ServiceKey::plain("web");
    ships.ship(&named).await.unwrap();
    let rows = listed(&channel).await;
    assert_eq!(
        (rows[0].state.as_str(), rows[0].reason.as_str()),
        ("attached", "1 process")
    );

    let id = v1::WantId {
        id: "web/80".into(),
    };
    client.withdraw(id.clone()).await.unwrap();
    assert!(sets.message().await.unwrap().unwrap().items.is_empty());
    assert!(listed(&channel).await.is_empty());
    assert_eq!(
        client.withdraw(id).await.unwrap_err().code(),
        Code::NotFound
    );
    let actions = store.snapshot().unwrap().audit(99).unwrap();
    for action in [
        "Wants/Put connect",
        "Wants/Withdraw",
        "Wants/List",
        "Desired/Follow",
    ] {
        let audited = |row: &&AuditRow| row.action.ends_with(action);
        assert!(actions.iter().any(|row| audited(&row)), "{action}");
    }
}

#[tokio::test]
async fn what_agents_say_of_health_is_on_the_row_and_changes_are_events() {
    let store = Arc::new(Memory::default());
    let colony = TestColony::start(store.clone(), Beat::default());
    let channel = colony.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 5).await.unwrap();
    for (seq, healthy, text) in [
        (1, true, "200"),
        (2, true, "200"),
        (3, false, "503"),
        (4, false, "503"),
    ] {
        let at = second(seq * 10);
        let mut batch = batch("a", 5, seq as u64, at);
        batch.items.push(checked(at, healthy, text));
        colony.now(seq * 10);
        agent.ship(&batch).await.unwrap();
        // The same batch again says nothing new.
        agent.ship(&batch).await.unwrap();
    }
    let failing = Some((false, second(30), "503".to_owned()));
    assert_eq!(health(&channel).await, failing);
    assert_eq!(kinds(&channel).await, [EventKind::Unhealthy]);
    colony.now(80);
    assert_eq!(
        health(&channel).await,
        None,
        "an old word says nothing of now"
    );

    // A new colony over the same store goes on where the last one was.
    let again = TestColony::start(store, Beat::default());
    let channel = again.channel().await;
    let (mut agent, _) = Agent::open(channel.clone(), "a", 6).await.unwrap();
    for (seq, healthy) in [(1, false), (2, true)] {
        let at = second(90 + seq * 10);
        let mut batch = batch("a", 6, seq as u64, at);
        batch.items.push(checked(at, healthy, "so"));
        again.now(90 + seq * 10);
        agent.ship(&batch).await.unwrap();
        if !healthy {
            assert_eq!(
                health(&channel).await,
                Some((false, second(30), "so".into()))
            );
        }
    }
    assert_eq!(
        health(&channel).await,
        Some((true, second(110), "so".into()))
    );
    again.now(111);
    assert_eq!(
        kinds(&channel).await,
        [EventKind::Healthy, EventKind::Unhealthy]
    );
}

#[tokio::test]
async fn a_note_is_on_the_timeline() {
    let colony = TestColony::start(Arc::new(Memory::default()), Beat::default());
    let channel = colony.channel().await;
    let mut client = WantsClient::new(channel.clone());
    let note = Want::Note {
        at: Some(second(-60)),
        service: Some(ServiceKey::plain("web")),
        text: Observed::new("pulled \u{1b}[31m the cable"),
    };
    for _ in 0..2 {
        client.put(v1::Want::new("n1", &note)).await.unwrap();
    }
    let question = Question::Events {
        span: LAST,
        service: None,
        kinds: vec![EventKind::Note],
        limit: 9,
    };
    let AnswerBody::Events { rows, .. } = ask(&channel, &question).await.unwrap().body else {
        panic!("no events")
    };
    assert_eq!((rows.len(), rows[0].at), (1, second(-60)));
    assert_eq!(rows[0].agent.as_str(), "colony");
    let capture = Want::Capture {
        service: ServiceKey::plain("web"),
        lease: Duration::from_secs(1),
    };
    let refused = client.put(v1::Want::new("c", &capture)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}
