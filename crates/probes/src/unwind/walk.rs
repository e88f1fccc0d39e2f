//! A walk over a copy of a stack, with the very steps of the kernel: what it should have found, and the way to walk
//! stacks that were recorded.

use super::Table;
use coral_probes_abi::unwind::{MOST_FRAMES, Outcome, Regs, Rule, step};
use std::sync::Arc;

/// How far below the stack pointer a copy should begin: after its last instructions a function's saved registers are
/// described as lying there, and up to here nothing overwrites them (the red zone of the psABI).
pub const RED_ZONE_BYTES: u64 = 128;

/// A copy of a thread's stack.
#[derive(Debug, Clone, Copy)]
pub struct Stack<'a> {
    /// The address of the first byte.
    pub start: u64,
    /// The bytes, upwards.
    pub bytes: &'a [u8],
}

impl Stack<'_> {
    /// The eight bytes at an address.
    pub fn read(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(8)?)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// The tables of a process by address.
#[derive(Debug, Clone, Default)]
pub struct Space {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    start: u64,
    end: u64,
    bias: u64,
    table: Option<Arc<Table>>,
}

impl Space {
    /// Adds executable addresses: with their bias and table, or without a table where frame pointers are all there is.
    pub fn add(&mut self, start: u64, end: u64, bias: u64, table: Option<Arc<Table>>) {
        let at = self.parts.partition_point(|part| part.start <= start);
        let part = Part {
            start,
            end,
            bias,
            table,
        };
        self.parts.insert(at, part);
    }

    /// The rule for an address of the process.
    pub fn rule(&self, address: u64) -> Rule {
        let after = self.parts.partition_point(|part| part.start <= address);
        let part = self.parts[..after].last();
        match part.filter(|part| address < part.end) {
            Some(part) => match &part.table {
                Some(table) => table.find(address.wrapping_sub(part.bias)),
                None => Rule::GUESS,
            },
            None => Rule::NONE,
        }
    }
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The frames from the innermost on; [`Regs::sought`] is the address to name.
    pub frames: Vec<Regs>,
    /// Why it ended; [`Outcome::Caller`] when there were too many frames.
    pub outcome: Outcome,
}

/// Walks from the registers of an interrupted thread. `register` gives any of them by its number in DWARF, `read` the
/// eight bytes at an address: [`Stack::read`], or the process's memory.
pub fn walk(
    regs: Regs,
    space: &Space,
    register: impl Fn(u8) -> Option<u64>,
    read: impl Fn(u64) -> Option<u64>,
) -> Walk {
    let (mut regs, mut frames) = (regs, Vec::new());
    for _ in 0..MOST_FRAMES {
        frames.push(regs);
        let rule = space.rule(regs.sought());
        if let Some(number) = rule.wants().filter(|_| frames.len() == 1) {
            regs.other = register(number).unwrap_or(0);
        }
        let outcome = step(&mut regs, rule, &read);
        if outcome != Outcome::Caller {
            return Walk { frames, outcome };
        }
    }
    Walk {
        frames,
        outcome: Outcome::Caller,
    }
}
