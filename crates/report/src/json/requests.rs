//! The report of `coral query requests`.

use super::{LossReport, ms, rfc3339};
use coral_model::answer::RequestRow;
use coral_model::{Answer, Observed};
use serde::Serialize;

/// `coral query requests -o json`, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestsReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// The requests of which the agents kept the detail.
    pub requests: Vec<RequestReport>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
    /// Hosts whose agent did not answer in time, and why.
    pub silent: Vec<String>,
    /// What was not seen.
    pub loss: LossReport,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's RequestRow"
)]
pub struct RequestReport {
    pub at: String,
    pub service: String,
    pub namespace: String,
    pub host: String,
    pub pid: Option<u32>,
    pub side: &'static str,
    pub protocol: &'static str,
    pub method: &'static str,
    pub route: String,
    pub path: String,
    pub status: Option<u16>,
    pub ending: &'static str,
    pub duration_ms: Option<f64>,
    pub ttfb_ms: Option<f64>,
    pub peer: String,
}

impl RequestsReport {
    pub(super) fn new(
        answer: &Answer,
        rows: &[RequestRow],
        truncated: bool,
        silent: &[Observed],
    ) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            requests: rows.iter().map(Into::into).collect(),
            truncated,
            silent: silent.iter().map(|s| s.visible().into_owned()).collect(),
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&RequestRow> for RequestReport {
    fn from(row: &RequestRow) -> Self {
        Self {
            at: rfc3339(row.at),
            service: row.service.name.visible().into_owned(),
            namespace: row.service.namespace.visible().into_owned(),
            host: row.host.visible().into_owned(),
            pid: (row.pid != 0).then_some(row.pid),
            side: row.side.name(),
            protocol: row.protocol.name(),
            method: row.method.name(),
            route: row.route.visible().into_owned(),
            path: row.path.visible().into_owned(),
            status: row.status,
            ending: row.ending.name(),
            duration_ms: ms(Some(row.duration)),
            ttfb_ms: ms(row.ttfb),
            peer: row.peer.visible().into_owned(),
        }
    }
}
