//! Who was killed by the kernel for lack of memory. The count of the process's control group says so; where there is none,
//! the host's count does, if exactly one known process vanished in that second.

use super::groups::Groups;
use crate::enrich::InstanceId;
use crate::proc::text::Reader;
use std::collections::BTreeMap;

/// Remembers the host's count of such kills.
#[derive(Debug)]
pub struct OomWatch {
    reader: Reader,
    before: Option<u64>,
}

impl OomWatch {
    /// Begins with the count as it stands.
    pub fn new() -> Self {
        let mut reader = Reader::default();
        Self {
            before: reader.value("/proc/vmstat", "oom_kill"),
            reader,
        }
    }

    /// Each second: which of the processes that ended since the last call, and may have been killed, were killed for
    /// lack of memory. When a group lost more processes than it counts kills, nobody can say which: none is named.
    pub fn killed(&mut self, gone: &[InstanceId], groups: &mut Groups) -> Vec<InstanceId> {
        let now = self.reader.value("/proc/vmstat", "oom_kill");
        let on_host = now.zip(self.before).map_or(0, |(n, b)| n.saturating_sub(b));
        self.before = now.or(self.before);
        let mut by_group = BTreeMap::new();
        for &id in gone {
            let group = groups.of(id).cloned();
            by_group.entry(group).or_insert_with(Vec::new).push(id);
        }
        let mut killed = vec![];
        for (group, ids) in by_group {
            let counted = group.and_then(|g| groups.killed(&g, &mut self.reader));
            let all = match counted {
                Some(kills) => kills >= ids.len() as u64,
                None => on_host > 0 && gone.len() == 1,
            };
            if all {
                killed.extend(ids);
            }
        }
        killed
    }
}
