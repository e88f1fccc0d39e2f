//! Answers with every kind of figure: known, unknown, from few samples, stale, lost, hostile.

use coral_model::answer::{
    AgentRow, Cell, EdgeRow, EdgeSource, HostRow, MetricRow, NodeRow, Red, ServiceRow, Status,
    SummaryRow, Table,
};
use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AgentMode, Answer, AnswerBody, BootId, ColonyId, Event, EventKind,
    InstanceKey, Loss, Method, Missing, Observed, Protocol, ServiceClass, ServiceKey, Side,
    StatusClass, TimeNs, Window,
};
use std::time::Duration;

/// 2026-11-20 13:36:30.250 UTC.
const TO: TimeNs = TimeNs(1_795_181_790_250_000_000);

fn answer(body: AnswerBody) -> Answer {
    Answer {
        window: Window {
            from: TO.minus(Duration::from_secs(900)),
            to: TO,
        },
        complete_until: Some(TO.minus(Duration::from_secs(1))),
        loss: Loss {
            records_dropped: 3,
            unseen: 2,
            ..Loss::default()
        },
        body,
    }
}

fn ms(ms: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(ms / 1e3))
}

fn red(requests: u64, errors: u64, p50: f64, p95: f64) -> Red {
    Red {
        counts: Counts {
            requests,
            errors,
            client_errors: requests / 50,
        },
        rate_per_s: Some(requests as f64 / 900.0),
        error_ratio: (requests > 0).then(|| errors as f64 / requests as f64),
        p50: ms(p50),
        p90: ms(p95 * 0.9),
        p95: ms(p95),
        p99: ms(p95 * 1.1),
        max: ms(p95 * 1.3),
        samples: requests,
    }
}

fn agent_id() -> AgentId {
    AgentId::new("a1b2c3d4e5f60718").unwrap()
}

fn health(host: &str, mode: AgentMode, missing: Vec<Missing>) -> AgentHealth {
    AgentHealth {
        id: agent_id(),
        host: Observed::new(host),
        version: "0.1.0".into(),
        mode,
        missing,
        rss_bytes: 9_437_184,
        cpu_percent: 0.4,
        loss: Loss::default(),
        listening: 6,
        started: TO.minus(Duration::from_secs(4000)),
        at: TO,
    }
}

pub fn status() -> Answer {
    let missing = Missing {
        feature: "requests".into(),
        why: Observed::new("bpf(): operation not permitted"),
        fix: "sudo setcap cap_bpf,cap_perfmon,cap_net_admin+ep coral-daemon".into(),
    };
    let agent = |health, seconds, connected| AgentRow {
        health,
        last_seen: Duration::from_millis(seconds),
        connected,
        freshness: None,
    };
    answer(AnswerBody::Status(Status {
        colony: ColonyId::new("shop").unwrap(),
        version: "0.1.0".into(),
        uptime: Duration::from_secs(7980),
        agents: vec![
            agent(health("web-1", AgentMode::Ebpf, vec![]), 800, true),
            agent(
                health("web-2", AgentMode::Proc, vec![missing]),
                43_000,
                false,
            ),
        ],
        services: 6,
    }))
}

fn summary_row(name: &str, class: ServiceClass, side: Side, red: Red) -> SummaryRow {
    SummaryRow {
        service: ServiceKey::plain(name),
        class,
        side,
        instances: 1,
        hosts: 1,
        red,
        in_flight: 0,
        oldest_in_flight: None,
        stale: ms(900.0),
        protocols: vec![Protocol::Http1],
        before: None,
    }
}

pub fn summary() -> Answer {
    let app = ServiceClass::App;
    let mut checkout = summary_row("checkout", app, Side::Server, red(75_690, 12, 4.1, 2070.0));
    checkout.instances = 3;
    checkout.hosts = 2;
    checkout.in_flight = 26;
    checkout.oldest_in_flight = ms(2300.0);
    checkout.service.namespace = Observed::new("shop");
    let mut search = summary_row("search", app, Side::Server, Red::default());
    search.stale = ms(43_000.0);
    answer(AnswerBody::Summary(vec![
        checkout,
        summary_row("cart", app, Side::Server, red(371_430, 0, 2.1, 4.8)),
        summary_row("cart", app, Side::Client, red(12, 1, 0.34, 0.9)),
        search,
        summary_row("sshd", ServiceClass::System, Side::Server, Red::default()),
        summary_row(
            "10.0.0.7:443",
            ServiceClass::Outside,
            Side::Server,
            Red::default(),
        ),
    ]))
}

pub fn compared() -> Answer {
    let row = |name: &str, now, before| SummaryRow {
        before: Some(before),
        ..summary_row(name, ServiceClass::App, Side::Server, now)
    };
    answer(AnswerBody::Summary(vec![
        row(
            "checkout",
            red(75_690, 12, 61.0, 2070.0),
            red(70_000, 0, 4.1, 130.0),
        ),
        row("cart", red(9_000, 9, 2.1, 4.8), red(9_000, 9, 2.1, 4.8)),
        row("few", red(7, 0, 20.0, 40.0), red(9_000, 0, 2.1, 4.8)),
        row("new", red(900, 0, 2.0, 4.0), Red::default()),
        row("old", Red::default(), red(900, 0, 2.0, 4.0)),
    ]))
}

pub fn services() -> Answer {
    let row = |name: &str, class, server, client| ServiceRow {
        service: ServiceKey::plain(name),
        class,
        instances: 1,
        hosts: 1,
        ports: vec![8080],
        server,
        client,
        in_flight: 2,
        oldest_in_flight: ms(12.0),
        trend: vec![None, ms(4.0), ms(4.8)],
        stale: ms(900.0),
        protocols: vec![Protocol::Http1],
        cpu_cores: Some(0.25),
        rss_bytes: None,
        unread: None,
        health: None,
    };
    let app = ServiceClass::App;
    let mut silent = row("search", app, None, None);
    (silent.stale, silent.in_flight, silent.oldest_in_flight) = (None, 0, None);
    silent.ports = vec![1, 2, 3, 4, 5];
    answer(AnswerBody::Services(vec![
        row("cart", app, Some(red(371_430, 37, 2.1, 4.8)), None),
        row("load", app, None, Some(red(7, 0, 2.1, 4.8))),
        silent,
        row("coral-daemon", ServiceClass::Coral, None, None),
    ]))
}

pub fn metrics() -> Answer {
    let row = |method, route: &str, status_class, red| MetricRow {
        side: Side::Server,
        protocol: Protocol::Http1,
        method,
        route: Observed::new(route),
        status_class,
        red,
        sampled_ratio: Some(0.98),
    };
    let mut unattributed = row(
        Method::Get,
        "(unattributed)",
        StatusClass::Success,
        red(3, 0, 1.0, 1.0),
    );
    unattributed.red.p50 = None;
    unattributed.red.p95 = None;
    unattributed.red.p99 = None;
    unattributed.red.max = None;
    unattributed.red.samples = 0;
    unattributed.sampled_ratio = None;
    answer(AnswerBody::Metrics(vec![
        row(
            Method::Post,
            "/cart/:id/pay",
            StatusClass::Success,
            red(10_800, 0, 1990.0, 2310.0),
        ),
        row(
            Method::Post,
            "/cart/:id/pay",
            StatusClass::ServerError,
            red(9, 9, 3.0, 5.0),
        ),
        unattributed,
    ]))
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
        failures: None,
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
    let node = |name: &str, kind| NodeRow {
        service: ServiceKey::plain(name),
        kind,
    };
    let app = ServiceClass::App;
    answer(AnswerBody::Topology {
        nodes: vec![
            node("checkout", app),
            node("payments", app),
            node("postgres", app),
            node("sshd", ServiceClass::System),
            node("10.0.0.7:443", ServiceClass::Outside),
        ],
        edges: vec![
            edge(
                "checkout",
                "payments",
                Protocol::Http1,
                Some(red(10_800, 12, 61.0, 2190.0)),
            ),
            edge("payments", "postgres", Protocol::Other, None),
            edge("payments", "10.0.0.7:443", Protocol::Tls, None),
            edge("10.0.0.7:443", "sshd", Protocol::Other, None),
        ],
    })
}

pub fn events() -> Answer {
    let event = |kind, until, text: &str| Event {
        at: TO.minus(Duration::from_secs(90)),
        until,
        kind,
        agent: agent_id(),
        service: Some(ServiceKey::plain("cart")),
        instance: Some(InstanceKey {
            agent: agent_id(),
            boot: BootId::new("b").unwrap(),
            pid: 4121,
            start_ticks: 7,
        }),
        text: Observed::new(text),
    };
    let gap = Event {
        service: None,
        instance: None,
        ..event(EventKind::Gap, Some(TO), "no agent on web-2")
    };
    answer(AnswerBody::Events {
        rows: vec![event(EventKind::Exit, None, "exit code 1"), gap],
        truncated: true,
    })
}

pub fn host() -> Answer {
    let row = |name: &str, label: &str, last: f64| HostRow {
        agent: agent_id(),
        host: Observed::new("web-1"),
        name: name.into(),
        label: Observed::new(label),
        last,
        min: last / 4.0,
        mean: last / 2.0,
        max: last,
    };
    answer(AnswerBody::Host(vec![
        row("cpu.busy_ratio", "", 0.431),
        row("disk.await_ms", "sda\x1b[2J", 0.04),
        row("load.1m", "", 3.2),
        row("mem.available_bytes", "", 8_123_456_789.0),
    ]))
}

pub fn sql() -> Answer {
    let row = |name: &str, n, ratio| {
        vec![
            Cell::Text(Observed::new(name)),
            Cell::Int(n),
            Cell::Float(ratio),
            Cell::Null,
        ]
    };
    let columns = ["service", "requests", "ratio", "never"];
    answer(AnswerBody::Sql(Table {
        columns: columns.map(str::to_owned).to_vec(),
        rows: vec![
            row("cart", 371_430, 0.25),
            row("=cmd|' /C\x1b[2J", -1, f64::INFINITY),
        ],
        truncated: true,
    }))
}

pub fn hostile() -> Answer {
    let names = [
        "a\x1b]52;c;aGk=\x07\x1b[2Jb".to_owned(),
        "line\nbreak\r\tand tab".to_owned(),
        "user\u{202e}nimda\u{2066}".to_owned(),
        "x".repeat(10_000),
        "数据库服务-日本語".to_owned(),
        format!("zalgo{}", "\u{301}".repeat(300)),
        "=cmd|' /C calc'!A0".to_owned(),
    ];
    let row =
        |name: &String| summary_row(name, ServiceClass::App, Side::Server, red(100, 1, 1.0, 2.0));
    answer(AnswerBody::Summary(names.iter().map(row).collect()))
}

pub fn empty() -> Vec<Answer> {
    [
        AnswerBody::Services(vec![]),
        AnswerBody::Summary(vec![]),
        AnswerBody::Metrics(vec![]),
        AnswerBody::Topology {
            nodes: vec![],
            edges: vec![],
        },
        AnswerBody::Events {
            rows: vec![],
            truncated: false,
        },
        AnswerBody::Host(vec![]),
    ]
    .into_iter()
    .map(|body| Answer {
        complete_until: None,
        ..answer(body)
    })
    .collect()
}
