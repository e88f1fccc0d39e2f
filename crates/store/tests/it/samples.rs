//! Batches for the tests.

use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AgentMode, BootId, EdgeSummary, Endpoint, Epoch, Event, EventKind, Gauge,
    Histogram, HostSample, Instance, InstanceKey, Loss, Method, Missing, Observed, ProcessSample,
    Protocol, Route, Seq, ServiceClass, ServiceKey, Side, StatusClass, Summary, TimeNs, Window,
};
use coral_store::StoredBatch;
use std::time::Duration;

pub fn second(s: i64) -> TimeNs {
    TimeNs(s * 1_000_000_000)
}

pub fn window(from: i64, to: i64) -> Window {
    Window {
        from: second(from),
        to: second(to),
    }
}

pub fn instance(agent: &str, pid: u32, service: &str) -> Instance {
    Instance {
        key: InstanceKey {
            agent: AgentId::new(agent).unwrap(),
            boot: BootId::new("b00t").unwrap(),
            pid,
            start_ticks: u64::from(pid) * 7,
        },
        service: ServiceKey::plain(service),
        class: ServiceClass::App,
        host: "host-1".into(),
        started: Some(second(1)),
        ports: vec![80, 8080],
    }
}

pub fn histogram(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    values.iter().for_each(|&v| histogram.record(v));
    histogram
}

pub fn summary(from: i64, instance: u32, route: Route, requests: u64) -> Summary {
    Summary {
        window: window(from, from + 10),
        instance,
        side: Side::Server,
        protocol: Protocol::Http1,
        route,
        method: Method::Get,
        status_class: StatusClass::Success,
        counts: Counts {
            requests,
            errors: 1,
            client_errors: 2,
        },
        durations: histogram(&[1_000, 2_000_000, 3_000_000_000]),
    }
}

pub fn edge(from: i64) -> EdgeSummary {
    EdgeSummary {
        window: window(from, from + 10),
        caller: Endpoint::Instance(0),
        callee: Endpoint::Address {
            ip: "10.1.2.3".parse().unwrap(),
            port: 5432,
        },
        protocol: Protocol::Other,
        side: Side::Client,
        counts: Counts::default(),
        durations: Histogram::default(),
        connections: 4,
        bytes_sent: 5,
        bytes_received: 6,
        retransmits: None,
        rtt: Some(Duration::from_micros(120)),
    }
}

pub fn health(agent: &str, at: i64) -> AgentHealth {
    AgentHealth {
        id: AgentId::new(agent).unwrap(),
        host: "host-1".into(),
        version: "0.1.0".into(),
        mode: AgentMode::Ebpf,
        missing: vec![Missing {
            feature: "requests".into(),
            why: Observed::new("no \"BTF\"\n"),
            fix: "none".into(),
        }],
        rss_bytes: 9_000_000,
        cpu_percent: 0.25,
        loss: Loss {
            unparsed: 3,
            ..Loss::default()
        },
        listening: 2,
        started: second(1),
        at: second(at),
    }
}

pub fn event(agent: &str, at: i64, service: Option<&str>) -> Event {
    Event {
        at: second(at),
        until: None,
        kind: EventKind::Start,
        agent: AgentId::new(agent).unwrap(),
        service: service.map(ServiceKey::plain),
        instance: service.map(|s| instance(agent, 7, s).key),
        text: "a process started".into(),
    }
}

pub fn host(from: i64, busy: f64) -> HostSample {
    let gauge = |name: &str, label: &str, value| Gauge {
        name: name.into(),
        label: label.into(),
        value,
    };
    HostSample {
        window: window(from, from + 10),
        gauges: vec![
            gauge("cpu.busy_ratio", "", busy),
            gauge("disk.await_ms", "sda", 4.0 * busy),
        ],
    }
}

pub fn process(from: i64, instance: u32, cpu_cores: f64) -> ProcessSample {
    ProcessSample {
        window: window(from, from + 10),
        instance,
        cpu_cores,
        rss_bytes: 1_000_000 + u64::from(instance),
        fds: Some(12),
        threads: 3,
    }
}

/// A batch of two services: an exact row and its split, one edge, two events, its host, a process, health, one unknown
/// item.
pub fn batch(agent: &str, epoch: u64, seq: u64, at: i64) -> StoredBatch {
    StoredBatch {
        agent: AgentId::new(agent).unwrap(),
        epoch: Epoch(epoch),
        seq: Seq(seq),
        clock: second(at),
        instances: vec![instance(agent, 7, "shop"), instance(agent, 8, "pay")],
        summaries: vec![
            summary(at - 10, 0, Route::All, 10),
            summary(at - 10, 0, Route::Template("/users/:id".into()), 6),
            summary(at - 10, 0, Route::Unattributed, 4),
            summary(at - 10, 1, Route::All, 3),
        ],
        edges: vec![edge(at - 10)],
        events: vec![
            event(agent, at - 1, None),
            event(agent, at - 2, Some("pay")),
        ],
        hosts: vec![host(at - 10, 0.5)],
        processes: vec![process(at - 10, 1, 0.25)],
        profiles: vec![],
        symbols: vec![],
        health: Some(health(agent, at)),
        unknown: 1,
    }
}
