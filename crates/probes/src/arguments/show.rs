//! Values as text. What they hold was chosen by the observed program: who prints them renders them as such.

use super::{Argument, Form, Member, Type, Variant};
use crate::abi::calls::{VALUE_BYTES, how};
use std::fmt::Write as _;

/// Instead of a value that is not there.
pub const OPTIMISED_OUT: &str = "<optimised out>";
/// Instead of one whose memory could not be read.
pub const UNREADABLE: &str = "<unreadable>";
/// What was not read, or is not shown.
const MORE: char = '…';
/// Structures in structures that are shown.
const MOST_DEPTH: usize = 2;

/// The text of a value. `value`: the bytes that were read, none where there was no memory. `length`: how many elements
/// there were in the program, of text and lists.
pub fn show(argument: &Argument, value: Option<&[u8]>, length: u32) -> String {
    let take = match &argument.take {
        Ok(take) => take,
        Err(super::Gone::OptimisedOut) => return OPTIMISED_OUT.to_owned(),
        Err(gone) => return format!("<{gone}>"),
    };
    let Some(bytes) = value else {
        return UNREADABLE.to_owned();
    };
    let mut out = String::new();
    match (take.how, &argument.of.form) {
        (how::TEXT, _) => text(
            &mut out,
            bytes,
            bytes.len() as u64 + u64::from(bytes.len() >= VALUE_BYTES - 1),
        ),
        (how::COUNTED, _) => match sequence(&argument.of) {
            Some((element, true)) if element.bytes == 1 => text(&mut out, bytes, u64::from(length)),
            Some((element, _)) => list(&mut out, element, bytes, u64::from(length)),
            None => value_of(&mut out, &argument.of, bytes, 0),
        },
        // What a pointer points to was read.
        (how::BYTES, Form::Pointer(Some(to))) => {
            if !matches!(to.form, Form::Structure(_)) {
                out.push('&');
            }
            value_of(&mut out, to, bytes, 0);
        }
        _ => value_of(&mut out, &argument.of, bytes, 0),
    }
    out
}

fn sequence(of: &Type) -> Option<(&Type, bool)> {
    match &of.form {
        Form::Sequence {
            element, is_text, ..
        } => Some((element, *is_text)),
        Form::Pointer(Some(to)) => sequence(to),
        _ => None,
    }
}

fn text(out: &mut String, bytes: &[u8], length: u64) {
    let shown = bytes
        .len()
        .min(usize::try_from(length).unwrap_or(usize::MAX));
    out.push('"');
    // A character that was cut is none.
    let whole = match std::str::from_utf8(&bytes[..shown]) {
        Err(error) if error.error_len().is_none() && length > shown as u64 => error.valid_up_to(),
        _ => shown,
    };
    out.push_str(&String::from_utf8_lossy(&bytes[..whole]));
    out.push('"');
    if length > shown as u64 {
        out.push(MORE);
    }
}

fn list(out: &mut String, element: &Type, bytes: &[u8], length: u64) {
    let stride = usize::try_from(element.bytes).unwrap_or(usize::MAX).max(1);
    let whole = bytes
        .chunks_exact(stride)
        .take(usize::try_from(length).unwrap_or(usize::MAX));
    let count = whole.len() as u64;
    out.push('[');
    for (number, chunk) in whole.enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        value_of(out, element, chunk, 1);
    }
    if count < length {
        out.push_str(if count > 0 { ", " } else { "" });
        out.push(MORE);
    }
    out.push(']');
}

fn value_of(out: &mut String, of: &Type, bytes: &[u8], depth: usize) {
    let wanted = usize::try_from(of.bytes).unwrap_or(usize::MAX);
    let own = &bytes[..bytes.len().min(wanted)];
    let is_whole = own.len() == wanted;
    let written = match &of.form {
        Form::Structure(members) => return structure(out, members, own, depth),
        Form::Variants { tag, all } => return variants(out, *tag, all, own, depth),
        Form::Array(element, count) => return list(out, element, own, *count),
        Form::Sequence { length, .. } => match unsigned(own, *length, 8) {
            Some(length) => write!(out, "[{MORE}; {length}]"),
            None => write!(out, "{MORE}"),
        },
        Form::Unknown => write!(out, "{MORE}"),
        _ if !is_whole => write!(out, "{MORE}"),
        Form::Signed => number(out, signed(own)),
        Form::Unsigned => number(out, unsigned(own, 0, of.bytes)),
        Form::Bool => match own.first() {
            Some(0) => write!(out, "false"),
            Some(1) => write!(out, "true"),
            other => write!(out, "{}", other.copied().unwrap_or_default()),
        },
        Form::Character => character(out, own),
        Form::Float => float(out, own),
        Form::Choice(names) => choice(out, names, own),
        Form::Pointer(_) | Form::Raw => match unsigned(own, 0, of.bytes) {
            Some(address) => write!(out, "{address:#x}"),
            None => write!(out, "{MORE}"),
        },
    };
    // Writing to a string does not fail.
    let _ = written;
}

fn number(out: &mut String, value: Option<impl std::fmt::Display>) -> std::fmt::Result {
    match value {
        Some(value) => write!(out, "{value}"),
        None => write!(out, "{MORE}"),
    }
}

fn unsigned(bytes: &[u8], offset: u64, count: u64) -> Option<u128> {
    let begin = usize::try_from(offset).ok()?;
    let end = begin.checked_add(usize::try_from(count).ok().filter(|count| *count <= 16)?)?;
    let mut word = [0; 16];
    let from = bytes.get(begin..end)?;
    word[..from.len()].copy_from_slice(from);
    Some(u128::from_le_bytes(word))
}

fn signed(bytes: &[u8]) -> Option<i128> {
    let away = 128u32
        .checked_sub(bytes.len() as u32 * 8)
        .filter(|away| *away < 128)?;
    let word = unsigned(bytes, 0, bytes.len() as u64)?;
    Some((word << away) as i128 >> away)
}

fn character(out: &mut String, bytes: &[u8]) -> std::fmt::Result {
    let code = unsigned(bytes, 0, bytes.len() as u64).unwrap_or_default();
    match u32::try_from(code).ok().and_then(char::from_u32) {
        Some(character) if bytes.len() > 1 || code < 0x80 => write!(out, "'{character}'"),
        _ => write!(out, "{code}"),
    }
}

fn float(out: &mut String, bytes: &[u8]) -> std::fmt::Result {
    match (bytes.first_chunk(), bytes.first_chunk(), bytes.len()) {
        (Some(bytes), _, 4) => write!(out, "{:?}", f32::from_le_bytes(*bytes)),
        (_, Some(bytes), 8) => write!(out, "{:?}", f64::from_le_bytes(*bytes)),
        _ => write!(out, "{MORE}"),
    }
}

fn choice(out: &mut String, names: &[(i64, String)], bytes: &[u8]) -> std::fmt::Result {
    let (signed, unsigned) = (signed(bytes), unsigned(bytes, 0, bytes.len() as u64));
    let same = |(number, _): &&(i64, String)| {
        Some(i128::from(*number)) == signed || u128::try_from(*number).ok() == unsigned
    };
    match names.iter().find(same) {
        Some((_, name)) => write!(out, "{name}"),
        None => number(out, signed),
    }
}

fn structure(out: &mut String, members: &[Member], bytes: &[u8], depth: usize) {
    if depth >= MOST_DEPTH {
        let _ = write!(out, "{{{MORE}}}");
        return;
    }
    // A type that only wraps another one is shown as that.
    if let [only] = members
        && (only.name == "__0" || only.name.is_empty())
    {
        return member(out, only, bytes, depth);
    }
    out.push('{');
    for (number, one) in members.iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        let _ = write!(out, "{}: ", one.name);
        member(out, one, bytes, depth + 1);
    }
    out.push('}');
}

fn member(out: &mut String, member: &Member, bytes: &[u8], depth: usize) {
    let from = usize::try_from(member.offset)
        .ok()
        .and_then(|offset| bytes.get(offset..));
    match from {
        Some(bytes) => value_of(out, &member.of, bytes, depth),
        None => out.push(MORE),
    }
}

fn variants(out: &mut String, tag: (u64, u64), all: &[Variant], bytes: &[u8], depth: usize) {
    let found = unsigned(bytes, tag.0, tag.1);
    let is_it = |variant: &&Variant| variant.tag.map(u128::from) == found;
    let other = || all.iter().find(|variant| variant.tag.is_none());
    let Some(variant) = found.and_then(|_| all.iter().find(is_it).or_else(other)) else {
        out.push(MORE);
        return;
    };
    out.push_str(&variant.name);
    let mut members = variant
        .members
        .iter()
        .filter(|member| member.of.bytes > 0)
        .peekable();
    if members.peek().is_none() {
        return;
    }
    out.push('(');
    for (number, one) in members.enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        match depth + 1 < MOST_DEPTH {
            true => member(out, one, bytes, depth + 1),
            false => out.push(MORE),
        }
    }
    out.push(')');
}
