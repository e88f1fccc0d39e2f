//! RED of services, a row a service and side.

use super::Uses;
use super::fold::Fold;
use super::scope::Scope;
use coral_model::answer::{Red, SummaryRow};
use coral_model::{AgentId, Protocol, ServiceClass, ServiceKey, Side, TimeNs};
use coral_store::{InstanceId, Level, SeenInstance, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// The parts by service and side. An instance's part is found without its name.
#[derive(Debug, Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
    by_name: BTreeMap<(ServiceKey, Side), usize>,
    by_instance: HashMap<(InstanceId, Side), usize>,
}

impl Parts {
    fn of(&mut self, seen: &SeenInstance, side: Side) -> &mut Part {
        let (parts, by_name) = (&mut self.parts, &mut self.by_name);
        let place = *self.by_instance.entry((seen.id, side)).or_insert_with(|| {
            let name = (seen.instance.service.clone(), side);
            *by_name.entry(name).or_insert_with(|| {
                parts.push(Part::default());
                parts.len() - 1
            })
        });
        &mut self.parts[place]
    }

    /// By name and side.
    pub fn into_parts(mut self) -> impl Iterator<Item = ((ServiceKey, Side), Part)> {
        let part = move |(name, place): (_, usize)| (name, std::mem::take(&mut self.parts[place]));
        self.by_name.into_iter().map(part)
    }
}

/// The exact figures of these services, or of all.
pub(super) fn parts(scope: &Scope<'_>, only: Option<&[ServiceKey]>) -> Result<Parts, StoreError> {
    let mut parts = Parts::default();
    scope.each_exact(only, Level::Hour, |exact| {
        let part = parts.of(exact.seen, exact.side);
        part.meet(exact.seen, exact.protocol);
        let agent = &exact.seen.instance.key.agent;
        part.fold.add(agent, exact.counts, exact.durations)
    })?;
    scope.each_in_flight(|seen, side, protocol, in_flight| {
        if only.is_none_or(|services| services.contains(&seen.instance.service)) {
            let part = parts.of(seen, side);
            part.meet(seen, protocol);
            part.in_flight += in_flight.requests;
            part.oldest = part.oldest.max(in_flight.oldest);
        }
    });
    Ok(parts)
}

/// A row a service and side. With an `earlier` frame each says what was there, and what was only there has a row as well.
pub(super) fn answer(
    scope: &Scope<'_>,
    earlier: Option<&Scope<'_>>,
    only: Option<&[ServiceKey]>,
) -> Result<Vec<SummaryRow>, StoreError> {
    let mut before: BTreeMap<_, _> = match earlier {
        Some(earlier) => parts(earlier, only)?.into_parts().collect(),
        None => BTreeMap::new(),
    };
    let mut rows = vec![];
    for (place, part) in parts(scope, only)?.into_parts() {
        let red = earlier.map(|earlier| {
            let part = before.remove(&place).unwrap_or_default();
            part.fold.red(earlier, Uses::Pulses)
        });
        rows.push(row(scope, place, part, red));
    }
    for (place, part) in before {
        let red = earlier.map(|earlier| part.fold.red(earlier, Uses::Pulses));
        let silent = Part {
            fold: Fold::default(),
            in_flight: 0,
            oldest: None,
            ..part
        };
        rows.push(row(scope, place, silent, red));
    }
    rows.sort_by(|a, b| (&a.service, a.side).cmp(&(&b.service, b.side)));
    Ok(rows)
}

fn row(
    scope: &Scope<'_>,
    (service, side): (ServiceKey, Side),
    part: Part,
    before: Option<Red>,
) -> SummaryRow {
    SummaryRow {
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
        before,
    }
}

/// Age of the newest data of these agents.
pub(super) fn youngest(scope: &Scope<'_>, agents: &BTreeSet<AgentId>) -> Option<Duration> {
    agents.iter().filter_map(|agent| scope.stale(agent)).min()
}
