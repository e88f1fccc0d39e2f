//! Paths of source files, each kept once and known by a number.

use crate::symbols::Bytes;
use gimli::{AttributeValue, Dwarf, Unit};
use std::collections::HashMap;

/// Most paths of one program.
const MOST_PATHS: usize = 1 << 17;
/// Longest path.
pub(super) const MOST_PATH_BYTES: usize = 1024;
/// Most bytes of all of them.
const MOST_BYTES: usize = 16 << 20;

/// The paths; number 0 is none.
#[derive(Default)]
pub(super) struct Paths {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
    numbers: HashMap<u64, u32>,
    /// By where a table of lines lies and the number in it.
    seen: HashMap<(u64, u64), u32>,
}

impl Paths {
    /// The path with this number.
    pub fn get(&self, number: u32) -> Option<&str> {
        let number = (number as usize).checked_sub(1)?;
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start as usize..end)
    }

    /// The number of a path; 0 when there are too many.
    pub fn number(&mut self, path: &str) -> u32 {
        let path = &path[..path.floor_char_boundary(MOST_PATH_BYTES)];
        let hash = super::hashed(path.as_bytes());
        let known = self.numbers.get(&hash).copied();
        if let Some(known) = known.filter(|known| self.get(*known) == Some(path)) {
            return known;
        }
        if self.ends.len() >= MOST_PATHS || self.text.len() + path.len() > MOST_BYTES {
            return 0;
        }
        self.text.push_str(path);
        self.ends.push(self.text.len() as u32);
        let number = self.ends.len() as u32;
        self.numbers.insert(hash, number);
        number
    }

    /// The number of the path that a unit's table of lines has at `index`.
    pub fn of_unit(
        &mut self,
        dwarf: &Dwarf<Bytes<'_>>,
        unit: &Unit<Bytes<'_>>,
        place: u64,
        index: u64,
    ) -> u32 {
        if let Some(number) = self.seen.get(&(place, index)) {
            return *number;
        }
        let number = match path(dwarf, unit, index) {
            Some(path) => self.number(&path),
            None => 0,
        };
        if self.seen.len() >= MOST_PATHS {
            self.seen.clear();
        }
        self.seen.insert((place, index), number);
        number
    }

    /// Forgets what is needed only while paths are added.
    pub fn finish(&mut self) {
        self.seen = HashMap::new();
        self.numbers = HashMap::new();
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// The folder of the unit, that of the file, and its name, as far as one does not begin anew.
fn path(dwarf: &Dwarf<Bytes<'_>>, unit: &Unit<Bytes<'_>>, index: u64) -> Option<String> {
    let header = unit.line_program.as_ref()?.header();
    let file = header.file(index)?;
    let mut path = unit.comp_dir.map_or(String::new(), |folder| lossy(&folder));
    let mut push = |part: AttributeValue<Bytes<'_>>| {
        let part = dwarf.attr_string(unit, part).ok()?;
        let part = lossy(&part);
        if part.starts_with('/') || path.is_empty() {
            path = part;
        } else {
            if !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
        }
        Some(())
    };
    if let Some(folder) = file.directory(header) {
        push(folder)?;
    }
    push(file.path_name())?;
    Some(path)
}

fn lossy(text: &Bytes<'_>) -> String {
    let text = &text.slice()[..text.slice().len().min(MOST_PATH_BYTES)];
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_kept_once() {
        let mut paths = Paths::default();
        let (a, b) = (paths.number("/a.c"), paths.number("/b.c"));
        assert_eq!((a, b, paths.number("/a.c")), (1, 2, 1));
        paths.finish();
        assert_eq!((paths.get(a), paths.get(b)), (Some("/a.c"), Some("/b.c")));
        assert_eq!((paths.get(0), paths.get(3)), (None, None));
    }
}
