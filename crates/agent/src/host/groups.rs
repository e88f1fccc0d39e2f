//! The control groups that known processes are in.

use super::Gauges;
use super::cgroup::{self, Group, Hierarchies, Usage};
use crate::enrich::InstanceId;
use crate::proc::mounts::Mount;
use crate::proc::text::Reader;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Groups that are followed; what comes after is not.
const GROUPS_MAX: usize = 200;

/// Groups by process, and what each used at the last look.
#[derive(Debug, Default)]
pub struct Groups {
    of: HashMap<InstanceId, Option<Group>>,
    before: BTreeMap<Group, Usage>,
    kills: BTreeMap<Group, Option<u64>>,
}

impl Groups {
    /// Looks up the groups of processes that are new, and forgets those that are gone. A process that moves to another
    /// group later stays with its first.
    pub fn follow(&mut self, living: &[(InstanceId, u32)], mounts: &[Mount], reader: &mut Reader) {
        let mut hierarchies = None;
        for &(id, pid) in living {
            if self.of.contains_key(&id) {
                continue;
            }
            let all = hierarchies.get_or_insert_with(|| Hierarchies::find(mounts));
            let text = reader.read(format!("/proc/{pid}/cgroup"));
            self.of.insert(id, text.and_then(|text| all.group(&text)));
        }
        let ids: HashSet<InstanceId> = living.iter().map(|(id, _)| *id).collect();
        self.of.retain(|id, _| ids.contains(id));
        let wanted: BTreeSet<&Group> = self.of.values().flatten().take(GROUPS_MAX).collect();
        self.kills.retain(|group, _| wanted.contains(group));
        for group in wanted {
            if !self.kills.contains_key(group) {
                self.kills.insert(group.clone(), group.kills(reader));
            }
        }
    }

    /// What each group did since the last call.
    pub fn sample(&mut self, seconds: f64, reader: &mut Reader, out: &mut Gauges) {
        let mut now = BTreeMap::new();
        for group in self.kills.keys() {
            let usage = group.usage(reader);
            if let Some(before) = self.before.get(group) {
                cgroup::gauges(&group.label, before, &usage, seconds, out);
            }
            now.insert(group.clone(), usage);
        }
        self.before = now;
    }

    /// The group of a process, if it is in one of its own.
    pub fn of(&self, id: InstanceId) -> Option<&Group> {
        self.of.get(&id)?.as_ref()
    }

    /// How many of this group's processes the kernel killed for lack of memory since this was last asked; `None` when
    /// the group does not say.
    pub fn killed(&mut self, group: &Group, reader: &mut Reader) -> Option<u64> {
        let before = self.kills.get_mut(group)?;
        let now = group.kills(reader);
        let killed = now.zip(*before).map(|(now, then)| now.saturating_sub(then));
        *before = now.or(*before);
        killed
    }
}
