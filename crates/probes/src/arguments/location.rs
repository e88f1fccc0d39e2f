//! Where debug information says that a value is when a function begins.

use super::convention::{Part, Spot};
use super::info::{Bytes, Info, Place};
use gimli::{AttributeValue, Operation};

/// Operations of one location that are looked at.
const MOST_OPERATIONS: usize = 64;
/// Entries of one list of locations that are looked at.
const MOST_LOCATIONS: usize = 256;

/// What debug information says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Located {
    /// Nothing holds for the first instruction.
    No,
    /// The value is somewhere in the frame, which is only set up later: the compiler kept to the calling convention.
    Later,
    /// Its parts are here.
    At(Vec<Part>),
}

/// Where the value of an entry is, at an address. `is_cfa`: frame offsets are relative to what lies behind the return
/// address.
pub(super) fn at(info: &Info<'_>, place: &Place<'_>, address: u64, is_cfa: bool) -> Located {
    let location = place
        .die()
        .and_then(|die| die.attr_value(gimli::DW_AT_location));
    match location {
        None => Located::No,
        Some(AttributeValue::Exprloc(expression)) => parsed(place, expression, is_cfa),
        Some(list) => {
            let Ok(Some(mut list)) = info.dwarf.attr_locations(&place.unit, list) else {
                return Located::No;
            };
            for _ in 0..MOST_LOCATIONS {
                let Ok(Some(entry)) = list.next() else {
                    break;
                };
                if (entry.range.begin..entry.range.end).contains(&address) {
                    return parsed(place, entry.data, is_cfa);
                }
            }
            Located::No
        }
    }
}

fn parsed(place: &Place<'_>, expression: gimli::Expression<Bytes<'_>>, is_cfa: bool) -> Located {
    let mut operations = expression.operations(place.unit.encoding());
    let (mut parts, mut spot) = (Vec::new(), None);
    let mut offset = 0;
    for _ in 0..MOST_OPERATIONS {
        let Ok(next) = operations.next() else {
            return Located::No;
        };
        let Some(operation) = next else {
            parts.extend(spot.map(|spot| Part { offset, spot }));
            return match parts.is_empty() {
                true => Located::No,
                false => Located::At(parts),
            };
        };
        match operation {
            Operation::Piece {
                size_in_bits,
                bit_offset: None,
            } => {
                parts.extend(spot.take().map(|spot| Part { offset, spot }));
                offset += size_in_bits / 8;
            }
            _ if spot.is_some() => return Located::No,
            Operation::Register { register } => spot = Some(register_spot(register.0)),
            Operation::RegisterOffset {
                register, offset, ..
            } => {
                let Ok(offset) = i32::try_from(offset) else {
                    return Located::No;
                };
                spot = Some(match register.0 {
                    register @ 0..16 if register != 7 && register != 6 => Spot::Memory {
                        register: register as u8,
                        offset,
                    },
                    // A stack or frame pointer that may not be set up yet.
                    _ => return Located::Later,
                });
            }
            Operation::FrameOffset { offset } => match u32::try_from(offset) {
                Ok(offset) if is_cfa => spot = Some(Spot::Stack(offset)),
                _ => return Located::Later,
            },
            _ => return Located::No,
        }
    }
    Located::No
}

fn register_spot(register: u16) -> Spot {
    match register {
        register @ 0..=15 => Spot::Register(register as u8),
        17..=32 => Spot::Float,
        _ => Spot::Nowhere,
    }
}
