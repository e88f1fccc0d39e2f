//! The calling convention of C and C++ (System V ABI, AMD64 supplement, 3.2.3; Itanium C++ ABI, 3.1.2).

use super::convention::{Left, Part, Spot};
use super::{ARGUMENTS, Form, RETURNED, Type};

/// What an eightbyte of a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Integer,
    Float,
}

pub(super) fn left() -> Left {
    Left::new(&ARGUMENTS, 8)
}

/// The next argument. `is_by_reference`: C++ passes it by its address, as it cannot be copied byte by byte.
pub(super) fn argument(left: &mut Left, of: &Type, is_by_reference: bool) -> Option<Vec<Part>> {
    if is_by_reference {
        return Some(match left.integer() {
            Some(register) => Part::whole(Spot::Memory {
                register,
                offset: 0,
            }),
            // Its address is on the stack, and the value where that points to.
            None => {
                left.stack(8, 8);
                Part::whole(Spot::Nowhere)
            }
        });
    }
    if of.bytes == 0 {
        return (of.form != Form::Unknown).then(Vec::new);
    }
    if let Some(classes) = classes(of)? {
        let integers = classes
            .iter()
            .filter(|class| **class == Class::Integer)
            .count();
        let (free, floats) = left.count();
        if integers <= free && classes.len() - integers <= floats {
            let spots = classes.iter().map(|class| match class {
                Class::Integer => left.integer().map(Spot::Register),
                Class::Float => left.float(),
            });
            return Some(parts(spots.flatten()));
        }
    }
    let align = if alignment(of) > 8 { 16 } else { 8 };
    Some(Part::whole(left.stack(of.bytes.next_multiple_of(8), align)))
}

/// What a function gives back. Second: whether it is put where the caller says, which takes the first register.
pub(super) fn returned(of: &Type, is_by_reference: bool) -> Option<(Vec<Part>, bool)> {
    let memory = || {
        let spot = Spot::Memory {
            register: RETURNED[0],
            offset: 0,
        };
        (Part::whole(spot), true)
    };
    if is_by_reference {
        return Some(memory());
    }
    let Some(classes) = classes(of)? else {
        return Some(memory());
    };
    let mut registers = RETURNED.iter();
    let spots = classes.iter().map(|class| match class {
        Class::Integer => registers
            .next()
            .map_or(Spot::Nowhere, |r| Spot::Register(*r)),
        Class::Float => Spot::Float,
    });
    Some((parts(spots), false))
}

fn parts(spots: impl Iterator<Item = Spot>) -> Vec<Part> {
    let part = |(number, spot)| Part {
        offset: number as u64 * 8,
        spot,
    };
    spots.enumerate().map(part).collect()
}

/// Of each eightbyte; inner `None`: it is passed in memory. Outer: its type is not known.
fn classes(of: &Type) -> Option<Option<Vec<Class>>> {
    if of.bytes > 16 {
        return Some(None);
    }
    let mut classes = vec![Class::Float; of.bytes.div_ceil(8) as usize];
    for scalar in of.scalars()? {
        // Extended precision is passed in memory.
        if scalar.is_float && scalar.bytes > 8 {
            return Some(None);
        }
        // Members that are not where numbers of their size belong, as in packed structures.
        if scalar.offset % scalar.bytes.clamp(1, 8) != 0 {
            return Some(None);
        }
        if !scalar.is_float {
            let last = (scalar.offset + scalar.bytes.max(1) - 1) / 8;
            for number in scalar.offset / 8..=last {
                if let Some(class) = classes.get_mut(number as usize) {
                    *class = Class::Integer;
                }
            }
        }
    }
    Some(Some(classes))
}

fn alignment(of: &Type) -> u64 {
    match &of.form {
        Form::Structure(members) => members.iter().map(|m| alignment(&m.of)).max().unwrap_or(1),
        Form::Array(element, _) => alignment(element),
        _ => of.bytes.clamp(1, 16),
    }
}
