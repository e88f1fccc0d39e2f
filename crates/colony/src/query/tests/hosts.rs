//! What hosts and processes use, and events by kind.

use super::world::*;
use coral_model::answer::{HostRow, ServiceRow};
use coral_model::*;
use std::time::Duration;

fn host(from: i64, busy: f64, odd: &[(&str, f64)]) -> Item {
    let gauge = |(name, value): (&str, f64)| Gauge {
        name: name.into(),
        label: Observed::default(),
        value,
    };
    let usual = [("cpu.busy_ratio", busy)];
    Item::Host(HostSample {
        window: window(from, from + 10),
        gauges: usual.iter().chain(odd).copied().map(gauge).collect(),
    })
}

fn process(from: i64, instance: u32, cpu_cores: f64, rss_bytes: u64) -> Item {
    Item::Process(ProcessSample {
        window: window(from, from + 10),
        instance,
        cpu_cores,
        rss_bytes,
        fds: None,
        threads: 1,
    })
}

fn rows(world: &World, only: Option<&str>, now: i64) -> Vec<HostRow> {
    let question = Question::Host {
        span: between(0, now),
        host: only.map(str::to_owned),
    };
    match world.ask(question, now).body {
        AnswerBody::Host(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_is_found_by_name_and_an_unknown_one_is_an_error() {
    let mut world = World::new();
    for (agent, busy) in [("web", 0.25), ("db", 0.75)] {
        let health = Item::Health(health(agent, 10, 0, 0));
        world.ship(agent, 1, 10, &[], vec![health, host(0, busy, &[])]);
        world.ship(agent, 1, 20, &[], vec![host(10, 0.5, &[])]);
    }
    assert_eq!(rows(&world, None, 20).len(), 2);
    let web = rows(&world, Some("web"), 20);
    let [row] = &web[..] else { panic!("{web:?}") };
    assert_eq!((row.host.raw(), &*row.name), ("web", "cpu.busy_ratio"));
    assert_eq!((row.min, row.mean, row.max), (0.25, 0.375, 0.5));
    assert_eq!(row.last, 0.5);
    let question = Question::Host {
        span: between(0, 20),
        host: Some("wbe\x1b[2J".into()),
    };
    let error = world.try_ask(question, 20).unwrap_err().to_string();
    assert!(error.contains("there are db, web") && !error.contains('\x1b'));
}

#[test]
fn what_is_no_measurement_is_counted_as_unknown() {
    let mut world = World::new();
    let odd = [("cpu.x", f64::NAN), ("A b\n", 1.0), ("", 1.0), ("a", 2.0)];
    let items = vec![
        Item::Health(health("a", 10, 0, 0)),
        host(0, 0.5, &odd),
        process(0, 0, f64::INFINITY, 1),
        process(0, 0, -1.0, 1),
    ];
    world.ship("a", 1, 10, &[instance("a", 1, "shop", &[])], items);
    let names: Vec<_> = rows(&world, None, 10).into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["a", "cpu.busy_ratio"]);
    assert_eq!(world.ask(Question::Status, 10).loss.unknown, 5);
}

#[test]
fn a_service_uses_what_its_living_processes_use() {
    let mut world = World::new();
    let shop = [
        instance("a", 1, "shop", &[]),
        instance("a", 2, "shop", &[]),
        instance("a", 3, "idle", &[]),
    ];
    world.ship("a", 1, 1, &shop, vec![]);
    let first = vec![process(0, 0, 0.5, 100), process(0, 1, 1.5, 1000)];
    world.ship("a", 1, 10, &shop, first);
    for end in [20, 30, 40, 50] {
        world.ship("a", 1, end, &shop, vec![process(end - 10, 0, 0.5, 200)]);
    }
    let question = Question::Services {
        span: between(0, 50),
        trend_points: 0,
    };
    let AnswerBody::Services(rows) = world.ask(question, 50).body else {
        panic!()
    };
    let of = |row: &ServiceRow| (row.cpu_cores, row.rss_bytes);
    // 5 x 10 s of half a core and 10 s of one and a half in 50 s; the second process is gone.
    assert_eq!(of(&rows[1]), (Some(0.8), Some(200)));
    assert_eq!(of(&rows[0]), (None, None));
}

#[test]
fn events_of_some_kinds() {
    let mut world = World::new();
    let event = |kind, at| {
        Item::Event(Event {
            at: second(at),
            until: None,
            kind,
            agent: AgentId::new("a").unwrap(),
            service: None,
            instance: None,
            text: "x".into(),
        })
    };
    let items = vec![event(EventKind::Crash, 1), event(EventKind::Start, 2)];
    world.ship("a", 1, 3, &[], items);
    let question = |kinds: &[EventKind]| Question::Events {
        span: Span::Last(Duration::from_secs(60)),
        service: None,
        kinds: kinds.to_vec(),
        limit: 10,
    };
    let count = |kinds: &[EventKind]| match world.ask(question(kinds), 3).body {
        AnswerBody::Events { rows, .. } => rows.len(),
        other => panic!("{other:?}"),
    };
    let (crash, gap) = (EventKind::Crash, EventKind::Gap);
    assert_eq!((count(&[]), count(&[crash]), count(&[gap])), (2, 1, 0));
}
