//! Go's calling convention since 1.17 (`cmd/compile/abi-internal.md`): numbers of a value in one register each, or the
//! whole value on the stack.

use super::convention::{Left, Part, Spot};
use super::types::Scalar;
use super::{Form, GO, Type};

/// Registers for floating point.
const FLOATS: usize = 15;

pub(super) fn left() -> Left {
    Left::new(&GO, FLOATS)
}

/// The next argument or result.
pub(super) fn value(left: &mut Left, of: &Type) -> Option<Vec<Part>> {
    if of.bytes == 0 {
        return (of.form != Form::Unknown).then(Vec::new);
    }
    let scalars = of.scalars()?;
    let floats = scalars.iter().filter(|scalar| scalar.is_float).count();
    let (free_integers, free_floats) = left.count();
    let is_in_registers =
        scalars.len() - floats <= free_integers && floats <= free_floats && !has_array(of);
    if !is_in_registers {
        let align = scalars
            .iter()
            .map(|scalar| scalar.bytes.min(8))
            .max()
            .unwrap_or(1);
        return Some(Part::whole(left.stack(of.bytes, align as u32)));
    }
    let part = |scalar: Scalar| {
        let spot = match scalar.is_float {
            true => left.float(),
            false => left.integer().map(Spot::Register),
        };
        Some(Part {
            offset: scalar.offset,
            spot: spot?,
        })
    };
    scalars.into_iter().map(part).collect()
}

/// Whether there is an array of more than one element in it.
fn has_array(of: &Type) -> bool {
    match &of.form {
        Form::Array(element, count) => *count > 1 || has_array(element),
        Form::Structure(members) => members.iter().any(|member| has_array(&member.of)),
        _ => false,
    }
}
