//! Go's own table of functions, lines and frame sizes, `.gopclntab`, which stripped programs keep. Read by the layout of
//! Go's `debug/gosym` and `internal/abi` for Go 1.16 to 1.17, 1.18 to 1.19, and from 1.20 on.

use crate::elf::Image;
use object::LittleEndian as LE;
use object::elf;
use object::read::elf::Rela as _;

const GO_1_16: u32 = 0xffff_fffa;
const GO_1_18: u32 = 0xffff_fff0;
const GO_1_20: u32 = 0xffff_fff1;
/// Longest name of a function or file.
const MOST_TEXT_BYTES: usize = 4096;
/// Longest run of a table of values of one function.
const MOST_PAIRS: usize = 1 << 16;
/// `FuncFlagTopFrame` and `FuncFlagSPWrite`.
const OUTERMOST: u8 = 1;
const LEAVES_STACK: u8 = 2;
/// Where the first field after the magic number, its padding and sizes is.
const FIELDS_AT: usize = 8;

/// The table of a Go program.
pub(crate) struct Go<'a> {
    table: &'a [u8],
    is_old: bool,
    has_start_line: bool,
    least_instruction: u64,
    functions: usize,
    text: u64,
    names: usize,
    units: usize,
    files: usize,
    values: usize,
    functions_at: usize,
}

/// What the table knows of an address.
pub(crate) struct GoFunction<'a> {
    pub name: &'a [u8],
    pub file: Option<&'a [u8]>,
    pub line: u32,
}

/// How large the frames of a function are.
pub(crate) struct GoFrames<'a> {
    pub start: u64,
    pub end: u64,
    /// Nobody called it.
    pub is_outermost: bool,
    /// It sets the stack pointer to something else.
    pub leaves_stack: bool,
    /// From which address on the stack pointer is how many bytes below the return address.
    pub below: &'a [(u64, i64)],
}

impl<'a> Go<'a> {
    pub fn of(image: &Image<'a>, text_symbol: Option<u64>) -> Option<Self> {
        let named = |name: &[u8]| image.section(name);
        let section = named(b".gopclntab").or_else(|| named(b".data.rel.ro.gopclntab"))?;
        let mut go = Self::parse(section.raw())?;
        if go.text == 0 {
            // A relocation fills the field in, or the field is no longer used.
            let field = section.address.checked_add(FIELDS_AT as u64 + 16)?;
            // Where other code was linked in, it comes first in the section.
            let is_alone = image.section(b".eh_frame").is_none();
            let text = || {
                image
                    .section(b".text")
                    .filter(|_| is_alone)
                    .map(|s| s.address)
            };
            go.text = relocated(image, field).or(text_symbol).or_else(text)?;
        }
        Some(go)
    }

    fn parse(table: &'a [u8]) -> Option<Self> {
        let magic = u32_at(table, 0)?;
        let is_old = magic == GO_1_16;
        if !is_old && magic != GO_1_18 && magic != GO_1_20 || *table.get(7)? != 8 {
            return None;
        }
        let field = |number: usize| {
            let bytes = table.get(FIELDS_AT + number * 8..)?.get(..8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let offset = |number: usize| {
            let skipped = if is_old { 0 } else { 1 };
            usize::try_from(field(number + skipped)?).ok()
        };
        Some(Self {
            table,
            is_old,
            has_start_line: magic == GO_1_20,
            least_instruction: u64::from(*table.get(6)?).max(1),
            functions: usize::try_from(field(0)?).ok()?.min(table.len()),
            text: if is_old { 1 } else { field(2)? },
            names: offset(2)?,
            units: offset(3)?,
            files: offset(4)?,
            values: offset(5)?,
            functions_at: offset(6)?,
        })
    }

    /// First address of a function by number, and where its record is.
    fn entry(&self, number: usize) -> Option<(u64, usize)> {
        let (at, record) = if self.is_old {
            let at = self.functions_at.checked_add(number.checked_mul(16)?)?;
            (
                u64_at(self.table, at)?,
                u64_at(self.table, at.checked_add(8)?)?,
            )
        } else {
            let at = self.functions_at.checked_add(number.checked_mul(8)?)?;
            let from = u64::from(u32_at(self.table, at)?);
            let record = u32_at(self.table, at.checked_add(4)?)?;
            (self.text.checked_add(from)?, u64::from(record))
        };
        Some((
            at,
            self.functions_at
                .checked_add(usize::try_from(record).ok()?)?,
        ))
    }

    /// The function at an address.
    pub fn find(&self, address: u64) -> Option<GoFunction<'a>> {
        let (mut low, mut high) = (0, self.functions);
        // The entry after the last says where that one ends.
        if address >= self.entry(self.functions)?.0 {
            return None;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.0 <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.described(self.entry(low.checked_sub(1)?)?, address)
    }

    /// Every function with its first address, its end, and the line on which it begins.
    pub fn functions(&self) -> impl Iterator<Item = (u64, u64, GoFunction<'a>)> {
        (0..self.functions).filter_map(|number| {
            let entry = self.entry(number)?;
            let end = self.entry(number + 1)?.0;
            Some((entry.0, end, self.described(entry, entry.0)?))
        })
    }

    /// The bytes that its names and files lie in.
    pub fn bytes(&self) -> &'a [u8] {
        self.table
    }

    fn described(&self, (start, record): (u64, usize), address: u64) -> Option<GoFunction<'a>> {
        let first = record.checked_add(if self.is_old { 8 } else { 4 })?;
        let field = |number: usize| u32_at(self.table, first.checked_add(number * 4)?);
        let name = self.text_at(self.names, field(0)?)?;
        let value = |number: usize| self.value(field(number)?, start, address);
        let line = value(5)
            .and_then(|line| u32::try_from(line).ok())
            .unwrap_or(0);
        let file = value(4).and_then(|file| self.file(field(7)?, file));
        Some(GoFunction { name, file, line })
    }

    fn file(&self, unit: u32, file: i64) -> Option<&'a [u8]> {
        let number = usize::try_from(i64::from(unit).checked_add(file)?).ok()?;
        let at = self.units.checked_add(number.checked_mul(4)?)?;
        self.text_at(self.files, u32_at(self.table, at)?)
    }

    /// The value that holds at an address.
    fn value(&self, table: u32, start: u64, address: u64) -> Option<i64> {
        self.values(table, start)?
            .find(|(until, _)| address < *until)
            .map(|(_, value)| value)
    }

    /// The values of a function from its start on, each with the address where it no longer holds: pairs of how much it
    /// changes and for how many bytes it then holds.
    fn values(&self, table: u32, start: u64) -> Option<impl Iterator<Item = (u64, i64)>> {
        let mut rest = self.table.get(self.values.checked_add(table as usize)?..)?;
        if table == 0 {
            return None;
        }
        let (mut value, mut at, mut is_first) = (-1i64, start, true);
        let next = move || {
            let change = varint(&mut rest)?;
            if change == 0 && !std::mem::take(&mut is_first) {
                return None;
            }
            is_first = false;
            value = value.checked_add((change >> 1) as i64 ^ -((change & 1) as i64))?;
            at = at.checked_add(varint(&mut rest)?.checked_mul(self.least_instruction)?)?;
            Some((at, value))
        };
        Some(std::iter::from_fn(next).take(MOST_PAIRS))
    }

    /// Every function with how far the stack pointer is below the return address, from which address on. Before 1.18
    /// the table does not say which functions leave the stack, so there are none.
    pub fn frames(&self, mut each: impl FnMut(GoFrames<'_>)) {
        let mut below = Vec::new();
        for number in 0..if self.is_old { 0 } else { self.functions } {
            let Some(((start, record), (end, _))) = self.entry(number).zip(self.entry(number + 1))
            else {
                return;
            };
            let field = |number: usize| u32_at(self.table, record.checked_add(4 + number * 4)?);
            let flags = record.checked_add(if self.has_start_line { 41 } else { 37 });
            let flags = flags
                .and_then(|at| self.table.get(at))
                .copied()
                .unwrap_or(0);
            below.clear();
            let mut from = start;
            for (until, value) in field(3)
                .and_then(|at| self.values(at, start))
                .into_iter()
                .flatten()
            {
                below.push((from, value));
                from = until;
                if until >= end {
                    break;
                }
            }
            each(GoFrames {
                start,
                end,
                is_outermost: flags & OUTERMOST != 0,
                leaves_stack: flags & LEAVES_STACK != 0,
                below: &below,
            });
        }
    }

    fn text_at(&self, base: usize, offset: u32) -> Option<&'a [u8]> {
        let text = self.table.get(base.checked_add(offset as usize)?..)?;
        let text = &text[..text.len().min(MOST_TEXT_BYTES)];
        let end = text
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(text.len());
        (end > 0).then_some(&text[..end])
    }
}

fn relocated(image: &Image<'_>, field: u64) -> Option<u64> {
    let tables = image
        .sections
        .iter()
        .filter(|section| section.kind == elf::SHT_RELA);
    for section in tables {
        let raw = section.raw();
        let count = raw.len() / size_of::<elf::Rela64<LE>>();
        let entries = object::pod::slice_from_bytes::<elf::Rela64<LE>>(raw, count)
            .ok()?
            .0;
        if let Some(entry) = entries.iter().find(|entry| entry.r_offset(LE) == field) {
            return Some(entry.r_addend(LE) as u64);
        }
    }
    None
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..)?.get(..4)?.try_into().ok()?,
    ))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(
        bytes.get(at..)?.get(..8)?.try_into().ok()?,
    ))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Any bytes are a table or none.
pub fn fuzz(bytes: &[u8]) {
    let Some(mut go) = Go::parse(bytes) else {
        return;
    };
    go.text = go.text.max(1);
    let mut left = 64usize;
    go.functions = go.functions.min(64);
    go.frames(|frames| {
        left -= 1;
        assert!(frames.below.len() <= MOST_PAIRS);
    });
    for number in [0, go.functions / 2, go.functions] {
        if let Some((start, _)) = go.entry(number) {
            go.find(start);
            go.find(start.wrapping_add(1));
        }
    }
}
