//! What probes of several hosts saw, put together.

use super::super::QueryError;
use super::world::*;
use coral_model::probe::{Call, CallCounts, CallPath, ProbeKind, ProbeLog, ProbedFunction};
use coral_model::profile::{Binary, Function};
use coral_model::want::{WantReport, WantState, session};
use coral_model::*;
use std::time::Duration;

const ID: &str = "p1234567";

/// A function on one host, called so often, each call that long.
fn probed(probe: u32, name: &str, hits: u64, ms: u64) -> Item {
    let mut durations = Histogram::default();
    (0..hits).for_each(|_| durations.record(ms * 1_000_000));
    Item::Probed(ProbedFunction {
        at: TimeNs(0),
        session: session(ID),
        probe,
        function: Function {
            name: name.into(),
            file: None,
            line: None,
        },
        binary: Binary {
            build: "b".to_owned(),
            path: "/bin/pay".into(),
        },
        offset: u64::from(name.len() as u32),
        kind: ProbeKind::Return,
        predicted: Duration::from_nanos(900),
        note: Observed::default(),
        attach: Duration::from_millis(3),
        counts: CallCounts {
            hits,
            returned: hits,
            matched: hits,
            total: Duration::from_millis(hits * ms),
            own: Duration::from_millis(hits * ms),
            ..CallCounts::default()
        },
        durations,
    })
}

fn path(path: u64, parent: u64, probe: u32, calls: u64, ms: u64) -> Item {
    Item::CallPath(CallPath {
        session: session(ID),
        path,
        parent,
        probe,
        calls,
        total: Duration::from_millis(ms),
        own: Duration::from_millis(ms / 2),
    })
}

fn call(probe: u32, at_s: i64) -> Item {
    Item::Call(Call {
        at: TimeNs(at_s * 1_000_000_000),
        session: session(ID),
        probe,
        pid: 7,
        tid: 8,
        goroutine: None,
        duration: Some(Duration::from_millis(5)),
        values: vec![],
        returned: Some("607".into()),
        binaries: vec![],
        frames: vec![],
    })
}

fn log(world: &World) -> ProbeLog {
    let question = Question::Probe {
        id: ID.to_owned(),
        limit: 10,
    };
    match world.operator_asks(question, 20).unwrap().body {
        AnswerBody::Probe(log) => log,
        other => panic!("{other:?}"),
    }
}

fn told() -> Item {
    Item::Want(WantReport {
        id: ID.to_owned(),
        state: WantState::Attached,
        reason: "1 process".into(),
    })
}

#[test]
fn a_function_of_two_hosts_is_one_row_and_their_ways_one_tree() {
    let mut world = World::new();
    // The same functions have other numbers and ways on each host.
    let web = vec![
        told(),
        probed(0, "outer", 2, 10),
        probed(1, "inner", 6, 3),
        path(100, 0, 0, 2, 20),
        path(101, 100, 1, 6, 18),
        call(1, 5),
    ];
    let db = vec![
        told(),
        probed(5, "inner", 1, 3),
        probed(4, "outer", 1, 10),
        path(7, 0, 4, 1, 10),
        path(9, 7, 5, 1, 3),
        call(5, 6),
    ];
    for (agent, items) in [("web", web), ("db", db)] {
        let mut all = vec![Item::Health(health(agent, 10, 0, 0))];
        all.extend(items);
        world.ship(agent, 1, 10, &[], all);
    }
    let log = log(&world);
    assert_eq!(log.hosts.len(), 2);
    let row = |name: &str| {
        log.functions
            .iter()
            .position(|f| f.function.name.raw() == name)
            .unwrap()
    };
    let (outer, inner) = (row("outer"), row("inner"));
    assert_eq!(log.functions.len(), 2);
    assert_eq!(log.functions[inner].counts.hits, 7);
    assert_eq!(log.functions[outer].counts.total, Duration::from_millis(30));
    assert!(log.functions[inner].p50.unwrap() < Duration::from_millis(4));
    let tree: Vec<_> = log
        .tree
        .iter()
        .map(|t| (t.depth, t.function as usize, t.calls))
        .collect();
    assert_eq!(tree, [(0, outer, 3), (1, inner, 7)]);
    let newest = &log.calls[0];
    assert_eq!((newest.host.raw(), newest.function as usize), ("db", inner));
    assert_eq!(log.calls.len(), 2);
}

#[test]
fn what_is_told_again_is_not_counted_twice() {
    let mut world = World::new();
    for (at, hits) in [(10, 3), (11, 5), (12, 5)] {
        let items = vec![
            Item::Health(health("web", at, 0, 0)),
            told(),
            probed(0, "outer", hits, 10),
            path(100, 0, 0, hits, hits * 10),
        ];
        world.ship("web", 1, at, &[], items);
    }
    let log = log(&world);
    assert_eq!(log.functions[0].counts.hits, 5);
    assert_eq!((log.tree.len(), log.tree[0].calls), (1, 5));
}

#[test]
fn a_probe_that_nobody_knows_is_an_error_and_a_viewer_may_not_look() {
    let world = World::new();
    let question = Question::Probe {
        id: "nothing\x1b[2J".to_owned(),
        limit: 1,
    };
    let error = world
        .operator_asks(question.clone(), 20)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no probe nothing") && !error.contains('\x1b'),
        "{error}"
    );
    let refused = world.try_ask(question, 20).unwrap_err();
    assert!(matches!(refused, QueryError::Forbidden { .. }), "{refused}");
}
