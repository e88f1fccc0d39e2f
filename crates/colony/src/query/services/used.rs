//! What the processes of a service use: processor time over the time that was observed, and the memory of those that live.

use crate::query::Uses;
use crate::query::scope::Scope;
use coral_model::AgentId;
use coral_model::summary::SUMMARY;
use coral_store::ProcessUse;
use std::collections::BTreeMap;
use std::time::Duration;

/// A process whose last sample is older than this, against the newest of its agent, has ended.
const GONE_AFTER: Duration = Duration::from_secs(3 * SUMMARY.as_secs());

#[derive(Default)]
pub(super) struct Used {
    cpu_ns: BTreeMap<AgentId, f64>,
    /// `None` while no living process was measured.
    pub rss_bytes: Option<u64>,
}

impl Used {
    pub fn add(&mut self, scope: &Scope<'_>, agent: &AgentId, used: &ProcessUse) {
        *self.cpu_ns.entry(agent.clone()).or_default() += used.cpu_ns;
        let newest = scope.agents.get(agent).map(|a| a.newest);
        let end = newest.map_or(scope.window.to, |newest| newest.min(scope.window.to));
        if end.since(used.last) <= GONE_AFTER {
            self.rss_bytes = Some(self.rss_bytes.unwrap_or(0) + used.rss_bytes);
        }
    }

    /// The sum over the agents, each over the time that it observed.
    pub fn cores(&self, scope: &Scope<'_>) -> Option<f64> {
        let of = |(agent, cpu_ns): (&AgentId, &f64)| {
            let observed = scope.observed(agent, Uses::Intervals).as_nanos() as f64;
            (observed > 0.0).then(|| cpu_ns / observed)
        };
        self.cpu_ns
            .iter()
            .filter_map(of)
            .reduce(|sum, cores| sum + cores)
    }
}
