//! The colony and its agents.

use super::About;
use super::scope::Scope;
use coral_model::answer::{AgentRow, Status};
use std::collections::BTreeSet;

pub(super) fn answer(scope: &Scope<'_>, about: &About) -> Status {
    let row = |agent: &crate::live::LiveAgent| {
        Some(AgentRow {
            health: agent.health.clone()?,
            last_seen: scope.now.since(agent.newest),
            connected: agent.streams > 0,
            freshness: agent.fresh.worst(scope.now),
        })
    };
    let services: BTreeSet<_> = scope.instances().map(|s| &s.instance.service).collect();
    Status {
        colony: about.colony.clone(),
        version: about.version.clone(),
        uptime: scope.now.since(about.started),
        agents: scope.agents.values().filter_map(row).collect(),
        services: services.len() as u32,
    }
}
