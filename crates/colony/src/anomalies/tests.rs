//! From batches to events, and what it costs.

use super::*;
use coral_model::summary::Counts;
use coral_model::*;
use std::time::Instant;

fn instance(n: u32) -> Instance {
    Instance {
        key: InstanceKey {
            agent: AgentId::new("a").unwrap(),
            boot: BootId::new("b").unwrap(),
            pid: n + 1,
            start_ticks: 1,
        },
        service: ServiceKey::plain(&format!("service-{n}")),
        class: ServiceClass::App,
        host: "a".into(),
        started: None,
        ports: vec![],
    }
}

fn second(at: i64) -> TimeNs {
    TimeNs((1_800_000_000 + at) * 1_000_000_000)
}

fn pulse(at: i64, instance: u32, ms: u64) -> Item {
    let mut durations = Histogram::default();
    for request in 0..10u64 {
        let noise = (at as u64 * 7 + u64::from(instance) * 3 + request) % 10;
        durations.record(ms * 1_000_000 * (95 + noise) / 100);
    }
    Item::Pulse(Pulse {
        at: second(at),
        instance,
        side: Side::Server,
        protocol: Protocol::Http1,
        counts: Counts {
            requests: 10,
            errors: 0,
            client_errors: 0,
        },
        in_flight: 0,
        oldest_in_flight: None,
        durations,
    })
}

fn batch(at: i64, instances: &[Instance], items: Vec<Item>) -> Batch {
    Batch {
        epoch: Epoch(1),
        seq: Seq(at as u64 + 1),
        clock: second(at),
        instances: instances.to_vec(),
        items,
        unknown: 0,
    }
}

#[test]
fn what_begins_and_ends_is_told_once_and_nothing_before_it_is_known() {
    let (live, mut anomalies) = (Live::default(), Anomalies::default());
    let agent = AgentId::new("a").unwrap();
    let who = [instance(0), instance(1)];
    let mut events = vec![];
    for at in 0..900 {
        let slow = (600..720).contains(&at);
        let items = vec![pulse(at, 0, if slow { 200 } else { 20 }), pulse(at, 1, 5)];
        live.absorb(&agent, &batch(at, &who, items), 0, second(at));
        let (due, dropped) = live.due(second(at));
        assert_eq!(dropped, 0);
        let told = anomalies.observe(&due, second(at));
        events.extend(told.into_iter().map(|event| (at, event)));
    }
    let kinds: Vec<_> = events.iter().map(|(_, e)| e.kind).collect();
    assert_eq!(
        kinds,
        [EventKind::AnomalyBegan, EventKind::AnomalyEnded],
        "{events:#?}"
    );
    let (noticed, began) = &events[0];
    assert!((600..620).contains(noticed), "noticed at {noticed}");
    assert!(began.at.0.abs_diff(second(600).0) <= 5_000_000_000);
    assert_eq!(began.service.as_ref().unwrap().name.raw(), "service-0");
    assert!(
        began.text.raw().starts_with("service-0 latency "),
        "{began:?}"
    );
    assert!(
        events[1].1.text.raw().contains("as usual again"),
        "{:?}",
        events[1]
    );
}

#[test]
fn an_agent_that_is_away_is_no_drop_of_the_rate() {
    let (live, mut anomalies) = (Live::default(), Anomalies::default());
    let agent = AgentId::new("a").unwrap();
    let who = [instance(0)];
    let mut events = vec![];
    for at in 0..800 {
        if !(500..560).contains(&at) {
            live.absorb(
                &agent,
                &batch(at, &who, vec![pulse(at, 0, 20)]),
                0,
                second(at),
            );
        }
        let (due, _) = live.due(second(at));
        events.extend(anomalies.observe(&due, second(at)));
    }
    assert_eq!(events, []);
}

#[test]
fn a_thousand_services_cost_little() {
    const SECONDS: i64 = 120;
    let (live, mut anomalies) = (Live::default(), Anomalies::default());
    let agent = AgentId::new("a").unwrap();
    let who: Vec<_> = (0..1_000).map(instance).collect();
    let mut took = Duration::ZERO;
    for at in 0..SECONDS {
        let items = (0..1_000).map(|n| pulse(at, n, 20)).collect();
        live.absorb(&agent, &batch(at, &who, items), 0, second(at));
        let begun = Instant::now();
        let (due, _) = live.due(second(at));
        anomalies.observe(&due, second(at));
        took += begun.elapsed();
    }
    let share = took.as_secs_f64() / SECONDS as f64 * 100.0;
    println!("{share:.2} % of a core for 1,000 services, not optimised");
    assert!(share < 50.0, "{share}");
}

/// Ten seconds of a service, each second with ten requests around so many milliseconds.
fn interval(to: i64, instance: u32, ms: u64, errors: u64) -> Item {
    let mut durations = Histogram::default();
    for request in 0..100u64 {
        let noise = (to as u64 * 7 + request * 13) % 20;
        durations.record(ms * 1_000_000 * (90 + noise) / 100);
    }
    Item::Summary(Summary {
        window: Window {
            from: second(to - 10),
            to: second(to),
        },
        instance,
        side: Side::Server,
        protocol: Protocol::Http1,
        route: Route::All,
        method: Method::Other,
        status_class: StatusClass::Success,
        counts: Counts {
            requests: 100,
            errors,
            client_errors: 0,
        },
        durations,
    })
}

/// Twenty minutes of this in the store, then a minute of pulses of so many milliseconds after a new start; what is told.
fn after_a_start(stored: impl Fn(i64) -> Item, ms: u64, said: Vec<Event>) -> Vec<Event> {
    let (store, agent) = (
        Arc::new(coral_store::Memory::default()),
        AgentId::new("a").unwrap(),
    );
    let who = [instance(0)];
    let before = Arc::new(Live::default());
    let ingest = crate::ingest::Ingest::new(store.clone(), before, &[]);
    for to in (10..=1_200).step_by(10) {
        let batch = batch(to, &who, vec![stored(to)]);
        futures::executor::block_on(ingest.take(&agent, batch, second(to))).unwrap();
    }
    for event in said {
        futures::executor::block_on(store.keep(Keep::Event(event))).unwrap();
    }
    let (live, mut anomalies) = (Live::default(), Anomalies::default());
    history::relearn(&mut anomalies, &*store, second(1_201)).unwrap();
    let mut told = vec![];
    for at in 1_205..1_265 {
        live.absorb(
            &agent,
            &batch(at, &who, vec![pulse(at, 0, ms)]),
            0,
            second(at),
        );
        told.extend(anomalies.observe(&live.due(second(at)).0, second(at)));
    }
    told
}

#[test]
fn a_colony_that_starts_again_knows_what_was_usual() {
    let calm = |to| interval(to, 0, 20, 0);
    assert_eq!(after_a_start(calm, 20, vec![]), []);
    let told = after_a_start(calm, 200, vec![]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0]
            .text
            .raw()
            .starts_with("service-0 latency 20 ms -> 198 ms"),
        "{told:?}"
    );
    let restless = |to| interval(to, 0, if to % 20 == 0 { 30 } else { 20 }, 0);
    assert_eq!(
        after_a_start(restless, 30, vec![]),
        [],
        "it often is so slow"
    );
}

#[test]
fn what_was_unusual_before_a_start_is_not_learned() {
    let began = Event {
        at: second(700),
        until: None,
        kind: EventKind::AnomalyBegan,
        agent: AgentId::new(crate::WRITER).unwrap(),
        service: Some(ServiceKey::plain("service-0")),
        instance: None,
        text: "service-0 latency 20 ms -> 200 ms".into(),
    };
    let slow = |to| interval(to, 0, if to > 700 { 200 } else { 20 }, 0);
    let told = after_a_start(slow, 200, vec![began]);
    assert_eq!(told.len(), 1, "{told:?}");
}
