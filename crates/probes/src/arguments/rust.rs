//! How rustc passes values between Rust functions. That is written down nowhere and may change; as of 1.70 to 1.95 a value
//! of one or two numbers is in as many registers, a small one in one, and every other one is where a register points to.

use super::convention::{Left, Part, Spot};
use super::types::Scalar;
use super::{ARGUMENTS, Form, RETURNED, Type, Variant};

/// A pointer, bytes.
const POINTER: u64 = 8;

pub(super) fn left() -> Left {
    Left::new(&ARGUMENTS, 8)
}

/// The next argument.
pub(super) fn argument(left: &mut Left, of: &Type) -> Option<Vec<Part>> {
    if of.bytes == 0 {
        return (of.form != Form::Unknown).then(Vec::new);
    }
    if let Some(scalars) = immediate(of) {
        return Some(
            scalars
                .into_iter()
                .map(|scalar| part(left, scalar))
                .collect(),
        );
    }
    if of.form == Form::Unknown {
        return None;
    }
    let Some(register) = left.integer() else {
        let spot = left.stack(POINTER, 8);
        let is_itself = of.bytes <= POINTER;
        return Some(Part::whole(if is_itself { spot } else { Spot::Nowhere }));
    };
    let spot = match of.bytes <= POINTER {
        true => Spot::Register(register),
        false => Spot::Memory {
            register,
            offset: 0,
        },
    };
    Some(Part::whole(spot))
}

fn part(left: &mut Left, scalar: Scalar) -> Part {
    let spot = match scalar.is_float {
        true => left.float(),
        false => left.integer().map(Spot::Register),
    };
    Part {
        offset: scalar.offset,
        spot: spot.unwrap_or_else(|| left.stack(8, 8)),
    }
}

/// What a function gives back. Second: whether it is put where the caller says.
pub(super) fn returned(of: &Type) -> Option<(Vec<Part>, bool)> {
    if of.form == Form::Unknown {
        return None;
    }
    let scalars = immediate(of);
    if scalars.is_none() && of.bytes > 2 * POINTER {
        let spot = Spot::Memory {
            register: RETURNED[0],
            offset: 0,
        };
        return Some((Part::whole(spot), true));
    }
    let offsets: Vec<(u64, bool)> = match scalars {
        Some(scalars) => scalars.iter().map(|s| (s.offset, s.is_float)).collect(),
        None => (0..of.bytes.div_ceil(POINTER))
            .map(|n| (n * POINTER, false))
            .collect(),
    };
    let mut registers = RETURNED.iter();
    let part = |(offset, is_float)| Part {
        offset,
        spot: match is_float {
            true => Spot::Float,
            false => registers
                .next()
                .map_or(Spot::Nowhere, |r| Spot::Register(*r)),
        },
    };
    Some((offsets.into_iter().map(part).collect(), false))
}

/// The one or two numbers that a value is passed as.
fn immediate(of: &Type) -> Option<Vec<Scalar>> {
    let mut scalars = match &of.form {
        Form::Variants { tag, all } => return with_tag(*tag, all),
        Form::Array(..) => return None,
        // A structure of one is what is in it.
        Form::Structure(members) => {
            let mut solid = members.iter().filter(|member| member.of.bytes > 0);
            match (solid.next(), solid.next()) {
                (Some(only), None) if only.of.bytes == of.bytes => return immediate(&only.of),
                _ => of.scalars()?,
            }
        }
        _ => of.scalars()?,
    };
    scalars.sort_by_key(|scalar| scalar.offset);
    // 128 bits are two registers.
    if let [
        Scalar {
            bytes: 16,
            is_float: false,
            offset,
        },
    ] = scalars[..]
    {
        let half = |offset| Scalar {
            offset,
            bytes: 8,
            is_float: false,
        };
        return Some(vec![half(offset), half(offset + 8)]);
    }
    matches!(scalars.len(), 1 | 2).then_some(scalars)
}

/// An enum with values: its tag, and the number that is in the same place in all variants that have one.
fn with_tag(tag: (u64, u64), all: &[Variant]) -> Option<Vec<Scalar>> {
    let tag = Scalar {
        offset: tag.0,
        bytes: tag.1,
        is_float: false,
    };
    let mut payload: Vec<Scalar> = Vec::new();
    for variant in all {
        let inner = variant.members.iter().filter(|member| member.of.bytes > 0);
        let mut own = Vec::new();
        for member in inner {
            for scalar in immediate(&member.of)? {
                own.push(Scalar {
                    offset: scalar.offset + member.offset,
                    ..scalar
                });
            }
        }
        own.retain(|scalar| scalar.offset != tag.offset);
        match (&payload[..], &own[..]) {
            (_, []) => {}
            ([], _) => payload = own,
            ([one], [other]) if one == other => {}
            _ => return None,
        }
    }
    if tag.bytes == 0 || payload.len() > 1 {
        return None;
    }
    payload.push(tag);
    payload.sort_by_key(|scalar| scalar.offset);
    Some(payload)
}
