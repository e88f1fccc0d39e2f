//! Names for the entries of linkage tables (`.plt`): each jumps through a slot, and a relocation says which function
//! that slot is for.

use crate::elf::{Image, Section};
use object::LittleEndian as LE;
use object::elf;
use object::read::elf::{Rela as _, Sym as _};
use std::collections::HashMap;

/// Most slots of one file.
const MOST_SLOTS: usize = 1 << 18;

/// The slots of a file by address.
#[derive(Default)]
pub(super) struct Linkage<'a> {
    sections: Vec<Section<'a>>,
    slots: HashMap<u64, Slot<'a>>,
}

/// What a slot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot<'a> {
    /// A function by name.
    Name(&'a [u8]),
    /// A function of the same file by address, which is chosen when the program starts.
    Address(u64),
}

impl<'a> Linkage<'a> {
    pub fn of(image: &Image<'a>) -> Self {
        let is_linkage = |section: &&Section<'_>| {
            matches!(section.name, b".plt" | b".plt.sec" | b".plt.got" | b".iplt")
        };
        let sections: Vec<_> = image.sections.iter().filter(is_linkage).copied().collect();
        let mut linkage = Self {
            sections,
            slots: HashMap::new(),
        };
        if linkage.sections.is_empty() {
            return linkage;
        }
        for section in &image.sections {
            if section.kind == elf::SHT_RELA && section.flags & 2 != 0 {
                linkage.take(image, section);
            }
        }
        linkage
    }

    fn take(&mut self, image: &Image<'a>, section: &Section<'a>) {
        let symbols = image.sections.get(section.link as usize);
        let symbols = symbols.filter(|symbols| symbols.kind == elf::SHT_DYNSYM);
        let names = symbols.and_then(|symbols| image.sections.get(symbols.link as usize));
        let raw = section.raw();
        let count = raw.len() / size_of::<elf::Rela64<LE>>();
        let Ok((entries, _)) = object::pod::slice_from_bytes::<elf::Rela64<LE>>(raw, count) else {
            return;
        };
        for entry in entries {
            let slot = match entry.r_type(LE, false) {
                elf::R_X86_64_JUMP_SLOT | elf::R_X86_64_GLOB_DAT => {
                    let number = entry.r_sym(LE, false) as usize;
                    let name = symbols
                        .zip(names)
                        .and_then(|(symbols, names)| name(symbols.raw(), names.raw(), number));
                    name.map(Slot::Name)
                }
                elf::R_X86_64_IRELATIVE => Some(Slot::Address(entry.r_addend(LE) as u64)),
                _ => None,
            };
            if let Some(slot) = slot.filter(|_| self.slots.len() < MOST_SLOTS) {
                self.slots.insert(entry.r_offset(LE), slot);
            }
        }
    }

    /// What the entry at an address jumps to; `None` outside of linkage tables.
    pub fn find(&self, address: u64) -> Option<Slot<'a>> {
        let (section, inside) = self.sections.iter().find_map(|section| {
            let inside = address.checked_sub(section.address)?;
            (inside < section.bytes).then_some((section, inside))
        })?;
        let raw = section.raw();
        // Entries have 16 bytes, in `.plt.got` perhaps 8.
        for bytes in [16, 8] {
            let begin = inside & !(bytes - 1);
            let entry = raw.get(begin as usize..)?;
            let entry = &entry[..entry.len().min(bytes as usize)];
            let slot = slot(section.address.wrapping_add(begin), entry);
            // An entry of 8 bytes is the one that the address lies in, not its neighbour.
            let is_one = bytes == 8
                || section.name != b".plt.got"
                || entry.get(8..10) != Some(&[0xff, 0x25]);
            if let Some(found) = slot
                .filter(|_| is_one)
                .and_then(|slot| self.slots.get(&slot))
            {
                return Some(*found);
            }
        }
        None
    }
}

/// The slot of an entry: `jmp *disp(%rip)`, perhaps after `endbr64` and with a `bnd` prefix.
fn slot(address: u64, entry: &[u8]) -> Option<u64> {
    (0..=5usize).find_map(|at| {
        if entry.get(at..at + 2)? != [0xff, 0x25] {
            return None;
        }
        let distance = i32::from_le_bytes(entry.get(at + 2..at + 6)?.try_into().ok()?);
        let next = address.wrapping_add(at as u64 + 6);
        Some(next.wrapping_add(distance as i64 as u64))
    })
}

fn name<'a>(symbols: &'a [u8], names: &'a [u8], number: usize) -> Option<&'a [u8]> {
    let bytes = size_of::<elf::Sym64<LE>>();
    let entry = symbols.get(number.checked_mul(bytes)?..)?;
    let (entry, _) = object::pod::from_bytes::<elf::Sym64<LE>>(entry).ok()?;
    let text = names.get(entry.st_name(LE) as usize..)?;
    let text = &text[..text.len().min(4096)];
    let end = text.iter().position(|byte| *byte == 0)?;
    (end > 0).then_some(&text[..end])
}
