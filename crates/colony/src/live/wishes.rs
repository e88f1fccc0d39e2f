//! What became of wishes, as agents tell.

use coral_model::AgentId;
use coral_model::want::WantReport;
use std::collections::{BTreeMap, VecDeque};

/// Wishes that are remembered; the oldest goes first.
const MOST: usize = 256;
/// Agents that are listened to about one.
const AGENTS: usize = 10_000;

/// By wish and agent.
#[derive(Debug, Default)]
pub(super) struct WantReports {
    by_id: BTreeMap<String, BTreeMap<AgentId, WantReport>>,
    order: VecDeque<String>,
}

impl WantReports {
    pub fn take(&mut self, agent: &AgentId, report: &WantReport) {
        if !self.by_id.contains_key(&report.id) {
            self.order.push_back(report.id.clone());
            if self.order.len() > MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_id.remove(&oldest);
            }
        }
        let reports = self.by_id.entry(report.id.clone()).or_default();
        if reports.len() < AGENTS || reports.contains_key(agent) {
            reports.insert(agent.clone(), report.clone());
        }
    }

    pub fn of(&self, id: &str) -> Vec<(AgentId, WantReport)> {
        let reports = self.by_id.get(id).into_iter().flatten();
        reports
            .map(|(agent, report)| (agent.clone(), report.clone()))
            .collect()
    }
}
