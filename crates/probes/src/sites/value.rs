//! What registers hold, as far as it matters: how far the stack has moved, and where jumps go.

use super::code::is_call;
use iced_x86::{
    Instruction, InstructionInfoFactory, InstructionInfoOptions, Mnemonic, OpAccess, OpKind,
    Register,
};

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Anything.
    Unknown,
    /// A word that was put somewhere by others: an argument, a member, what a call gave.
    Word,
    /// So many bytes from where the return address lies.
    Stack(i32),
    /// An address of the file, or a number.
    Address(u64),
    /// A 32-bit entry of the table at this address.
    Distance(u64),
    /// The same plus that address: where a jump by the table goes.
    Sum(u64),
    /// A 64-bit entry of the table at this address.
    Pointer(u64),
}

/// The 16 registers, by their number in instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State([Value; 16]);

impl State {
    /// When a function begins.
    pub fn begin() -> Self {
        let mut state = Self([Value::Word; 16]);
        state.set(Register::RSP, Value::Stack(0));
        state
    }

    pub fn get(&self, register: Register) -> Value {
        if !register.is_gpr64() {
            return Value::Unknown;
        }
        self.0[register.number() & 15]
    }

    fn set(&mut self, register: Register, value: Value) {
        if register.is_gpr() {
            self.0[register.full_register().number() & 15] = value;
        }
    }

    /// How far the stack pointer is from where the return address lies, bytes.
    pub fn sp(&self) -> Option<i32> {
        match self.get(Register::RSP) {
            Value::Stack(distance) => Some(distance),
            _ => None,
        }
    }

    /// Sets the stack pointer, which a comparison has shown to be equal to this register.
    pub fn sp_is(&mut self, register: Register) {
        if let value @ Value::Stack(_) = self.get(register) {
            self.set(Register::RSP, value);
        }
    }

    /// Two ways lead here: what they agree on. Whether anything was lost.
    pub fn meet(&mut self, other: &Self) -> bool {
        let before = *self;
        for (value, other) in self.0.iter_mut().zip(other.0) {
            if *value != other {
                *value = Value::Unknown;
            }
        }
        *self != before
    }

    /// What is left of it when an exception is caught: registers that calls keep.
    pub fn caught(mut self) -> Self {
        self.forget(&CHANGED_BY_CALLS);
        self
    }

    fn forget(&mut self, registers: &[Register]) {
        for register in registers {
            self.set(*register, Value::Unknown);
        }
    }

    fn move_sp(&mut self, bytes: i32) {
        self.set(
            Register::RSP,
            shifted(self.get(Register::RSP), i64::from(bytes)),
        );
    }
}

/// System V ABI, AMD64 supplement, figure 3.4. Go's calls change more, but what they change is not looked at again.
const CHANGED_BY_CALLS: [Register; 9] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];

fn shifted(value: Value, bytes: i64) -> Value {
    match value {
        Value::Stack(distance) => {
            i32::try_from(i64::from(distance) + bytes).map_or(Value::Unknown, Value::Stack)
        }
        Value::Address(address) => Value::Address(address.wrapping_add(bytes as u64)),
        _ => Value::Unknown,
    }
}

/// Executes an instruction.
pub(super) fn step(
    state: &mut State,
    instruction: &Instruction,
    infos: &mut InstructionInfoFactory,
) {
    if is_call(instruction) {
        state.forget(&CHANGED_BY_CALLS);
        state.set(Register::RAX, Value::Word);
        return;
    }
    let into = instruction.op0_register();
    let value = match instruction.mnemonic() {
        Mnemonic::Push | Mnemonic::Pop | Mnemonic::Leave | Mnemonic::Enter => {
            return stacked(state, instruction);
        }
        // Sign extension of what a table holds.
        Mnemonic::Cdqe => return,
        Mnemonic::Test | Mnemonic::Cmp => return,
        _ if instruction.op0_kind() != OpKind::Register => None,
        Mnemonic::Lea if into.is_gpr64() => Some(lea(state, instruction)),
        Mnemonic::Mov | Mnemonic::Movsxd => moved(state, instruction),
        Mnemonic::Add if into.is_gpr64() => Some(added(state, instruction, 1)),
        Mnemonic::Sub if into.is_gpr64() => Some(added(state, instruction, -1)),
        _ => None,
    };
    match value {
        Some(value) => state.set(into, value),
        None => overwritten(state, instruction, infos),
    }
}

fn overwritten(state: &mut State, instruction: &Instruction, infos: &mut InstructionInfoFactory) {
    let options = InstructionInfoOptions::NO_MEMORY_USAGE;
    let used = infos.info_options(instruction, options).used_registers();
    for register in used.iter().filter(|used| is_written(used.access())) {
        if register.register().full_register() != Register::RSP {
            state.set(register.register(), Value::Unknown);
        }
    }
    if instruction.is_stack_instruction() {
        state.move_sp(instruction.stack_pointer_increment());
    } else if used
        .iter()
        .any(|used| is_written(used.access()) && used.register().full_register() == Register::RSP)
    {
        state.set(Register::RSP, Value::Unknown);
    }
}

/// Whether an access changes what is there, or may.
pub(super) fn is_written(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}

fn stacked(state: &mut State, instruction: &Instruction) {
    match instruction.mnemonic() {
        Mnemonic::Push => state.move_sp(instruction.stack_pointer_increment()),
        Mnemonic::Pop => {
            state.move_sp(instruction.stack_pointer_increment());
            state.set(instruction.op0_register(), Value::Unknown);
        }
        Mnemonic::Leave => {
            let frame = state.get(Register::RBP);
            state.set(Register::RSP, shifted(frame, 8));
            state.set(Register::RBP, Value::Unknown);
        }
        _ => state.forget(&[Register::RSP, Register::RBP]),
    }
}

fn lea(state: &State, instruction: &Instruction) -> Value {
    if instruction.is_ip_rel_memory_operand() {
        return Value::Address(instruction.ip_rel_memory_address());
    }
    // What compilers restore a stack with that they have aligned: the address behind the return address.
    let base = instruction.memory_base();
    let distance = instruction.memory_displacement64() as i64;
    if instruction.op0_register() == Register::RSP && base == Register::R10 && distance == -8 {
        return Value::Stack(0);
    }
    match instruction.memory_index() {
        Register::None => shifted(state.get(base), distance),
        _ => Value::Unknown,
    }
}

fn moved(state: &State, instruction: &Instruction) -> Option<Value> {
    let into = instruction.op0_register();
    match instruction.op1_kind() {
        OpKind::Register if instruction.mnemonic() == Mnemonic::Movsxd => {
            let from = instruction.op1_register().full_register();
            match state.get(from) {
                value @ Value::Distance(_) => Some(value),
                _ => None,
            }
        }
        OpKind::Register if into.is_gpr64() => Some(state.get(instruction.op1_register())),
        OpKind::Memory => Some(loaded(state, instruction)).filter(|_| into.is_gpr()),
        OpKind::Immediate32 if into.is_gpr32() => {
            Some(Value::Address(u64::from(instruction.immediate32())))
        }
        OpKind::Immediate32to64 | OpKind::Immediate64 if into.is_gpr64() => {
            Some(Value::Address(instruction.immediate(1)))
        }
        _ => None,
    }
}

/// What an instruction loads that has one memory operand.
fn loaded(state: &State, instruction: &Instruction) -> Value {
    let bytes = instruction.memory_size().size();
    match (memory(state, instruction), bytes) {
        (Memory::Table(table), 4) => Value::Distance(table),
        (Memory::Table(table), 8) => Value::Pointer(table),
        (Memory::Place, 8) => Value::Word,
        _ => Value::Unknown,
    }
}

/// What a memory operand is.
pub(super) enum Memory {
    /// An entry of the table at this address of the file.
    Table(u64),
    /// One place.
    Place,
    /// An entry of who knows what.
    Element,
}

pub(super) fn memory(state: &State, instruction: &Instruction) -> Memory {
    let (base, index) = (instruction.memory_base(), instruction.memory_index());
    let distance = instruction.memory_displacement64();
    let is_scaled = instruction.memory_index_scale() > 1;
    if index == Register::None {
        return Memory::Place;
    }
    if base == Register::None {
        return Memory::Table(distance);
    }
    // Unoptimised code scales before, so either may be the table.
    match (state.get(base), state.get(index)) {
        (Value::Address(table), _) => Memory::Table(table.wrapping_add(distance)),
        (_, Value::Address(table)) if !is_scaled => Memory::Table(table.wrapping_add(distance)),
        _ => Memory::Element,
    }
}

fn added(state: &State, instruction: &Instruction, sign: i64) -> Value {
    let value = state.get(instruction.op0_register());
    match instruction.op1_kind() {
        OpKind::Register => match (value, state.get(instruction.op1_register())) {
            (Value::Distance(table), Value::Address(base))
            | (Value::Address(base), Value::Distance(table))
                if sign == 1 && base == table =>
            {
                Value::Sum(table)
            }
            (Value::Stack(_), Value::Address(bytes)) => {
                shifted(value, sign.wrapping_mul(bytes as i64))
            }
            _ => Value::Unknown,
        },
        OpKind::Memory => Value::Unknown,
        _ => {
            let bytes = instruction.immediate(1) as i64;
            shifted(value, sign.wrapping_mul(bytes))
        }
    }
}
