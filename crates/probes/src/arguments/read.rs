//! From where a value is to how it is read, and to what of it can be compared.

use super::convention::{Part, Spot};
use super::{Argument, Form, Gone, Type, Word, split, words};
use crate::abi::calls::{ON_STACK, Take, VALUE_BYTES, how};

/// Words of a value on the stack that are read.
const MOST_STACK_WORDS: u64 = 4;

/// The arguments that a value is read as: one, or one for each of its parts.
pub(super) fn arguments(name: &str, of: Type, parts: Result<Vec<Part>, Gone>) -> Vec<Argument> {
    let parts = match parts {
        Ok(parts) => parts,
        Err(gone) => return vec![gone_argument(name, of, gone)],
    };
    match &parts[..] {
        // A value without bytes.
        [] => Vec::new(),
        [
            Part {
                offset: 0,
                spot: Spot::Stack(begin),
            },
        ] if is_split(&of) => {
            let count = of.bytes.div_ceil(8).min(MOST_STACK_WORDS);
            let part = |number: u64| Part {
                offset: number * 8,
                spot: Spot::Stack(begin.saturating_add(number as u32 * 8)),
            };
            let words: Vec<Part> = (0..count).map(part).collect();
            split::parts(name, &of, &words)
        }
        [Part { offset: 0, spot }] => vec![whole(name, of, *spot)],
        parts => match sequence(name, &of, parts) {
            Some(argument) => vec![argument],
            None => split::parts(name, &of, parts),
        },
    }
}

fn is_split(of: &Type) -> bool {
    of.bytes > 8 && !matches!(of.form, Form::Sequence { .. })
}

pub(super) fn gone_argument(name: &str, of: Type, gone: Gone) -> Argument {
    Argument {
        name: name.to_owned(),
        type_name: of.name.clone(),
        take: Err(gone),
        of,
        words: Vec::new(),
    }
}

/// A value in one place.
pub(super) fn whole(name: &str, of: Type, spot: Spot) -> Argument {
    let take = match spot {
        Spot::Float => Err(Gone::Float),
        Spot::Nowhere => Err(Gone::Nowhere),
        Spot::Register(register) => in_word(&of, register, 0, false),
        Spot::Stack(offset) => {
            let offset = i32::try_from(offset).map_err(|_| Gone::Nowhere);
            offset.and_then(|offset| in_word(&of, ON_STACK, offset, false))
        }
        Spot::Memory { register, offset } => match of.form {
            Form::Pointer(_) => in_word(&of, register, offset, true),
            _ => memory(&of, register, offset),
        },
    };
    let words = match (&take, spot) {
        (Ok(take), Spot::Memory { register, offset }) => words::inside(&of, register, offset, take),
        (Ok(take), _) => words::of(&of, take),
        _ => Vec::new(),
    };
    Argument {
        name: name.to_owned(),
        type_name: of.name.clone(),
        take,
        of,
        words,
    }
}

pub(super) fn word(register: u8, offset: i32, is_inside: bool) -> Take {
    Take {
        how: how::WORD,
        register,
        is_inside: u8::from(is_inside),
        offset,
        ..Take::NOTHING
    }
}

/// A value of one word, or what that word points to.
fn in_word(of: &Type, register: u8, offset: i32, is_inside: bool) -> Result<Take, Gone> {
    let word = word(register, offset, is_inside);
    let Form::Pointer(Some(to)) = &of.form else {
        // Something that should be in one word but is not of its size.
        return if of.bytes <= 8 {
            Ok(word)
        } else {
            Err(Gone::Nowhere)
        };
    };
    Ok(match &to.form {
        Form::Sequence {
            element,
            pointer,
            length,
            ..
        } if !is_inside => {
            let pointer = distance(*pointer, 0)?;
            // The stack's offset and the structure's would be the same field.
            if register == ON_STACK && offset != pointer {
                return Ok(word);
            }
            Take {
                how: how::COUNTED,
                is_inside: 1,
                offset: pointer,
                length_offset: distance(*length, 0)?,
                bytes: stride(element),
                ..word
            }
        }
        Form::Sequence { .. } => word,
        Form::Character if to.bytes == 1 => Take {
            how: how::TEXT,
            ..word
        },
        _ => Take {
            how: how::BYTES,
            bytes: most(to.bytes),
            ..word
        },
    })
}

/// A value where a register points to.
fn memory(of: &Type, register: u8, offset: i32) -> Result<Take, Gone> {
    Ok(match &of.form {
        Form::Sequence {
            element,
            pointer,
            length,
            ..
        } => Take {
            how: how::COUNTED,
            register,
            is_inside: 1,
            offset: distance(*pointer, offset)?,
            length_offset: distance(*length, offset)?,
            bytes: stride(element),
            ..Take::NOTHING
        },
        _ if of.number().is_some() => word(register, offset, true),
        _ => Take {
            how: how::BYTES,
            register,
            offset,
            bytes: most(of.bytes),
            ..Take::NOTHING
        },
    })
}

fn most(bytes: u64) -> u32 {
    bytes.min(VALUE_BYTES as u64) as u32
}

/// Bytes of an element, for [`how::COUNTED`].
fn stride(element: &Type) -> u32 {
    u32::try_from(element.bytes).unwrap_or(u32::MAX).max(1)
}

pub(super) fn distance(offset: u64, begin: i32) -> Result<i32, Gone> {
    let offset = i32::try_from(offset).ok();
    offset
        .and_then(|offset| offset.checked_add(begin))
        .ok_or(Gone::Nowhere)
}

/// Text or a list whose address and length are in two places.
fn sequence(name: &str, of: &Type, parts: &[Part]) -> Option<Argument> {
    let Form::Sequence {
        element,
        pointer,
        length,
        ..
    } = &of.form
    else {
        return None;
    };
    let place = |offset: u64| {
        let part = parts.iter().find(|part| part.offset == offset)?;
        match part.spot {
            Spot::Register(register) => Some((register, 0)),
            Spot::Stack(offset) => Some((ON_STACK, i32::try_from(offset).ok()?)),
            _ => None,
        }
    };
    let ((register, offset), (length_register, length_offset)) =
        place(*pointer).zip(place(*length))?;
    let take = Take {
        how: how::COUNTED,
        register,
        length_register,
        is_inside: 0,
        offset,
        length_offset,
        bytes: stride(element),
    };
    let length = length_word(word(length_register, length_offset, false));
    Some(Argument {
        name: name.to_owned(),
        type_name: of.name.clone(),
        take: Ok(take),
        of: of.clone(),
        words: vec![length],
    })
}

fn length_word(take: Take) -> Word {
    Word {
        member: "len".to_owned(),
        take,
        bytes: 8,
        is_signed: false,
    }
}
