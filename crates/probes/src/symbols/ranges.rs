//! Names by address as text lists them: `/tmp/perf-PID.map` of programs that make code while they run, and
//! `/proc/kallsyms`.

use crate::unwind::hex;

/// Most lines that are kept.
const MOST_LINES: usize = 2 << 20;

/// A function whose end is not listed reaches at most so far.
const MOST_UNSIZED_BYTES: u64 = 1 << 20;

/// A list of names, sorted by address.
#[derive(Debug, Default)]
pub(super) struct Ranges<'a> {
    ranges: Vec<Range<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Range<'a> {
    start: u64,
    /// 0: up to the next.
    bytes: u64,
    name: &'a [u8],
}

impl<'a> Ranges<'a> {
    /// `START SIZE NAME`, numbers in hexadecimal. A later line is newer: what it covers is its own.
    pub fn perf_map(text: &'a [u8]) -> Self {
        Self::of(text, |line| {
            let (start, rest) = cut(line)?;
            let (bytes, name) = cut(rest)?;
            let start = start.strip_prefix(b"0x").unwrap_or(start);
            let bytes = bytes.strip_prefix(b"0x").unwrap_or(bytes);
            Some((hex(start)?, hex(bytes)?.max(1), name))
        })
    }

    /// `ADDRESS KIND NAME [MODULE]`: code only. Addresses of 0 are hidden ones.
    pub fn kernel(text: &'a [u8]) -> Self {
        Self::of(text, |line| {
            let (start, rest) = cut(line)?;
            let (kind, name) = cut(rest)?;
            let is_code = matches!(kind, b"T" | b"t" | b"W" | b"w");
            let start = hex(start).filter(|start| *start != 0 && is_code)?;
            let end = name
                .iter()
                .position(|byte| *byte == b'\t')
                .unwrap_or(name.len());
            Some((start, 0, &name[..end]))
        })
    }

    fn of(text: &'a [u8], parse: impl Fn(&'a [u8]) -> Option<(u64, u64, &'a [u8])>) -> Self {
        let lines = text.split(|byte| *byte == b'\n').filter_map(parse);
        let ranges =
            lines
                .take(MOST_LINES)
                .map(|(start, bytes, name)| Range { start, bytes, name });
        let mut ranges: Vec<_> = ranges.collect();
        // Of lines for the same address the last one is found first.
        ranges.sort_by_key(|range| range.start);
        Self { ranges }
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn find(&self, address: u64) -> Option<&'a [u8]> {
        let after = self.ranges.partition_point(|range| range.start <= address);
        let range = self.ranges[..after].last()?;
        let bytes = if range.bytes == 0 {
            MOST_UNSIZED_BYTES
        } else {
            range.bytes
        };
        let is_inside = address - range.start < bytes;
        is_inside
            .then_some(range.name)
            .filter(|name| !name.is_empty())
    }
}

fn cut(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    Some((&line[..space], &line[space + 1..]))
}

/// Any text is a list.
pub fn fuzz(bytes: &[u8]) {
    for ranges in [Ranges::perf_map(bytes), Ranges::kernel(bytes)] {
        for range in &ranges.ranges {
            ranges.find(range.start);
            ranges.find(range.start.wrapping_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_kinds() {
        let map =
            Ranges::perf_map(b"1000 20 LazyCompile:~f a.js:1\n0x2000 10 g\n\nbad\n1000 10 h\n");
        assert_eq!(map.find(0x100f), Some(&b"h"[..]));
        assert_eq!(map.find(0x1010), None);
        assert_eq!(map.find(0x2000), Some(&b"g"[..]));
        assert_eq!(map.find(0xfff), None);
        let kernel = b"ffffffff81000000 T _text\nffffffff81000040 t go\t[mod]\nffffffff81000030 D data\n0000000000000000 T no\n";
        let kernel = Ranges::kernel(kernel);
        assert_eq!(kernel.find(0xffffffff8100003f), Some(&b"_text"[..]));
        assert_eq!(kernel.find(0xffffffff81000041), Some(&b"go"[..]));
        assert_eq!(kernel.find(0x1000), None);
        assert_eq!(kernel.find(u64::MAX), None);
    }
}
