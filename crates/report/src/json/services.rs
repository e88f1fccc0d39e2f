//! The report of `coral services`.

use super::red::names;
use super::{LossReport, RedReport, ms, rfc3339, rounded, seconds};
use coral_model::Answer;
use coral_model::answer::{HealthState, ServiceRow, Unread};
use serde::Serialize;

/// `coral services -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServicesReport {
    /// Begin of the window.
    pub from: String,
    /// Its end.
    pub to: String,
    /// Up to here every fresh agent has reported.
    pub complete_until: Option<String>,
    /// A row a service.
    pub services: Vec<ServiceReport>,
    /// What was not seen.
    pub loss: LossReport,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's ServiceRow"
)]
pub struct ServiceReport {
    pub service: String,
    pub namespace: String,
    pub class: &'static str,
    pub instances: u32,
    pub hosts: u32,
    pub ports: Vec<u16>,
    pub protocols: Vec<&'static str>,
    pub server: Option<RedReport>,
    pub client: Option<RedReport>,
    pub in_flight: Option<u64>,
    pub oldest_in_flight_ms: Option<f64>,
    pub stale_s: Option<f64>,
    pub trend_p95_ms: Vec<Option<f64>>,
    pub cpu_cores: Option<f64>,
    pub rss_bytes: Option<u64>,
    pub unread: Option<UnreadReport>,
    pub health: Option<HealthReport>,
}

/// Conversations of which no requests are known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Unread")]
pub struct UnreadReport {
    pub protocols: Vec<&'static str>,
    pub connections: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub rtt_ms: Option<f64>,
    pub turns: u64,
    pub turn_p50_ms: Option<f64>,
    pub turn_p95_ms: Option<f64>,
}

/// What a health check says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's HealthState"
)]
pub struct HealthReport {
    pub healthy: bool,
    pub since: String,
    pub text: String,
}

impl From<&Unread> for UnreadReport {
    fn from(unread: &Unread) -> Self {
        Self {
            protocols: names(&unread.protocols),
            connections: unread.connections,
            bytes_received: unread.bytes_received,
            bytes_sent: unread.bytes_sent,
            rtt_ms: ms(unread.rtt),
            turns: unread.turns,
            turn_p50_ms: ms(unread.turn_p50),
            turn_p95_ms: ms(unread.turn_p95),
        }
    }
}

impl From<&HealthState> for HealthReport {
    fn from(state: &HealthState) -> Self {
        Self {
            healthy: state.healthy,
            since: rfc3339(state.since),
            text: state.text.visible().into_owned(),
        }
    }
}

impl ServicesReport {
    pub(super) fn new(answer: &Answer, rows: &[ServiceRow]) -> Self {
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            complete_until: answer.complete_until.map(rfc3339),
            services: rows.iter().map(Into::into).collect(),
            loss: (&answer.loss).into(),
        }
    }
}

impl From<&ServiceRow> for ServiceReport {
    fn from(row: &ServiceRow) -> Self {
        // Where no side could be read, nobody knows what is in flight.
        let known = row.server.is_some() || row.client.is_some();
        Self {
            service: row.service.name.visible().into_owned(),
            namespace: row.service.namespace.visible().into_owned(),
            class: row.class.name(),
            instances: row.instances,
            hosts: row.hosts,
            ports: row.ports.clone(),
            protocols: names(&row.protocols),
            server: row.server.as_ref().map(Into::into),
            client: row.client.as_ref().map(Into::into),
            in_flight: known.then_some(row.in_flight),
            oldest_in_flight_ms: ms(row.oldest_in_flight),
            stale_s: row.stale.map(seconds),
            trend_p95_ms: row.trend.iter().map(|&point| ms(point)).collect(),
            cpu_cores: row.cpu_cores.map(rounded),
            rss_bytes: row.rss_bytes,
            unread: row.unread.as_ref().map(Into::into),
            health: row.health.as_ref().map(Into::into),
        }
    }
}
