//! What was not seen within the window. Agents count from their start, so a window's loss is the difference between two
//! of an agent's states.

use super::scope::Scope;
use coral_model::{AgentHealth, AgentId, Loss, TimeNs, Window};
use coral_store::StoreError;
use std::collections::BTreeMap;
use std::time::Duration;

/// States are kept each ten seconds; the one before the window is looked for this far back.
const BEFORE: Duration = Duration::from_secs(60);
/// Of those that are older than this only the last of each hour is.
const THINNED: Duration = Duration::from_secs(47 * 3600);
const BEFORE_THINNED: Duration = Duration::from_secs(2 * 3600);

pub(super) fn within(scope: &Scope<'_>) -> Result<Loss, StoreError> {
    let window = scope.window;
    let thinned = scope.now.since(window.from) > THINNED;
    let before = if thinned { BEFORE_THINNED } else { BEFORE };
    let kept = scope.snapshot().health(Window {
        from: window.from.minus(before),
        to: window.to,
    })?;
    let newest = scope.agents.values().filter_map(|a| a.health.clone());
    let newest = newest.filter(|h| h.at <= window.to);
    let mut runs: BTreeMap<(AgentId, TimeNs), Vec<AgentHealth>> = BTreeMap::new();
    for health in kept.into_iter().chain(newest) {
        let run = runs.entry((health.id.clone(), health.started)).or_default();
        run.push(health);
    }
    let mut loss = Loss::default();
    for ((_, started), mut states) in runs {
        states.sort_by_key(|h| h.at);
        loss.add(&of_run(window, started, &states));
    }
    Ok(loss)
}

/// The loss of one run of an agent, from its states in ascending order.
fn of_run(window: Window, started: TimeNs, states: &[AgentHealth]) -> Loss {
    let before = states.iter().rev().find(|h| h.at <= window.from);
    let (Some(first), Some(last)) = (states.first(), states.last()) else {
        return Loss::default();
    };
    if last.at <= window.from {
        return Loss::default();
    }
    match before {
        Some(before) => last.loss.since(&before.loss),
        None if started >= window.from => last.loss,
        // The agent ran before, but nobody wrote its state down: what it had lost by then is not this window's.
        None => last.loss.since(&first.loss),
    }
}
