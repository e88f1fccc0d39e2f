//! The cheapest instruction that every call passes once, before its arguments are gone.

use super::code::{Code, MOST_LOOKED_AT, is_call, is_last, target};
use super::value::is_written;
use super::{Entry, Kind, Obstacle};
use crate::abi::calls::at;
use iced_x86::{
    ConditionCode, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
};

/// How many of the code that has Go's stack grow.
const MOST_GROWING: usize = 40;

/// The goroutine's register in Go, by its number in DWARF: calls are told apart by it.
const GOROUTINE: u16 = 1 << 14;

/// Numbers in DWARF of the first eight registers in the order of instructions; the others are the same.
const DWARF: [u8; 8] = [0, 2, 1, 3, 7, 6, 4, 5];

/// Where a function begins. `registers`: those that are read, as in [`super::Wanted::registers`]. `is_at_base`: only where
/// the stack pointer is that of the call.
pub(super) fn entry(code: &Code<'_>, registers: u16, is_at_base: bool) -> Result<Entry, Obstacle> {
    let first = code.index(code.start()).ok_or(Obstacle::NoCode)?;
    if code.is_go
        && let Some(check) = stack_check(code, first)
    {
        return Ok(Entry {
            address: check.ip(),
            to_base: 0,
            at: at::UNLESS_BELOW,
            kind: code.kind(check).ok_or(Obstacle::Refused)?,
        });
    }
    if code.targets.contains(&code.start()) {
        return Err(Obstacle::Loop);
    }
    let (mut found, mut so_far) = (None, SoFar::new(registers, code.is_go));
    for (number, instruction) in code.all[first..].iter().take(MOST_LOOKED_AT).enumerate() {
        let is_elsewhere = number > 0
            && (code.targets.contains(&instruction.ip())
                || code.all[first + number - 1].next_ip() != instruction.ip());
        if is_elsewhere || so_far.is_changed || is_at_base && so_far.to_base != 0 {
            break;
        }
        if let Some(kind) = code.kind(instruction) {
            let entry = Entry {
                address: instruction.ip(),
                to_base: so_far.to_base,
                at: 0,
                kind,
            };
            if kind == Kind::Emulated {
                return Ok(entry);
            }
            found = found.or(Some(entry));
        }
        if instruction.flow_control() != FlowControl::Next || !so_far.step(instruction) {
            break;
        }
    }
    found.ok_or(Obstacle::Refused)
}

/// What the instructions before have done.
struct SoFar {
    to_base: i32,
    /// A value that is read is no longer what it was.
    is_changed: bool,
    registers: u16,
    reads_memory: bool,
    infos: InstructionInfoFactory,
}

impl SoFar {
    fn new(registers: u16, is_go: bool) -> Self {
        Self {
            to_base: 0,
            is_changed: false,
            registers: registers | if is_go { GOROUTINE } else { 0 },
            reads_memory: registers != 0,
            infos: InstructionInfoFactory::new(),
        }
    }

    /// Whether it is known where the stack pointer is behind it.
    fn step(&mut self, instruction: &Instruction) -> bool {
        let info = self.infos.info(instruction);
        let mut is_sp_set = false;
        for used in info
            .used_registers()
            .iter()
            .filter(|used| is_written(used.access()))
        {
            let register = used.register().full_register();
            self.is_changed |= self.registers & bit(register) != 0;
            is_sp_set |= register == Register::RSP;
        }
        // What arguments point to counts as well; what is written below the stack pointer was nobody's.
        let written = info
            .used_memory()
            .iter()
            .filter(|used| is_written(used.access()));
        self.is_changed |=
            self.reads_memory && written.clone().any(|used| used.base() != Register::RSP);
        let immediate = || match instruction.op1_kind() {
            OpKind::Register | OpKind::Memory => None,
            _ => i32::try_from(instruction.immediate(1) as i64).ok(),
        };
        let moved = match instruction.mnemonic() {
            _ if !is_sp_set => Some(0),
            Mnemonic::Push => Some(-instruction.stack_pointer_increment()),
            Mnemonic::Sub => immediate(),
            Mnemonic::Add => immediate().and_then(i32::checked_neg),
            _ => None,
        };
        let to_base = moved.and_then(|moved| self.to_base.checked_add(moved));
        self.to_base = to_base.unwrap_or_default();
        to_base.is_some()
    }
}

fn bit(register: Register) -> u16 {
    if !register.is_gpr64() {
        return 0;
    }
    let number = register.number();
    1 << DWARF
        .get(number)
        .map_or(number & 15, |number| usize::from(*number))
}

/// Go's check whether the stack is large enough: the jump to the code that has it grow and begins anew.
fn stack_check<'a>(code: &'a Code<'_>, first: usize) -> Option<&'a Instruction> {
    let mut has_compared = false;
    for (number, instruction) in code.all[first..].iter().take(MOST_LOOKED_AT).enumerate() {
        if number > 0 && code.targets.contains(&instruction.ip()) {
            return None;
        }
        let is_limit = instruction.memory_base() == Register::R14
            && instruction.memory_displacement64() == 0x10;
        match instruction.condition_code() {
            ConditionCode::be if has_compared => {
                let to = code.index(target(instruction)?)?;
                return grows(code, to).then_some(instruction);
            }
            // Frames larger than the address below the stack: they grow as well.
            ConditionCode::b if !has_compared => {}
            ConditionCode::None if !is_last(instruction) && !is_call(instruction) => {}
            _ => return None,
        }
        has_compared |= instruction.mnemonic() == Mnemonic::Cmp && is_limit;
    }
    None
}

/// Whether it calls something and then jumps to the function's start.
fn grows(code: &Code<'_>, from: usize) -> bool {
    let mut has_called = false;
    for instruction in code.all[from..].iter().take(MOST_GROWING) {
        if target(instruction) == Some(code.start()) {
            return has_called;
        }
        if is_last(instruction) {
            return false;
        }
        has_called |= is_call(instruction);
    }
    false
}
