//! The JSON of an answer. More fields may be added; those that are here keep their name and meaning.

mod diagnosis;
mod events;
mod host;
mod probe;
mod profile;
mod red;
mod requests;
mod services;
mod sql;
mod status;
mod topology;

pub use diagnosis::{
    BlindReport, CauseReport, CheckedReport, DiagnosisReport, EvidenceReport, IncidentReport,
    KeptEvidenceReport, SymptomReport,
};
pub use events::{EventReport, EventsReport};
pub use host::{GaugeReport, HostReport};
pub(crate) use probe::below;
pub use probe::{
    AttachReport, AttachedReport, CallReport, ChildReport, FunctionReport, FunctionsReport,
    ProbeHostReport, ProbeReport, ProbedReport, UnreadFileReport, ValueReport,
};
pub use profile::ProfileReport;
pub use red::{MetricReport, MetricsReport, RedReport, SummaryReport, SummaryRowReport};
pub use requests::{RequestReport, RequestsReport};
pub use services::{HealthReport, ServiceReport, ServicesReport, UnreadReport};
pub use sql::SqlReport;
pub use status::{AgentReport, ColonyReport, LossReport, MissingReport, StatusReport, agent_state};
pub use topology::{EdgeReport, NodeReport, TopologyReport};

use coral_model::{Answer, AnswerBody, TimeNs};
use serde::Serialize;
use std::time::Duration;

/// An answer as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(
    missing_docs,
    reason = "each variant answers the question of the same name"
)]
pub enum Report {
    Status(StatusReport),
    Services(ServicesReport),
    Summary(SummaryReport),
    Metrics(MetricsReport),
    Topology(TopologyReport),
    Events(EventsReport),
    Host(HostReport),
    Requests(RequestsReport),
    Sql(SqlReport),
    Profile(ProfileReport),
    Probe(ProbeReport),
    Functions(FunctionsReport),
    Diagnose(DiagnosisReport),
    Incident(IncidentReport),
    Evidence(KeptEvidenceReport),
}

impl From<&Answer> for Report {
    fn from(answer: &Answer) -> Self {
        match &answer.body {
            AnswerBody::Status(status) => Self::Status(status.into()),
            AnswerBody::Services(rows) => Self::Services(ServicesReport::new(answer, rows)),
            AnswerBody::Summary(rows) => Self::Summary(SummaryReport::new(answer, rows)),
            AnswerBody::Metrics(rows) => Self::Metrics(MetricsReport::new(answer, rows)),
            AnswerBody::Topology { nodes, edges } => {
                Self::Topology(TopologyReport::new(answer, nodes, edges))
            }
            AnswerBody::Events { rows, truncated } => {
                Self::Events(EventsReport::new(answer, rows, *truncated))
            }
            AnswerBody::Requests {
                rows,
                truncated,
                silent,
            } => Self::Requests(RequestsReport::new(answer, rows, *truncated, silent)),
            AnswerBody::Host(rows) => Self::Host(HostReport::new(answer, rows)),
            AnswerBody::Sql(table) => Self::Sql(table.into()),
            AnswerBody::Profile(flame) => Self::Profile(ProfileReport::new(answer, flame)),
            AnswerBody::Probe(log) => Self::Probe(log.into()),
            AnswerBody::Functions(found) => Self::Functions(found.into()),
            AnswerBody::Diagnose(diagnosis) => Self::Diagnose(diagnosis.into()),
            AnswerBody::Incident(bundle) => Self::Incident(bundle.into()),
            AnswerBody::Evidence(kept) => Self::Evidence(KeptEvidenceReport::new(answer, kept)),
        }
    }
}

/// RFC 3339 in UTC with milliseconds; a moment outside the years 1 to 9999 becomes the nearest inside.
pub fn rfc3339(at: TimeNs) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

pub(crate) fn timestamp(at: TimeNs) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(at.0.into()).unwrap_or(jiff::Timestamp::MAX)
}

/// Milliseconds with three decimals.
fn ms(duration: Option<Duration>) -> Option<f64> {
    duration.map(|d| rounded(d.as_secs_f64() * 1e3))
}

/// Seconds with three decimals.
fn seconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64())
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// A share with six decimals: one error in a million requests is still one.
fn ratio(value: Option<f64>) -> Option<f64> {
    value.map(|v| (v * 1e6).round() / 1e6)
}
