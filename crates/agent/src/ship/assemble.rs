//! Items of this run's numbering become a batch that carries the processes it speaks of.

use crate::enrich::{InstanceId, Processes};
use coral_model::{Batch, Endpoint, Epoch, Instance, Item, Seq, TimeNs};
use std::collections::HashMap;

/// Makes a batch; `also` are processes that it carries although no item speaks of them (those that listen).
pub fn assemble(
    (epoch, seq, clock): (Epoch, Seq, TimeNs),
    mut items: Vec<Item>,
    processes: &Processes,
    also: impl Iterator<Item = InstanceId>,
) -> Batch {
    let mut table = Table {
        processes,
        instances: vec![],
        index: HashMap::new(),
    };
    items.retain_mut(|item| table.renumber(item));
    for id in also {
        table.index_of(id.0);
    }
    Batch {
        epoch,
        seq,
        clock,
        instances: table.instances,
        items,
        unknown: 0,
    }
}

struct Table<'a> {
    processes: &'a Processes,
    instances: Vec<Instance>,
    index: HashMap<u32, u32>,
}

impl Table<'_> {
    fn index_of(&mut self, id: u32) -> Option<u32> {
        if let Some(&index) = self.index.get(&id) {
            return Some(index);
        }
        let instance = self.processes.get(InstanceId(id))?;
        let index = self.instances.len() as u32;
        self.instances.push(instance.clone());
        self.index.insert(id, index);
        Some(index)
    }

    /// False when a process is no longer known; the fold keeps those that are spoken of, so that is a defect.
    fn renumber(&mut self, item: &mut Item) -> bool {
        let mut known = true;
        let mut place = |id: &mut u32| match self.index_of(*id) {
            Some(index) => *id = index,
            None => known = false,
        };
        match item {
            Item::Pulse(pulse) => place(&mut pulse.instance),
            Item::Summary(summary) => place(&mut summary.instance),
            Item::Edge(edge) => {
                for end in [&mut edge.caller, &mut edge.callee] {
                    if let Endpoint::Instance(id) = end {
                        place(id);
                    }
                }
            }
            Item::Process(sample) => place(&mut sample.instance),
            Item::Request(record) => {
                place(&mut record.instance);
                if let Endpoint::Instance(id) = &mut record.peer {
                    place(id);
                }
            }
            Item::Profile(profile) => place(&mut profile.instance),
            Item::Event(_)
            | Item::Health(_)
            | Item::Host(_)
            | Item::HealthCheck(_)
            | Item::Want(_)
            | Item::Probed(_)
            | Item::CallPath(_)
            | Item::Call(_)
            | Item::Symbols(_) => {}
        }
        if !known {
            tracing::error!("an item speaks of a process that was forgotten; it is left out");
        }
        known
    }
}
