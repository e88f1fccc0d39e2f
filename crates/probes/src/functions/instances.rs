//! Inlined functions by entry, once all are known.

use super::Alias;
use super::entry::Entry;
use super::inlined::Inlining;
use super::text::Texts;

/// Where the code of one function was put into.
#[derive(Debug, Clone, Copy)]
struct Instance {
    entry: u32,
    functions: u32,
    sites: u32,
    /// Its part of [`Instances::into`].
    first: u32,
    last: u32,
}

/// All of them, by entry.
#[derive(Default)]
pub(super) struct Instances {
    all: Vec<Instance>,
    /// Entries.
    into: Vec<u32>,
    /// Functions that have no code of their own; their numbers follow those of all others.
    pub alone: Vec<Entry>,
    /// By the number that a function had while debug information was read: its entry.
    entries: Vec<Option<u32>>,
}

impl Instances {
    /// Finds the entries of what was inlined.
    pub fn of(
        inlining: &Inlining,
        entries: &[Entry],
        aliases: &[Alias],
        texts: &Texts<'_>,
    ) -> Self {
        let mut known = vec![None; inlining.all.len()];
        if known.is_empty() {
            return Self::default();
        }
        let mut take = |entry: &Entry, number: usize| {
            if let Some(inlined) = inlining.of_entry(entry, texts) {
                known[inlined as usize].get_or_insert(number as u32);
            }
        };
        for (number, entry) in entries.iter().enumerate() {
            take(entry, number);
        }
        for alias in aliases {
            let found = entries.binary_search_by_key(&alias.address, |entry| entry.address);
            if let Ok(number) = found {
                let entry = Entry {
                    text: alias.text,
                    ..entries[number]
                };
                take(&entry, number);
            }
        }
        let alone = alone(inlining, &mut known, entries.len());
        Self {
            alone,
            entries: known,
            ..Self::default()
        }
    }

    /// Finds the entries into which they were inlined.
    pub fn locate(&mut self, inlining: &Inlining, find: impl Fn(u64) -> Option<u32>) {
        let entry = |number: u32| self.entries.get(number as usize).copied().flatten();
        let pairs = inlining.into.iter();
        let pairs = pairs.filter_map(|(number, address)| Some((entry(*number)?, find(*address)?)));
        let mut pairs: Vec<(u32, u32)> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut all: Vec<Instance> = Vec::new();
        let known = inlining.all.iter().zip(&self.entries);
        let known = known.filter_map(|(inlined, entry)| Some((inlined, (*entry)?)));
        for (inlined, entry) in known {
            all.push(Instance {
                entry,
                functions: inlined.functions,
                sites: inlined.sites,
                first: 0,
                last: 0,
            });
        }
        all.sort_by_key(|instance| instance.entry);
        all.dedup_by(|next, kept| {
            let is_same = next.entry == kept.entry;
            if is_same {
                kept.functions = kept.functions.saturating_add(next.functions);
                kept.sites = kept.sites.saturating_add(next.sites);
            }
            is_same
        });
        for instance in &mut all {
            instance.first = pairs.partition_point(|pair| pair.0 < instance.entry) as u32;
            instance.last = pairs.partition_point(|pair| pair.0 <= instance.entry) as u32;
        }
        self.into = pairs.into_iter().map(|pair| pair.1).collect();
        self.all = all;
        self.entries = Vec::new();
    }

    /// Of one entry: copies of its code, functions that have one, and some of these.
    pub fn find(&self, entry: u32) -> Option<(u32, u32, &[u32])> {
        let found = self
            .all
            .binary_search_by_key(&entry, |instance| instance.entry);
        let instance = self.all[found.ok()?];
        let into = self
            .into
            .get(instance.first as usize..instance.last as usize)?;
        Some((instance.sites, instance.functions, into))
    }
}

/// Entries of what has no code of its own, with numbers from `first` on.
fn alone(inlining: &Inlining, known: &mut [Option<u32>], first: usize) -> Vec<Entry> {
    let mut alone = Vec::new();
    for (inlined, known) in inlining.all.iter().zip(known) {
        let description = inlined.description;
        let text = description.linkage.or(description.name);
        if let Some(text) = text.filter(|_| known.is_none()) {
            *known = Some((first + alone.len()) as u32);
            alone.push(Entry {
                text,
                file: description.file,
                line: description.line,
                language: inlined.language,
                ..Entry::default()
            });
        }
    }
    alone
}
