//! The report of `coral query events`.

use super::{LossReport, rfc3339};
use coral_model::{Answer, Event};
use serde::Serialize;

/// `coral query events -o json`, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventsReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// What happened.
    pub events: Vec<EventReport>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
    /// What was not seen.
    pub loss: LossReport,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Event")]
pub struct EventReport {
    pub at: String,
    pub until: Option<String>,
    pub kind: &'static str,
    pub service: Option<String>,
    pub namespace: Option<String>,
    pub text: String,
    pub agent: String,
    pub pid: Option<u32>,
}

impl EventsReport {
    pub(super) fn new(answer: &Answer, rows: &[Event], truncated: bool) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            events: rows.iter().map(Into::into).collect(),
            truncated,
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&Event> for EventReport {
    fn from(event: &Event) -> Self {
        let service = event.service.as_ref();
        Self {
            at: rfc3339(event.at),
            until: event.until.map(rfc3339),
            kind: event.kind.name(),
            service: service.map(|s| s.name.visible().into_owned()),
            namespace: service.map(|s| s.namespace.visible().into_owned()),
            text: event.text.visible().into_owned(),
            agent: event.agent.to_string(),
            pid: event.instance.as_ref().map(|i| i.pid),
        }
    }
}
