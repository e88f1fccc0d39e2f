//! What is kept of one function: 32 bytes, the name not counted.

use super::Language;
use super::text::Text;

/// What is known of a function beside its name; bits of [`Entry::flags`].
pub(super) mod flag {
    /// Its code chooses another function when the program starts.
    pub const RESOLVER: u8 = 1;
    /// Its code was made for some of its callers.
    pub const VARIANT: u8 = 2;
    /// Go's own table names it.
    pub const GO: u8 = 4;
    /// Only its own object file sees it.
    pub const LOCAL: u8 = 8;
    /// The table does not say that it is a function.
    pub const UNTYPED: u8 = 16;
}

/// A function.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    /// Of its first instruction, in the file's own addresses; 0: it was inlined everywhere.
    pub address: u64,
    /// Of its code; 0: unknown.
    pub bytes: u32,
    /// Its name as the linker knows it.
    pub text: Text,
    /// Where it is declared, by number of path; 0: unknown.
    pub file: u32,
    pub line: u32,
    pub language: Language,
    pub flags: u8,
}

impl Entry {
    pub fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
