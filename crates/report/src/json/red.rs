//! RED figures, and the reports of `query summary` and `query metrics`.

use super::{LossReport, ms, ratio, rfc3339, rounded, seconds};
use coral_model::answer::{MetricRow, Red, SummaryRow};
use coral_model::{Answer, Protocol};
use serde::Serialize;

/// Rate, errors and durations; flattened into the rows that carry them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Red")]
pub struct RedReport {
    pub requests: u64,
    pub errors: u64,
    pub client_errors: u64,
    pub rate_per_s: Option<f64>,
    pub error_ratio: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p90_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub samples: u64,
}

impl From<&Red> for RedReport {
    fn from(red: &Red) -> Self {
        Self {
            requests: red.counts.requests,
            errors: red.counts.errors,
            client_errors: red.counts.client_errors,
            rate_per_s: red.rate_per_s.map(rounded),
            error_ratio: ratio(red.error_ratio),
            p50_ms: ms(red.p50),
            p90_ms: ms(red.p90),
            p95_ms: ms(red.p95),
            p99_ms: ms(red.p99),
            max_ms: ms(red.max),
            samples: red.samples,
        }
    }
}

/// `coral query summary -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// Up to here every fresh agent has reported.
    pub complete_until: Option<String>,
    /// A row a service and side.
    pub services: Vec<SummaryRowReport>,
    /// What was not seen.
    pub loss: LossReport,
}

/// One service and side.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's SummaryRow"
)]
pub struct SummaryRowReport {
    pub service: String,
    pub namespace: String,
    pub class: &'static str,
    pub side: &'static str,
    pub instances: u32,
    pub hosts: u32,
    #[serde(flatten)]
    pub red: RedReport,
    pub in_flight: u64,
    pub oldest_in_flight_ms: Option<f64>,
    pub stale_s: Option<f64>,
    pub protocols: Vec<&'static str>,
    /// The figures of the stretch that was compared with; left out when none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<RedReport>,
}

impl SummaryReport {
    pub(super) fn new(answer: &Answer, rows: &[SummaryRow]) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            complete_until: answer.complete_until.map(rfc3339),
            services: rows.iter().map(Into::into).collect(),
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&SummaryRow> for SummaryRowReport {
    fn from(row: &SummaryRow) -> Self {
        Self {
            service: row.service.name.visible().into_owned(),
            namespace: row.service.namespace.visible().into_owned(),
            class: row.class.name(),
            side: row.side.name(),
            instances: row.instances,
            hosts: row.hosts,
            red: (&row.red).into(),
            in_flight: row.in_flight,
            oldest_in_flight_ms: ms(row.oldest_in_flight),
            stale_s: row.stale.map(seconds),
            protocols: names(&row.protocols),
            before: row.before.as_ref().map(Into::into),
        }
    }
}

/// `coral query metrics SERVICE -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricsReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// Up to here every fresh agent has reported.
    pub complete_until: Option<String>,
    /// A row a side, protocol, method, route and status class.
    pub rows: Vec<MetricReport>,
    /// What was not seen.
    pub loss: LossReport,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's MetricRow")]
pub struct MetricReport {
    pub side: &'static str,
    pub protocol: &'static str,
    pub method: &'static str,
    pub route: String,
    pub status_class: &'static str,
    #[serde(flatten)]
    pub red: RedReport,
    pub sampled_ratio: Option<f64>,
}

impl MetricsReport {
    pub(super) fn new(answer: &Answer, rows: &[MetricRow]) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            complete_until: answer.complete_until.map(rfc3339),
            rows: rows.iter().map(Into::into).collect(),
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&MetricRow> for MetricReport {
    fn from(row: &MetricRow) -> Self {
        Self {
            side: row.side.name(),
            protocol: row.protocol.name(),
            method: row.method.name(),
            route: row.route.visible().into_owned(),
            status_class: row.status_class.name(),
            red: (&row.red).into(),
            sampled_ratio: ratio(row.sampled_ratio),
        }
    }
}

pub(super) fn names(protocols: &[Protocol]) -> Vec<&'static str> {
    protocols.iter().map(|p| p.name()).collect()
}
