//! What the colony knows that it did not see: agents that are away, and what was dropped.

use super::Found;
use coral_model::answer::STALE_AFTER;
use coral_model::diagnosis::Blind;
use coral_model::{Diagnosis, Loss, Observed};
use coral_report::{figure, loss_line};

/// So many hosts are named.
const HOSTS: usize = 5;

pub(super) fn add(found: &Found<'_>, loss: &Loss, diagnosis: &mut Diagnosis) {
    let mut spots = vec![];
    let end = found.window.to.min(found.scope.now);
    let away = found.scope.agents.iter().filter(|(_, agent)| {
        let silent = end.since(agent.newest);
        silent > STALE_AFTER && agent.newest > found.axis.whole().from
    });
    for (id, agent) in away.take(HOSTS) {
        let host = agent.health.as_ref().map(|health| health.host.clone());
        let silent = figure::age(end.since(agent.newest));
        spots.push(Blind {
            what: host.unwrap_or_else(|| Observed::new(id.as_str())),
            why: Observed::new(format!("its agent is away, no data for {silent}")),
            fix: Observed::new("see whether the host and the agent run: coral status"),
        });
    }
    let dropped = loss
        .fields()
        .iter()
        .any(|&(name, n)| n > 0 && name != "unseen");
    if dropped {
        spots.push(Blind {
            what: Observed::new("some of the data"),
            why: Observed::new(loss_line(loss)),
            fix: Observed::new("coral status shows what is lost where"),
        });
    }
    spots.append(&mut diagnosis.blind);
    diagnosis.blind = spots;
}
