//! From a program file to its table.

use super::report::Report;
use super::rows::{self, Rows};
use super::table::{self, Table};
use crate::elf::{ElfError, Image, Section, Segment};
use coral_probes_abi::unwind::{Rule, fp, kind};

/// Bytes of an entry of a linkage table.
const ENTRY_BYTES: u64 = 16;
/// Where the second instruction of an entry of `.plt` has pushed, in bytes; the first entry has its own layout.
const PUSHED_FROM: i16 = 11;

/// Sections of linkage tables.
const LINKAGE: [&[u8]; 3] = [b".plt", b".plt.got", b".plt.sec"];

/// Compiles the table of a program file. A file without call frame information gives one that hopes for frame
/// pointers everywhere, as Go keeps them.
pub fn compile(file: &[u8]) -> Result<(Table, Report), ElfError> {
    let image = Image::parse(file)?;
    let mut report = Report::default();
    let mut rows = match rows::section(&image) {
        Some((section, bases)) => rows::read(&section, &bases, &mut report),
        None => Rows::new(),
    };
    for name in LINKAGE {
        if let Some(section) = image.section(name) {
            linkage(section, &mut rows);
        }
    }
    let table = table::build(rows, &image.segments, &mut report);
    Ok((table, report))
}

/// The segments of a program file, for [`super::bias`].
pub fn segments(file: &[u8]) -> Result<Vec<Segment>, ElfError> {
    Ok(Image::parse(file)?.segments)
}

/// Not every linker writes call frame information for linkage tables; their form is known.
fn linkage(section: &Section<'_>, rows: &mut Rows) {
    let Some(end) = section.address.checked_add(section.bytes) else {
        return;
    };
    let start = section.address;
    let is_described = rows
        .functions
        .iter()
        .any(|function| function.start < end && start < function.end);
    if is_described || section.bytes < ENTRY_BYTES || start == 0 {
        return;
    }
    let jump = Rule::new(kind::SP, fp::SAME, 0, 8);
    match section.name {
        b".plt" => {
            let entries = Rule::new(kind::PLT, fp::SAME, PUSHED_FROM, 8);
            // The first entry is jumped to with one word pushed, and pushes another: six bytes.
            let first = [(0, 16), (6, 24)];
            let first = first.map(|(at, cfa)| (start + at, Rule::new(kind::SP, fp::SAME, 0, cfa)));
            rows.add(
                start,
                end,
                &[first[0], first[1], (start + ENTRY_BYTES, entries)],
            );
        }
        _ => rows.add(start, end, &[(start, jump)]),
    }
}

/// Any bytes compile, and whatever comes of it can be searched.
pub fn fuzz(bytes: &[u8]) {
    if let Ok((table, _)) = compile(bytes) {
        for segment in Image::parse(bytes).map(|i| i.segments).unwrap_or_default() {
            table.find(segment.address);
            table.find(segment.address.wrapping_add(segment.memory_bytes / 2));
        }
        assert!(Table::from_bytes(&table.to_bytes()).is_ok_and(|again| again == table));
    }
    if let Ok(table) = Table::from_bytes(bytes) {
        table.find(u64::from(table.header().first_page) << 16);
    }
}
