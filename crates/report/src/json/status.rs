//! The report of `coral status`, and the counted drops that every report carries.

use super::seconds;
use coral_model::answer::{AgentRow, STALE_AFTER, Status};
use coral_model::{Loss, Missing};
use serde::Serialize;

/// `coral status -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    /// The colony.
    pub colony: ColonyReport,
    /// Its agents, fresh and gone.
    pub agents: Vec<AgentReport>,
    /// How many services reported in the last 15 minutes.
    pub services: u32,
}

/// A colony.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColonyReport {
    /// Its name.
    pub id: String,
    /// `running`: one that does not run gives no answer.
    pub state: &'static str,
    /// The version it runs.
    pub version: String,
    /// Since when.
    pub uptime_s: f64,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's AgentHealth"
)]
pub struct AgentReport {
    pub id: String,
    pub host: String,
    pub state: &'static str,
    pub last_seen_s: f64,
    pub mode: &'static str,
    pub missing: Vec<MissingReport>,
    pub rss_bytes: u64,
    pub cpu_percent: f64,
    pub loss: LossReport,
    pub version: String,
    pub listening: u32,
    pub freshness_s: Option<f64>,
}

/// What an agent cannot do, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's Missing")]
pub struct MissingReport {
    pub feature: String,
    pub why: String,
    pub fix: String,
}

impl From<&Status> for StatusReport {
    fn from(status: &Status) -> Self {
        Self {
            colony: ColonyReport {
                id: status.colony.to_string(),
                state: "running",
                version: status.version.clone(),
                uptime_s: seconds(status.uptime),
            },
            agents: status.agents.iter().map(Into::into).collect(),
            services: status.services,
        }
    }
}

impl From<&AgentRow> for AgentReport {
    fn from(row: &AgentRow) -> Self {
        let health = &row.health;
        Self {
            id: health.id.to_string(),
            host: health.host.visible().into_owned(),
            state: agent_state(row),
            last_seen_s: seconds(row.last_seen),
            mode: health.mode.name(),
            missing: health.missing.iter().map(Into::into).collect(),
            rss_bytes: health.rss_bytes,
            cpu_percent: super::rounded(health.cpu_percent),
            loss: (&health.loss).into(),
            version: health.version.clone(),
            listening: health.listening,
            freshness_s: row.freshness.map(seconds),
        }
    }
}

impl From<&Missing> for MissingReport {
    fn from(missing: &Missing) -> Self {
        Self {
            feature: missing.feature.clone(),
            why: missing.why.visible().into_owned(),
            fix: missing.fix.clone(),
        }
    }
}

/// `connected`, `stale` (its stream is open but silent) or `away`.
pub fn agent_state(row: &AgentRow) -> &'static str {
    match (row.connected, row.last_seen > STALE_AFTER) {
        (true, false) => "connected",
        (true, true) => "stale",
        (false, _) => "away",
    }
}

/// Counted drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the one vocabulary of loss, see the model")]
pub struct LossReport {
    pub records_dropped: u64,
    pub summaries_dropped: u64,
    pub unparsed: u64,
    pub unseen: u64,
    pub connections_untracked: u64,
    pub unknown: u64,
}

impl From<&Loss> for LossReport {
    fn from(loss: &Loss) -> Self {
        Self {
            records_dropped: loss.records_dropped,
            summaries_dropped: loss.summaries_dropped,
            unparsed: loss.unparsed,
            unseen: loss.unseen,
            connections_untracked: loss.connections_untracked,
            unknown: loss.unknown,
        }
    }
}
