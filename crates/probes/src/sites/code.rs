//! The instructions of a function and of parts that were put elsewhere, with all places that are jumped to.

use super::{Around, Extent, Function, Kind, MOST_BYTES, Obstacle, kernel};
use iced_x86::{Code as Op, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use std::collections::HashSet;

/// Most instructions that are followed.
const MOST_INSTRUCTIONS: usize = 1 << 18;

/// How many instructions are looked at for one that the kernel emulates.
pub(super) const MOST_LOOKED_AT: usize = 8;

/// Bytes that are executed one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub address: u64,
    pub bytes: &'a [u8],
}

impl Part<'_> {
    pub fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.address) < self.bytes.len() as u64
    }
}

/// A decoded function.
pub(super) struct Code<'a> {
    /// The first is the function's own.
    pub parts: Vec<Part<'a>>,
    /// Sorted by address.
    pub all: Vec<Instruction>,
    /// Addresses in it that are jumped to.
    pub targets: HashSet<u64>,
    pub is_go: bool,
}

impl<'a> Code<'a> {
    pub fn of(function: &Function<'a>, around: &dyn Around) -> Result<Self, Obstacle> {
        let mut code = Self {
            parts: Vec::new(),
            all: Vec::new(),
            targets: HashSet::new(),
            is_go: function.is_go,
        };
        code.add(Part {
            address: function.address,
            bytes: function.bytes,
        })?;
        code.other_entries(around);
        Ok(code)
    }

    /// Calls of a function that begins inside of this one come there as jumps do.
    fn other_entries(&mut self, around: &dyn Around) {
        let first = self
            .all
            .iter()
            .skip(1)
            .take(MOST_LOOKED_AT)
            .map(Instruction::ip);
        let is_start = |ip: &u64| around.extent(*ip).is_some_and(|extent| extent.start == *ip);
        self.targets.extend(first.filter(is_start));
    }

    /// Takes another part.
    pub fn add(&mut self, part: Part<'a>) -> Result<(), Obstacle> {
        if part.bytes.is_empty() {
            return Err(Obstacle::NoCode);
        }
        if part.bytes.len() > MOST_BYTES {
            return Err(Obstacle::TooLarge);
        }
        let options = DecoderOptions::NONE;
        for instruction in &mut Decoder::with_ip(64, part.bytes, part.address, options) {
            if instruction.is_invalid() {
                return Err(Obstacle::NoInstruction(instruction.ip()));
            }
            if self.all.len() >= MOST_INSTRUCTIONS {
                return Err(Obstacle::TooLarge);
            }
            self.all.push(instruction);
        }
        self.all.sort_by_key(Instruction::ip);
        self.parts.push(part);
        self.retarget()
    }

    /// Finds all targets anew; each has to be an instruction.
    fn retarget(&mut self) -> Result<(), Obstacle> {
        let direct = self.all.iter().filter_map(target);
        let inside: Vec<u64> = direct.filter(|to| self.contains(*to)).collect();
        for address in inside {
            let address = self.instruction_at(address)?;
            self.targets.insert(address);
        }
        Ok(())
    }

    /// The address of the instruction that a jump to an address executes first.
    pub fn instruction_at(&self, address: u64) -> Result<u64, Obstacle> {
        let after = self.all.partition_point(|other| other.ip() <= address);
        let before = after.checked_sub(1).and_then(|at| self.all.get(at));
        let instruction = before.ok_or(Obstacle::Elsewhere(address))?;
        let skipped = address - instruction.ip();
        // The C library jumps over `lock` where there is one thread only.
        let is_lock_skipped = skipped == 1 && instruction.has_lock_prefix();
        match skipped == 0 || is_lock_skipped {
            true => Ok(instruction.ip()),
            false => Err(Obstacle::Overlapping(instruction.ip())),
        }
    }

    /// The number of the instruction at an address.
    pub fn index(&self, address: u64) -> Option<usize> {
        self.all
            .binary_search_by_key(&address, Instruction::ip)
            .ok()
    }

    pub fn contains(&self, address: u64) -> bool {
        self.parts.iter().any(|part| part.contains(address))
    }

    pub fn start(&self) -> u64 {
        self.parts.first().map_or(0, |part| part.address)
    }

    /// What the kernel does with an instruction under a probe.
    pub fn kind(&self, instruction: &Instruction) -> Option<Kind> {
        let part = self.parts.iter().find(|p| p.contains(instruction.ip()))?;
        let begin = (instruction.ip() - part.address) as usize;
        kernel::kind(
            instruction,
            part.bytes.get(begin..)?.get(..instruction.len())?,
        )
    }

    /// Whether one of the parts is already there.
    pub fn has(&self, extent: &Extent) -> bool {
        self.parts.iter().any(|part| part.address == extent.start)
    }
}

/// Where a branch goes to that says so itself; calls are none.
pub(super) fn target(instruction: &Instruction) -> Option<u64> {
    let is_branch = matches!(
        instruction.flow_control(),
        FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
    );
    let is_abort = instruction.code() == Op::Xbegin_rel32;
    (is_branch || is_abort).then(|| instruction.near_branch_target())
}

/// Whether it is a call, which comes back unless what is called never does. A system call is none.
pub(super) fn is_call(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Call
}

/// Whether nothing is executed after it.
pub(super) fn is_last(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Exception
    ) || matches!(instruction.mnemonic(), Mnemonic::Hlt | Mnemonic::Int3)
}
