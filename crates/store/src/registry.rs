//! Which batches are stored and which instances are known: the rules that DuckDB and the in-memory twin share. It holds
//! what the tables hold, so that a batch costs no lookup; after a failed commit it is read anew.

use crate::append::StoredBatch;
use crate::read::{InstanceId, SeenInstance, ShipState};
use crate::{Appended, StoreError};
use coral_model::{AgentId, Endpoint, Epoch, InstanceKey, Seq, TimeNs};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// `last_seen` of an instance moves in steps of this, so that a living process costs a write each ten seconds.
pub(crate) const SEEN_STEP: Duration = Duration::from_secs(10);
/// More instances than this are not held; those not seen for [`FORGET_AFTER`] go and are looked up when they return.
const MAX_HELD: usize = 50_000;
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// What a batch changes besides adding rows.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The batch's instances by index.
    pub ids: Vec<InstanceId>,
    /// Instances that are new or described anew.
    pub written: Vec<SeenInstance>,
    /// Instances of which only `last_seen` moves.
    pub touched: Vec<InstanceId>,
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    ships: HashMap<(AgentId, Epoch), ShipState>,
    instances: HashMap<InstanceKey, SeenInstance>,
    next_id: u32,
}

impl Registry {
    pub fn load(ships: Vec<ShipState>, instances: Vec<SeenInstance>, next_id: u32) -> Self {
        Self {
            ships: ships
                .into_iter()
                .map(|s| ((s.agent.clone(), s.epoch), s))
                .collect(),
            instances: instances
                .into_iter()
                .map(|s| (s.instance.key.clone(), s))
                .collect(),
            next_id,
        }
    }

    /// Counts the batch in, unless it is stored already.
    pub fn admit(&mut self, batch: &StoredBatch) -> Appended {
        let ship = self
            .ships
            .entry((batch.agent.clone(), batch.epoch))
            .or_insert_with(|| ShipState {
                agent: batch.agent.clone(),
                epoch: batch.epoch,
                seq: Seq(0),
                first: batch.clock,
                last: batch.clock,
                unknown: 0,
            });
        let new = batch.seq > ship.seq;
        if new {
            ship.seq = batch.seq;
            ship.last = ship.last.max(batch.clock);
            ship.unknown += batch.unknown;
        }
        Appended {
            new,
            last: ship.seq,
            unknown: ship.unknown,
        }
    }

    pub fn ship(&self, agent: &AgentId, epoch: Epoch) -> Option<&ShipState> {
        self.ships.get(&(agent.clone(), epoch))
    }

    pub fn ships(&self) -> impl Iterator<Item = &ShipState> {
        self.ships.values()
    }

    /// Gives the batch's instances their numbers. `find` looks in the table for one that is not held.
    pub fn place(
        &mut self,
        batch: &StoredBatch,
        find: impl Fn(&InstanceKey) -> Result<Option<SeenInstance>, StoreError>,
    ) -> Result<Changes, StoreError> {
        let since = first_moments(batch);
        let mut changes = Changes::default();
        for (instance, &first) in batch.instances.iter().zip(&since) {
            if !self.instances.contains_key(&instance.key)
                && let Some(stored) = find(&instance.key)?
            {
                self.instances.insert(instance.key.clone(), stored);
            }
            let next_id = &mut self.next_id;
            let mut write = false;
            let seen = self
                .instances
                .entry(instance.key.clone())
                .or_insert_with(|| {
                    write = true;
                    *next_id += 1;
                    SeenInstance {
                        id: InstanceId(*next_id),
                        instance: instance.clone(),
                        first_seen: first,
                        last_seen: batch.clock,
                    }
                });
            if seen.instance != *instance || first < seen.first_seen {
                write = true;
                seen.instance = instance.clone();
                seen.first_seen = seen.first_seen.min(first);
            }
            let moved = batch.clock.since(seen.last_seen) >= SEEN_STEP;
            if write || moved {
                seen.last_seen = seen.last_seen.max(batch.clock);
            }
            if write {
                changes.written.push(seen.clone());
            } else if moved {
                changes.touched.push(seen.id);
            }
            changes.ids.push(seen.id);
        }
        Ok(changes)
    }

    /// Lets go of what was not seen for long, when there is much.
    pub fn forget(&mut self, now: TimeNs) {
        if self.instances.len() > MAX_HELD {
            self.instances
                .retain(|_, seen| now.since(seen.last_seen) < FORGET_AFTER);
        }
    }

    pub fn instances(&self) -> impl Iterator<Item = &SeenInstance> {
        self.instances.values()
    }
}

/// For each instance of the batch the earliest moment that the batch speaks of it.
fn first_moments(batch: &StoredBatch) -> Vec<TimeNs> {
    let mut first = vec![batch.clock; batch.instances.len()];
    let mut lower = |index: u32, from: TimeNs| {
        if let Some(moment) = first.get_mut(index as usize) {
            *moment = from.min(*moment);
        }
    };
    for summary in &batch.summaries {
        lower(summary.instance, summary.window.from);
    }
    for process in &batch.processes {
        lower(process.instance, process.window.from);
    }
    for edge in &batch.edges {
        for end in [&edge.caller, &edge.callee] {
            if let Endpoint::Instance(index) = *end {
                lower(index, edge.window.from);
            }
        }
    }
    first
}

/// An index of the batch as the store's number.
pub(crate) fn number(ids: &[InstanceId], index: u32) -> Result<InstanceId, StoreError> {
    let missing = || StoreError::corrupt(format_args!("a batch without its instance {index}"));
    ids.get(index as usize).copied().ok_or_else(missing)
}

/// The ends of the batch's edges with the store's numbers.
pub(crate) fn endpoint(ids: &[InstanceId], end: &Endpoint) -> Result<Endpoint, StoreError> {
    Ok(match *end {
        Endpoint::Instance(index) => Endpoint::Instance(number(ids, index)?.0),
        Endpoint::Address { ip, port } => Endpoint::Address { ip, port },
    })
}

/// Whether all that the batch refers to is in it; asked before anything is changed.
pub(crate) fn check(batch: &StoredBatch) -> Result<(), StoreError> {
    let known = batch.instances.len();
    let ends = batch.edges.iter().flat_map(|e| [&e.caller, &e.callee]);
    let indexes = ends.filter_map(|end| match *end {
        Endpoint::Instance(index) => Some(index),
        Endpoint::Address { .. } => None,
    });
    let bad: HashSet<u32> = indexes
        .chain(batch.summaries.iter().map(|s| s.instance))
        .chain(batch.processes.iter().map(|p| p.instance))
        .filter(|&i| i as usize >= known)
        .collect();
    match bad.iter().next() {
        Some(index) => Err(StoreError::corrupt(format_args!(
            "a batch without its instance {index}"
        ))),
        None => Ok(()),
    }
}
