//! `/proc/PID/maps`: which file an address of a process is of, and how far it lies from where the file says.

use crate::elf::Segment;

/// Most mappings of one process that are kept; the kernel's own bound is 65,530 by default.
const MOST_MAPPINGS: usize = 65_536;
const PAGE_BYTES: u64 = 4096;

/// A mapping that may be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// Where in the file it begins.
    pub offset: u64,
    /// Device of the file, as (major, minor).
    pub device: (u32, u32),
    /// The file; 0 = none.
    pub inode: u64,
    /// The path as the kernel shows it: hostile bytes, perhaps with ` (deleted)`; or `[vdso]`; or empty.
    pub path: Vec<u8>,
}

impl Mapping {
    /// Whether it is code of the kernel's that every process has.
    pub fn is_vdso(&self) -> bool {
        self.inode == 0 && self.path == b"[vdso]"
    }

    /// Whether no file is behind it: code that was made while the program ran.
    pub fn is_anonymous(&self) -> bool {
        self.inode == 0 && !self.is_vdso()
    }
}

/// The executable mappings of a process, by address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mappings {
    /// Sorted, without overlap.
    pub all: Vec<Mapping>,
}

impl Mappings {
    /// Reads what `/proc/PID/maps` says. A line that is none is skipped.
    pub fn parse(text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n');
        let all = lines.filter_map(mapping).take(MOST_MAPPINGS);
        let mut all: Vec<Mapping> = all.collect();
        all.sort_by_key(|mapping| mapping.start);
        let mut end = 0;
        all.retain(|mapping| {
            let is_apart = mapping.start >= end;
            end = end.max(mapping.end);
            is_apart
        });
        Self { all }
    }

    /// The mapping of an address.
    pub fn find(&self, address: u64) -> Option<&Mapping> {
        let after = self.all.partition_point(|mapping| mapping.start <= address);
        self.all[..after].last().filter(|m| address < m.end)
    }
}

/// `START-END rwxp OFFSET MAJOR:MINOR INODE   PATH`.
fn mapping(line: &[u8]) -> Option<Mapping> {
    let mut rest = line;
    let range = word(&mut rest)?;
    let access = word(&mut rest)?;
    let offset = hex(word(&mut rest)?)?;
    let device = word(&mut rest)?;
    let inode = std::str::from_utf8(word(&mut rest)?).ok()?.parse().ok()?;
    let (start, end) = split(range, b'-')?;
    let (major, minor) = split(device, b':')?;
    if access.get(2) != Some(&b'x') || start >= end {
        return None;
    }
    Some(Mapping {
        start,
        end,
        offset,
        device: (u32::try_from(major).ok()?, u32::try_from(minor).ok()?),
        inode,
        path: rest.trim_ascii_start().to_vec(),
    })
}

fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    let word = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    (!word.is_empty()).then_some(word)
}

fn split(text: &[u8], at: u8) -> Option<(u64, u64)> {
    let middle = text.iter().position(|b| *b == at)?;
    Some((hex(&text[..middle])?, hex(&text[middle + 1..])?))
}

pub(crate) fn hex(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let digit = |value: u64, byte: &u8| Some(value << 4 | (*byte as char).to_digit(16)? as u64);
    text.iter().try_fold(0, digit)
}

/// What to take from an address of the process to have the file's own address: where the mapping begins, less what its
/// segment says. `None`: no executable segment of the file lies there.
pub fn bias(mapping: &Mapping, segments: &[Segment]) -> Option<u64> {
    let segment = segments.iter().find(|segment| {
        let begin = segment.offset & !(PAGE_BYTES - 1);
        let end = segment.offset.saturating_add(segment.file_bytes);
        segment.is_executable && begin <= mapping.offset && mapping.offset < end
    })?;
    let address = segment
        .address
        .wrapping_sub(segment.offset)
        .wrapping_add(mapping.offset);
    Some(mapping.start.wrapping_sub(address))
}

/// Any text parses, and the result can be searched.
pub fn fuzz(bytes: &[u8]) {
    let mappings = Mappings::parse(bytes);
    assert!(
        mappings
            .all
            .windows(2)
            .all(|pair| pair[0].end <= pair[1].start)
    );
    for mapping in &mappings.all {
        assert_eq!(mappings.find(mapping.end - 1), Some(mapping));
        let segment = Segment {
            offset: mapping.inode,
            address: mapping.end,
            file_bytes: u64::MAX,
            memory_bytes: 1,
            is_executable: true,
        };
        bias(mapping, &[segment]);
    }
}
