//! The names of all functions in one text, and what lets a search pass over most of them.

use super::Alias;
use super::appended::plain;
use super::entry::{Entry, flag};
use super::shape::{Bare, Shape, letter, word_starts};
use super::text::Texts;
use crate::symbols::demangle;
use std::time::Instant;

/// So often the time is looked at.
const NAMES_A_LOOK: usize = 1 << 8;
/// So much is kept of a name that was not demangled; bytes that are no text take three times as many.
const MOST_RAW_BYTES: usize = crate::symbols::MOST_NAME_BYTES / 3;

/// A name: where it is in the text of all, and its shape.
#[derive(Debug, Clone, Copy, Default)]
struct Name {
    at: u32,
    bytes: u16,
    shape: Shape,
}

/// Characters of a path without its arguments, as bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Letters {
    pub all: u64,
    pub initials: u64,
}

impl Letters {
    fn of(path: &[u8]) -> Self {
        let bare = Bare::of(path);
        let bare = bare.bytes();
        Self {
            all: bare.iter().fold(0, |all, byte| all | letter(*byte)),
            initials: word_starts(bare).fold(0, |all, at| all | letter(bare[at])),
        }
    }
}

/// All names: one for each entry, then the other names of some.
#[derive(Default)]
pub(super) struct Names {
    text: String,
    all: Vec<Name>,
    /// Which characters are in a name; see [`letter`].
    letters: Vec<u64>,
    /// Those of its path without arguments, and those that begin a word of it.
    bare: Vec<Letters>,
    /// The entries of the other names, in their order.
    others: Vec<u32>,
    /// There was no room for all.
    pub is_cut: bool,
    /// There was no time to demangle all.
    pub is_late: bool,
}

/// What names may take together.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub bytes: usize,
    pub until: Instant,
}

impl Names {
    /// Names all entries; those before `addressed` are in the order of their addresses.
    pub fn of(
        entries: &[Entry],
        addressed: usize,
        aliases: &[Alias],
        texts: &Texts<'_>,
        limits: Limits,
    ) -> Self {
        let mut names = Self::default();
        names.reserve(entries.len());
        for entry in entries {
            let name = names.name(texts.get(entry.text), entry.is(flag::GO), limits.until);
            names.push(&name, limits.bytes);
        }
        for alias in aliases {
            let entries = &entries[..addressed];
            let found = entries.binary_search_by_key(&alias.address, |entry| entry.address);
            let Ok(number) = found else {
                continue;
            };
            let is_go = entries[number].is(flag::GO);
            let name = names.name(texts.get(alias.text), is_go, limits.until);
            if name != names.get(number) {
                names.push(&name, limits.bytes);
                names.others.push(number as u32);
            }
        }
        names.text.shrink_to_fit();
        names
    }

    /// The name that people use, or when there is no more time, that which the linker uses.
    fn name(&mut self, raw: &[u8], is_go: bool, until: Instant) -> String {
        let is_look = self.all.len().is_multiple_of(NAMES_A_LOOK);
        self.is_late = self.is_late || is_look && Instant::now() >= until;
        if !self.is_late {
            return displayed(raw, is_go);
        }
        let raw = &raw[..raw.len().min(MOST_RAW_BYTES)];
        String::from_utf8_lossy(raw).into_owned()
    }

    /// Makes them of names alone: one entry each.
    pub fn of_texts(texts: impl Iterator<Item = String>) -> Self {
        let mut names = Self::default();
        let most = crate::symbols::MOST_NAME_BYTES;
        texts.for_each(|text| names.push(&text[..text.floor_char_boundary(most)], usize::MAX));
        names
    }

    /// Memory that they take.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let letters = self.letters.capacity() * size_of::<u64>();
        let bare = self.bare.capacity() * size_of::<Letters>();
        letters + bare + self.text.capacity() + self.all.capacity() * size_of::<Name>()
    }

    fn reserve(&mut self, count: usize) {
        self.all.reserve_exact(count);
        self.letters.reserve_exact(count);
        self.bare.reserve_exact(count);
    }

    fn push(&mut self, name: &str, most_bytes: usize) {
        let is_room = self.text.len() + name.len() <= most_bytes.min(u32::MAX as usize);
        self.is_cut |= !is_room;
        let name = if is_room { name } else { "" };
        let shape = Shape::of(name);
        self.all.push(Name {
            at: self.text.len() as u32,
            bytes: u16::try_from(name.len()).unwrap_or(0),
            shape,
        });
        self.text.push_str(name);
        let letters = name.bytes().fold(0, |all, byte| all | letter(byte));
        self.letters.push(letters);
        self.bare.push(Letters::of(shape.path(name)));
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// How many entries have names.
    pub fn entries(&self) -> usize {
        self.all.len() - self.others.len()
    }

    /// A name; none for one that had no room.
    pub fn get(&self, number: usize) -> &str {
        let name = self.all.get(number).copied().unwrap_or_default();
        let (at, bytes) = (name.at as usize, usize::from(name.bytes));
        self.text.get(at..at + bytes).unwrap_or_default()
    }

    pub fn shape(&self, number: usize) -> Shape {
        self.all.get(number).copied().unwrap_or_default().shape
    }

    pub fn letters(&self) -> &[u64] {
        &self.letters
    }

    pub fn bare(&self, number: usize) -> Letters {
        self.bare[number]
    }

    /// The entry that a name belongs to.
    pub fn entry(&self, number: usize) -> usize {
        match number.checked_sub(self.entries()) {
            Some(other) => self.others[other] as usize,
            None => number,
        }
    }
}

/// The name that people use. Go's are not mangled; for the linker some have a mark.
pub(super) fn displayed(raw: &[u8], is_go: bool) -> String {
    if is_go {
        return demangle(raw);
    }
    demangle(plain(raw).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::text::Text;
    use std::time::Duration;

    #[test]
    fn names_without_time_stay_as_they_are_and_those_without_room_are_left_out() {
        let mut texts = Texts::default();
        let table = texts.add(b"_Z1fi\0_Z6seconds\0").unwrap();
        let entry = |at| Entry {
            text: Text::new(table, at),
            ..Entry::default()
        };
        let entries = [entry(0), entry(6)];
        let later = Instant::now() + Duration::from_secs(60);
        let names = |bytes, until| Names::of(&entries, 0, &[], &texts, Limits { bytes, until });
        let all = |names: &Names| [names.get(0).to_owned(), names.get(1).to_owned()];
        let whole = names(1000, later);
        assert_eq!(all(&whole), ["f(int)", "second(short)"]);
        assert!(!whole.is_late && !whole.is_cut);
        let late = names(1000, Instant::now());
        assert_eq!(all(&late), ["_Z1fi", "_Z6seconds"]);
        assert!(late.is_late && !late.is_cut);
        let cut = names(10, later);
        assert_eq!(all(&cut), ["f(int)", ""]);
        assert!(cut.is_cut && !cut.is_late);
    }
}
