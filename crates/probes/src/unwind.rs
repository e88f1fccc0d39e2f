//! Stacks without frame pointers, the host's half: a program file's call frame information becomes a table that the
//! kernel searches ([`compile()`]), a process's mappings say which file an address is of ([`Mappings`]), and [`walk()`]
//! takes the kernel's own steps over a copy of a stack. The table's form is in [`coral_probes_abi::unwind`].

mod compile;
mod maps;
mod report;
mod rows;
mod rule;
mod table;
mod vdso;
mod walk;

pub use crate::elf::{ElfError, Segment};
pub use compile::{compile, fuzz, segments};
pub(crate) use maps::hex;
pub use maps::{Mapping, Mappings, bias, fuzz as fuzz_maps};
pub use report::Report;
pub(crate) use rows::section as frames;
pub use table::{BLOCK_BYTES, NoTable, Table};
pub use vdso::vdso;
pub use walk::{RED_ZONE_BYTES, Space, Stack, Walk, walk};

#[cfg(test)]
mod tests;
