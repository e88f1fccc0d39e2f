//! Jump tables of `switch`: how many entries there are by the comparison before the jump, and where each goes.

use super::code::{Code, is_last};
use super::{Around, Obstacle};
use iced_x86::{ConditionCode, Instruction, Mnemonic, OpKind, Register};

/// Most entries of a table.
const MOST_ENTRIES: usize = 1 << 16;
/// How many instructions before the jump are looked at for the comparison.
const MOST_LOOKED_AT: usize = 40;
/// A table without a known size has at least so many entries that lie in the function.
const LEAST_ENTRIES: usize = 2;

/// What the entries of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entries {
    /// Signed 32-bit distances from the table's address.
    Distances,
    /// Addresses.
    Pointers,
}

/// Where a jump by a table goes.
pub(super) fn read(
    code: &Code<'_>,
    around: &dyn Around,
    jump: usize,
    table: u64,
    entries: Entries,
) -> Result<Vec<u64>, Obstacle> {
    let address = code.all.get(jump).map_or(0, Instruction::ip);
    let unreadable = Obstacle::Table(address);
    let bytes = around.bytes(table).ok_or(unreadable)?;
    let word = |number: usize| match entries {
        Entries::Distances => {
            let word = bytes.get(number * 4..)?.first_chunk()?;
            Some(table.wrapping_add(i32::from_le_bytes(*word) as i64 as u64))
        }
        Entries::Pointers => Some(u64::from_le_bytes(*bytes.get(number * 8..)?.first_chunk()?)),
    };
    if let Some(count) = count(code, jump) {
        let all: Option<Vec<u64>> = (0..count).map(word).collect();
        return all.ok_or(unreadable);
    }
    let run = (0..MOST_ENTRIES).map_while(word);
    let is_instruction = |to: &u64| code.index(*to).is_some();
    let run: Vec<u64> = run.take_while(is_instruction).collect();
    if run.len() < LEAST_ENTRIES {
        return Err(unreadable);
    }
    Ok(run)
}

/// By the comparison or mask of what the table is indexed with, which is looked for backwards from the jump.
fn count(code: &Code<'_>, jump: usize) -> Option<usize> {
    let (mut index, mut above, mut compared) = (None, None, Vec::new());
    for instruction in code.all.get(..=jump)?.iter().rev().take(MOST_LOOKED_AT) {
        let into = instruction.op0_register().full_register();
        match (instruction.mnemonic(), index) {
            // The jump or the load that takes the entry.
            (_, None) => index = indexed(instruction),
            (Mnemonic::Cmp, _) => {
                compared.extend(above.and_then(|above| bound(instruction, above)));
            }
            (Mnemonic::And, Some(index)) if into == index => {
                return bound(instruction, 1).map(|(_, count)| count);
            }
            (Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsxd, Some(name)) if into == name => {
                if instruction.op1_kind() != OpKind::Register {
                    return None;
                }
                index = Some(instruction.op1_register().full_register());
            }
            (Mnemonic::Lea | Mnemonic::Add | Mnemonic::Sub | Mnemonic::Pop, Some(name))
                if into == name =>
            {
                return None;
            }
            _ => {}
        }
        let found = compared.iter().find(|(name, _)| Some(*name) == index);
        if found.is_some() {
            return found.map(|(_, count)| *count);
        }
        // Not taken: below or equal, or below.
        match instruction.condition_code() {
            ConditionCode::a => above = Some(1),
            ConditionCode::ae => above = Some(0),
            _ if is_last(instruction) && index.is_some() => return None,
            _ => {}
        }
    }
    None
}

/// The register that a memory operand is indexed with.
fn indexed(instruction: &Instruction) -> Option<Register> {
    let is_memory = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
    let register = instruction.memory_index();
    (is_memory && register != Register::None).then_some(register)
}

/// Which register is smaller than which number.
fn bound(instruction: &Instruction, above: usize) -> Option<(Register, usize)> {
    let is_number = !matches!(instruction.op1_kind(), OpKind::Register | OpKind::Memory);
    if !is_number || instruction.op0_kind() != OpKind::Register {
        return None;
    }
    let count = usize::try_from(instruction.immediate(1))
        .ok()?
        .checked_add(above)?;
    let is_small = (1..=MOST_ENTRIES).contains(&count);
    is_small.then(|| (instruction.op0_register().full_register(), count))
}
