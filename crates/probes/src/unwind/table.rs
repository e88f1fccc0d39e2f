//! The table of one file: rows laid out in blocks, as the kernel's array holds them.

use super::report::Report;
use super::rows::{NOTHING, Rows};
use crate::elf::Segment;
use coral_probes_abi::unwind::{
    BLOCK_RULES, BLOCK_WORDS, Block, FORM, Header, MOST_BLOCKS, MOST_PAGES, PAGE_BITS, Rule, find,
};

/// Bytes of a block.
pub const BLOCK_BYTES: usize = size_of::<Block>();
/// Gaps up to here are padding between functions: nothing runs there, and the row before may hold on.
const MOST_PADDING_BYTES: u64 = 64;
/// Gaps from here on are code of its own kind, such as that of an interpreter, and may keep frame pointers.
const LEAST_GUESS_BYTES: u64 = 4096;

/// Why bytes are no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an unwind table")]
pub struct NoTable;

/// A compiled table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    blocks: Vec<Block>,
}

impl Table {
    /// What the kernel's array is to hold, by index.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The same, without a copy.
    pub fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }

    /// The header.
    pub fn header(&self) -> Header {
        self.blocks.first().map(Header::of).unwrap_or_default()
    }

    /// The rule for an address of the file.
    pub fn find(&self, address: u64) -> Rule {
        find(address, |at| self.blocks.get(at as usize))
    }

    /// The table as bytes, for another process.
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = self.blocks.iter().flat_map(|block| block.words);
        words.flat_map(u32::to_le_bytes).collect()
    }

    /// A table that another process made; nothing in it is believed but its form and size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoTable> {
        let (chunks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        if !rest.is_empty() || chunks.is_empty() || chunks.len() > MOST_BLOCKS as usize {
            return Err(NoTable);
        }
        let blocks: Vec<Block> = chunks.iter().map(block).collect();
        let table = Self { blocks };
        let header = table.header();
        let fits = header.blocks as usize == table.blocks.len() && header.pages <= MOST_PAGES;
        (header.form == FORM && fits)
            .then_some(table)
            .ok_or(NoTable)
    }
}

fn block(chunk: &[u8; BLOCK_BYTES]) -> Block {
    let mut block = Block::EMPTY;
    let (words, _) = chunk.as_chunks::<4>();
    for (word, bytes) in block.words.iter_mut().zip(words) {
        *word = u32::from_le_bytes(*bytes);
    }
    block
}

/// Lays out the rows of all functions that lie in executable segments.
pub(super) fn build(mut rows: Rows, segments: &[Segment], report: &mut Report) -> Table {
    let guess = rows.number(Rule::GUESS);
    rows.functions.sort_by_key(|function| function.start);
    let mut texts: Vec<(u64, u64)> = segments
        .iter()
        .filter(|segment| segment.is_executable)
        .filter_map(|s| Some((s.address, s.address.checked_add(s.memory_bytes)?)))
        .filter(|(start, end)| start < end)
        .collect();
    texts.sort_unstable();
    let mut pages = Pages::new(&texts);
    let mut next = 0;
    for (start, end) in texts {
        let (start, end) = (start.max(pages.at), end.min(pages.end()));
        if start >= end {
            continue;
        }
        report.text_bytes += end - start;
        next = text(&rows, next, (start, end), guess, &mut pages, report);
        pages.advance(end, NOTHING, &rows.rules, report);
    }
    report.functions_dropped += (rows.functions.len() - next) as u64;
    pages.finish(&rows.rules, report)
}

/// Lays out one executable segment; gives the first function after it.
fn text(
    rows: &Rows,
    mut next: usize,
    (start, end): (u64, u64),
    guess: u16,
    pages: &mut Pages,
    report: &mut Report,
) -> usize {
    let skipped = rows.functions[next..].partition_point(|function| function.start < start);
    report.functions_dropped += skipped as u64;
    next += skipped;
    let mut covered_to = start;
    while let Some(function) = rows.functions.get(next).filter(|f| f.start < end) {
        gap(covered_to, function.start, guess, pages, rows, report);
        next += 1;
        let following = rows.functions.get(next).map_or(u64::MAX, |f| f.start);
        report.overlaps += u64::from(following < function.end);
        let until = function.end.min(following).min(end);
        for (address, rule) in rows.of(function) {
            if *address < until {
                pages.advance((*address).max(function.start), *rule, &rows.rules, report);
            }
        }
        covered_to = covered_to.max(until);
    }
    gap(covered_to, end, guess, pages, rows, report);
    next
}

fn gap(from: u64, to: u64, guess: u16, pages: &mut Pages, rows: &Rows, report: &mut Report) {
    let bytes = to.saturating_sub(from);
    if bytes >= LEAST_GUESS_BYTES {
        pages.advance(from, guess, &rows.rules, report);
    } else if bytes > MOST_PADDING_BYTES {
        pages.advance(from, NOTHING, &rows.rules, report);
    }
}

/// Pages under construction; rows come in rising order.
struct Pages {
    first_page: u64,
    /// For each page the row words that it has.
    pages: Vec<(u32, u32)>,
    words: Vec<u32>,
    /// From here on the last rule holds.
    at: u64,
    rule: u16,
}

impl Pages {
    fn new(texts: &[(u64, u64)]) -> Self {
        let first_page = texts.first().map_or(0, |(start, _)| start >> PAGE_BITS);
        let last = texts.iter().map(|(_, end)| (end - 1) >> PAGE_BITS).max();
        let count = last.map_or(0, |last| (last - first_page + 1).min(MOST_PAGES as u64));
        // The header has 32 bits for the first page: 48 bits of address.
        let is_low = first_page <= u32::MAX as u64 - MOST_PAGES as u64;
        Self {
            first_page,
            pages: vec![(0, 0); if is_low { count as usize } else { 0 }],
            words: Vec::new(),
            at: 0,
            rule: NOTHING,
        }
    }

    fn end(&self) -> u64 {
        (self.first_page + self.pages.len() as u64) << PAGE_BITS
    }

    /// From `to` on another rule holds: writes the rows of the one that held until now.
    fn advance(&mut self, to: u64, rule: u16, rules: &[Rule], report: &mut Report) {
        if to < self.at || rule == self.rule {
            return;
        }
        self.write(to, rules, report);
        (self.at, self.rule) = (to, rule);
    }

    fn write(&mut self, to: u64, rules: &[Rule], report: &mut Report) {
        let (mut at, to) = (
            self.at.max(self.first_page << PAGE_BITS),
            to.min(self.end()),
        );
        if at >= to {
            return;
        }
        let rule = rules.get(self.rule as usize).copied();
        report.row(rule.unwrap_or(Rule::NONE), to - at);
        while at < to {
            let page = (at >> PAGE_BITS) - self.first_page;
            let Some((first, count)) = self.pages.get_mut(page as usize) else {
                return;
            };
            // A page that nothing is known of needs no row.
            if self.rule != NOTHING || *count > 0 || to < (at | 0xffff) + 1 {
                if *count == 0 {
                    *first = self.words.len() as u32;
                }
                let low = if *count == 0 { 0 } else { at & 0xffff };
                self.words.push((low as u32) << 16 | self.rule as u32);
                *count += 1;
            }
            at = (at | 0xffff).saturating_add(1);
        }
    }

    fn finish(mut self, rules: &[Rule], report: &mut Report) -> Table {
        self.write(self.end(), rules, report);
        let pages_at = 1;
        let rules_at = pages_at + self.pages.len().div_ceil(BLOCK_WORDS);
        let mut rows_at = rules_at + rules.len().div_ceil(BLOCK_RULES);
        let (mut page_words, mut row_words) = (Vec::new(), Vec::new());
        for (first, count) in &self.pages {
            let words = &self.words[*first as usize..(*first + *count) as usize];
            let blocks = words.len().div_ceil(BLOCK_WORDS);
            let (Some(last), true) = (words.last(), rows_at + blocks <= MOST_BLOCKS as usize)
            else {
                page_words.push(0);
                continue;
            };
            page_words.push((rows_at as u32) << 12 | (blocks as u32 - 1));
            row_words.extend_from_slice(words);
            row_words.resize(row_words.len() + blocks * BLOCK_WORDS - words.len(), *last);
            rows_at += blocks;
        }
        let header = Header {
            form: FORM,
            first_page: self.first_page as u32,
            pages: self.pages.len() as u32,
            pages_at: pages_at as u32,
            rules_at: rules_at as u32,
            rules: rules.len() as u32,
            blocks: rows_at as u32,
            rows: self.words.len() as u32,
        };
        let rule_words: Vec<u32> = rules.iter().flat_map(|rule| rule.words()).collect();
        let mut blocks = vec![header.block()];
        for part in [page_words, rule_words, row_words] {
            blocks.extend(part.chunks(BLOCK_WORDS).map(|chunk| {
                let mut block = Block::EMPTY;
                block.words[..chunk.len()].copy_from_slice(chunk);
                block
            }));
        }
        (report.rows, report.rules) = (header.rows as u64, header.rules as u64);
        report.bytes = (blocks.len() * BLOCK_BYTES) as u64;
        Table { blocks }
    }
}
