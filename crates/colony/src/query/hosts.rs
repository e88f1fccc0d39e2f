//! What hosts use, a row a measurement.

use super::QueryError;
use super::scope::Scope;
use coral_model::answer::HostRow;
use coral_model::{AgentId, Observed};

/// The measurements of all hosts, or of those with this name or agent id.
pub(super) fn answer(scope: &Scope<'_>, only: Option<&str>) -> Result<Vec<HostRow>, QueryError> {
    let name = |agent: &AgentId| {
        let health = scope.agents.get(agent).and_then(|a| a.health.as_ref());
        health.map_or_else(|| Observed::new(agent.as_str()), |h| h.host.clone())
    };
    let wanted = |agent: &AgentId| {
        only.is_none_or(|only| name(agent).raw() == only || agent.as_str() == only)
    };
    if let Some(only) = only
        && !scope.agents.keys().any(wanted)
    {
        let known = scope.agents.keys().map(name);
        return Err(QueryError::NoSuchHost {
            name: Observed::new(only).visible().into_owned(),
            known: known.map(|n| n.visible().into_owned()).collect(),
        });
    }
    let gauges = scope.snapshot().gauges(scope.window)?;
    let rows = gauges.into_iter().filter(|g| wanted(&g.agent));
    Ok(rows
        .map(|gauge| HostRow {
            host: name(&gauge.agent),
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
