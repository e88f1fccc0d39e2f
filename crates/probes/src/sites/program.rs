//! What a program file says of the code in it: where functions and their parts begin and end, what catches exceptions,
//! and whether frames may be unwound or left.

use super::landings;
use super::{Around, Function, Obstacle};
use crate::elf::{Image, Section};
use crate::go::Go;
use crate::symbols::Sources;
use crate::unwind;
use gimli::{CieOrFde, UnwindSection as _};
use object::LittleEndian as LE;
use object::elf;
use object::read::elf::Sym as _;
use std::collections::BTreeMap;
use std::ops::Range;

/// Most pieces of code that are kept of one file.
const MOST_SPANS: usize = 4 << 20;
/// How many pieces before an address are looked at for one that reaches it.
const MOST_LOOKED_AT: usize = 32;
/// Longest name that is looked at.
const MOST_NAME_BYTES: usize = 4096;

/// Who needs one of these throws exceptions, ends threads by unwinding, or changes stacks.
const UNWINDING: [&[u8]; 13] = [
    b"_Unwind_RaiseException",
    b"_Unwind_ForcedUnwind",
    b"_Unwind_Resume",
    b"_Unwind_Resume_or_Rethrow",
    b"__cxa_throw",
    b"__cxa_rethrow",
    b"__gxx_personality_v0",
    b"__gcc_personality_v0",
    b"pthread_cancel",
    b"pthread_exit",
    b"swapcontext",
    b"setcontext",
    b"rust_eh_personality",
];

/// A piece of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its first address.
    pub start: u64,
    /// The address behind it.
    pub end: u64,
    /// A symbol, or Go's table, says that a function begins there. Otherwise only call frame information does, which may
    /// be a function without a name, or part of one.
    pub is_function: bool,
    /// It is the part of a function that is rarely executed.
    pub is_cold: bool,
}

/// Where exceptions are caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// Those that come out of calls in this code.
    pub calls: Range<u64>,
    /// The address that they are caught at.
    pub to: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    end: u64,
    catches: u64,
    is_function: bool,
    is_cold: bool,
}

/// A program file.
pub struct Program<'a> {
    main: &'a Image<'a>,
    spans: Vec<(u64, Span)>,
    linkage: Vec<Range<u64>>,
    go: Option<Go<'a>>,
    can_unwind: bool,
}

impl<'a> Program<'a> {
    /// Looks through symbols and call frame information.
    pub fn of(sources: &'a Sources<'a>) -> Self {
        let main = &sources.main;
        let is_linkage = |section: &&Section<'_>| {
            matches!(section.name, b".plt" | b".plt.sec" | b".plt.got" | b".iplt")
        };
        let linkage = main.sections.iter().filter(is_linkage);
        let mut found = Found::default();
        found.frames(main);
        for image in [Some(main), sources.debug.as_ref()].into_iter().flatten() {
            found.symbols(main, image);
        }
        let go = Go::of(main, found.go_text);
        if let Some(go) = &go {
            go.frames(|function| found.take(function.start, function.end, true, false));
        }
        Self {
            main,
            linkage: linkage
                .map(|s| s.address..s.address.saturating_add(s.bytes))
                .collect(),
            can_unwind: found.unwinds || go.is_some() || found.names == 0,
            spans: found.finish(),
            go,
        }
    }

    /// The function that begins at an address.
    pub fn function(&self, address: u64) -> Result<Function<'a>, Obstacle> {
        let at = self
            .spans
            .binary_search_by_key(&address, |(start, _)| *start);
        let (_, span) = at
            .ok()
            .and_then(|at| self.spans.get(at))
            .ok_or(Obstacle::NoCode)?;
        let bytes = self.main.at(address).ok_or(Obstacle::NoCode)?;
        let wanted = span.end.saturating_sub(address);
        let wanted = usize::try_from(wanted).map_err(|_| Obstacle::TooLarge)?;
        Ok(Function {
            address,
            bytes: bytes.get(..wanted).unwrap_or(bytes),
            is_go: self
                .go
                .as_ref()
                .is_some_and(|go| go.find(address).is_some()),
        })
    }

    /// Whether frames of this file's functions may be unwound, or left for another stack: always where that cannot be
    /// excluded. Of a library, what the program and its other libraries do counts as well.
    pub fn can_unwind(&self) -> bool {
        self.can_unwind
    }

    /// All pieces of code.
    pub fn extents(&self) -> impl Iterator<Item = Extent> + '_ {
        self.spans.iter().map(extent)
    }
}

fn extent((start, span): &(u64, Span)) -> Extent {
    Extent {
        start: *start,
        end: span.end,
        is_function: span.is_function,
        is_cold: span.is_cold,
    }
}

impl Around for Program<'_> {
    fn bytes(&self, address: u64) -> Option<&[u8]> {
        self.main.at(address)
    }

    fn extent(&self, address: u64) -> Option<Extent> {
        if self.linkage.iter().any(|range| range.contains(&address)) {
            return Some(Extent {
                start: address,
                end: address.saturating_add(1),
                is_function: true,
                is_cold: false,
            });
        }
        let after = self.spans.partition_point(|(start, _)| *start <= address);
        let before = self.spans[..after].iter().rev().take(MOST_LOOKED_AT);
        let mut inside = before.filter(|(_, span)| address < span.end);
        inside.next().map(extent)
    }

    fn landings(&self, start: u64) -> Vec<Landing> {
        let at = self.spans.binary_search_by_key(&start, |(start, _)| *start);
        let span = at.ok().and_then(|at| self.spans.get(at));
        let catches = span
            .map(|(_, span)| span.catches)
            .filter(|table| *table != 0);
        catches
            .and_then(|table| landings::read(self.main.at(table)?, table, start))
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct Found {
    spans: BTreeMap<u64, Span>,
    go_text: Option<u64>,
    unwinds: bool,
    names: usize,
}

impl Found {
    fn take(&mut self, start: u64, end: u64, is_function: bool, is_cold: bool) {
        if start == 0 || self.spans.len() >= MOST_SPANS {
            return;
        }
        let span = self.spans.entry(start).or_default();
        // A symbol knows better than call frame information, where it knows.
        if end > start && (is_function || span.end == 0) {
            span.end = end;
        }
        span.is_function |= is_function;
        span.is_cold |= is_cold;
    }

    fn frames(&mut self, image: &Image<'_>) {
        let Some((section, bases)) = unwind::frames(image) else {
            return;
        };
        let mut entries = section.entries(&bases);
        while let Ok(Some(entry)) = entries.next() {
            let CieOrFde::Fde(partial) = entry else {
                continue;
            };
            let Ok(function) = partial.parse(|s, b, at| s.cie_from_offset(b, at)) else {
                continue;
            };
            self.unwinds |= function.cie().personality().is_some();
            let (start, end) = (function.initial_address(), function.end_address());
            self.take(start, end, false, false);
            if let (Some(gimli::Pointer::Direct(table)), Some(span)) =
                (function.lsda(), self.spans.get_mut(&start))
            {
                span.catches = table;
            }
        }
    }

    fn symbols(&mut self, main: &Image<'_>, image: &Image<'_>) {
        for section in &image.sections {
            if section.kind != elf::SHT_SYMTAB && section.kind != elf::SHT_DYNSYM {
                continue;
            }
            let strings = image.sections.get(section.link as usize);
            let strings = strings.map(Section::raw).unwrap_or_default();
            let raw = section.raw();
            let count = raw.len() / size_of::<elf::Sym64<LE>>();
            let entries = object::pod::slice_from_bytes::<elf::Sym64<LE>>(raw, count);
            for entry in entries.map(|(entries, _)| entries).unwrap_or_default() {
                let rest = strings
                    .get(entry.st_name(LE) as usize..)
                    .unwrap_or_default();
                let rest = &rest[..rest.len().min(MOST_NAME_BYTES)];
                let end = rest
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(rest.len());
                self.symbol(main, entry, &rest[..end]);
            }
        }
    }

    fn symbol(&mut self, main: &Image<'_>, entry: &elf::Sym64<LE>, name: &[u8]) {
        let is_rust = name.starts_with(b"_R")
            || name.starts_with(b"_ZN")
                && name.ends_with(b"E")
                && name.len() > 20
                && &name[name.len() - 20..name.len() - 17] == b"17h";
        self.unwinds |= is_rust || UNWINDING.contains(&name);
        let (kind, address) = (entry.st_type(), entry.st_value(LE));
        let is_function = kind == elf::STT_FUNC || kind == elf::STT_GNU_IFUNC;
        self.names += usize::from(!name.is_empty());
        if name == b"runtime.text" {
            self.go_text = Some(address);
        }
        // Labels in assembly are of no kind as well, but local.
        let is_label = kind != elf::STT_NOTYPE || entry.st_bind() == elf::STB_LOCAL;
        let is_defined = entry.st_shndx(LE) != elf::SHN_UNDEF;
        if !is_defined || !is_function && is_label || !is_code(main, address) {
            return;
        }
        let is_cold = name.windows(5).any(|part| part == b".cold");
        self.take(
            address,
            address.saturating_add(entry.st_size(LE)),
            true,
            is_cold,
        );
    }

    /// What has no size reaches to what comes next.
    fn finish(self) -> Vec<(u64, Span)> {
        let mut spans: Vec<_> = self.spans.into_iter().collect();
        let mut next = u64::MAX;
        for (start, span) in spans.iter_mut().rev() {
            if span.end <= *start {
                span.end = next;
            }
            next = *start;
        }
        spans
    }
}

fn is_code(image: &Image<'_>, address: u64) -> bool {
    let mut executable = image
        .segments
        .iter()
        .filter(|segment| segment.is_executable);
    address != 0 && executable.any(|s| address.wrapping_sub(s.address) < s.memory_bytes)
}
