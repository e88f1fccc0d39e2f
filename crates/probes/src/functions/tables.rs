//! Functions by the symbol tables and by Go's own table: what is said of one address becomes one entry.

use super::appended::unversioned;
use super::entry::{Entry, flag};
use super::parts::{self, Part};
use super::text::{Text, Texts};
use super::{Alias, Language};
use crate::elf::{Image, Section};
use crate::go::Go;
use crate::symbols::{is_code, rank};
use object::LittleEndian as LE;
use object::elf;
use object::read::elf::Sym as _;

/// Most names that are looked at of one file and its debug file.
const MOST_MENTIONS: usize = 4 << 20;
/// Most names of one function beside the best.
const MOST_ALIASES: usize = 8;
/// So much of a name decides between two.
const MOST_RANKED_BYTES: usize = 256;

/// One name of one address.
#[derive(Clone, Copy)]
struct Mention {
    address: u64,
    bytes: u32,
    text: Text,
    /// Which object file the name belongs to; 0: all.
    scope: u32,
    flags: u8,
}

/// What the tables of a program and its debug file say.
#[derive(Default)]
pub(super) struct Tables<'a> {
    pub texts: Texts<'a>,
    mentions: Vec<Mention>,
    files: u32,
    /// There is a table with more than what other files may use.
    pub is_whole: bool,
    /// There were more names than are looked at.
    pub is_cut: bool,
}

/// Functions by address, with what belongs to them.
pub(super) struct Found {
    pub entries: Vec<Entry>,
    pub aliases: Vec<Alias>,
    pub parts: Vec<Part>,
}

impl<'a> Tables<'a> {
    /// Takes both symbol tables of a file.
    pub fn take(&mut self, image: &Image<'a>) {
        for section in &image.sections {
            if section.kind != elf::SHT_SYMTAB && section.kind != elf::SHT_DYNSYM {
                continue;
            }
            let names = image.sections.get(section.link as usize);
            let Some(table) = names.and_then(|names| self.texts.add(names.raw())) else {
                continue;
            };
            let before = self.mentions.len();
            self.symbols(image, section, table);
            self.is_whole |= section.kind == elf::SHT_SYMTAB && self.mentions.len() > before;
        }
    }

    fn symbols(&mut self, image: &Image<'_>, section: &Section<'_>, table: u8) {
        let raw = section.raw();
        let count = raw.len() / size_of::<elf::Sym64<LE>>();
        let Ok((symbols, _)) = object::pod::slice_from_bytes::<elf::Sym64<LE>>(raw, count) else {
            return;
        };
        for symbol in symbols {
            if symbol.st_type() == elf::STT_FILE {
                self.files = self.files.saturating_add(1);
            } else if is_function(image, symbol) {
                let is_local = symbol.st_bind() == elf::STB_LOCAL;
                self.mention(Mention {
                    address: symbol.st_value(LE),
                    bytes: u32::try_from(symbol.st_size(LE)).unwrap_or(u32::MAX),
                    text: Text::new(table, symbol.st_name(LE)),
                    scope: if is_local { self.files } else { 0 },
                    flags: flags(symbol, is_local),
                });
            }
        }
    }

    /// Takes the functions of Go's own table, which knows all that Go compiled.
    pub fn take_go(&mut self, go: &Go<'a>) {
        let Some(_table) = self.texts.add(go.bytes()) else {
            return;
        };
        let end = go.functions().map(|(_, end, _)| end).max().unwrap_or(0);
        let start = go.functions().map(|(start, _, _)| start).min();
        let code = start.unwrap_or(end)..end;
        // Its symbols without size are borders between parts of the code.
        self.mentions
            .retain(|mention| mention.bytes > 0 || !code.contains(&mention.address));
        for (address, end, function) in go.functions().filter(|(start, _, _)| *start > 0) {
            if let Some(text) = self.texts.find(function.name) {
                self.mention(Mention {
                    address,
                    bytes: u32::try_from(end.saturating_sub(address)).unwrap_or(u32::MAX),
                    text,
                    scope: 0,
                    flags: flag::GO,
                });
            }
        }
    }

    /// The address of what has this name.
    pub fn address_of(&self, name: &[u8]) -> Option<u64> {
        let mut mentions = self.mentions.iter();
        let found = mentions.find(|mention| self.texts.get(mention.text) == name);
        found.map(|mention| mention.address)
    }

    fn mention(&mut self, mention: Mention) {
        if self.mentions.len() >= MOST_MENTIONS {
            self.is_cut = true;
        } else if !self.texts.get(mention.text).is_empty() {
            self.mentions.push(mention);
        }
    }

    /// One entry for each address, at most `most`.
    pub fn found(&mut self, most: usize) -> Found {
        let mut mentions = std::mem::take(&mut self.mentions);
        mentions.sort_unstable_by_key(|mention| (mention.address, mention.text));
        let (mut entries, mut scopes, mut aliases) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = 0;
        for group in mentions.chunk_by(|a, b| a.address == b.address) {
            let (entry, scope) = self.entry(group);
            // A name without type inside of a function is a label.
            if entry.is(flag::UNTYPED) && entry.address < end {
                continue;
            }
            if entries.len() >= most {
                self.is_cut = true;
                break;
            }
            end = end.max(entry.address.saturating_add(u64::from(entry.bytes)));
            self.aliases(group, &entry, &mut aliases);
            entries.push(entry);
            scopes.push(scope);
        }
        drop(mentions);
        let parts = parts::attribute(&mut entries, &scopes, &self.texts);
        Found {
            entries,
            aliases,
            parts,
        }
    }

    /// What all names of one address say together; second: the object file of the best one.
    fn entry(&self, group: &[Mention]) -> (Entry, u32) {
        let key = |mention: &&Mention| {
            let name = self.name(mention.text);
            let ranked = rank(
                &name[..name.len().min(MOST_RANKED_BYTES)],
                mention.flags & flag::LOCAL != 0,
            );
            (mention.flags & flag::GO == 0, ranked, mention.text)
        };
        let best = group.iter().min_by_key(key).copied();
        let best = best.unwrap_or(group[0]);
        let common = group.iter().fold(u8::MAX, |all, one| all & one.flags);
        let any = group.iter().fold(0, |all, one| all | one.flags);
        let entry = Entry {
            address: best.address,
            bytes: group.iter().map(|one| one.bytes).max().unwrap_or(0),
            text: best.text,
            language: match any & flag::GO {
                0 => Language::of_mangled(self.texts.get(best.text)),
                _ => Language::Go,
            },
            flags: common & (flag::LOCAL | flag::UNTYPED) | any & (flag::RESOLVER | flag::GO),
            ..Entry::default()
        };
        (entry, best.scope)
    }

    /// The other names of an address.
    fn aliases(&self, group: &[Mention], entry: &Entry, aliases: &mut Vec<Alias>) {
        let known = aliases.len();
        for mention in group {
            let name = self.name(mention.text);
            let is_known = name == self.name(entry.text)
                || aliases[known..]
                    .iter()
                    .any(|one| name == self.name(one.text));
            if is_known || aliases.len() - known >= MOST_ALIASES {
                continue;
            }
            aliases.push(Alias {
                address: entry.address,
                text: mention.text,
            });
        }
    }

    fn name(&self, text: Text) -> &'a [u8] {
        let name = unversioned(self.texts.get(text));
        // Go marks functions for the linker by the way in which they are called.
        let marks: [&[u8]; 2] = [b".abi0", b".abiinternal"];
        let plain = marks.iter().find_map(|mark| name.strip_suffix(*mark));
        plain.unwrap_or(name)
    }
}

fn flags(symbol: &elf::Sym64<LE>, is_local: bool) -> u8 {
    let kind = match symbol.st_type() {
        elf::STT_GNU_IFUNC => flag::RESOLVER,
        elf::STT_NOTYPE => flag::UNTYPED,
        _ => 0,
    };
    kind | if is_local { flag::LOCAL } else { 0 }
}

/// Whether a symbol begins a function. Hand-written assembly may not give its symbols a type; then those count that
/// other files may use.
fn is_function(image: &Image<'_>, symbol: &elf::Sym64<LE>) -> bool {
    let address = symbol.st_value(LE);
    let is_inside = |section: &&Section<'_>| address.wrapping_sub(section.address) < section.bytes;
    let is_linkage = |section: &Section<'_>| {
        section.name.starts_with(b".plt") || section.name.starts_with(b".iplt")
    };
    let is_typed = symbol.st_type() != elf::STT_NOTYPE;
    if !is_code(image, symbol) || !is_typed && symbol.st_bind() == elf::STB_LOCAL {
        return false;
    }
    let section = image.sections.get(usize::from(symbol.st_shndx(LE).0));
    match section.filter(is_inside) {
        Some(section) => {
            !is_linkage(section) && (is_typed || section.flags & elf::SHF_EXECINSTR.0 != 0)
        }
        None => is_typed,
    }
}
