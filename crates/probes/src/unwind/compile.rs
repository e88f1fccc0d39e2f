//! From a program file to its table.

use super::report::Report;
use super::rows::{self, Rows};
use super::table::{self, Table};
use crate::elf::{ElfError, Image, Section, Segment};
use crate::go::Go;
use coral_probes_abi::unwind::{Rule, fp, kind, unsupported};

/// Bytes of an entry of a linkage table.
const ENTRY_BYTES: u64 = 16;
/// Where the second instruction of an entry of `.plt` has pushed, in bytes; the first entry has its own layout.
const PUSHED_FROM: i16 = 11;

/// Sections of linkage tables.
const LINKAGE: [&[u8]; 3] = [b".plt", b".plt.got", b".plt.sec"];

/// Compiles the table of a program file. Go's own frame sizes are taken where it is Go; other code
/// without call frame information is hoped to keep frame pointers.
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
    if let Some(go) = Go::of(&image, None) {
        go_frames(&go, &mut rows, &mut report);
    }
    let table = table::build(rows, &image.segments, &mut report);
    Ok((table, report))
}

/// Go keeps no call frame information for itself, but the size of each frame; its code finds frames by the stack pointer
/// alone. What leaves the stack is left to frame pointers.
fn go_frames(go: &Go<'_>, rows: &mut Rows, report: &mut Report) {
    let mut rules = Vec::new();
    go.frames(|frames| {
        if frames.leaves_stack && !frames.is_outermost || frames.end <= frames.start {
            return;
        }
        if rows.is_full() {
            report.functions_dropped += 1;
            return;
        }
        rules.clear();
        if frames.is_outermost {
            rules.push((frames.start, Rule::END));
        } else {
            rules.extend(
                frames
                    .below
                    .iter()
                    .map(|(at, below)| (*at, go_rule(*below))),
            );
        }
        rows.add(frames.start, frames.end, &rules);
        report.functions += 1;
    });
}

fn go_rule(below: i64) -> Rule {
    let size = i32::try_from(below)
        .ok()
        .and_then(|below| below.checked_add(8));
    match size.filter(|size| *size >= 8) {
        Some(8) => Rule::new(kind::SP, fp::SAME, 0, 8),
        // The frame pointer is kept below the return address.
        Some(size) => Rule::new(kind::SP, fp::AT_CFA, -16, size),
        None => Rule::unsupported(unsupported::RANGE),
    }
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
