//! The symbol tables of a program file, sorted by address.

use crate::elf::Image;
use object::LittleEndian as LE;
use object::elf;
use object::read::elf::Sym as _;

/// Most symbols that are kept of one file.
const MOST_SYMBOLS: usize = 4 << 20;
/// Longest name.
const MOST_NAME_BYTES: usize = 16 * 1024;
/// So much of a name decides between two.
const MOST_RANKED_BYTES: usize = 256;
/// How many symbols before an address are looked at for one that reaches it.
const MOST_LOOKED_AT: usize = 32;
/// A symbol without size reaches at most so far: hand-written assembly.
const MOST_UNSIZED_BYTES: u64 = 64 * 1024;

/// A symbol of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Symbol {
    address: u64,
    bytes: u64,
    /// Where its name begins, and in which of the string tables.
    name: u32,
    strings: u8,
    is_local: bool,
}

/// Symbols of one file, and perhaps of its debug file.
#[derive(Default)]
pub(super) struct Symbols<'a> {
    symbols: Vec<Symbol>,
    strings: Vec<&'a [u8]>,
}

impl<'a> Symbols<'a> {
    /// Takes both symbol tables of a file; [`Self::sort`] when all have been taken.
    pub fn take(&mut self, image: &Image<'a>) {
        for section in &image.sections {
            if section.kind != elf::SHT_SYMTAB && section.kind != elf::SHT_DYNSYM {
                continue;
            }
            let strings = image.sections.get(section.link as usize);
            let Some(strings) = strings.filter(|_| self.strings.len() < 8) else {
                continue;
            };
            let number = self.strings.len() as u8;
            self.strings.push(strings.raw());
            self.entries(image, section.raw(), number);
        }
    }

    fn entries(&mut self, image: &Image<'_>, raw: &[u8], strings: u8) {
        let count = raw.len() / size_of::<elf::Sym64<LE>>();
        let Ok((entries, _)) = object::pod::slice_from_bytes::<elf::Sym64<LE>>(raw, count) else {
            return;
        };
        let code = entries.iter().filter(|entry| is_code(image, entry));
        let symbol = |entry: &elf::Sym64<LE>| Symbol {
            address: entry.st_value(LE),
            bytes: entry.st_size(LE),
            name: entry.st_name(LE),
            strings,
            is_local: entry.st_bind() == elf::STB_LOCAL,
        };
        let room = MOST_SYMBOLS.saturating_sub(self.symbols.len());
        self.symbols.extend(code.take(room).map(symbol));
    }

    /// Sorts, and keeps the best of those that begin at the same address and reach as far.
    pub fn sort(&mut self) {
        let mut symbols = std::mem::take(&mut self.symbols);
        symbols.sort_by_cached_key(|symbol| (symbol.address, symbol.bytes, self.rank(symbol)));
        symbols.dedup_by_key(|symbol| (symbol.address, symbol.bytes));
        self.symbols = symbols;
    }

    fn rank(&self, symbol: &Symbol) -> (bool, usize, usize) {
        rank(self.name_within(symbol, MOST_RANKED_BYTES), symbol.is_local)
    }

    fn name(&self, symbol: &Symbol) -> &'a [u8] {
        self.name_within(symbol, MOST_NAME_BYTES)
    }

    /// The name, or as much of it as fits; so much is looked at.
    fn name_within(&self, symbol: &Symbol, most: usize) -> &'a [u8] {
        let strings = self.strings.get(symbol.strings as usize).copied();
        let text = strings
            .and_then(|s| s.get(symbol.name as usize..))
            .unwrap_or_default();
        let text = &text[..text.len().min(most)];
        let end = text
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(text.len());
        &text[..end]
    }

    /// The name of the function at an address.
    pub fn find(&self, address: u64) -> Option<&'a [u8]> {
        let after = self
            .symbols
            .partition_point(|symbol| symbol.address <= address);
        let before = &self.symbols[..after];
        let near = before.iter().rev().take(MOST_LOOKED_AT);
        let inside = |symbol: &&Symbol| address - symbol.address < symbol.bytes;
        let unsized_ =
            |symbol: &&Symbol| symbol.bytes == 0 && address - symbol.address < MOST_UNSIZED_BYTES;
        let last = before.last().filter(unsized_);
        let found = near.clone().find(inside).or(last)?;
        Some(self.name(found)).filter(|name| !name.is_empty())
    }

    /// The address of the symbol with this name.
    pub fn address_of(&self, name: &[u8]) -> Option<u64> {
        let symbol = self
            .symbols
            .iter()
            .find(|symbol| self.name_within(symbol, name.len() + 1) == name);
        symbol.map(|symbol| symbol.address)
    }
}

/// What names a function best comes first: exported, without underscores, short.
pub(crate) fn rank(name: &[u8], is_local: bool) -> (bool, usize, usize) {
    let is_nameless = name.is_empty() || name.starts_with(b".L");
    let underscores = name.iter().take_while(|byte| **byte == b'_').count();
    let underscores = if name.starts_with(b"_Z") || name.starts_with(b"_R") {
        0
    } else {
        underscores
    };
    (
        is_nameless,
        underscores * 2 + usize::from(is_local),
        name.len(),
    )
}

/// Whether a symbol is of code that the file has.
pub(crate) fn is_code(image: &Image<'_>, entry: &elf::Sym64<LE>) -> bool {
    let kind = entry.st_type();
    if kind != elf::STT_FUNC && kind != elf::STT_GNU_IFUNC && kind != elf::STT_NOTYPE {
        return false;
    }
    let address = entry.st_value(LE);
    let is_defined = entry.st_shndx(LE) != elf::SHN_UNDEF && address != 0;
    let is_inside = || {
        let executable = image
            .segments
            .iter()
            .filter(|segment| segment.is_executable);
        let mut inside = executable.map(|s| address.wrapping_sub(s.address) < s.memory_bytes);
        inside.any(|is| is)
    };
    is_defined && is_inside()
}
