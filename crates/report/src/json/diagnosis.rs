//! The report of `coral diagnose`.

use super::rfc3339;
use crate::text::service;
use coral_model::diagnosis::{Blind, Bundle, Checked, KeptEvidence, Symptom};
use coral_model::{Answer, Cause, Diagnosis, Evidence, Observed};
use serde::Serialize;

/// `coral diagnose -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Diagnosis")]
pub struct DiagnosisReport {
    pub symptom: Option<SymptomReport>,
    pub began: Option<String>,
    pub elapsed_ms: Option<f64>,
    pub abstained: bool,
    pub checked: CheckedReport,
    pub causes: Vec<CauseReport>,
    /// When nothing stands out: what came nearest.
    pub nearest: Vec<CauseReport>,
    pub victims: Vec<String>,
    pub blind: Vec<BlindReport>,
}

/// What was complained about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Symptom")]
pub struct SymptomReport {
    pub service: String,
    pub signal: String,
    pub at: Option<String>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Checked")]
pub struct CheckedReport {
    pub services: u64,
    pub metrics: u64,
    pub edges: u64,
    pub events: u64,
    pub points: u64,
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Cause")]
pub struct CauseReport {
    pub rank: u32,
    pub service: String,
    pub kind: &'static str,
    pub metric: Option<String>,
    pub function: Option<String>,
    pub score: f64,
    pub confidence: &'static str,
    pub path: Vec<String>,
    pub evidence: Vec<EvidenceReport>,
    pub against: Vec<String>,
    /// Command lines.
    pub next: Vec<String>,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Evidence")]
pub struct EvidenceReport {
    pub id: String,
    pub text: String,
}

/// Something that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Blind")]
pub struct BlindReport {
    pub what: String,
    pub why: String,
    pub fix: String,
}

/// The sizes of a bundle's files in bytes; the files themselves are written to a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Bundle")]
pub struct IncidentReport {
    pub incident: usize,
    pub metrics: usize,
    pub edges: usize,
    pub events: usize,
}

impl From<&Bundle> for IncidentReport {
    fn from(bundle: &Bundle) -> Self {
        Self {
            incident: bundle.incident.len(),
            metrics: bundle.metrics.len(),
            edges: bundle.edges.len(),
            events: bundle.events.len(),
        }
    }
}

/// What shows a piece of evidence again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's KeptEvidence"
)]
pub struct KeptEvidenceReport {
    pub id: String,
    pub text: String,
    pub service: Option<String>,
    /// When it was last found.
    pub at: String,
    pub question: &'static str,
    pub from: String,
    pub to: String,
}

impl KeptEvidenceReport {
    /// Of this answer.
    pub fn new(answer: &Answer, kept: &KeptEvidence) -> Self {
        Self {
            id: kept.id.clone(),
            text: text(&kept.text),
            service: kept.service.as_ref().map(service),
            at: rfc3339(kept.at),
            question: kept.question.name(),
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
        }
    }
}

fn text(observed: &Observed) -> String {
    observed.visible().into_owned()
}

impl From<&Diagnosis> for DiagnosisReport {
    fn from(diagnosis: &Diagnosis) -> Self {
        let written = diagnosis.causes.iter().map(Into::into).collect();
        let (causes, nearest) = match diagnosis.abstained {
            true => (vec![], written),
            false => (written, vec![]),
        };
        Self {
            symptom: diagnosis.symptom.as_ref().map(Into::into),
            began: diagnosis.began.map(rfc3339),
            elapsed_ms: super::ms(diagnosis.elapsed),
            abstained: diagnosis.abstained,
            checked: diagnosis.checked.into(),
            causes,
            nearest,
            victims: diagnosis.victims.iter().map(text).collect(),
            blind: diagnosis.blind.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Symptom> for SymptomReport {
    fn from(symptom: &Symptom) -> Self {
        Self {
            service: text(&symptom.service),
            signal: text(&symptom.signal),
            at: symptom.at.map(rfc3339),
        }
    }
}

impl From<Checked> for CheckedReport {
    fn from(checked: Checked) -> Self {
        Self {
            services: checked.services,
            metrics: checked.metrics,
            edges: checked.edges,
            events: checked.events,
            points: checked.points,
        }
    }
}

impl From<&Cause> for CauseReport {
    fn from(cause: &Cause) -> Self {
        Self {
            rank: cause.rank,
            service: text(&cause.service),
            kind: cause.kind.name(),
            metric: cause.metric.as_ref().map(text),
            function: cause.function.as_ref().map(text),
            score: cause.score,
            confidence: cause.confidence.name(),
            path: cause.path.iter().map(text).collect(),
            evidence: cause.evidence.iter().map(Into::into).collect(),
            against: cause.against.iter().map(text).collect(),
            next: cause.next.iter().map(|next| next.command()).collect(),
        }
    }
}

impl From<&Evidence> for EvidenceReport {
    fn from(evidence: &Evidence) -> Self {
        Self {
            id: evidence.id.clone(),
            text: text(&evidence.text),
        }
    }
}

impl From<&Blind> for BlindReport {
    fn from(blind: &Blind) -> Self {
        Self {
            what: text(&blind.what),
            why: text(&blind.why),
            fix: text(&blind.fix),
        }
    }
}
