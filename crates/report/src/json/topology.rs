//! The report of `coral topology`.

use super::{LossReport, ms, ratio, rfc3339, rounded};
use coral_model::Answer;
use coral_model::answer::{EdgeRow, NodeRow};
use serde::Serialize;

/// `coral topology -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopologyReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// Up to here every fresh agent has reported.
    pub complete_until: Option<String>,
    /// The services and outside addresses.
    pub nodes: Vec<NodeReport>,
    /// Who talks to whom.
    pub edges: Vec<EdgeReport>,
    /// What was not seen.
    pub loss: LossReport,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's NodeRow")]
pub struct NodeReport {
    pub service: String,
    pub kind: &'static str,
    pub namespace: String,
}

/// One edge; figures of requests are null when its bytes cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's EdgeRow")]
pub struct EdgeReport {
    pub caller: String,
    pub callee: String,
    pub protocol: &'static str,
    pub source: &'static str,
    pub opaque: bool,
    pub requests: Option<u64>,
    pub errors: Option<u64>,
    pub client_errors: Option<u64>,
    pub failures: Option<u64>,
    pub rate_per_s: Option<f64>,
    pub error_ratio: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub samples: Option<u64>,
    pub callee_requests: Option<u64>,
    pub connections: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub retransmits: Option<u64>,
    pub rtt_ms: Option<f64>,
    pub turns: Option<u64>,
    pub turn_p50_ms: Option<f64>,
    pub turn_p95_ms: Option<f64>,
    pub caller_namespace: String,
    pub callee_namespace: String,
}

impl TopologyReport {
    pub(super) fn new(answer: &Answer, nodes: &[NodeRow], edges: &[EdgeRow]) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            complete_until: answer.complete_until.map(rfc3339),
            nodes: nodes.iter().map(Into::into).collect(),
            edges: edges.iter().map(Into::into).collect(),
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&NodeRow> for NodeReport {
    fn from(row: &NodeRow) -> Self {
        Self {
            service: row.service.name.visible().into_owned(),
            kind: row.kind.name(),
            namespace: row.service.namespace.visible().into_owned(),
        }
    }
}

impl From<&EdgeRow> for EdgeReport {
    fn from(row: &EdgeRow) -> Self {
        let red = row.red.as_ref();
        Self {
            caller: row.caller.name.visible().into_owned(),
            callee: row.callee.name.visible().into_owned(),
            protocol: row.protocol.name(),
            source: row.source.name(),
            opaque: row.opaque,
            requests: red.map(|r| r.counts.requests),
            errors: red.map(|r| r.counts.errors),
            client_errors: red.map(|r| r.counts.client_errors),
            failures: row.failures,
            rate_per_s: red.and_then(|r| r.rate_per_s).map(rounded),
            error_ratio: ratio(red.and_then(|r| r.error_ratio)),
            p50_ms: ms(red.and_then(|r| r.p50)),
            p95_ms: ms(red.and_then(|r| r.p95)),
            p99_ms: ms(red.and_then(|r| r.p99)),
            samples: red.map(|r| r.samples),
            callee_requests: row.callee_requests,
            connections: row.connections,
            bytes_sent: row.bytes_sent,
            bytes_received: row.bytes_received,
            retransmits: row.retransmits,
            rtt_ms: ms(row.rtt),
            turns: row.turns,
            turn_p50_ms: ms(row.turn_p50),
            turn_p95_ms: ms(row.turn_p95),
            caller_namespace: row.caller.namespace.visible().into_owned(),
            callee_namespace: row.callee.namespace.visible().into_owned(),
        }
    }
}
