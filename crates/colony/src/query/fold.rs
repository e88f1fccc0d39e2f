//! Folds exact figures into RED: counts add up, histograms are merged and asked once, rates are per observed second.

use super::Uses;
use super::scope::Scope;
use coral_model::AgentId;
use coral_model::answer::Red;
use coral_model::summary::Counts;
use coral_store::{Durations, StoreError, Tally};
use std::collections::BTreeMap;
use std::time::Duration;

/// Figures that belong together.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub counts: Counts,
    pub durations: Tally,
    by_agent: BTreeMap<AgentId, u64>,
}

impl Fold {
    pub fn add(
        &mut self,
        agent: &AgentId,
        counts: Counts,
        durations: Durations<'_>,
    ) -> Result<(), StoreError> {
        self.counts.add(counts);
        match self.by_agent.get_mut(agent) {
            Some(requests) => *requests += counts.requests,
            None => {
                self.by_agent.insert(agent.clone(), counts.requests);
            }
        }
        self.durations.add(durations)
    }

    pub fn red(&self, scope: &Scope<'_>, uses: Uses) -> Red {
        let requests = self.counts.requests;
        let durations = &self.durations;
        Red {
            counts: self.counts,
            rate_per_s: self.rate(scope, uses),
            error_ratio: (requests > 0).then(|| self.counts.errors as f64 / requests as f64),
            p50: quantile(durations, 0.5),
            p90: quantile(durations, 0.9),
            p95: quantile(durations, 0.95),
            p99: quantile(durations, 0.99),
            max: durations.max().map(Duration::from_nanos),
            samples: durations.count(),
        }
    }

    /// The sum of the agents' rates, each over the time that it observed.
    fn rate(&self, scope: &Scope<'_>, uses: Uses) -> Option<f64> {
        let of = |(agent, &requests): (&AgentId, &u64)| {
            let seconds = scope.observed(agent, uses).as_secs_f64();
            (seconds > 0.0).then(|| requests as f64 / seconds)
        };
        self.by_agent
            .iter()
            .filter_map(of)
            .reduce(|sum, rate| sum + rate)
    }
}

pub(super) fn quantile(durations: &Tally, quantile: f64) -> Option<Duration> {
    durations.quantile(quantile).map(Duration::from_nanos)
}
