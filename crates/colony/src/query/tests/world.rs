//! A colony without sockets: the in-memory store, the live data, and batches that are shipped by a call.

use crate::ingest::Ingest;
use crate::live::Live;
use crate::query::{About, Judged, Query, QueryError};
use coral_model::summary::Counts;
use coral_model::*;
use coral_store::{Append as _, Keep, Memory};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub struct World {
    store: Arc<Memory>,
    ingest: Ingest,
    query: Arc<Query>,
    pub live: Arc<Live>,
    next: HashMap<(String, u64), u64>,
}

pub fn second(s: i64) -> TimeNs {
    TimeNs(s * 1_000_000_000)
}

pub fn window(from: i64, to: i64) -> Window {
    Window {
        from: second(from),
        to: second(to),
    }
}

pub fn between(from: i64, to: i64) -> Span {
    Span::Between(window(from, to))
}

pub fn counts(requests: u64, errors: u64) -> Counts {
    Counts {
        requests,
        errors,
        client_errors: 0,
    }
}

/// `n` durations of so many milliseconds.
pub fn durations(n: u64, ms: u64) -> Histogram {
    let mut histogram = Histogram::default();
    (0..n).for_each(|_| histogram.record(ms * 1_000_000));
    histogram
}

pub fn instance(agent: &str, pid: u32, service: &str, ports: &[u16]) -> Instance {
    Instance {
        key: InstanceKey {
            agent: AgentId::new(agent).unwrap(),
            boot: BootId::new("b00t").unwrap(),
            pid,
            start_ticks: 1,
        },
        service: ServiceKey::plain(service),
        class: ServiceClass::App,
        host: agent.into(),
        started: None,
        ports: ports.to_vec(),
    }
}

pub fn pulse(at: i64, instance: u32, requests: u64) -> Pulse {
    Pulse {
        at: second(at),
        instance,
        side: Side::Server,
        protocol: Protocol::Http1,
        counts: counts(requests, 0),
        in_flight: 0,
        oldest_in_flight: None,
        durations: durations(requests, 5),
    }
}

pub fn exact(from: i64, instance: u32, requests: u64) -> Summary {
    Summary {
        window: window(from, from + 10),
        instance,
        side: Side::Server,
        protocol: Protocol::Http1,
        route: Route::All,
        method: Method::Other,
        status_class: StatusClass::Success,
        counts: counts(requests, 0),
        durations: durations(requests, 5),
    }
}

pub fn edge(
    from: i64,
    side: Side,
    caller: Endpoint,
    callee: Endpoint,
    requests: u64,
) -> EdgeSummary {
    EdgeSummary {
        window: window(from, from + 10),
        caller,
        callee,
        protocol: Protocol::Http1,
        side,
        counts: counts(requests, 0),
        durations: durations(requests, 7),
        connections: 2,
        bytes_sent: 100,
        bytes_received: 200,
        retransmits: None,
        rtt: None,
    }
}

pub fn address(ip: &str, port: u16) -> Endpoint {
    Endpoint::Address {
        ip: ip.parse().unwrap(),
        port,
    }
}

pub fn health(agent: &str, at: i64, started: i64, unparsed: u64) -> AgentHealth {
    AgentHealth {
        id: AgentId::new(agent).unwrap(),
        host: agent.into(),
        version: "0.1.0".into(),
        mode: AgentMode::Ebpf,
        missing: vec![],
        rss_bytes: 1,
        cpu_percent: 0.0,
        loss: Loss {
            unparsed,
            ..Loss::default()
        },
        listening: 0,
        started: second(started),
        at: second(at),
    }
}

fn viewer() -> Caller {
    Caller {
        id: "uid:0".into(),
        role: Role::Viewer,
        via: Via::Unix,
    }
}

impl World {
    pub fn new() -> Self {
        let store = Arc::new(Memory::default());
        let live = Arc::new(Live::default());
        let about = About {
            colony: ColonyId::new("test").unwrap(),
            version: "0.1.0".into(),
            started: second(0),
        };
        Self {
            ingest: Ingest::new(store.clone(), live.clone(), &[]),
            query: Arc::new(Query::new(store.clone(), live.clone(), about).keeping(store.clone())),
            store,
            live,
            next: HashMap::new(),
        }
    }

    /// Ships the next batch of the run.
    pub fn ship(&mut self, agent: &str, epoch: u64, at: i64, who: &[Instance], items: Vec<Item>) {
        let seq = self.next.entry((agent.to_owned(), epoch)).or_default();
        *seq += 1;
        let seq = *seq;
        self.ship_numbered(agent, epoch, seq, at, who, items);
    }

    pub fn ship_numbered(
        &mut self,
        agent: &str,
        epoch: u64,
        seq: u64,
        at: i64,
        who: &[Instance],
        items: Vec<Item>,
    ) {
        let batch = Batch {
            epoch: Epoch(epoch),
            seq: Seq(seq),
            clock: second(at),
            instances: who.to_vec(),
            items,
            unknown: 0,
        };
        let agent = AgentId::new(agent).unwrap();
        let taken = self.ingest.take(&agent, batch, second(at));
        futures::executor::block_on(taken).unwrap();
    }

    pub fn try_ask(&self, question: Question, now: i64) -> Result<Answer, QueryError> {
        self.query.run(&question, &viewer(), second(now))
    }

    /// Asks as somebody who may act.
    pub fn operator_asks(&self, question: Question, now: i64) -> Result<Answer, QueryError> {
        let caller = Caller {
            role: Role::Operator,
            ..viewer()
        };
        self.query.run(&question, &caller, second(now))
    }

    /// Asks as the service does, which keeps what a diagnosis found.
    pub fn diagnose(&self, question: Question, now: i64) -> Result<Answer, QueryError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let asked = self.query.diagnose(question, viewer(), second(now));
        runtime.unwrap().block_on(asked)
    }

    /// Writes an event that no agent ships.
    pub fn keep(&self, event: Event) {
        let kept = self.store.keep(Keep::Event(event));
        futures::executor::block_on(kept).unwrap();
    }

    pub fn regressions(&self, judged: &mut Judged, now: i64) -> Vec<Event> {
        self.query.regressions(judged, second(now)).unwrap()
    }

    pub fn ask(&self, question: Question, now: i64) -> Answer {
        self.try_ask(question, now).unwrap()
    }

    /// The summary rows of a window.
    pub fn summary(&self, span: Span, now: i64) -> Vec<answer::SummaryRow> {
        let question = Question::Summary {
            span,
            service: None,
            compare: None,
        };
        match self.ask(question, now).body {
            AnswerBody::Summary(rows) => rows,
            other => panic!("{other:?}"),
        }
    }

    pub fn events(&self, now: i64) -> Vec<Event> {
        let question = Question::Events {
            span: Span::Last(Duration::from_secs(900)),
            service: None,
            kinds: vec![],
            limit: 10,
        };
        match self.ask(question, now).body {
            AnswerBody::Events { rows, .. } => rows,
            other => panic!("{other:?}"),
        }
    }
}
