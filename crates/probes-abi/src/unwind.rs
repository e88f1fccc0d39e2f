//! How a stack is walked without frame pointers: the table that is compiled from a program file, the search in it and
//! the step from a frame to its caller. Kernel and host run this same code.
//!
//! A table belongs to one file (by build id) and is an array of [`Block`]s of 64 bytes, which is what an inner ARRAY of
//! a map of maps holds. Addresses in it are the file's own virtual addresses: program counter less load bias. The text
//! is cut into pages of 64 KiB.
//!
//! | blocks | words of 32 bits in them |
//! |---|---|
//! | 0 | [`Header`] |
//! | `pages_at..` | one word a page, by number: `first_block << 12 \| (blocks - 1)`; 0 = no row |
//! | `rules_at..` | [`Rule`]s, eight a block, by number |
//! | the rest | rows, sorted inside of a page: `pc_low << 16 \| rule` |
//!
//! A row holds until the next one. Each page with rows begins with one for its first byte, fills whole blocks (the last
//! row is repeated), and has at most 65,536 rows: 4,096 blocks, so [`BLOCK_STEPS`] look-ups of a block and
//! [`ROW_STEPS`] inside the last one find any row. No look-up depends on a loop that is not constant.
//!
//! A walk: [`find`] the rule of [`Regs::sought`] less the bias, [`step`], and so on until it does not say
//! [`Outcome::Caller`]. In the first frame [`Rule::wants`] may name a register to put into [`Regs::other`].

mod search;
mod step;

pub use search::{Search, find, more, page_place, rule_place, within};
pub use step::{Outcome, Regs, step};

/// Words of 32 bits in a block.
pub const BLOCK_WORDS: usize = 16;
/// Rules in a block.
pub const BLOCK_RULES: usize = 8;
/// Bytes of text in a page, as a power of two.
pub const PAGE_BITS: u32 = 16;
/// Most blocks of one table: what 20 bits name; 64 MiB.
pub const MOST_BLOCKS: u32 = 1 << 20;
/// Most pages of one table: 2 GiB of addresses between the first text and the last.
pub const MOST_PAGES: u32 = 1 << 15;
/// Most rules of one table: what 16 bits name.
pub const MOST_RULES: u32 = 1 << 16;
/// How often the blocks of a page are halved: 4,096 are then one.
pub const BLOCK_STEPS: u32 = 12;
/// How often the rows of a block are halved.
pub const ROW_STEPS: u32 = 4;
/// Most frames of a walk.
pub const MOST_FRAMES: u32 = 127;
/// First word of a header: the form described here.
pub const FORM: u32 = 0x436f_5501;

/// What the map holds at an index.
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Rows, page words, rules or the header.
    pub words: [u32; BLOCK_WORDS],
}

impl Block {
    /// Nothing.
    pub const EMPTY: Self = Self {
        words: [0; BLOCK_WORDS],
    };
}

/// The first words of block 0.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// [`FORM`].
    pub form: u32,
    /// Number of the first page: its first address divided by 65,536.
    pub first_page: u32,
    /// How many pages there are.
    pub pages: u32,
    /// The block where the page words begin.
    pub pages_at: u32,
    /// The block where the rules begin.
    pub rules_at: u32,
    /// How many rules there are.
    pub rules: u32,
    /// How many blocks there are in all.
    pub blocks: u32,
    /// How many rows there are, without repeated ones.
    pub rows: u32,
}

impl Header {
    /// The header that block 0 holds.
    #[inline(always)]
    pub const fn of(block: &Block) -> Self {
        // SAFETY: a header lies at the start of a block, as is asserted below, and any words are one.
        unsafe { *(&raw const *block).cast() }
    }

    /// The block that holds the header.
    pub const fn block(&self) -> Block {
        let mut block = Block::EMPTY;
        // SAFETY: as above.
        unsafe { *(&raw mut block).cast() = *self };
        block
    }
}

const _: () = assert!(size_of::<Header>() <= size_of::<Block>());
const _: () = assert!(align_of::<Header>() <= align_of::<Block>());

/// How the frame address (CFA) is found: the value that the stack pointer has in the caller after the call returned. The
/// return address lies in the eight bytes below it.
pub mod kind {
    /// Nothing is known of this address.
    pub const NONE: u8 = 0;
    /// Stack pointer + `cfa`.
    pub const SP: u8 = 1;
    /// Frame pointer + `cfa`.
    pub const FP: u8 = 2;
    /// What lies at stack pointer + low half of `cfa`, + its high half; halves are signed.
    pub const SP_DEREF: u8 = 3;
    /// What lies at frame pointer + low half of `cfa`, + its high half.
    pub const FP_DEREF: u8 = 4;
    /// An entry of a linkage table, 16 bytes long: stack pointer + `cfa`, and 8 more from byte `fp_offset` of the entry on,
    /// where its second instruction has pushed. The frame pointer is unchanged.
    pub const PLT: u8 = 5;
    /// The trampoline that a signal handler returns to: everything is in the `ucontext` at the stack pointer.
    pub const SIGNAL: u8 = 6;
    /// The outermost function: there is no caller.
    pub const END: u8 = 7;
    /// No row, but code that may keep frame pointers: as [`FP`] with 16, with doubt. A frame pointer of 0 is the end.
    pub const GUESS: u8 = 8;
    /// There is a row, which a rule cannot hold; `cfa` is one of [`super::unsupported`].
    pub const UNSUPPORTED: u8 = 9;
    /// Another register + offset, as hand-written assembly has it in functions that call nothing: only where all
    /// registers are known, in the frame that was interrupted. `cfa` is made by [`super::Rule::register_and`].
    pub const REGISTER: u8 = 10;
    /// How many kinds there are.
    pub const COUNT: u8 = 11;
}

/// Where the caller's frame pointer is.
pub mod fp {
    /// It is unchanged.
    pub const SAME: u8 = 0;
    /// At frame address + `fp_offset`.
    pub const AT_CFA: u8 = 1;
    /// At frame pointer + `fp_offset`.
    pub const AT_FP: u8 = 2;
    /// At stack pointer + `fp_offset`.
    pub const AT_SP: u8 = 3;
    /// Not known; it is taken for 0, so that a caller that needs it ends the walk.
    pub const LOST: u8 = 4;
}

/// Why a row has no rule.
pub mod unsupported {
    /// The frame address is counted from another register.
    pub const REGISTER: i32 = 1;
    /// The frame address is an expression that is not one of ours.
    pub const EXPRESSION: i32 = 2;
    /// The return address is not below the frame address.
    pub const RETURN: i32 = 3;
    /// An offset is too large.
    pub const RANGE: i32 = 4;
    /// The bytes are not well formed.
    pub const MALFORMED: i32 = 5;
    /// The file has more rules than 16 bits name.
    pub const TOO_MANY: i32 = 6;
    /// How many reasons there are, with 0, which is none.
    pub const COUNT: usize = 7;
}

/// How to get from a frame to its caller.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// One of [`kind`].
    pub kind: u8,
    /// One of [`fp`].
    pub fp: u8,
    /// For [`fp`].
    pub fp_offset: i16,
    /// For [`kind`].
    pub cfa: i32,
}

impl Rule {
    /// Nothing is known.
    pub const NONE: Self = Self::new(kind::NONE, fp::SAME, 0, 0);
    /// There is no caller.
    pub const END: Self = Self::new(kind::END, fp::SAME, 0, 0);
    /// Perhaps there is a frame pointer.
    pub const GUESS: Self = Self::new(kind::GUESS, fp::AT_CFA, -16, 16);
    /// Linux on x86-64: `rsp` at 160 bytes of the `ucontext`, `rbp` at 120, `rip` at 168.
    pub const SIGNAL: Self = Self::new(kind::SIGNAL, fp::AT_SP, 120, 160);

    /// A rule of its parts.
    pub const fn new(kind: u8, fp: u8, fp_offset: i16, cfa: i32) -> Self {
        Self {
            kind,
            fp,
            fp_offset,
            cfa,
        }
    }

    /// A row that no rule can hold.
    pub const fn unsupported(reason: i32) -> Self {
        Self::new(kind::UNSUPPORTED, fp::LOST, 0, reason)
    }

    /// `cfa` of the kinds that read memory.
    pub const fn halves(low: i16, high: i16) -> i32 {
        (high as i32) << 16 | (low as u16) as i32
    }

    /// `cfa` of [`kind::REGISTER`]: the register's number in DWARF and 24 bits of offset.
    pub const fn register_and(register: u8, offset: i32) -> i32 {
        (register as i32) << 24 | offset & 0x00ff_ffff
    }

    /// Which register [`Regs::other`] has to be for a step by this rule: its number in DWARF.
    #[inline(always)]
    pub const fn wants(self) -> Option<u8> {
        if self.kind == kind::REGISTER {
            Some((self.cfa >> 24) as u8)
        } else {
            None
        }
    }

    /// The rule as it lies in a block.
    #[inline(always)]
    pub const fn words(self) -> [u32; 2] {
        let fp_offset = (self.fp_offset as u16) as u32;
        [
            self.kind as u32 | (self.fp as u32) << 8 | fp_offset << 16,
            self.cfa as u32,
        ]
    }

    /// The rule that lies so in a block.
    #[inline(always)]
    pub const fn of(words: [u32; 2]) -> Self {
        Self {
            kind: words[0] as u8,
            fp: (words[0] >> 8) as u8,
            fp_offset: (words[0] >> 16) as i16,
            cfa: words[1] as i32,
        }
    }
}

#[cfg(test)]
mod tests;
