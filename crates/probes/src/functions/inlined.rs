//! Functions whose code was put into others: how often, and into which.

use super::Language;
use super::appended::plain;
use super::entry::Entry;
use super::hashed;
use super::origin::Description;
use super::text::Texts;
use std::collections::HashMap;

/// Most functions of one program that were inlined somewhere.
const MOST_INLINED: usize = 1 << 20;
/// Most functions that are named as those into which one was inlined.
pub(super) const MOST_INTO: u8 = 8;
/// Most pairs of a function and one that it was inlined into.
const MOST_PAIRS: usize = 2 << 20;
/// Most instances that are looked at together.
const MOST_HERE: usize = 1 << 20;

/// A function that was inlined.
#[derive(Clone, Copy)]
pub(super) struct Inlined {
    pub description: Description,
    pub language: Language,
    /// Which have its code.
    pub functions: u32,
    /// Copies of its code.
    pub sites: u32,
    named: u8,
}

/// All of them, while debug information is read.
#[derive(Default)]
pub(super) struct Inlining {
    pub all: Vec<Inlined>,
    by_key: HashMap<u64, u32>,
    by_place: HashMap<u64, u32>,
    /// Instances of one unit: what, and the address of the function that it is in.
    here: Vec<(u32, u64)>,
    /// What was inlined, and the address of a function that has it.
    pub into: Vec<(u32, u64)>,
    /// There were more than are kept.
    pub is_cut: bool,
}

impl Inlining {
    /// One instance of the function that `place` describes.
    pub fn add(
        &mut self,
        place: u64,
        inside: u64,
        texts: &Texts<'_>,
        describe: impl FnOnce() -> Option<(Description, Language)>,
    ) {
        let number = match self.by_place.get(&place) {
            Some(number) => *number,
            None => {
                let number = describe()
                    .and_then(|(description, language)| self.number(&description, language, texts));
                let Some(number) = number else {
                    return;
                };
                if self.by_place.len() >= MOST_INLINED {
                    self.by_place.clear();
                }
                self.by_place.insert(place, number);
                number
            }
        };
        self.here.push((number, inside));
        if self.here.len() >= MOST_HERE {
            self.fold();
        }
    }

    fn number(
        &mut self,
        description: &Description,
        language: Language,
        texts: &Texts<'_>,
    ) -> Option<u32> {
        let key = match (description.linkage, description.name) {
            (Some(linkage), _) => linkage_key(texts.get(linkage)),
            (None, Some(name)) => name_key(
                texts.get(name),
                language,
                (description.file, description.line),
            ),
            (None, None) => return None,
        };
        if let Some(number) = self.by_key.get(&key) {
            return Some(*number);
        }
        if self.all.len() >= MOST_INLINED {
            self.is_cut = true;
            return None;
        }
        let number = self.all.len() as u32;
        self.all.push(Inlined {
            description: *description,
            language,
            functions: 0,
            sites: 0,
            named: 0,
        });
        self.by_key.insert(key, number);
        if let Some(linkage) = description.linkage {
            for name in constructors(texts.get(linkage)) {
                self.by_key.entry(linkage_key(&name)).or_insert(number);
            }
        }
        Some(number)
    }

    /// Counts the instances of a unit: functions are counted once, for all instances in one are in the same unit.
    pub fn fold(&mut self) {
        self.here.sort_unstable();
        for group in self.here.chunk_by(|a, b| a.0 == b.0) {
            let inlined = &mut self.all[group[0].0 as usize];
            inlined.sites = inlined.sites.saturating_add(group.len() as u32);
            for one in group.chunk_by(|a, b| a.1 == b.1) {
                inlined.functions = inlined.functions.saturating_add(1);
                if inlined.named < MOST_INTO && self.into.len() < MOST_PAIRS {
                    inlined.named += 1;
                    self.into.push(one[0]);
                }
            }
        }
        self.here.clear();
    }

    /// The inlined function that an entry is the whole of.
    pub fn of_entry(&self, entry: &Entry, texts: &Texts<'_>) -> Option<u32> {
        let (name, _) = plain(texts.get(entry.text));
        let named = || name_key(name, entry.language, (entry.file, entry.line));
        let found = self.by_key.get(&linkage_key(name));
        found.or_else(|| self.by_key.get(&named())).copied()
    }

    /// Forgets what is needed only while debug information is read.
    pub fn finish(&mut self) {
        self.by_place = HashMap::new();
        self.here = Vec::new();
    }
}

fn linkage_key(name: &[u8]) -> u64 {
    hashed(name)
}

/// Names alone are not unique in C. Those of Go are, and Go does not always say where the function is.
fn name_key(name: &[u8], language: Language, (file, line): (u32, u32)) -> u64 {
    let (file, line) = match language {
        Language::Go => (0, 0),
        _ => (file, line),
    };
    hashed(name) ^ (u64::from(file) << 32 | u64::from(line)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 1
}

/// The names that the code of a C++ constructor or destructor has, from the one name that stands for all of them.
fn constructors(name: &[u8]) -> Vec<Vec<u8>> {
    let is_common = |part: &[u8]| matches!(part, [b'C' | b'D', b'4', b'E' | b'I']);
    let Some(at) = name.windows(3).rposition(is_common) else {
        return Vec::new();
    };
    let with = |digit: u8| {
        let mut name = name.to_vec();
        name[at + 1] = digit;
        name
    };
    (b'0'..=b'2').map(with).collect()
}
