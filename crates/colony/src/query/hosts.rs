//! What hosts use, a row a measurement.

use super::QueryError;
use super::scope::Scope;
use coral_model::answer::HostRow;
use coral_model::{AgentId, Observed};

/// What an agent's host is called.
pub(super) fn name(scope: &Scope<'_>, agent: &AgentId) -> Observed {
    let health = scope.agents.get(agent).and_then(|a| a.health.as_ref());
    health.map_or_else(|| Observed::new(agent.as_str()), |h| h.host.clone())
}

/// The agents of the hosts with this name or agent id.
pub(super) fn called(scope: &Scope<'_>, host: &str) -> Result<Vec<AgentId>, QueryError> {
    let is_called = |agent: &&AgentId| name(scope, agent).raw() == host || agent.as_str() == host;
    let found: Vec<AgentId> = scope.agents.keys().filter(is_called).cloned().collect();
    if found.is_empty() {
        let known = scope.agents.keys().map(|agent| name(scope, agent));
        return Err(QueryError::NoSuchHost {
            name: Observed::new(host).visible().into_owned(),
            known: known.map(|n| n.visible().into_owned()).collect(),
        });
    }
    Ok(found)
}

/// The measurements of all hosts, or of those with this name or agent id.
pub(super) fn answer(scope: &Scope<'_>, only: Option<&str>) -> Result<Vec<HostRow>, QueryError> {
    let only = only.map(|only| called(scope, only)).transpose()?;
    let wanted = |agent: &AgentId| only.as_ref().is_none_or(|only| only.contains(agent));
    let gauges = scope.snapshot().gauges(scope.window)?;
    let rows = gauges.into_iter().filter(|g| wanted(&g.agent));
    Ok(rows
        .map(|gauge| HostRow {
            host: name(scope, &gauge.agent),
            agent: gauge.agent,
            name: gauge.name,
            label: gauge.label,
            last: gauge.last,
            min: gauge.least,
            mean: gauge.total / gauge.samples.max(1) as f64,
            max: gauge.most,
        })
        .collect())
}
