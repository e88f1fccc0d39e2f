//! From the files to the index: symbols and Go's table first, then debug information, then names.

use super::appended::plain;
use super::debug::Debug;
use super::entry::Entry;
use super::inlined::Inlining;
use super::instances::Instances;
use super::names::{Limits, Names};
use super::origin::Description;
use super::parts::Part;
use super::paths::Paths;
use super::tables::Tables;
use super::text::Texts;
use super::{Alias, Functions, Language};
use crate::go::Go;
use crate::symbols::{Bytes, Missing, Sources};
use gimli::{Dwarf, Section as _};
use std::time::{Duration, Instant};

/// So long names may be demangled after the time for reading is over.
const NAMES_TIME: Duration = Duration::from_secs(10);
/// Memory that the index and unpacked debug information may take together.
const MOST_BYTES: u64 = 416 << 20;
/// What a function takes while the index is made, its name not counted.
const ENTRY_BYTES: u64 = 192;
/// Most functions of one program.
const MOST_FUNCTIONS: usize = 3 << 19;
/// Most parts of functions that debug information tells.
const MOST_PARTS: usize = 1 << 18;

/// An index that is being made.
pub(super) struct Build<'a> {
    pub texts: Texts<'a>,
    pub paths: Paths,
    pub inlining: Inlining,
    /// By address.
    entries: Vec<Entry>,
    /// Functions without a symbol.
    found: Vec<Entry>,
    /// By symbols, by address.
    parts: Vec<Part>,
    /// By debug information.
    more_parts: Vec<Part>,
    aliases: Vec<Alias>,
    most: usize,
    /// There were more than are kept.
    is_cut: bool,
    missing: Option<Missing>,
}

/// Reads an index; what is not read until then is left out.
pub(super) fn index<'a>(sources: &'a Sources<'a>, until: Instant) -> Functions<'a> {
    let left = MOST_BYTES.saturating_sub(sources.unpacked_bytes);
    // A third of it is for names.
    let most = MOST_FUNCTIONS.min((left / 3 * 2 / ENTRY_BYTES) as usize);
    let mut tables = Tables::default();
    tables.take(&sources.main);
    if let Some(debug) = &sources.debug {
        tables.take(debug);
    }
    let text = |tables: &Tables<'a>| tables.address_of(b"runtime.text");
    let go = Go::of(&sources.main, text(&tables));
    if let Some(go) = &go {
        tables.take_go(go);
    }
    let found = tables.found(most);
    let has_names = tables.is_whole || go.is_some();
    let mut build = Build {
        texts: tables.texts,
        paths: Paths::default(),
        inlining: Inlining::default(),
        entries: found.entries,
        found: Vec::new(),
        parts: found.parts,
        more_parts: Vec::new(),
        aliases: found.aliases,
        most,
        is_cut: tables.is_cut,
        missing: None,
    };
    build.parts.sort_unstable_by_key(|part| part.address);
    build.debug(sources, has_names, until);
    let limits = Limits {
        bytes: (left / 3) as usize,
        until: until + NAMES_TIME,
    };
    build.finish(go.as_ref(), limits)
}

impl<'a> Build<'a> {
    fn debug(&mut self, sources: &'a Sources<'a>, has_names: bool, until: Instant) {
        match sources.missing {
            Some(Missing::NoDebugInfo) => {
                let reason = match has_names {
                    true => Missing::NoDebugInfo,
                    false => Missing::NoSymbols,
                };
                self.missing = Some(reason);
                return;
            }
            missing => self.missing = missing,
        }
        let dwarf = sources.dwarf();
        self.take_texts(&dwarf);
        if let Some(shared) = dwarf.sup() {
            self.take_texts(shared);
        }
        let segments = sources.main.segments.iter();
        let code = segments.filter(|segment| segment.is_executable);
        let code = code.map(|s| s.address..s.address.saturating_add(s.memory_bytes));
        let missing = Debug::new(&dwarf, self, code.collect()).read(until);
        self.missing = missing.or(self.missing);
    }

    fn take_texts(&mut self, dwarf: &Dwarf<Bytes<'a>>) {
        let sections = [
            dwarf.debug_str.reader().slice(),
            dwarf.debug_line_str.reader().slice(),
            dwarf.debug_info.reader().slice(),
        ];
        for section in sections {
            // There are always fewer tables than numbers for them.
            let _ = self.texts.add(section);
        }
    }

    /// What debug information says of the function at an address.
    pub fn described(
        &mut self,
        (address, end): (u64, u64),
        description: &Description,
        language: Language,
    ) {
        let bytes = u32::try_from(end - address).unwrap_or(u32::MAX);
        let Some(known) = self.known(address) else {
            let text = description.linkage.or(description.name);
            if let Some(text) = text.filter(|_| self.part(address).is_none()) {
                self.add(Entry {
                    address,
                    bytes,
                    text,
                    file: description.file,
                    line: description.line,
                    language,
                    flags: 0,
                });
            }
            return;
        };
        let entry = &mut self.entries[known];
        if entry.bytes == 0 {
            entry.bytes = bytes;
        }
        if entry.line == 0 {
            (entry.file, entry.line) = (description.file, description.line);
        }
        if language != Language::Unknown {
            entry.language = language;
        }
    }

    fn add(&mut self, entry: Entry) {
        self.is_cut |= self.entries.len() + self.found.len() >= self.most;
        if !self.is_cut {
            self.found.push(entry);
        }
    }

    /// The number of the function that begins at an address.
    pub fn known(&self, address: u64) -> Option<usize> {
        let found = self
            .entries
            .binary_search_by_key(&address, |entry| entry.address);
        found.ok()
    }

    /// The number of the part that begins at an address.
    fn part(&self, address: u64) -> Option<usize> {
        let found = self
            .parts
            .binary_search_by_key(&address, |part| part.address);
        found.ok()
    }

    /// Code of a function that is elsewhere.
    pub fn add_part(&mut self, part: Part) {
        if self.more_parts.len() < MOST_PARTS {
            self.more_parts.push(part);
        }
    }

    /// Puts together what was read.
    fn finish(mut self, go: Option<&Go<'_>>, limits: Limits) -> Functions<'a> {
        self.merge();
        self.inlining.finish();
        let mut instances =
            Instances::of(&self.inlining, &self.entries, &self.aliases, &self.texts);
        let addressed = self.entries.len();
        instances.locate(&self.inlining, |address| self.number(address));
        self.is_cut |= self.inlining.is_cut;
        let room = self.most.saturating_sub(addressed);
        let alone = std::mem::take(&mut instances.alone);
        self.entries.extend(alone.into_iter().take(room));
        self.inlining = Inlining::default();
        if let Some(go) = go {
            self.take_lines(go, addressed);
        }
        self.paths.finish();
        self.parts
            .sort_unstable_by_key(|part| (part.owner, part.address));
        let names = Names::of(&self.entries, addressed, &self.aliases, &self.texts, limits);
        let late = names.is_late.then_some(Missing::TimeOut);
        let cut = (self.is_cut || names.is_cut).then_some(Missing::TooBig);
        Functions {
            texts: self.texts,
            paths: self.paths,
            entries: self.entries,
            addressed,
            parts: self.parts,
            instances,
            names,
            missing: cut.or(late).or(self.missing),
        }
    }

    /// Functions without a symbol take their places, parts lose theirs.
    fn merge(&mut self) {
        self.found
            .sort_unstable_by_key(|entry| (entry.address, entry.text));
        self.found.dedup_by_key(|entry| entry.address);
        self.entries.append(&mut self.found);
        self.entries.sort_unstable_by_key(|entry| entry.address);
        let by_symbols = self.parts.len();
        for part in std::mem::take(&mut self.more_parts) {
            let known = &self.parts[..by_symbols];
            if known
                .binary_search_by_key(&part.address, |known| known.address)
                .is_err()
            {
                self.parts.push(part);
            }
        }
        self.parts.sort_by_key(|part| part.address);
        self.parts.dedup_by_key(|part| part.address);
        let (parts, texts) = (&self.parts, &self.texts);
        self.entries.retain(|entry| {
            let found = parts.binary_search_by_key(&entry.address, |part| part.address);
            // Where two names share code, the one that says that it is a part does not name a function.
            found.is_err() || plain(texts.get(entry.text)).1.is_none()
        });
    }

    /// The entry of the function that has code at this address, by where that code begins.
    fn number(&self, address: u64) -> Option<u32> {
        let owner = || self.known(self.parts[self.part(address)?].owner);
        let number = self.known(address).or_else(owner)?;
        u32::try_from(number).ok()
    }

    /// Lines of Go's own table, where debug information does not tell them.
    fn take_lines(&mut self, go: &Go<'_>, addressed: usize) {
        for (address, _, function) in go.functions() {
            let entries = &self.entries[..addressed];
            let Ok(number) = entries.binary_search_by_key(&address, |entry| entry.address) else {
                continue;
            };
            if self.entries[number].line == 0 {
                let file = function.file.map(String::from_utf8_lossy);
                self.entries[number].line = function.line;
                self.entries[number].file = file.map_or(0, |file| self.paths.number(&file));
            }
        }
    }
}
