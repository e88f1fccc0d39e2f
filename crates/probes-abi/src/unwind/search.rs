//! The search of a row by address, in steps without a loop and without a branch, so that a verifier sees one path.

use super::{BLOCK_STEPS, BLOCK_WORDS, Block, FORM, Header, MOST_BLOCKS, PAGE_BITS, Rule};
use crate::bounded;

const BLOCK_MASK: i32 = MOST_BLOCKS as i32 - 1;
const WORD_MASK: i32 = BLOCK_WORDS as i32 - 1;
const COUNT_BITS: u32 = 12;

/// All ones where `a` is more than `b`, else 0; both are below 2^63. On BPF two instructions and no branch, because a
/// verifier follows both sides of each branch.
#[inline(always)]
pub fn more(a: u64, b: u64) -> u64 {
    #[cfg(target_arch = "bpf")]
    {
        let mut left = b;
        // SAFETY: arithmetic on registers.
        unsafe {
            core::arch::asm!("{0} -= {1}", "{0} s>>= 63", inout(reg) left, in(reg) a);
        }
        left
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        ((b.wrapping_sub(a)) as i64 >> 63) as u64
    }
}

/// A word of a block.
#[inline(always)]
fn word(block: &Block, at: u64) -> u32 {
    // SAFETY: the mask keeps the place below the sixteen words. The compiler does not see through it, and a check of its
    // own would be a panic, which the kernel has no place for.
    unsafe { *block.words.get_unchecked(bounded::<WORD_MASK>(at)) }
}

/// Where the word of the page with this address is: block and place in it. `None`: outside of the text.
#[inline(always)]
pub fn page_place(header: &Header, address: u64) -> Option<(u32, u64)> {
    let page = (address >> PAGE_BITS).wrapping_sub(header.first_page as u64);
    if header.form != FORM || page >= header.pages as u64 {
        return None;
    }
    let block = header.pages_at as u64 + page / BLOCK_WORDS as u64;
    Some((
        bounded::<BLOCK_MASK>(block) as u32,
        page % BLOCK_WORDS as u64,
    ))
}

/// Where a rule is: block and place of its first word.
#[inline(always)]
pub fn rule_place(header: &Header, row: u32) -> (u32, u64) {
    let rule = row as u64 & 0xffff;
    let block = header.rules_at as u64 + rule / 8;
    (bounded::<BLOCK_MASK>(block) as u32, (rule & 7) * 2)
}

/// The blocks that may hold the row: the last one that does not begin above the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    first: u64,
    left: u64,
}

impl Search {
    /// The blocks of a page, by its word.
    #[inline(always)]
    pub fn of(word: u32) -> Self {
        Self {
            first: word as u64 >> COUNT_BITS,
            left: (word as u64 & ((1 << COUNT_BITS) - 1)) + 1,
        }
    }

    /// Whether one block is left.
    #[inline(always)]
    pub fn is_over(&self) -> bool {
        self.left <= 1
    }

    /// The block to look at next; when one is left, that one.
    #[inline(always)]
    pub fn at(&self) -> u32 {
        bounded::<BLOCK_MASK>(self.first + self.left / 2) as u32
    }

    /// Halves what is left, by the first word of the block at [`Self::at`]. After [`BLOCK_STEPS`] of it one is left.
    #[inline(always)]
    pub fn halve(&mut self, first_word: u32, address: u64) {
        let half = self.left / 2;
        let above = more(first_word as u64 >> 16, address & 0xffff);
        self.first = bounded::<BLOCK_MASK>(self.first + (half & !above)) as u64;
        self.left -= half;
    }
}

/// The row for an address in a block: the last one that is not above it, the first if all are.
#[inline(always)]
pub fn within(block: &Block, address: u64) -> u32 {
    let low = address & 0xffff;
    let mut at = 0u64;
    let mut half = BLOCK_WORDS as u64 / 2;
    while half > 0 {
        at += half & !more(word(block, at + half) as u64 >> 16, low);
        half /= 2;
    }
    word(block, at)
}

/// The rule for an address of the file. `block` gives the table's blocks; what it does not give counts as no row.
#[inline(always)]
pub fn find<'a>(address: u64, mut block: impl FnMut(u32) -> Option<&'a Block>) -> Rule {
    try_find(address, &mut block).unwrap_or(Rule::NONE)
}

#[inline(always)]
fn try_find<'a>(address: u64, block: &mut impl FnMut(u32) -> Option<&'a Block>) -> Option<Rule> {
    let header = Header::of(block(0)?);
    let (at, place) = page_place(&header, address)?;
    let page = word(block(at)?, place);
    if page == 0 {
        return None;
    }
    let mut search = Search::of(page);
    for _ in 0..BLOCK_STEPS {
        if search.is_over() {
            break;
        }
        search.halve(block(search.at())?.words[0], address);
    }
    let row = within(block(search.at())?, address);
    let (at, place) = rule_place(&header, row);
    let rules = block(at)?;
    Some(Rule::of([word(rules, place), word(rules, place | 1)]))
}
