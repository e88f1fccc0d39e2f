//! Where the code of each process lies in its memory, from `/proc/PID/maps`. Read when a process is met, and again when an
//! address lies nowhere in what was read.

use super::files::{FileNumber, Files};
use super::moments::Moments;
use coral_probes::unwind::{Mapping, Mappings, bias};
use std::collections::HashMap;

/// Processes that are remembered.
const KNOWN_MAX: usize = 4_096;

/// A place in code: a file, and an address of its own.
pub type Place = (FileNumber, u64);

/// A mapping, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// What is added to the file's own addresses.
    pub bias: u64,
    /// The file.
    pub file: FileNumber,
    /// Whether it is what the kernel gives every process.
    pub is_vdso: bool,
}

#[derive(Debug, Default)]
struct Space {
    mappings: Vec<Placed>,
    read_at: u32,
    used_at: u32,
    /// The tables that the kernel side was told with; 0 = not told.
    told: u64,
}

/// The processes that were met.
#[derive(Debug, Default)]
pub struct Spaces {
    known: HashMap<u32, Space>,
    /// Those that were forgotten, of which the kernel side still knows.
    gone: Vec<u32>,
}

impl Spaces {
    /// Where an address of a process lies at this tick; `None` when nobody can say any more.
    pub fn place(
        &mut self,
        (tgid, address): (u32, u64),
        tick: u32,
        files: &mut Files,
        moments: Option<&Moments>,
    ) -> Option<Place> {
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&tgid) {
            self.keep(|space| space.used_at == tick);
        }
        let space = self.known.entry(tgid).or_default();
        space.used_at = tick;
        if let Some(place) = space.find(address) {
            return Some(place);
        }
        // Once a tick: what was not there a moment ago may be now, but not again and again.
        if space.read_at == tick {
            return None;
        }
        space.read_at = tick;
        let mappings = match std::fs::read(format!("/proc/{tgid}/maps")) {
            Ok(text) if !text.is_empty() => Mappings::parse(&text),
            // It is gone.
            _ => {
                let (mappings, parent) = moments?.of(tgid)?;
                let copied = parent.filter(|_| mappings.all.is_empty());
                let parent = copied.and_then(|parent| self.known.get(&parent));
                if let Some(placed) = parent.map(|parent| parent.mappings.clone()) {
                    self.known.entry(tgid).or_default().mappings = placed;
                    return self.known.get(&tgid)?.find(address);
                }
                mappings
            }
        };
        let space = self.known.entry(tgid).or_default();
        space.mappings = placed(tgid, &mappings, files);
        space.told = 0;
        space.find(address)
    }

    /// The mappings of a process.
    pub fn of(&self, tgid: u32) -> Option<&[Placed]> {
        self.known.get(&tgid).map(|space| &*space.mappings)
    }

    /// The processes whose memory the kernel side does not know with these tables: those that were met at this tick, and
    /// those that have a file whose table has just come, which would miss it when they go on.
    pub fn untold(
        &mut self,
        tick: u32,
        generation: u64,
        come: &[FileNumber],
    ) -> Vec<(u32, &[Placed])> {
        let has_come = |space: &Space| space.mappings.iter().any(|m| come.contains(&m.file));
        let stale = |space: &&mut Space| {
            space.told != generation && (space.used_at == tick || has_come(space))
        };
        let all = self.known.iter_mut();
        all.filter_map(|(tgid, space)| {
            if !stale(&space) {
                return None;
            }
            space.told = generation;
            Some((*tgid, &*space.mappings))
        })
        .collect()
    }

    /// Forgets processes that were not met since a tick; all that were forgotten since the last call, and are not met again.
    pub fn forget(&mut self, before: u32) -> Vec<u32> {
        self.keep(|space| space.used_at >= before);
        let mut gone = std::mem::take(&mut self.gone);
        gone.retain(|tgid| !self.known.contains_key(tgid));
        gone
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.keep(|_| false);
    }

    fn keep(&mut self, wanted: impl Fn(&Space) -> bool) {
        let gone = self.known.extract_if(|_, space| !wanted(space));
        self.gone.extend(gone.map(|(tgid, _)| tgid));
    }
}

impl Space {
    fn find(&self, address: u64) -> Option<Place> {
        let after = self.mappings.partition_point(|m| m.start <= address);
        let mapping = self.mappings[..after].last().filter(|m| address < m.end)?;
        Some((mapping.file, address.wrapping_sub(mapping.bias)))
    }
}

fn placed(tgid: u32, mappings: &Mappings, files: &mut Files) -> Vec<Placed> {
    let place = |mapping: &Mapping| {
        let number = files.of(tgid, mapping);
        let segments = files.get(number).map_or(&[][..], |f| &f.segments);
        // Without a file addresses stay the process's own; the vDSO begins at its own 0.
        let bias = match (mapping.is_vdso(), mapping.is_anonymous()) {
            (true, _) => mapping.start.wrapping_sub(mapping.offset),
            (_, true) => 0,
            // A file that cannot be read: as most are linked.
            _ => bias(mapping, segments).unwrap_or(mapping.start.wrapping_sub(mapping.offset)),
        };
        Placed {
            start: mapping.start,
            end: mapping.end,
            bias,
            file: number,
            is_vdso: mapping.is_vdso(),
        }
    };
    mappings.all.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(spaces: &mut Spaces, tgid: u32, tick: u32) {
        let files = &mut Files::default();
        // Nothing lies there, but the process was met.
        assert_eq!(spaces.place((tgid, 0), tick, files, None), None);
    }

    #[test]
    fn whoever_is_forgotten_in_any_way_is_told_once() {
        let (own, mut spaces) = (std::process::id(), Spaces::default());
        met(&mut spaces, own, 1);
        assert!(spaces.forget(1).is_empty());
        assert_eq!(spaces.forget(2), [own]);
        met(&mut spaces, own, 3);
        spaces.clear();
        assert_eq!(spaces.forget(3), [own]);
        assert!(spaces.forget(3).is_empty());
        met(&mut spaces, own, 4);
        spaces.clear();
        met(&mut spaces, own, 4);
        assert!(spaces.forget(4).is_empty(), "it was met again");
    }
}
