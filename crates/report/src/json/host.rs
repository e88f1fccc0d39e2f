//! The report of `coral query host`.

use super::{LossReport, rfc3339};
use coral_model::Answer;
use coral_model::answer::HostRow;
use serde::Serialize;

/// `coral query host -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// Up to here every fresh agent has reported.
    pub complete_until: Option<String>,
    /// A row a host and measurement.
    pub rows: Vec<GaugeReport>,
    /// What was not seen.
    pub loss: LossReport,
}

/// One measurement of a host; its unit is at the end of its name, `_ratio` is 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's HostRow")]
pub struct GaugeReport {
    pub host: String,
    pub agent: String,
    pub name: String,
    pub label: String,
    pub last: f64,
    pub min: f64,
    pub mean: f64,
    pub max: f64,
}

impl HostReport {
    pub(super) fn new(answer: &Answer, rows: &[HostRow]) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            complete_until: answer.complete_until.map(rfc3339),
            rows: rows.iter().map(Into::into).collect(),
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&HostRow> for GaugeReport {
    fn from(row: &HostRow) -> Self {
        Self {
            host: row.host.visible().into_owned(),
            agent: row.agent.to_string(),
            name: row.name.clone(),
            label: row.label.visible().into_owned(),
            last: figure(row.last),
            min: figure(row.min),
            mean: figure(row.mean),
            max: figure(row.max),
        }
    }
}

/// Six decimals, so that a share of a millionth is not nothing.
fn figure(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
