//! RED of services, a row a service and side.

use super::Uses;
use super::fold::Fold;
use super::scope::Scope;
use coral_model::answer::SummaryRow;
use coral_model::{AgentId, Protocol, ServiceClass, ServiceKey, Side, TimeNs};
use coral_store::{InstanceId, SeenInstance, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A service and side while it is folded.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub fold: Fold,
    pub protocols: BTreeSet<Protocol>,
    pub in_flight: u64,
    pub oldest: Option<Duration>,
    pub instances: BTreeSet<InstanceId>,
    pub agents: BTreeSet<AgentId>,
    class: Option<(TimeNs, ServiceClass)>,
}

impl Part {
    pub fn meet(&mut self, seen: &SeenInstance, protocol: Protocol) {
        self.protocols.insert(protocol);
        if self.instances.insert(seen.id) {
            self.agents.insert(seen.instance.key.agent.clone());
            // Instances of one service may disagree; the newest knows best.
            let class = (seen.last_seen, seen.instance.class);
            self.class = self.class.max(Some(class));
        }
    }

    pub fn class(&self) -> ServiceClass {
        self.class.map_or(ServiceClass::App, |(_, class)| class)
    }
}

pub(super) type Parts = BTreeMap<(ServiceKey, Side), Part>;

/// The exact figures of these services, or of all.
pub(super) fn parts(scope: &Scope<'_>, only: Option<&[ServiceKey]>) -> Result<Parts, StoreError> {
    let mut parts = Parts::new();
    let place = |seen: &SeenInstance, side| (seen.instance.service.clone(), side);
    scope.each_exact(only, |exact| {
        let part = parts.entry(place(exact.seen, exact.side)).or_default();
        part.meet(exact.seen, exact.protocol);
        let agent = &exact.seen.instance.key.agent;
        part.fold.add(agent, exact.counts, exact.durations);
    })?;
    scope.each_in_flight(|seen, side, protocol, in_flight| {
        if only.is_none_or(|services| services.contains(&seen.instance.service)) {
            let part = parts.entry(place(seen, side)).or_default();
            part.meet(seen, protocol);
            part.in_flight += in_flight.requests;
            part.oldest = part.oldest.max(in_flight.oldest);
        }
    });
    Ok(parts)
}

pub(super) fn answer(
    scope: &Scope<'_>,
    only: Option<&[ServiceKey]>,
) -> Result<Vec<SummaryRow>, StoreError> {
    let row = |((service, side), part): ((ServiceKey, Side), Part)| SummaryRow {
        service,
        class: part.class(),
        side,
        instances: part.instances.len() as u32,
        hosts: part.agents.len() as u32,
        red: part.fold.red(scope, Uses::Pulses),
        in_flight: part.in_flight,
        oldest_in_flight: part.oldest,
        stale: youngest(scope, &part.agents),
        protocols: part.protocols.into_iter().collect(),
        before: None,
    };
    Ok(parts(scope, only)?.into_iter().map(row).collect())
}

/// Age of the newest data of these agents.
pub(super) fn youngest(scope: &Scope<'_>, agents: &BTreeSet<AgentId>) -> Option<Duration> {
    agents.iter().filter_map(|agent| scope.stale(agent)).min()
}
