//! The code of processes that live for a moment, from what the kernel tells as it happens: known until the process is
//! looked at, and a little longer than it lives.

use coral_probes::mapped::{Event, Mapped};
use coral_probes::unwind::{Mapping, Mappings};
use std::collections::HashMap;
use std::sync::Arc;

/// Processes that are remembered; beyond it those that have ended go, then all.
const KNOWN_MAX: usize = 8_192;
/// Mappings of one of them.
const MAPPINGS_MAX: usize = 128;
/// Ticks that a process is remembered after its end.
const AFTER: u32 = 3;
/// Ticks after which a living process can be read from /proc instead.
const YOUNG: u32 = 30;

#[derive(Debug, Default, Clone)]
struct Moment {
    /// Shared with the processes that began as its copies.
    mappings: Arc<Vec<Mapping>>,
    /// Its memory was a copy of this one's when it began.
    parent: Option<u32>,
    begun: u32,
    ended: Option<u32>,
}

/// All that began lately.
pub struct Moments {
    events: Mapped,
    known: HashMap<u32, Moment>,
}

impl Moments {
    /// Listens.
    pub fn new(events: Mapped) -> Self {
        Self {
            events,
            known: HashMap::new(),
        }
    }

    /// Takes what has happened, and forgets what is old.
    pub fn take(&mut self, tick: u32) {
        let (known, mut lost) = (&mut self.known, 0);
        self.events.drain(|event| match event {
            Event::Mapped(pid, mapping) => {
                let moment = begun(known, pid, tick);
                if moment.mappings.len() < MAPPINGS_MAX {
                    Arc::make_mut(&mut moment.mappings).push(mapping);
                }
            }
            Event::Executed(pid) => {
                let moment = begun(known, pid, tick);
                (moment.mappings, moment.parent) = (Arc::default(), None);
            }
            Event::Forked { child, parent } => {
                let mappings = known.get(&parent).map(|m| m.mappings.clone());
                let moment = begun(known, child, tick);
                moment.mappings = mappings.unwrap_or_default();
                moment.parent = Some(parent);
                (moment.begun, moment.ended) = (tick, None);
            }
            Event::Ended(pid) => {
                if let Some(moment) = known.get_mut(&pid) {
                    moment.ended = Some(tick);
                }
            }
            Event::Lost(records) => lost += records,
        });
        if lost > 0 {
            tracing::debug!(lost, "records of mapped code found no room");
        }
        self.forget(tick);
    }

    fn forget(&mut self, tick: u32) {
        let crowded = self.known.len() > KNOWN_MAX;
        self.known.retain(|_, moment| match moment.ended {
            Some(ended) => !crowded && tick.saturating_sub(ended) <= AFTER,
            None => tick.saturating_sub(moment.begun) <= YOUNG,
        });
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
    }

    /// What a process had mapped, and the one whose copy it began as.
    pub fn of(&self, tgid: u32) -> Option<(Mappings, Option<u32>)> {
        let moment = self.known.get(&tgid)?;
        let mut mappings = Mappings {
            all: moment.mappings.to_vec(),
        };
        // Later ones lie over earlier ones.
        mappings.all.reverse();
        mappings.all.sort_by_key(|m| m.start);
        mappings.all.dedup_by_key(|m| m.start);
        Some((mappings, moment.parent))
    }
}

fn begun(known: &mut HashMap<u32, Moment>, pid: u32, tick: u32) -> &mut Moment {
    known.entry(pid).or_insert_with(|| Moment {
        begun: tick,
        ..Moment::default()
    })
}
