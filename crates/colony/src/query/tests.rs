//! The arithmetic of answers, over the in-memory store: what is counted, when, and only once.

mod compare;
mod diagnose;
mod hosts;
mod probes;
mod profiles;
pub mod world;

use coral_model::answer::EdgeSource;
use coral_model::*;
use std::time::Duration;
use world::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Within the histogram's error.
fn about(found: Option<Duration>, wanted: Duration) -> bool {
    found.is_some_and(|found| found.abs_diff(wanted) * 128 <= wanted)
}

#[test]
fn pulses_count_until_their_summary_comes_and_never_with_it() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[80])];
    for at in 1..=10 {
        world.ship("a", 1, at, &shop, vec![Item::Pulse(pulse(at, 0, 3))]);
        let rows = world.summary(between(-1, 100), at);
        assert_eq!(rows[0].red.counts.requests, 3 * at as u64);
        assert_eq!(rows[0].red.samples, 3 * at as u64);
    }
    world.ship(
        "a",
        1,
        11,
        &shop,
        vec![Item::Pulse(pulse(11, 0, 4)), Item::Summary(exact(0, 0, 30))],
    );
    assert_eq!(
        world.summary(between(-1, 100), 12)[0].red.counts.requests,
        34
    );
    world.ship("a", 1, 20, &shop, vec![Item::Summary(exact(10, 0, 4))]);
    assert_eq!(
        world.summary(between(-1, 100), 20)[0].red.counts.requests,
        34
    );
    // Neighbouring windows share nothing and miss nothing.
    let of = |from, to| {
        let rows = world.summary(between(from, to), 20);
        rows.first().map_or(0, |row| row.red.counts.requests)
    };
    for cut in [0, 3, 9, 10, 11, 15, 20] {
        assert_eq!(of(-1, cut) + of(cut, 100), 34, "cut at {cut}");
    }
}

#[test]
fn pulses_of_an_interval_that_never_got_its_summary_stay() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[80])];
    world.ship("a", 1, 5, &shop, vec![Item::Pulse(pulse(5, 0, 7))]);
    // The agent is killed; its next run ships whole intervals.
    world.ship("a", 2, 40, &shop, vec![Item::Summary(exact(30, 0, 9))]);
    assert_eq!(
        world.summary(between(-1, 100), 40)[0].red.counts.requests,
        16
    );
    // What it had checkpointed takes the place of the pulses.
    world.ship("a", 2, 41, &shop, vec![Item::Summary(exact(0, 0, 8))]);
    assert_eq!(
        world.summary(between(-1, 100), 41)[0].red.counts.requests,
        17
    );
}

#[test]
fn percentiles_come_from_merged_histograms() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[]), instance("a", 2, "shop", &[])];
    let with = |mut summary: Summary, n, ms, class, errors| {
        summary.durations = durations(n, ms);
        summary.counts = counts(n, errors);
        summary.status_class = class;
        Item::Summary(summary)
    };
    world.ship(
        "a",
        1,
        10,
        &shop,
        vec![
            with(exact(0, 0, 0), 90, 10, StatusClass::Success, 0),
            with(exact(0, 1, 0), 10, 1000, StatusClass::ServerError, 10),
        ],
    );
    let row = &world.summary(between(0, 10), 10)[0];
    assert_eq!((row.instances, row.hosts, row.red.samples), (2, 1, 100));
    assert!(about(row.red.p50, ms(10)) && about(row.red.p90, ms(10)));
    assert!(about(row.red.p95, ms(1000)) && about(row.red.max, ms(1000)));
    assert_eq!(row.red.error_ratio, Some(0.1));
}

#[test]
fn rates_are_per_observed_second() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    // The agent came 40 s into the window, and observes for 20 s.
    world.ship("a", 1, 41, &shop, vec![]);
    world.ship("a", 1, 50, &shop, vec![Item::Summary(exact(40, 0, 100))]);
    world.ship("a", 1, 60, &shop, vec![Item::Summary(exact(50, 0, 100))]);
    let row = &world.summary(between(0, 60), 60)[0];
    assert_eq!(row.red.rate_per_s, Some(10.0));
    let row = &world.summary(between(50, 60), 60)[0];
    assert_eq!(row.red.rate_per_s, Some(10.0));
    // A gap is not observed time.
    world.ship("a", 2, 101, &shop, vec![]);
    world.ship("a", 2, 110, &shop, vec![Item::Summary(exact(100, 0, 100))]);
    let row = &world.summary(between(0, 110), 110)[0];
    assert_eq!(row.red.rate_per_s, Some(10.0));
}

#[test]
fn what_is_in_flight_ages_and_is_forgotten_with_its_agent() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    let stuck = Pulse {
        in_flight: 3,
        oldest_in_flight: Some(Duration::from_secs(40)),
        ..pulse(50, 0, 0)
    };
    world.ship("a", 1, 50, &shop, vec![Item::Pulse(stuck)]);
    let row = &world.summary(between(0, 100), 52)[0];
    assert_eq!(row.in_flight, 3);
    assert_eq!(row.oldest_in_flight, Some(Duration::from_secs(42)));
    assert_eq!(row.stale, Some(Duration::from_secs(2)));
    assert_eq!(row.red.error_ratio, None);
    let rows = world.summary(between(0, 100), 54);
    assert_eq!((rows[0].in_flight, rows[0].oldest_in_flight), (0, None));
}

#[test]
fn routes_add_up_to_the_exact_counts() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    world.ship("a", 1, 1, &shop, vec![]);
    let split = |route, n, samples, class| {
        Item::Summary(Summary {
            route,
            method: Method::Get,
            status_class: class,
            counts: counts(n, 0),
            durations: durations(samples, 5),
            ..exact(0, 0, 0)
        })
    };
    let users = || Route::Template("/users/:id".into());
    world.ship(
        "a",
        1,
        12,
        &shop,
        vec![
            Item::Summary(exact(0, 0, 100)),
            split(users(), 60, 60, StatusClass::Success),
            split(users(), 10, 5, StatusClass::ClientError),
            split(Route::Unattributed, 30, 0, StatusClass::Success),
        ],
    );
    let question = Question::Metrics {
        span: between(0, 12),
        service: "shop".into(),
    };
    let answer = world.ask(question, 12);
    assert_eq!(answer.complete_until, Some(second(10)));
    let AnswerBody::Metrics(rows) = answer.body else {
        panic!()
    };
    let total: u64 = rows.iter().map(|r| r.red.counts.requests).sum();
    assert_eq!((rows.len(), total), (3, 100));
    let ratio = |route: &str, class| {
        let of = |r: &&answer::MetricRow| r.route.raw() == route && r.status_class == class;
        rows.iter().find(of).unwrap().sampled_ratio
    };
    assert_eq!(ratio("/users/:id", StatusClass::Success), Some(1.0));
    assert_eq!(ratio("/users/:id", StatusClass::ClientError), Some(0.5));
    assert_eq!(ratio("(unattributed)", StatusClass::Success), Some(0.0));
    let rate: f64 = rows.iter().filter_map(|r| r.red.rate_per_s).sum();
    assert!((rate - 10.0).abs() < 1e-9, "{rate}");
}

#[test]
fn both_ends_make_one_edge() {
    let mut world = World::new();
    let local = [
        instance("a", 1, "web", &[]),
        instance("a", 2, "shop", &[80]),
    ];
    let (web, shop) = (Endpoint::Instance(0), Endpoint::Instance(1));
    world.ship(
        "a",
        1,
        10,
        &local,
        vec![
            Item::Edge(edge(0, Side::Client, web.clone(), shop.clone(), 50)),
            Item::Edge(edge(0, Side::Server, web.clone(), shop.clone(), 49)),
            Item::Edge(edge(
                0,
                Side::Client,
                shop.clone(),
                address("10.0.0.9", 5432),
                7,
            )),
            Item::Edge(edge(
                0,
                Side::Server,
                address("10.0.0.1", 0),
                web.clone(),
                50,
            )),
            Item::Edge(EdgeSummary {
                protocol: Protocol::Tls,
                ..edge(0, Side::Client, web, address("::1", 443), 0)
            }),
        ],
    );
    let question = Question::Topology {
        span: between(0, 10),
    };
    let AnswerBody::Topology { nodes, edges } = world.ask(question, 10).body else {
        panic!()
    };
    let names: Vec<_> = nodes
        .iter()
        .map(|n| (n.service.name.raw(), n.kind))
        .collect();
    let (app, outside) = (ServiceClass::App, ServiceClass::Outside);
    assert_eq!(
        names,
        [
            ("10.0.0.1", outside),
            ("10.0.0.9:5432", outside),
            ("[::1]:443", outside),
            ("shop", app),
            ("web", app),
        ]
    );
    let find = |caller: &str, callee: &str| {
        let of =
            |e: &&answer::EdgeRow| e.caller.name.raw() == caller && e.callee.name.raw() == callee;
        edges.iter().find(of).unwrap()
    };
    let joined = find("web", "shop");
    assert_eq!(joined.source, EdgeSource::Both);
    assert_eq!(joined.red.as_ref().unwrap().counts.requests, 50);
    assert_eq!(joined.callee_requests, Some(49));
    assert_eq!(joined.connections, 2);
    assert_eq!(find("shop", "10.0.0.9:5432").source, EdgeSource::Caller);
    assert_eq!(find("10.0.0.1", "web").source, EdgeSource::Callee);
    let opaque = find("web", "[::1]:443");
    assert!(opaque.opaque && opaque.red.is_none());
    assert_eq!(edges.len(), 4);
}

#[test]
fn services_that_only_listen_have_a_row_and_trends_have_holes() {
    let mut world = World::new();
    let both = [
        instance("a", 1, "shop", &[80]),
        instance("a", 2, "idle", &[9000]),
    ];
    world.ship("a", 1, 20, &both, vec![Item::Summary(exact(10, 0, 40))]);
    let unread = EdgeSummary {
        protocol: Protocol::Tls,
        ..edge(
            50,
            Side::Server,
            address("10.0.0.1", 0),
            Endpoint::Instance(1),
            0,
        )
    };
    let items = vec![Item::Summary(exact(50, 0, 40)), Item::Edge(unread)];
    world.ship("a", 1, 60, &both, items);
    let question = Question::Services {
        span: between(0, 60),
        trend_points: 6,
    };
    let AnswerBody::Services(rows) = world.ask(question, 60).body else {
        panic!()
    };
    let [idle, shop] = &rows[..] else { panic!() };
    assert_eq!((idle.ports.as_slice(), idle.instances), (&[9000][..], 1));
    assert!(idle.server.is_none() && idle.client.is_none());
    assert_eq!(idle.trend, [None; 6]);
    assert_eq!(shop.server.as_ref().unwrap().counts.requests, 80);
    let filled: Vec<_> = shop.trend.iter().map(Option::is_some).collect();
    assert_eq!(filled, [false, true, false, false, false, true]);
    assert!(about(shop.trend[1], ms(5)));
    assert_eq!(shop.protocols, [Protocol::Http1]);
    assert_eq!(idle.protocols, [Protocol::Tls]);
}

#[test]
fn losses_are_those_of_the_window() {
    let mut world = World::new();
    let say = |world: &mut World, epoch, at, started, unparsed| {
        let items = vec![Item::Health(health("a", at, started, unparsed))];
        world.ship("a", epoch, at, &[], items);
    };
    say(&mut world, 1, 100, 50, 5);
    say(&mut world, 1, 110, 50, 7);
    say(&mut world, 1, 115, 50, 8);
    let loss = |from, to, now| {
        let question = Question::Topology {
            span: between(from, to),
        };
        world.ask(question, now).loss.unparsed
    };
    assert_eq!(loss(105, 120, 120), 3);
    assert_eq!(loss(0, 120, 120), 8);
    assert_eq!(loss(112, 120, 120), 1);
    assert_eq!(loss(116, 120, 120), 0);
    say(&mut world, 2, 130, 129, 2);
    let question = Question::Status;
    assert_eq!(world.ask(question, 131).loss.unparsed, 10);
}

#[test]
fn an_unknown_name_is_an_error_with_the_nearest() {
    let mut world = World::new();
    let known = [
        instance("a", 1, "checkout", &[]),
        instance("a", 2, "pay\x1b[2J", &[]),
    ];
    world.ship("a", 1, 10, &known, vec![]);
    let ask = |service: &str| {
        let question = Question::Metrics {
            span: between(0, 10),
            service: service.into(),
        };
        world.try_ask(question, 10)
    };
    let error = ask("chekout").unwrap_err().to_string();
    assert!(error.contains("did you mean checkout"), "{error}");
    let error = ask("pey").unwrap_err().to_string();
    assert!(error.contains("pay\\u{1b}[2J"), "{error}");
    assert!(ask("checkout").is_ok());
    assert!(ask("/checkout").is_ok());
}

#[test]
fn a_new_run_leaves_a_gap_and_a_resumed_one_does_not() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    world.ship("a", 1, 10, &shop, vec![]);
    // Silent for a minute, nothing missing.
    world.ship("a", 1, 70, &shop, vec![]);
    assert!(world.events(71).is_empty());
    // Two batches never came.
    world.ship_numbered("a", 1, 5, 80, &shop, vec![]);
    world.ship(
        "a",
        7,
        85,
        &shop,
        vec![Item::Health(health("a", 85, 82, 0))],
    );
    let texts: Vec<_> = world
        .events(90)
        .iter()
        .map(|e| e.text.raw().to_owned())
        .collect();
    assert_eq!(
        texts,
        [
            "agent restarted; nothing was observed for 4.0 s",
            "2 batches of the agent were lost; nothing was observed for 9.0 s",
        ]
    );
    let gap = &world.events(90)[0];
    assert_eq!(
        (gap.kind, gap.at, gap.until),
        (EventKind::Gap, second(80), Some(second(84)))
    );
    assert_eq!(world.live.agents().len(), 1);
}

#[test]
fn complete_until_waits_for_the_slowest_fresh_agent() {
    let mut world = World::new();
    for (agent, at) in [("a", 100), ("b", 97), ("gone", 50)] {
        world.ship(agent, 1, at, &[instance(agent, 1, agent, &[])], vec![]);
    }
    let ask = |now| world.ask(Question::Status, now).complete_until;
    assert_eq!(ask(101), Some(second(97)));
    assert_eq!(ask(200), None);
}

#[test]
fn absurd_windows_are_answered_or_refused_and_never_overflow() {
    let mut world = World::new();
    let shop = [instance("a", 1, "shop", &[])];
    let items = vec![Item::Pulse(pulse(5, 0, 3)), Item::Summary(exact(0, 0, 3))];
    world.ship("a", 1, 10, &shop, items);
    let moments = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for (from, to) in moments.iter().flat_map(|&f| moments.map(|t| (f, t))) {
        let span = Span::Between(Window {
            from: TimeNs(from),
            to: TimeNs(to),
        });
        for points in [0, 1, 1000] {
            let services = Question::Services {
                span,
                trend_points: points,
            };
            assert_eq!(world.try_ask(services, 10).is_ok(), from <= to);
        }
        for question in [
            Question::Summary {
                span,
                service: None,
                compare: None,
            },
            Question::Topology { span },
            Question::Metrics {
                span,
                service: "shop".into(),
            },
        ] {
            assert_eq!(world.try_ask(question, 10).is_ok(), from <= to);
        }
    }
    assert!(
        world
            .try_ask(Question::Status, i64::MAX / 1_000_000_000)
            .is_ok()
    );
}
