//! What calls a session is about: comparisons of arguments and results, as a person writes them.
//!
//! `NAME > 10 && NAME.member == 0x10 && ret != 0`: up to four comparisons, which all have to hold. Names are those of the
//! function's arguments, or `arg0` and so on; numbers are decimal or hexadecimal, characters, `true`, `false`, or names of
//! an enum. Errors say what there is; the names in them were chosen by the observed program.

mod lex;

use crate::abi::calls::{CONDITIONS, Condition, compare};
use crate::arguments::{Argument, Form, Signature, Type, Word};
use lex::{Lexer, Token};
use std::fmt::Write as _;

/// Longest expression, bytes.
pub const MOST_BYTES: usize = 1_024;
/// Names that an error lists.
const MOST_NAMES: usize = 24;

/// Why an expression is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// It is longer than [`MOST_BYTES`], or has more than [`CONDITIONS`] comparisons.
    #[error(
        "at most {CONDITIONS} comparisons in {MOST_BYTES} bytes can be looked at in the kernel"
    )]
    TooLong,
    /// It is not of the form.
    #[error("expected {expected} at `{found}`; write for example `arg0 > 10 && ret != 0`")]
    Unexpected {
        /// What could be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The function has no such argument.
    #[error("the function has no `{name}`; there is {known}")]
    NoName {
        /// What was asked for.
        name: String,
        /// What there is, with types.
        known: String,
    },
    /// It is there, but is no number.
    #[error("`{name}` cannot be compared: {reason}; there is {known}")]
    NoNumber {
        /// What was asked for.
        name: String,
        /// What it is.
        reason: String,
        /// What there is, with types.
        known: String,
    },
    /// It can never be this number.
    #[error("{number} does not fit `{name}`, a number of {bytes} bytes {sign} sign")]
    DoesNotFit {
        /// The number.
        number: String,
        /// What it is compared with.
        name: String,
        /// Bytes of that.
        bytes: u8,
        /// With or without a sign.
        sign: &'static str,
    },
}

/// The conditions that an expression is, of a function with this signature.
pub fn parse(text: &str, signature: &Signature) -> Result<Vec<Condition>, WhenError> {
    if text.len() > MOST_BYTES {
        return Err(WhenError::TooLong);
    }
    let mut lexer = Lexer::new(text);
    let mut conditions = Vec::new();
    loop {
        if conditions.len() == CONDITIONS {
            return Err(WhenError::TooLong);
        }
        conditions.push(comparison(&mut lexer, signature)?);
        match lexer.next() {
            (Token::End, _) => return Ok(conditions),
            (Token::And, _) => {}
            (_, found) => return Err(unexpected("`&&` or the end", found)),
        }
    }
}

fn unexpected(expected: &'static str, found: &str) -> WhenError {
    WhenError::Unexpected {
        expected,
        found: found.to_owned(),
    }
}

fn comparison(lexer: &mut Lexer<'_>, signature: &Signature) -> Result<Condition, WhenError> {
    let name = match lexer.next() {
        (Token::Name(name), _) => name,
        (_, found) => return Err(unexpected("the name of an argument, or `ret`,", found)),
    };
    let (argument, word, is_at_end) = find(name, signature)?;
    let compare = match lexer.next() {
        (Token::Compare(compare), _) => compare,
        (_, found) => return Err(unexpected("one of == != < <= > >=", found)),
    };
    let number = match lexer.next() {
        (Token::Number(number), _) => number,
        (Token::Name(constant), found) => {
            named(constant, argument, word).ok_or_else(|| unexpected("a number", found))?
        }
        (_, found) => return Err(unexpected("a number", found)),
    };
    Ok(Condition {
        word: word.take,
        number: fitting(number, name, word)?,
        compare,
        is_at_end: u8::from(is_at_end),
        is_signed: u8::from(word.is_signed),
        bytes: word.bytes,
        ..Condition::NONE
    })
}

/// The number as the kernel compares it.
fn fitting(number: i128, name: &str, word: &Word) -> Result<u64, WhenError> {
    let bits = u32::from(word.bytes.clamp(1, 8)) * 8;
    let least = if word.is_signed {
        -(1i128 << (bits - 1))
    } else {
        0
    };
    // What is written in hexadecimal may be meant as bits.
    if number >= least && number < 1i128 << bits {
        return Ok(number as u64);
    }
    Err(WhenError::DoesNotFit {
        number: number.to_string(),
        name: name.to_owned(),
        bytes: word.bytes,
        sign: if word.is_signed { "with" } else { "without" },
    })
}

/// The argument or result of a name, and which word of it.
fn find<'s>(
    name: &str,
    signature: &'s Signature,
) -> Result<(&'s Argument, &'s Word, bool), WhenError> {
    let begin = signature.arguments.iter().map(|argument| (argument, false));
    let all = || {
        begin
            .clone()
            .chain(signature.returns.iter().map(|given| (given, true)))
    };
    let mut found = None;
    for (argument, is_at_end) in all() {
        let is_first = is_at_end && argument.name == "ret0" && !name.starts_with("ret0");
        let own = if is_first {
            "ret"
        } else {
            argument.name.as_str()
        };
        let Some(member) = member(name, own) else {
            continue;
        };
        if let Some(word) = argument.words.iter().find(|word| word.member == member) {
            return Ok((argument, word, is_at_end));
        }
        found = found.or(Some(argument));
    }
    if let Some((argument, member)) = by_number(name, signature) {
        if let Some(word) = argument.words.iter().find(|word| word.member == member) {
            return Ok((argument, word, false));
        }
        found = found.or(Some(argument));
    }
    let name = name.to_owned();
    Err(match found {
        Some(argument) => WhenError::NoNumber {
            name,
            reason: match &argument.take {
                Err(gone) => gone.to_string(),
                Ok(_) => format!("`{}` is no number", argument.type_name),
            },
            known: known(signature),
        },
        None => WhenError::NoName {
            name,
            known: known(signature),
        },
    })
}

/// What is behind the argument's name and a dot.
fn member<'n>(name: &'n str, argument: &str) -> Option<&'n str> {
    match name.strip_prefix(argument)? {
        "" => Some(""),
        rest => rest.strip_prefix('.'),
    }
}

/// `arg0` and so on, also of arguments that have names.
fn by_number<'s, 'n>(name: &'n str, signature: &'s Signature) -> Option<(&'s Argument, &'n str)> {
    let rest = name.strip_prefix("arg")?;
    let (number, member) = rest.split_once('.').unwrap_or((rest, ""));
    Some((
        signature.arguments.get(number.parse::<usize>().ok()?)?,
        member,
    ))
}

/// Everything that can be compared, with types.
fn known(signature: &Signature) -> String {
    let mut text = String::new();
    let mut count = 0;
    for argument in signature.arguments.iter().chain(&signature.returns) {
        for word in &argument.words {
            count += 1;
            if count > MOST_NAMES {
                text.push_str(", …");
                return text;
            }
            let separator = if text.is_empty() { "" } else { ", " };
            let dot = if word.member.is_empty() { "" } else { "." };
            let _ = write!(text, "{separator}{}{dot}{}", argument.name, word.member);
            if word.member.is_empty() && !argument.type_name.is_empty() {
                let _ = write!(text, " ({})", argument.type_name);
            }
        }
    }
    if text.is_empty() {
        text.push_str("nothing that can be compared");
    }
    text
}

/// A name for a number: of an enum, or of what all languages have.
fn named(constant: &str, argument: &Argument, word: &Word) -> Option<i128> {
    match constant {
        "true" => return Some(1),
        "false" | "null" | "NULL" | "nil" => return Some(0),
        _ => {}
    }
    let Form::Choice(names) = &compared(&argument.of, &word.member)?.form else {
        return None;
    };
    let found = names.iter().find(|(_, name)| name == constant);
    found.map(|(number, _)| i128::from(*number))
}

/// The type of a member of a value, or of what it points to.
fn compared<'t>(of: &'t Type, member: &str) -> Option<&'t Type> {
    match &of.form {
        Form::Pointer(Some(to)) => compared(to, member),
        Form::Structure(members) => members
            .iter()
            .find(|other| other.name == member)
            .map(|other| &other.of),
        _ => Some(of).filter(|_| member.is_empty()),
    }
}

/// Any text is a list of conditions, or an error with words.
pub fn fuzz(bytes: &[u8]) {
    let signature = crate::arguments::registers(bytes.first().is_some_and(|byte| byte & 1 == 1));
    let text = String::from_utf8_lossy(bytes);
    match parse(&text, &signature) {
        Ok(conditions) => {
            assert!((1..=CONDITIONS).contains(&conditions.len()));
            assert!(
                conditions
                    .iter()
                    .all(|one| one.compare != compare::NOT && one.bytes <= 8)
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[cfg(test)]
mod tests;
