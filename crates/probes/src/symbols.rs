//! Names for addresses of program files. Reading them is done by a short-lived child without rights ([`serve()`]), which
//! gets its files as descriptors; [`Symbols`] starts and stops it, asks it, and survives its death. The same child
//! compiles unwind tables.
//!
//! Every string in an answer was chosen by an observed program.

mod client;
mod debug_file;
mod demangle;
mod jail;
mod linkage;
mod ranges;
mod serve;
mod sources;
mod symbolizer;
mod symtab;
mod wire;

pub use crate::functions::{fuzz as fuzz_functions, fuzz_search};
pub use crate::go::fuzz as fuzz_go;
pub use client::{Counts, Opened, Symbols, SymbolsError};
pub use debug_file::{Identity, crc32};
pub use demangle::{MOST_NAME_BYTES, demangle, fuzz as fuzz_demangle};
pub use ranges::fuzz as fuzz_ranges;
pub use serve::{IDLE_SECONDS, ServeError, serve};
pub use sources::{Files, OpenError, Sources};
pub(crate) use symbolizer::{Bytes, memory};
pub use symbolizer::{Symbolizer, fuzz};
pub(crate) use symtab::{is_code, rank};
pub(crate) use wire::is_sent_whole;
pub use wire::{MOST_ADDRESSES, fuzz as fuzz_wire};

/// A function at an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// Its name, demangled; at most [`MOST_NAME_BYTES`].
    pub function: String,
    /// The source file, where known.
    pub file: Option<String>,
    /// The line in it, where known.
    pub line: Option<u32>,
    /// Whether its code was put into that of the frame before it.
    pub inlined: bool,
}

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// The function, and what was inlined there: outermost first.
    pub frames: Vec<Frame>,
    /// What would be needed to know more.
    pub missing: Option<Missing>,
}

/// Why not all is known.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Missing {
    /// No symbol covers the address.
    #[error("no symbols")]
    NoSymbols = 1,
    /// There is no debug information: no lines, no inlined functions.
    #[error("no debug information")]
    NoDebugInfo = 2,
    /// The address is in no executable part of the file.
    #[error("not an address of this file's code")]
    OutOfRange = 3,
    /// The file is not well formed.
    #[error("the file is corrupt")]
    Corrupt = 4,
    /// The file, or what was asked of it, is too large.
    #[error("too large")]
    TooBig = 5,
    /// There was no time left.
    #[error("out of time")]
    TimeOut = 6,
    /// The debug file is of another build.
    #[error("the debug file is of another build")]
    OtherBuild = 7,
    /// The file is a program, but not one for this machine.
    #[error("not a 64-bit x86 program")]
    OtherMachine = 8,
}

impl Missing {
    /// The reason with this number.
    pub fn of(number: u8) -> Option<Self> {
        let all = [
            Self::NoSymbols,
            Self::NoDebugInfo,
            Self::OutOfRange,
            Self::Corrupt,
            Self::TooBig,
            Self::TimeOut,
            Self::OtherBuild,
            Self::OtherMachine,
        ];
        all.into_iter().find(|missing| *missing as u8 == number)
    }
}

#[cfg(test)]
pub(crate) mod tests;
