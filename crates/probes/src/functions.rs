//! The functions of a program file: all that symbol tables, debug information and Go's own table name, each once, and a
//! search among them. Made and searched in the symbols child; see [`crate::symbols`].
//!
//! Names are demangled. Duplicates of the tables, versions and further names of the same code are one entry; code that
//! was taken out of a function (`f.cold`) is listed with it; linkage tables are left out. What was inlined everywhere
//! has an entry without address.

mod appended;
mod build;
mod debug;
mod entry;
mod fuzz;
mod fuzzy;
mod glob;
mod inlined;
mod instances;
mod names;
mod origin;
mod parts;
mod paths;
mod scan;
mod search;
mod shape;
mod similar;
mod tables;
mod tail;
mod text;

use crate::symbols::{Missing, Sources};
use entry::{Entry, flag};
pub use fuzz::{fuzz, fuzz_search};
pub use search::{Found, MOST_FOUND, MOST_PATTERN_BYTES};
pub use similar::MOST_SIMILAR;
use std::hash::Hasher as _;
use std::time::Instant;

/// Most functions that are named as those into which one was inlined.
pub const MOST_INTO: usize = inlined::MOST_INTO as usize;
/// Most parts of one function that are listed.
pub const MOST_PARTS: usize = 16;
/// Longest name for linkers that is given; longer ones are left out.
pub const MOST_LINKAGE_BYTES: usize = 4096;

/// The language in which a function was written.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Assembly, another language, or none of the tables says.
    #[default]
    Unknown = 0,
    /// C.
    C = 1,
    /// C++.
    Cpp = 2,
    /// Rust.
    Rust = 3,
    /// Go.
    Go = 4,
}

impl Language {
    /// Its name; empty when nothing says.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Rust => "Rust",
            Self::Go => "Go",
        }
    }

    /// The language with this number.
    pub fn of(number: u8) -> Option<Self> {
        let all = [Self::Unknown, Self::C, Self::Cpp, Self::Rust, Self::Go];
        all.into_iter().find(|language| *language as u8 == number)
    }
}

/// What code of a function is that is not where it begins.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// A copy for some callers, with other arguments; it is called instead.
    Variant = 1,
    /// The rest of a function whose beginning was inlined; it is called from there.
    Split = 2,
    /// What is seldom run; it is jumped to.
    Cold = 3,
}

impl PartKind {
    /// The kind with this number.
    pub fn of(number: u8) -> Option<Self> {
        let all = [Self::Variant, Self::Split, Self::Cold];
        all.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// Code of a function that is not where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Where it begins, in the file's own addresses.
    pub address: u64,
    /// Its bytes; 0 when that is not known.
    pub bytes: u32,
}

/// Where the code of a function was put into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inlined {
    /// Copies of its code.
    pub sites: u32,
    /// Functions that have at least one.
    pub functions: u32,
    /// The names of some, at most [`MOST_INTO`].
    pub names: Vec<String>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Function {
    /// Its name, demangled; at most [`crate::symbols::MOST_NAME_BYTES`].
    pub name: String,
    /// Its name for linkers, where that is another.
    pub linkage: Option<String>,
    /// Another name of the same code, by which it was found.
    pub alias: Option<String>,
    /// Where it begins, in the file's own addresses; none when it was inlined everywhere.
    pub address: Option<u64>,
    /// Bytes of its code; 0 when that is not known.
    pub bytes: u32,
    /// The source file in which it is.
    pub file: Option<String>,
    /// The line on which it is declared or, where that is not told, on which its code begins.
    pub line: Option<u32>,
    /// What it was written in.
    pub language: Language,
    /// It chooses another function's code when the program starts, and is not called later.
    pub is_resolver: bool,
    /// The compiler made it for some of its callers: arguments may be missing or elsewhere.
    pub is_variant: bool,
    /// Its code elsewhere, at most [`MOST_PARTS`].
    pub parts: Vec<Part>,
    /// Where its code was put into; calls there do not come to its address.
    pub inlined: Inlined,
}

impl Function {
    /// Whether it has no code of its own.
    pub fn is_inlined_only(&self) -> bool {
        self.address.is_none()
    }
}

/// Another name of an address.
#[derive(Debug, Clone, Copy)]
struct Alias {
    address: u64,
    text: text::Text,
}

/// The functions of one program.
pub struct Functions<'a> {
    texts: text::Texts<'a>,
    paths: paths::Paths,
    /// By address; then those that have none.
    entries: Vec<Entry>,
    /// How many have addresses.
    addressed: usize,
    /// By owner and address.
    parts: Vec<parts::Part>,
    instances: instances::Instances,
    names: names::Names,
    missing: Option<Missing>,
}

impl<'a> Functions<'a> {
    /// Reads all functions. Debug information that is not read until then is left out, and names that are not demangled
    /// ten seconds later stay as the linker knows them; [`Self::missing`] says so.
    pub fn of(sources: &'a Sources<'a>, until: Instant) -> Self {
        build::index(sources, until)
    }

    /// How many functions there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What would be needed to know more.
    pub fn missing(&self) -> Option<Missing> {
        self.missing
    }

    /// The function that begins at an address.
    pub fn at(&self, address: u64) -> Option<Function> {
        let entries = &self.entries[..self.addressed];
        let found = entries.binary_search_by_key(&address, |entry| entry.address);
        found.ok().map(|number| self.function(number))
    }

    /// A function by number.
    fn function(&self, number: usize) -> Function {
        let entry = &self.entries[number];
        let raw = self.texts.get(entry.text);
        let name = self.name(number);
        let is_other = raw != name.as_bytes() && raw.len() <= MOST_LINKAGE_BYTES;
        let linkage = std::str::from_utf8(raw).ok().filter(|_| is_other);
        Function {
            linkage: linkage.map(str::to_owned),
            alias: None,
            address: (number < self.addressed).then_some(entry.address),
            bytes: entry.bytes,
            file: self.paths.get(entry.file).map(str::to_owned),
            line: (entry.line > 0).then_some(entry.line),
            language: entry.language,
            is_resolver: entry.is(flag::RESOLVER),
            is_variant: entry.is(flag::VARIANT),
            parts: self.parts(entry.address),
            inlined: self.inlined(number),
            name,
        }
    }

    fn name(&self, number: usize) -> String {
        let entry = &self.entries[number];
        match self.names.get(number) {
            "" => names::displayed(self.texts.get(entry.text), entry.is(flag::GO)),
            name => name.to_owned(),
        }
    }

    fn parts(&self, owner: u64) -> Vec<Part> {
        let first = self.parts.partition_point(|part| part.owner < owner);
        let own = self.parts[first..]
            .iter()
            .take_while(|part| part.owner == owner && owner > 0);
        let part = |part: &parts::Part| Part {
            kind: part.kind,
            address: part.address,
            bytes: part.bytes,
        };
        own.take(MOST_PARTS).map(part).collect()
    }

    fn inlined(&self, number: usize) -> Inlined {
        let Some((sites, functions, into)) = self.instances.find(number as u32) else {
            return Inlined::default();
        };
        let names = into.iter().take(MOST_INTO);
        let names = names.filter(|into| (**into as usize) < self.entries.len());
        Inlined {
            sites,
            functions,
            names: names.map(|into| self.name(*into as usize)).collect(),
        }
    }
}

/// A number for a text; the same in every run.
fn hashed(text: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(text);
    hasher.finish()
}

#[cfg(test)]
mod tests;
