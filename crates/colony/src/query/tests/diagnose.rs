//! Diagnoses of scripted colonies: who is the cause, who the victim, when nothing is wrong, and how long it takes.

use super::world::*;
use coral_model::profile::{
    Binary, Frame, Function, Profile, ProfileKind, Stack, StackEnd, SymbolRow, Symbols,
};
use coral_model::*;
use std::time::{Duration, Instant};

/// The shop of the tests: who calls whom, in the order of the instances.
const CHAIN: [&str; 4] = ["frontend", "checkout", "payments", "catalog"];
const EDGES: [(u32, u32); 3] = [(0, 1), (1, 2), (0, 3)];
/// Thirty minutes of data; the trouble begins two minutes before their end.
const END: i64 = 1_800;
const BEGAN: i64 = END - 120;

/// What the services do in an interval.
#[derive(Clone, Copy)]
struct Doing {
    ms: [u64; 4],
    errors: [u64; 4],
    cores: [f64; 4],
}

const WELL: Doing = Doing {
    ms: [60, 40, 20, 5],
    errors: [0; 4],
    cores: [0.2, 0.2, 0.2, 0.2],
};

/// A shop that did so at each moment.
fn shop(doing: impl Fn(i64) -> Doing) -> World {
    let mut world = World::new();
    let who: Vec<_> = CHAIN
        .iter()
        .zip(1..)
        .map(|(name, pid)| instance("web", pid, name, &[]))
        .collect();
    world.ship(
        "web",
        1,
        1,
        &who,
        vec![Item::Health(health("web", 1, 0, 0))],
    );
    for from in (0..END).step_by(10) {
        let now = doing(from);
        let items = (0..4).flat_map(|at| interval(from, at, &now));
        let edges = EDGES
            .iter()
            .map(|&(a, b)| between_services(from, a, b, &now));
        let items = items.chain(edges).chain(stacks(from, &now)).collect();
        world.ship("web", 1, from + 10, &who, items);
    }
    world
}

/// No two intervals are alike.
fn noise(from: i64, at: usize) -> u64 {
    let mixed = (from as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (at as u64) << 17);
    mixed >> 59
}

fn interval(from: i64, at: usize, now: &Doing) -> Vec<Item> {
    let requests = 100 + noise(from, at);
    let ms = now.ms[at] * (32 + noise(from, at + 7)) / 32;
    let red = Summary {
        counts: counts(requests, now.errors[at]),
        durations: durations(requests, ms.max(1)),
        ..exact(from, at as u32, requests)
    };
    let used = ProcessSample {
        window: window(from, from + 10),
        instance: at as u32,
        cpu_cores: now.cores[at] * (32 + noise(from, at + 3)) as f64 / 32.0,
        rss_bytes: 50_000_000,
        fds: None,
        threads: 4,
    };
    vec![Item::Summary(red), Item::Process(used)]
}

fn between_services(from: i64, caller: u32, callee: u32, now: &Doing) -> Item {
    let ends = (Endpoint::Instance(caller), Endpoint::Instance(callee));
    Item::Edge(EdgeSummary {
        durations: durations(100, now.ms[callee as usize]),
        counts: counts(100, now.errors[callee as usize]),
        ..edge(from, Side::Client, ends.0, ends.1, 100)
    })
}

/// Samples of catalog: one function always, another when it is busy.
fn stacks(from: i64, now: &Doing) -> Vec<Item> {
    let binary = Binary {
        build: "b1".into(),
        path: "/usr/bin/catalog".into(),
    };
    let stack = |address, samples| Stack {
        thread: "main".into(),
        frames: vec![Frame { binary: 0, address }],
        samples,
        end: StackEnd::Outermost,
    };
    let busy = (now.cores[3] * 100.0) as u64;
    let profile = Profile {
        window: window(from, from + 10),
        instance: 3,
        kind: ProfileKind::Cpu,
        build: "b1".into(),
        session: 0,
        period: Duration::from_millis(50),
        binaries: vec![binary.clone()],
        stacks: vec![stack(1, 20), stack(2, busy.saturating_sub(15))],
    };
    let function = |name: &str| Function {
        name: name.into(),
        file: Some("/src/catalog/search.rs".into()),
        line: Some(88),
    };
    let row = |address, name| SymbolRow {
        address,
        functions: vec![function(name)],
    };
    let symbols = Symbols {
        binary,
        rows: vec![row(1, "serve"), row(2, "catalog::search::sort")],
        missing: None,
    };
    vec![Item::Profile(profile), Item::Symbols(symbols)]
}

fn diagnose(world: &World, service: Option<&str>) -> Diagnosis {
    let question = Question::Diagnose {
        span: Span::Last(Duration::from_secs(600)),
        service: service.map(str::to_owned),
        at: None,
    };
    match world.ask(question, END).body {
        AnswerBody::Diagnose(diagnosis) => diagnosis,
        other => panic!("{other:?}"),
    }
}

/// As in good times, and otherwise from the begin of the trouble.
fn troubled(then: impl Fn(&mut Doing)) -> World {
    shop(|from| {
        let mut doing = WELL;
        if from >= BEGAN {
            then(&mut doing);
        }
        doing
    })
}

fn slow_payments() -> World {
    troubled(|doing| doing.ms = [860, 840, 820, 5])
}

#[test]
fn a_slow_service_is_the_cause_and_its_callers_are_victims() {
    for service in [None, Some("frontend")] {
        let diagnosis = diagnose(&slow_payments(), service);
        assert!(!diagnosis.abstained, "{diagnosis:#?}");
        assert_eq!(
            diagnosis.causes[0].service.raw(),
            "payments",
            "{diagnosis:#?}"
        );
        let victims: Vec<_> = diagnosis.victims.iter().map(Observed::raw).collect();
        assert!(victims.contains(&"checkout") && victims.contains(&"frontend"));
        let off = diagnosis.began.unwrap().0.abs_diff(second(BEGAN).0);
        assert!(off <= 20_000_000_000, "{:?}", diagnosis.began);
        if service.is_some() {
            let symptom = diagnosis.symptom.unwrap();
            assert_eq!(symptom.signal.raw(), "latency");
            let path: Vec<_> = diagnosis.causes[0].path.iter().map(Observed::raw).collect();
            assert_eq!(path, ["frontend", "checkout", "payments"]);
        }
    }
}

#[test]
fn evidence_opens_the_question_that_shows_it() {
    let world = slow_payments();
    let question = Question::Diagnose {
        span: Span::Last(Duration::from_secs(900)),
        service: None,
        at: None,
    };
    let AnswerBody::Diagnose(diagnosis) = world.diagnose(question, END).unwrap().body else {
        panic!()
    };
    let open = |id: &str| {
        let id = id.to_owned();
        world.try_ask(Question::Evidence { id }, END)
    };
    for evidence in diagnosis.causes.iter().flat_map(|cause| &cause.evidence) {
        let answer = open(&evidence.id).unwrap();
        let AnswerBody::Evidence(kept) = answer.body else {
            panic!()
        };
        assert_eq!((&kept.id, &kept.text), (&evidence.id, &evidence.text));
        assert!(answer.window.from < diagnosis.began.unwrap());
        assert!(answer.window.to > diagnosis.began.unwrap());
        world.try_ask(*kept.question, END).unwrap();
    }
    let first = &diagnosis.causes[0].evidence[0];
    let AnswerBody::Evidence(kept) = open(&first.id).unwrap().body else {
        panic!()
    };
    assert_eq!(kept.service, Some(ServiceKey::plain("payments")));
    let Question::Metrics { service, .. } = *kept.question else {
        panic!("{first:?}")
    };
    assert_eq!(service, "payments");
    let unknown = open("eaaaaaaaa").unwrap_err().to_string();
    assert!(unknown.contains("eaaaaaaaa is kept here"), "{unknown}");
    assert!(
        open("x")
            .unwrap_err()
            .to_string()
            .contains("no evidence id")
    );
}

#[test]
fn a_failing_dependency_is_the_cause() {
    let world = troubled(|doing| doing.errors = [30, 30, 30, 0]);
    let diagnosis = diagnose(&world, None);
    assert_eq!(
        diagnosis.causes[0].service.raw(),
        "payments",
        "{diagnosis:#?}"
    );
    assert_eq!(diagnosis.causes[0].kind, CauseKind::ErrorsInCode);
}

#[test]
fn when_all_is_well_no_cause_is_named() {
    let diagnosis = diagnose(&shop(|_| WELL), None);
    assert!(diagnosis.abstained, "{diagnosis:#?}");
    assert_eq!(diagnosis.checked.services, 4);
    assert!(diagnose(&shop(|_| WELL), Some("checkout")).abstained);
}

#[test]
fn a_busy_processor_is_followed_down_to_the_function() {
    let world = troubled(|doing| {
        doing.cores[3] = 0.95;
        doing.ms[3] = 60;
    });
    let diagnosis = diagnose(&world, None);
    let cause = &diagnosis.causes[0];
    assert_eq!(
        (cause.service.raw(), cause.kind),
        ("catalog", CauseKind::Cpu)
    );
    let function = cause.function.as_ref().map(Observed::raw);
    assert_eq!(function, Some("catalog::search::sort"), "{diagnosis:#?}");
    let said = cause.evidence[0].text.raw();
    assert!(
        said.contains("search.rs:88") && said.contains("% ->"),
        "{said}"
    );
}

#[test]
fn a_service_that_nobody_knows_is_an_error_and_an_empty_colony_abstains() {
    let question = |service: Option<&str>| Question::Diagnose {
        span: Span::Last(Duration::from_secs(900)),
        service: service.map(str::to_owned),
        at: None,
    };
    let world = World::new();
    assert!(world.try_ask(question(Some("x")), END).is_err());
    let AnswerBody::Diagnose(diagnosis) = world.ask(question(None), END).body else {
        panic!()
    };
    assert!(diagnosis.abstained && diagnosis.causes.is_empty());
}

#[test]
fn an_agent_that_is_away_is_said() {
    let world = slow_payments();
    let question = Question::Diagnose {
        span: between(END - 600, END + 120),
        service: None,
        at: None,
    };
    let AnswerBody::Diagnose(diagnosis) = world.ask(question, END + 120).body else {
        panic!()
    };
    let away = |b: &diagnosis::Blind| b.what.raw() == "web" && b.why.raw().contains("away");
    assert!(diagnosis.blind.iter().any(away), "{:#?}", diagnosis.blind);
}

#[test]
fn an_incident_reads_back_with_the_same_causes() {
    let world = slow_payments();
    let live = diagnose(&world, Some("checkout"));
    let question = Question::Incident {
        span: Span::Last(Duration::from_secs(600)),
        service: Some("checkout".into()),
        at: None,
    };
    let AnswerBody::Incident(files) = world.ask(question, END).body else {
        panic!()
    };
    let bundle = coral_diagnose::bundle::Files {
        incident: files.incident.as_bytes(),
        metrics: files.metrics.as_bytes(),
        edges: Some(files.edges.as_bytes()),
        events: Some(files.events.as_bytes()),
    };
    let read = coral_diagnose::diagnose(&coral_diagnose::bundle::parse(&bundle).unwrap());
    let of = |diagnosis: &Diagnosis| {
        let cause = |c: &Cause| (c.service.clone(), c.kind, c.confidence, c.score);
        diagnosis.causes.iter().map(cause).collect::<Vec<_>>()
    };
    assert_eq!(of(&read), of(&live));
    assert_eq!(read.began, live.began);
}

#[test]
fn a_thousand_services_are_judged_in_bounded_time() {
    let mut world = World::new();
    let who: Vec<_> = (0..1_000)
        .map(|n| instance("web", n + 1, &format!("service-{n}"), &[]))
        .collect();
    for from in (0..END).step_by(10) {
        let slow = |at: usize| {
            if from >= BEGAN && (at == 0 || at == 500) {
                9
            } else {
                1
            }
        };
        let items = (0..1_000).map(|at| {
            Item::Summary(Summary {
                durations: durations(5, slow(at) * (40 + noise(from, at) / 8)),
                ..exact(from, at as u32, 5)
            })
        });
        let edges = (1..1_000).map(|at| {
            let ends = (Endpoint::Instance((at - 1) / 4), Endpoint::Instance(at));
            Item::Edge(edge(from, Side::Client, ends.0, ends.1, 5))
        });
        world.ship("web", 1, from + 10, &who, items.chain(edges).collect());
    }
    let begun = Instant::now();
    let diagnosis = diagnose(&world, None);
    println!("{:?} for {:?}", begun.elapsed(), diagnosis.checked);
    assert_eq!(diagnosis.checked.services, 1_000);
    assert!(!diagnosis.abstained);
    // The twin goes through all rows for each slice, and this build is not optimised.
    assert!(begun.elapsed() < Duration::from_secs(60));
}
