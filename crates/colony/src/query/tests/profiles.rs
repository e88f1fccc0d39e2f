//! Whose samples an answer holds, and what they are compared with.

use super::world::*;
use crate::query::{Judged, QueryError};
use coral_model::profile::*;
use coral_model::*;
use std::time::Duration;

const SHOP: [(&str, u32); 2] = [("a", 1), ("b", 2)];

/// Samples of the ten seconds up to `at`, in a function at this address.
fn samples(at: i64, instance: u32, build: &str, address: u64, samples: u64) -> Item {
    Item::Profile(Profile {
        window: window(at - 10, at),
        instance,
        kind: ProfileKind::Cpu,
        build: build.to_owned(),
        session: 0,
        period: Duration::from_millis(50),
        binaries: vec![binary(build)],
        stacks: vec![Stack {
            thread: Observed::new("shop"),
            frames: vec![Frame { binary: 0, address }],
            samples,
            end: StackEnd::Outermost,
        }],
    })
}

/// The functions of a build, in a folder of its own.
fn names(build: &str) -> Item {
    let row = |(address, name): (u64, &str)| SymbolRow {
        address,
        functions: vec![Function {
            name: Observed::new(name),
            file: Some(Observed::new(format!("/{build}/shop.c"))),
            line: None,
        }],
    };
    Item::Symbols(Symbols {
        binary: binary(build),
        rows: [(1, "pay"), (2, "pay"), (9, "rest")].map(row).into(),
        missing: None,
    })
}

fn binary(build: &str) -> Binary {
    Binary {
        build: build.to_owned(),
        path: Observed::new(format!("/{build}/shop")),
    }
}

/// Two processes of a shop on two hosts; on the first host an old build, then a new one.
fn world() -> World {
    let mut world = World::new();
    let [first, second] = SHOP.map(|(agent, pid)| [instance(agent, pid, "shop", &[])]);
    world.ship("a", 1, 10, &first, vec![samples(10, 0, "old", 1, 100)]);
    world.ship("a", 1, 20, &first, vec![samples(20, 0, "old", 1, 100)]);
    world.ship("a", 1, 30, &first, vec![samples(30, 0, "new", 2, 50)]);
    world.ship("a", 1, 40, &first, vec![samples(40, 0, "new", 2, 50)]);
    world.ship("b", 1, 40, &second, vec![samples(40, 0, "new", 3, 7)]);
    world
}

fn question(target: Target, compare: Option<Compare>) -> Question {
    Question::Profile {
        span: between(20, 40),
        target,
        kind: ProfileKind::Cpu,
        session: 0,
        compare,
    }
}

fn flame(world: &World, target: Target, compare: Option<Compare>) -> Flame {
    match world.ask(question(target, compare), 50).body {
        AnswerBody::Profile(flame) => flame,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_target_is_a_service_a_host_a_process_or_some_of_these() {
    let world = world();
    let all = flame(&world, Target::service("shop"), None);
    assert_eq!((all.samples, all.instances), (107, 2));
    let on = |host: &str, pid| Target {
        host: Some(host.to_owned()),
        pid,
        ..Target::service("shop")
    };
    assert_eq!(flame(&world, on("b", None), None).samples, 7);
    assert_eq!(flame(&world, on("a", Some(1)), None).samples, 100);
    assert_eq!(flame(&world, on("a", Some(2)), None).samples, 0);
    let host = Target {
        host: Some("b".to_owned()),
        ..Target::default()
    };
    assert_eq!(flame(&world, host, None).samples, 7);
}

#[test]
fn a_process_is_compared_with_the_others_in_the_same_window() {
    let flame = flame(&world(), Target::service("shop"), Some(Compare::Process(2)));
    assert_eq!((flame.samples, flame.before_samples), (100, Some(7)));
}

#[test]
fn a_build_is_compared_with_the_one_before_as_long_as_that_ran() {
    let world = world();
    let flame = flame(
        &world,
        Target::service("shop"),
        Some(Compare::PreviousBuild),
    );
    assert_eq!((flame.samples, flame.before_samples), (107, Some(200)));
    assert_eq!(
        (flame.builds, flame.before_builds),
        (vec!["new".to_owned()], vec!["old".to_owned()])
    );
    let only_one = Question::Profile {
        span: between(0, 10),
        target: Target::service("shop"),
        kind: ProfileKind::Cpu,
        session: 0,
        compare: Some(Compare::PreviousBuild),
    };
    let refused = world.try_ask(only_one, 50).unwrap_err();
    assert!(
        matches!(refused, QueryError::NoPreviousBuild(_)),
        "{refused:?}"
    );
}

#[test]
fn a_number_that_two_hosts_have_names_both() {
    let mut world = world();
    let third = [instance("c", 1, "other", &[])];
    world.ship("c", 1, 40, &third, vec![samples(40, 0, "x", 1, 1)]);
    let process = Target {
        pid: Some(1),
        ..Target::default()
    };
    let refused = world.try_ask(question(process, None), 50).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "process 1 is on a and c; say which with --host"
    );
}

#[test]
fn a_build_that_spends_its_time_elsewhere_is_told_once() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    let both = |at, build: &str, hot: u64| {
        let rest = samples(at, 0, build, 9, 600);
        vec![names(build), samples(at, 0, build, 1, hot), rest]
    };
    world.ship("a", 1, 10, &shop, both(10, "old", 100));
    let mut judged = Judged::default();
    assert_eq!(world.regressions(&mut judged, 15), []);
    // Too few to tell.
    world.ship("a", 1, 20, &shop, vec![samples(20, 0, "new", 1, 30)]);
    assert_eq!(world.regressions(&mut judged, 25), []);
    world.ship("a", 1, 30, &shop, both(30, "new", 400));
    let told = world.regressions(&mut judged, 35);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].at, told[0].kind),
        (second(10), EventKind::Regression)
    );
    assert!(
        told[0]
            .text
            .raw()
            .starts_with("shop: build new after old: "),
        "{told:?}"
    );
    assert_eq!(world.regressions(&mut judged, 45), []);
    // A colony that starts again judges by more samples, and knows what the one before has said.
    world.keep(told[0].clone());
    world.ship("a", 1, 50, &shop, both(50, "new", 900));
    assert_eq!(world.regressions(&mut Judged::default(), 55), []);
}

#[test]
fn a_build_that_spends_its_time_alike_is_no_event() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    world.ship(
        "a",
        1,
        10,
        &shop,
        vec![names("old"), samples(10, 0, "old", 1, 1000)],
    );
    world.ship(
        "a",
        1,
        20,
        &shop,
        vec![names("new"), samples(20, 0, "new", 2, 1000)],
    );
    assert_eq!(world.regressions(&mut Judged::default(), 25), []);
}
