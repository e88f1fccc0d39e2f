//! Answer -> JSON, CSV and text table: one form for the commands, the console and the tools.
//!
//! [`Report`] is the JSON that tests and scripts rely on, [`table()`] the same for people. Unknown is `null` and `—`, never
//! 0; [`csv()`] is the rows of the JSON; observed text is shown with every control and bidirectional character visible, in tables also with bounded width.

mod csv;
mod diagnosis;
pub mod figure;
pub mod flame;
pub mod forms;
mod json;
mod table;
pub mod text;

pub use csv::{csv, csv_of, csv_rows};
pub use diagnosis::{
    DiagnosisLine, diagnosis_evidence, diagnosis_lines, diagnosis_markdown, diagnosis_text,
};
pub use json::{
    AgentReport, AttachReport, AttachedReport, BlindReport, CallReport, CauseReport, CheckedReport,
    ChildReport, ColonyReport, DiagnosisReport, EdgeReport, EventReport, EventsReport,
    EvidenceReport, FunctionReport, FunctionsReport, GaugeReport, HealthReport, HostReport,
    IncidentReport, KeptEvidenceReport, LossReport, MetricReport, MetricsReport, MissingReport,
    NodeReport, ProbeHostReport, ProbeReport, ProbedReport, ProfileReport, RedReport, Report,
    RequestReport, RequestsReport, ServiceReport, ServicesReport, SqlReport, StatusReport,
    SummaryReport, SummaryRowReport, SymptomReport, TopologyReport, UnreadFileReport, UnreadReport,
    ValueReport, agent_state, rfc3339,
};
pub use table::{
    TableStyle, call_values, found_note, function_place, loss_line, probed_note, table,
};
