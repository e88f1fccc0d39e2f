//! The answers of a small shop: services that are fine, broken, slower than usual, stale, silent, unread and hostile.

use coral_model::answer::{
    AgentRow, EdgeRow, EdgeSource, MetricRow, NodeRow, Red, ServiceRow, Status, SummaryRow,
};
use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AgentMode, Answer, AnswerBody, BootId, ColonyId, Event, EventKind,
    InstanceKey, Loss, Method, Missing, Observed, Protocol, Question, ServiceClass, ServiceKey,
    Side, StatusClass, TimeNs, Window,
};
use std::time::Duration;

/// 2026-11-20 13:36:30 UTC.
pub const NOW: TimeNs = TimeNs(1_795_181_790_000_000_000);
pub const WINDOW: Duration = Duration::from_secs(900);

pub fn answer(body: AnswerBody) -> Answer {
    Answer {
        window: Window {
            from: NOW.minus(WINDOW),
            to: NOW,
        },
        complete_until: Some(NOW.minus(Duration::from_secs(1))),
        loss: Loss::default(),
        body,
    }
}

pub fn ms(ms: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(ms / 1e3))
}

pub fn red(per_s: f64, error_ratio: f64, p50: f64, p95: f64) -> Red {
    let requests = (per_s * 900.0).round() as u64;
    let errors = (requests as f64 * error_ratio).round() as u64;
    Red {
        counts: Counts {
            requests,
            errors,
            client_errors: requests / 100,
        },
        rate_per_s: Some(per_s),
        error_ratio: Some(error_ratio),
        p50: ms(p50),
        p90: ms(p95 * 0.8),
        p95: ms(p95),
        p99: ms(p95 * 1.2),
        max: ms(p95 * 1.7),
        samples: requests,
    }
}

/// A trend around a value, rising to `last` in the newest quarter.
fn trend(usual: f64, last: f64) -> Vec<Option<Duration>> {
    let wave = |i: usize| 1.0 + 0.12 * ((i * 7 % 11) as f64 / 11.0 - 0.5);
    (0..60)
        .map(|i| {
            if i < 48 {
                usual * wave(i)
            } else {
                last * wave(i)
            }
        })
        .map(ms)
        .map(|point| point.unwrap())
        .map(Some)
        .collect()
}

pub fn service(name: &str, server: Option<Red>) -> ServiceRow {
    let usual = server
        .as_ref()
        .and_then(|r| r.p95)
        .map_or(1.0, |d| d.as_secs_f64() * 1e3);
    ServiceRow {
        service: ServiceKey::plain(name),
        class: ServiceClass::App,
        instances: 1,
        hosts: 1,
        ports: vec![8080],
        trend: if server.is_some() {
            trend(usual, usual)
        } else {
            vec![None; 60]
        },
        server,
        client: None,
        in_flight: 0,
        oldest_in_flight: None,
        stale: ms(900.0),
        protocols: vec![Protocol::Http1],
        cpu_cores: None,
        rss_bytes: None,
        unread: None,
        health: None,
    }
}

fn class(name: &str, class: ServiceClass) -> ServiceRow {
    let mut row = service(name, None);
    (row.class, row.protocols) = (class, vec![]);
    row
}

pub fn shop_rows() -> Vec<ServiceRow> {
    let mut frontend = service("frontend", Some(red(96.2, 0.0004, 12.4, 190.0)));
    (frontend.instances, frontend.ports) = (2, vec![8080]);
    (frontend.in_flight, frontend.oldest_in_flight) = (3, ms(41.0));
    let mut checkout = service("checkout", Some(red(84.1, 0.002, 4.1, 2070.0)));
    (checkout.instances, checkout.ports) = (3, vec![8081]);
    checkout.trend = trend(130.0, 2070.0);
    (checkout.in_flight, checkout.oldest_in_flight) = (26, ms(2300.0));
    let mut payments = service("payments", Some(red(12.0, 0.134, 61.0, 2190.0)));
    payments.trend = trend(61.0, 2190.0);
    payments.ports = vec![8082];
    (payments.in_flight, payments.oldest_in_flight) = (24, ms(2200.0));
    let mut cart = service("cart", Some(red(412.7, 0.0, 2.1, 4.8)));
    (cart.instances, cart.ports) = (3, vec![8083]);
    let mut catalog = service("catalog", Some(red(0.01, 0.0, 3.0, 7.0)));
    catalog.ports = vec![8084];
    let mut search = service("search", Some(red(9.0, 0.0, 3.0, 7.0)));
    search.stale = ms(43_000.0);
    let mut load = service("load-generator", None);
    load.client = Some(red(96.2, 0.0004, 13.0, 195.0));
    load.trend = trend(195.0, 195.0);
    load.ports = vec![];
    let mut postgres = service("postgres", None);
    postgres.protocols = vec![Protocol::Other];
    postgres.ports = vec![5432];
    let mut mailer = service("mailer", None);
    (mailer.ports, mailer.protocols) = (vec![2525], vec![]);
    for (row, cpu, rss) in [
        (&mut frontend, 0.221, 210e6),
        (&mut checkout, 0.12, 184e6),
        (&mut payments, 0.031, 96e6),
        (&mut cart, 0.064, 71e6),
        (&mut postgres, 0.098, 611e6),
    ] {
        (row.cpu_cores, row.rss_bytes) = (Some(cpu), Some(rss as u64));
    }
    vec![
        frontend,
        checkout,
        payments,
        cart,
        catalog,
        search,
        load,
        postgres,
        mailer,
        class("sshd", ServiceClass::System),
        class("systemd-resolved", ServiceClass::System),
        class("coral-daemon", ServiceClass::Coral),
        class("fraud-api.example:443", ServiceClass::Outside),
    ]
}

pub fn services(rows: Vec<ServiceRow>) -> Answer {
    answer(AnswerBody::Services(rows))
}

pub fn agent(host: &str, mode: AgentMode, missing: Vec<Missing>, seen_s: u64) -> AgentRow {
    AgentRow {
        health: AgentHealth {
            id: AgentId::new(match host {
                "web-2" => "b2c3d4e5f6071829",
                _ => "a1b2c3d4e5f60718",
            })
            .unwrap(),
            host: Observed::new(host),
            version: "0.1.0".into(),
            mode,
            missing,
            rss_bytes: 9_437_184,
            cpu_percent: 0.4,
            loss: Loss::default(),
            listening: 12,
            started: NOW.minus(Duration::from_secs(14)),
            at: NOW,
        },
        last_seen: Duration::from_secs(seen_s),
        connected: seen_s < 15,
        freshness: None,
    }
}

pub fn status(agents: Vec<AgentRow>) -> Answer {
    answer(AnswerBody::Status(Status {
        colony: ColonyId::new("shop").unwrap(),
        version: "0.1.0".into(),
        uptime: Duration::from_secs(7980),
        services: 9,
        agents,
    }))
}

pub fn missing() -> Missing {
    Missing {
        feature: "requests".into(),
        why: Observed::new("CAP_BPF and CAP_NET_ADMIN are missing"),
        fix: "coral down && sudo coral up".into(),
    }
}

pub fn two_agents() -> Answer {
    status(vec![
        agent("web-1", AgentMode::Ebpf, vec![], 1),
        agent("web-2", AgentMode::Ebpf, vec![], 43),
    ])
}

fn edge(caller: &str, callee: &str, protocol: Protocol, red: Option<Red>) -> EdgeRow {
    EdgeRow {
        caller: ServiceKey::plain(caller),
        callee: ServiceKey::plain(callee),
        protocol,
        source: EdgeSource::Both,
        opaque: red.is_none(),
        callee_requests: red.as_ref().map(|r| r.counts.requests),
        red,
        failures: Some(0),
        connections: 18,
        bytes_sent: 5_100_000,
        bytes_received: 2_790_000_000,
        retransmits: Some(2),
        rtt: ms(0.3),
        turns: None,
        turn_p50: None,
        turn_p95: None,
    }
}

pub fn topology() -> Answer {
    let http = Protocol::Http1;
    let node = |row: &ServiceRow| NodeRow {
        service: row.service.clone(),
        kind: row.class,
    };
    answer(AnswerBody::Topology {
        nodes: shop_rows().iter().map(node).collect(),
        edges: vec![
            edge(
                "load-generator",
                "frontend",
                http,
                Some(red(96.2, 0.0004, 13.0, 195.0)),
            ),
            edge(
                "frontend",
                "checkout",
                http,
                Some(red(84.1, 0.002, 4.3, 2071.0)),
            ),
            edge("frontend", "cart", http, Some(red(340.4, 0.0, 2.2, 5.0))),
            edge("frontend", "catalog", http, Some(red(0.01, 0.0, 3.1, 7.2))),
            edge(
                "checkout",
                "payments",
                http,
                Some(red(12.0, 0.134, 61.4, 2191.0)),
            ),
            edge("checkout", "cart", http, Some(red(72.3, 0.0, 2.0, 4.4))),
            edge("cart", "postgres", Protocol::Other, None),
            edge("payments", "postgres", Protocol::Other, None),
            edge("payments", "fraud-api.example:443", Protocol::Tls, None),
            edge("sshd", "systemd-resolved", Protocol::Other, None),
        ],
    })
}

pub fn routes() -> Answer {
    let row = |method, route: &str, status_class, red| MetricRow {
        side: Side::Server,
        protocol: Protocol::Http1,
        method,
        route: Observed::new(route),
        status_class,
        red,
        sampled_ratio: Some(1.0),
    };
    let (ok, failed) = (StatusClass::Success, StatusClass::ServerError);
    answer(AnswerBody::Metrics(vec![
        row(Method::Get, "/cart/:id", ok, red(72.1, 0.0, 4.0, 12.0)),
        row(
            Method::Post,
            "/cart/:id/pay",
            ok,
            red(11.8, 0.0, 1990.0, 2310.0),
        ),
        row(
            Method::Post,
            "/cart/:id/pay",
            failed,
            red(0.17, 1.0, 3.0, 5.0),
        ),
        row(
            Method::Get,
            "/cart/:id",
            StatusClass::ClientError,
            red(0.01, 0.0, 1.0, 1.4),
        ),
    ]))
}

/// Nothing is kept of what is older.
const KEPT: Duration = Duration::from_secs(6 * 3600);

/// What the shop answers at a moment.
pub fn answer_to(question: &Question, now: TimeNs) -> Answer {
    let span = match question {
        Question::Services { span, .. }
        | Question::Summary { span, .. }
        | Question::Metrics { span, .. }
        | Question::Topology { span }
        | Question::Events { span, .. } => *span,
        _ => return two_agents(),
    };
    let window = span.resolve(now);
    let gone = window.to < NOW.minus(KEPT);
    let mut answer = match question {
        Question::Services { .. } if gone => services(vec![]),
        Question::Services { .. } => services(rows_at(window)),
        Question::Summary { service, .. } => summary(service.as_deref(), window),
        Question::Metrics { .. } => routes(),
        Question::Topology { .. } => topology(),
        Question::Events { service, .. } => answer(AnswerBody::Events {
            rows: events(service.as_deref(), window),
            truncated: false,
        }),
        _ => two_agents(),
    };
    answer.window = window;
    answer.complete_until = Some(window.to.min(now.minus(Duration::from_secs(1))));
    answer
}

/// The shop went wrong three and a half minutes before [`NOW`].
const BEGAN: Duration = Duration::from_secs(210);

/// The rows of a window; before it went wrong all was fine.
fn rows_at(window: Window) -> Vec<ServiceRow> {
    let mut rows = shop_rows();
    if window.to < NOW.minus(BEGAN) {
        for row in &mut rows {
            let name = row.service.name.raw();
            if let Some(red) = &mut row.server
                && ["checkout", "payments"].contains(&name)
            {
                (red.p95, red.p99, red.counts.errors) = (ms(130.0), ms(160.0), 0);
                (red.max, red.error_ratio) = (ms(210.0), Some(0.0));
                row.trend = trend(130.0, 130.0);
            }
            (row.in_flight, row.oldest_in_flight) = (0, None);
        }
    }
    rows
}

/// A service over a stretch: a wave, and what went wrong at its end.
fn summary(service: Option<&str>, window: Window) -> Answer {
    let rows = rows_at(window).into_iter();
    let row = rows.filter(|row| service.is_none_or(|s| s == row.service.name.raw()));
    let step = window.to.0 / 1_000_000_000 / 20;
    let wave = 1.0 + 0.1 * ((step * 7 % 11) as f64 / 11.0 - 0.5);
    let summary = |row: ServiceRow| {
        let mut red = row.server.clone()?;
        red.rate_per_s = red.rate_per_s.map(|r| r * wave);
        for d in [&mut red.p50, &mut red.p95, &mut red.p99] {
            *d = d.map(|d| d.mul_f64(wave));
        }
        Some(SummaryRow {
            service: row.service,
            class: row.class,
            side: Side::Server,
            instances: row.instances,
            hosts: row.hosts,
            red,
            in_flight: row.in_flight,
            oldest_in_flight: row.oldest_in_flight,
            stale: row.stale,
            protocols: row.protocols,
            before: None,
        })
    };
    answer(AnswerBody::Summary(row.filter_map(summary).collect()))
}

/// What happened to the shop, newest first.
pub fn events(service: Option<&str>, window: Window) -> Vec<Event> {
    let event = |ago_s: u64, kind, service: Option<&str>, pid: u32, text: &str| Event {
        at: NOW.minus(Duration::from_secs(ago_s)),
        until: None,
        kind,
        agent: AgentId::new("a1b2c3d4e5f60718").unwrap(),
        service: service.map(ServiceKey::plain),
        instance: (pid > 0).then(|| InstanceKey {
            agent: AgentId::new("a1b2c3d4e5f60718").unwrap(),
            boot: BootId::new("b0").unwrap(),
            pid,
            start_ticks: 1,
        }),
        text: Observed::new(text),
    };
    let mut gap = event(120, EventKind::Gap, None, 0, "nobody observed web-2");
    gap.until = Some(NOW.minus(Duration::from_secs(88)));
    let all = vec![
        event(
            43,
            EventKind::Exit,
            Some("search"),
            4077,
            "search (pid 4077) ended with code 1",
        ),
        gap,
        event(
            214,
            EventKind::Start,
            Some("payments"),
            4121,
            "payments (pid 4121) started",
        ),
        event(
            215,
            EventKind::Exit,
            Some("payments"),
            3980,
            "payments (pid 3980) ended by SIGTERM",
        ),
        event(
            700,
            EventKind::ClockJump,
            None,
            0,
            "the clock of web-1 jumped 1.2 s ahead",
        ),
        event(
            4000,
            EventKind::Start,
            Some("cart"),
            2011,
            "cart (pid 2011) started",
        ),
    ];
    let fits = |e: &Event| {
        let of = e.service.as_ref().map(|s| s.name.raw());
        window.contains(e.at) && (service.is_none() || of == service)
    };
    all.into_iter().filter(fits).collect()
}

pub fn hostile_rows() -> Vec<ServiceRow> {
    let names = [
        "a\x1b]52;c;aGk=\x07\x1b[2J\x1b[31mred".to_owned(),
        "line\nbreak\r\tand tab".to_owned(),
        "user\u{202e}nimda\u{2066}".to_owned(),
        "x".repeat(10_000),
        "数据库服务-日本語-とても長い名前".to_owned(),
        format!("zalgo{}", "\u{301}".repeat(300)),
        "👩‍👩‍👧‍👦 family".to_owned(),
    ];
    let row =
        |(i, name): (usize, &String)| service(name, Some(red(90.0 - i as f64, 0.0, 2.0, 4.0)));
    names.iter().enumerate().map(row).collect()
}

/// A colony of hostile names: services, routes, edges, events, hosts.
pub fn hostile_answer(question: &Question, now: TimeNs) -> Answer {
    let mut answer = answer_to(question, now);
    let rows = hostile_rows();
    let evil = || Observed::new("x\x1b]52;c;aGk=\x07\x1b[2J\u{9b}31m\r\n\u{202e}y\u{0}");
    match &mut answer.body {
        AnswerBody::Services(services) => *services = rows,
        AnswerBody::Metrics(routes) => routes.iter_mut().for_each(|r| r.route = evil()),
        AnswerBody::Events { rows: events, .. } => {
            for (event, row) in events.iter_mut().zip(rows.iter().cycle()) {
                (event.text, event.service) = (evil(), Some(row.service.clone()));
            }
        }
        AnswerBody::Topology { nodes, edges } => {
            let pairs = rows.windows(2).zip(edges.clone());
            let edge = |(pair, edge): (&[ServiceRow], EdgeRow)| EdgeRow {
                caller: pair[0].service.clone(),
                callee: pair[1].service.clone(),
                ..edge
            };
            *edges = pairs.map(edge).collect();
            let node = |row: &ServiceRow| NodeRow {
                service: row.service.clone(),
                kind: row.class,
            };
            *nodes = rows.iter().map(node).collect();
        }
        AnswerBody::Summary(summaries) => {
            for (summary, row) in summaries.iter_mut().zip(&rows) {
                summary.service = row.service.clone();
            }
        }
        AnswerBody::Status(status) => {
            for agent in &mut status.agents {
                agent.health.host = evil();
                let why = evil();
                agent.health.missing = vec![Missing { why, ..missing() }];
            }
        }
        // The console asks none of them.
        AnswerBody::Host(_) | AnswerBody::Requests { .. } | AnswerBody::Sql(_) => {}
    }
    answer
}

/// The shop with figures that tremble from second to second, as they do.
pub fn trembling_answer(question: &Question, now: TimeNs) -> Answer {
    let mut answer = answer_to(question, now);
    let seconds = now.since(NOW).as_secs() as usize;
    let wave = |i: usize| 1.0 + 0.01 * ((seconds * 5 + i * 3) % 7) as f64;
    let shake = |red: &mut Red, i: usize| {
        red.rate_per_s = red.rate_per_s.map(|r| r * wave(i));
        for d in [&mut red.p50, &mut red.p95, &mut red.p99] {
            *d = d.map(|d| d.mul_f64(wave(i + 1)));
        }
    };
    match &mut answer.body {
        AnswerBody::Services(rows) => {
            for (i, row) in rows.iter_mut().enumerate() {
                let sides = row.server.iter_mut().chain(&mut row.client);
                sides.for_each(|red| shake(red, i));
                if let Some(last) = row.trend.last_mut() {
                    *last = last.map(|d| d.mul_f64(wave(i)));
                }
            }
        }
        AnswerBody::Topology { edges, .. } => {
            for (i, edge) in edges.iter_mut().enumerate() {
                edge.red.iter_mut().for_each(|red| shake(red, i));
            }
        }
        AnswerBody::Metrics(rows) => {
            let rows = rows.iter_mut().enumerate();
            rows.for_each(|(i, row)| shake(&mut row.red, i));
        }
        _ => {}
    }
    answer
}

/// Five hundred services with two hundred routes each, long and wide names among them.
pub const MANY_SERVICES: usize = 500;
const MANY_ROUTES: usize = 200;

fn long_name(i: usize) -> String {
    match i % 3 {
        0 => format!("service-{i:05}-with-a-name-of-sixty-characters-that-goes-on-{i:04}"),
        1 => format!("数据库服务-{i:05}-とても長い名前のサービス-{i:04}"),
        _ => format!("svc-{i}"),
    }
}

/// So many services.
pub fn many_rows(count: usize) -> Vec<ServiceRow> {
    let row = |i: usize| {
        let per_s = (i * 7919 % 1000) as f64 / 3.0 + 0.1;
        let p95 = (i * 104_729 % 5000) as f64 / 7.0 + 1.0;
        let errors = if i.is_multiple_of(50) { 0.08 } else { 0.0 };
        service(&long_name(i), Some(red(per_s, errors, p95 / 3.0, p95)))
    };
    (0..count).map(row).collect()
}

/// A colony with many services, routes and events.
pub fn many_answer(question: &Question, now: TimeNs) -> Answer {
    let mut answer = answer_to(question, now);
    match &mut answer.body {
        AnswerBody::Services(rows) => *rows = many_rows(MANY_SERVICES),
        AnswerBody::Metrics(rows) => {
            let first = rows[0].clone();
            let route = |i: usize| MetricRow {
                route: Observed::new(format!("/{}/:id/{i}", long_name(i))),
                red: red(
                    (i * 31 % 97) as f64 + 0.5,
                    0.0,
                    1.0,
                    (i * 17 % 301) as f64 + 1.0,
                ),
                ..first.clone()
            };
            *rows = (0..MANY_ROUTES).map(route).collect();
        }
        AnswerBody::Topology { nodes, edges } => {
            let rows = many_rows(MANY_SERVICES);
            let first = edges[1].clone();
            let edge = |i: usize| EdgeRow {
                caller: rows[i / 4].service.clone(),
                callee: rows[i].service.clone(),
                red: rows[i].server.clone(),
                ..first.clone()
            };
            *edges = (1..MANY_SERVICES).map(edge).collect();
            let node = |row: &ServiceRow| NodeRow {
                service: row.service.clone(),
                kind: row.class,
            };
            *nodes = rows.iter().map(node).collect();
        }
        AnswerBody::Events { rows, .. } => {
            let first = rows.first().cloned();
            let event = |i: usize| {
                let mut event = first.clone()?;
                event.at = now.minus(Duration::from_millis(i as u64 * 400));
                event.text = Observed::new(format!("{} ended with code 1", long_name(i)));
                Some(event)
            };
            *rows = (0..2000).filter_map(event).collect();
        }
        _ => {}
    }
    answer
}
