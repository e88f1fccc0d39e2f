//! Whether a function is called as the calling convention says, and where its arguments are then.

use super::convention::{Left, Part};
use super::info::Place;
use super::location::Located;
use super::{Argument, Gone, Type, go, read, rust, system_v};
use crate::abi::calls::GIVES;
use gimli::{AttributeValue, DwLang};

/// Whose calling convention it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Convention {
    C,
    Cpp,
    Rust,
    Go,
}

/// An argument or a result: where it is described, and with what type.
pub(super) struct Described {
    pub name: String,
    pub of: Type,
    pub is_by_reference: bool,
    pub is_result: bool,
    pub located: Located,
}

impl Convention {
    /// That of a unit's language.
    pub fn of(unit: &Place<'_>) -> Self {
        let language = unit
            .die()
            .and_then(|die| die.attr_value(gimli::DW_AT_language));
        let Some(AttributeValue::Language(language)) = language else {
            return Convention::C;
        };
        const CPP: [DwLang; 5] = [
            gimli::DW_LANG_C_plus_plus,
            gimli::DW_LANG_C_plus_plus_03,
            gimli::DW_LANG_C_plus_plus_11,
            gimli::DW_LANG_C_plus_plus_14,
            gimli::DW_LANG_C_plus_plus_17,
        ];
        match language {
            gimli::DW_LANG_Rust => Convention::Rust,
            gimli::DW_LANG_Go => Convention::Go,
            language if CPP.contains(&language) || language == gimli::DW_LANG_C_plus_plus_20 => {
                Convention::Cpp
            }
            _ => Convention::C,
        }
    }
}

/// What a Go function gives back.
pub(super) fn go_results(results: &[Described]) -> Vec<Argument> {
    let mut left = go::left();
    let mut returns = Vec::new();
    for (number, result) in results.iter().enumerate() {
        let name = match results.len() {
            1 => "ret".to_owned(),
            _ => format!("ret{number}"),
        };
        let parts = go::value(&mut left, &result.of).ok_or(Gone::Nowhere);
        let is_lost = parts.is_err();
        returns.extend(read::arguments(&name, result.of.clone(), parts));
        if is_lost {
            break;
        }
    }
    returns.truncate(GIVES);
    returns
}

/// Where the calling convention has the arguments; behind one of an unknown type none is known.
pub(super) fn by_convention(
    left: &mut Left,
    arguments: &[Described],
    convention: Convention,
) -> Vec<Option<Vec<Part>>> {
    let mut is_lost = false;
    let next = |described: &Described| {
        let parts = match convention {
            _ if is_lost => None,
            Convention::Go => go::value(left, &described.of),
            Convention::Rust => rust::argument(left, &described.of),
            _ => system_v::argument(left, &described.of, described.is_by_reference),
        };
        is_lost |= parts.is_none();
        parts
    };
    arguments.iter().map(next).collect()
}

/// Whether the compiler kept to the calling convention: it need not for functions that only it knows of.
pub(super) fn is_kept(
    arguments: &[Described],
    kept: &[Option<Vec<Part>>],
    is_external: bool,
) -> bool {
    let mut is_described = is_external;
    for (described, kept) in arguments.iter().zip(kept) {
        match (&described.located, kept) {
            (Located::No, _) => {}
            (Located::Later, _) => is_described = true,
            (Located::At(parts), kept) => {
                is_described = true;
                let kept = kept.as_deref().unwrap_or_default();
                if !parts.iter().all(|part| kept.contains(part)) {
                    return false;
                }
            }
        }
    }
    is_described
}

/// Where the parts of an argument are. Outer `None`: nowhere any more; inner: it cannot be told.
pub(super) fn merged(
    located: Located,
    kept: Option<Vec<Part>>,
    is_kept: bool,
) -> Option<Option<Vec<Part>>> {
    match located {
        Located::At(mut parts) => {
            for part in kept.into_iter().flatten().filter(|_| is_kept) {
                if parts.iter().all(|other| other.offset != part.offset) {
                    parts.push(part);
                }
            }
            parts.sort_by_key(|part| part.offset);
            Some(Some(parts))
        }
        _ if is_kept => Some(kept),
        _ => None,
    }
}
