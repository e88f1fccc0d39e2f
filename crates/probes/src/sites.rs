//! Where a function is probed: the cheapest instruction that every call passes once, and every instruction that it ends
//! with. Pure functions over the bytes of one function; what surrounds it is asked through [`Around`], which [`Program`]
//! answers from a file.
//!
//! Wrong sites are worse than none, so whatever cannot be shown from the code is an [`Obstacle`] with words for a person.

mod code;
mod entry;
mod exits;
mod flow;
mod kernel;
mod landings;
mod plan;
mod program;
mod table;
mod value;

pub use exits::exits;
pub use plan::{Plan, fuzz, plan};
pub use program::{Extent, Landing, Program};

/// A hit of an instruction that the kernel emulates, ns. Measured with an empty program on `push` (513), `nop` (440) and
/// Go's `jbe` (430 to 470) on Linux 6.18 in a virtual machine.
pub const EMULATED_NS: u64 = 500;
/// A hit of any other: the kernel lets the processor execute it alone, which costs a second exception. Measured on `lea`
/// and `ret` (7,000 to 8,900) in the same virtual machine, where exceptions are dear.
pub const STEPPED_NS: u64 = 7_000;
/// What is added to an entry when the kernel also takes the return address away and puts it back, ns. Measured as above:
/// 821 for both on `push`.
pub const URETPROBE_NS: u64 = 320;
/// Largest function, bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// A function to be probed.
#[derive(Debug, Clone, Copy)]
pub struct Function<'a> {
    /// The file's own virtual address of its first byte.
    pub address: u64,
    /// All its bytes.
    pub bytes: &'a [u8],
    /// Whether it was compiled by Go: other registers hold its arguments, and it may begin with a check of its stack.
    pub is_go: bool,
}

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Registers that are read where it begins, and memory that they point to: a bit for each, by its number in DWARF.
    /// They still hold what the function was called with there.
    pub registers: u16,
    /// Its end is seen as well.
    pub end: bool,
}

impl Wanted {
    /// Every register that an argument may be in.
    pub const fn arguments(is_go: bool) -> u16 {
        // rdi, rsi, rdx, rcx, r8, r9; in Go rax, rbx, rcx, rdi, rsi, r8 to r11.
        if is_go { 0xf3d } else { 0x336 }
    }
}

/// What the kernel does with the instruction under a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It does what the instruction does.
    Emulated,
    /// It lets the processor execute it alone.
    Stepped,
}

impl Kind {
    /// What a hit is expected to cost, ns, without the work of the program behind it.
    pub const fn predicted_ns(self) -> u64 {
        match self {
            Self::Emulated => EMULATED_NS,
            Self::Stepped => STEPPED_NS,
        }
    }
}

/// Where a function begins, for a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The file's own virtual address.
    pub address: u64,
    /// What is added to the stack pointer there to have the address where the return address lies.
    pub to_base: i32,
    /// Bits of [`crate::abi::calls::at`].
    pub at: u8,
    /// What a hit is for the kernel.
    pub kind: Kind,
}

/// Where a function ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The file's own virtual address.
    pub address: u64,
    /// As in [`Entry::to_base`].
    pub to_base: i32,
    /// What a hit is for the kernel.
    pub kind: Kind,
    /// It jumps to another function, which returns in its place.
    pub is_tail: bool,
}

/// All ends of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exits {
    /// Every one; none of a function that never returns.
    Sites(Vec<Exit>),
    /// They cannot be told.
    Unknown(Obstacle),
}

/// How ends of calls are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returns {
    /// By the kernel, which replaces the return address at the entry's address.
    Uretprobe,
    /// At these instructions, with [`crate::abi::calls::at::EXIT`].
    Sites(Vec<Exit>),
    /// Not at all.
    EntryOnly(Obstacle),
}

/// Why a function is not probed, or its ends are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// There are no bytes.
    #[error("no code of the function is in the file")]
    NoCode,
    /// It is larger than what is read, or takes too long to follow.
    #[error("the function is too large to be followed")]
    TooLarge,
    /// Data in between, or an instruction that is not known.
    #[error("the bytes at {0:#x} are no instruction")]
    NoInstruction(u64),
    /// Its first instruction is jumped to.
    #[error("the function begins with a loop, whose rounds cannot be told from calls")]
    Loop,
    /// The kernel refuses every instruction that every call passes once.
    #[error("the kernel puts no probe on the instructions that the function begins with")]
    Refused,
    /// The kernel refuses an instruction that it ends with.
    #[error("the kernel puts no probe on the jump at {0:#x}, with which the function ends")]
    RefusedExit(u64),
    /// A jump through a register or memory.
    #[error("where the jump at {0:#x} goes cannot be told")]
    Jump(u64),
    /// A jump by a table whose entries are not known, or lie elsewhere.
    #[error("the table of the jump at {0:#x} cannot be read")]
    Table(u64),
    /// A jump to other code while the frame stands.
    #[error("the jump at {0:#x} leaves the function before its frame is taken down")]
    Leaves(u64),
    /// A jump out that is perhaps not taken.
    #[error("the function is left by the jump at {0:#x}, which is not always taken")]
    Conditional(u64),
    /// A jump to where no function begins.
    #[error("the jump at {0:#x} goes into the middle of other code")]
    Elsewhere(u64),
    /// A jump into an instruction.
    #[error("the bytes at {0:#x} are two instructions at once")]
    Overlapping(u64),
    /// The stack pointer is not where it was when the function began.
    #[error("the return at {0:#x} does not go back to the caller")]
    Return(u64),
    /// There is no jump or return at its end.
    #[error("the code runs on into the next function")]
    RunsOn,
    /// It has no end.
    #[error("the function never returns")]
    NoExit,
}

/// What is known of the code around a function.
pub trait Around {
    /// The file's bytes from an address on.
    fn bytes(&self, address: u64) -> Option<&[u8]>;
    /// The code that an address lies in.
    fn extent(&self, address: u64) -> Option<Extent>;
    /// Where exceptions that pass calls of this code are caught.
    fn landings(&self, start: u64) -> Vec<Landing>;
}

#[cfg(test)]
mod tests;
