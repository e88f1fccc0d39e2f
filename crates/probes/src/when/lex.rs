//! The words of an expression.

use crate::abi::calls::compare;

/// A word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    Number(i128),
    /// One of [`compare`].
    Compare(u8),
    And,
    End,
    /// None of them.
    Other,
}

/// What is compared how; longer ones first.
const COMPARE: [(&str, u8); 7] = [
    ("==", compare::EQUAL),
    ("!=", compare::UNEQUAL),
    ("<=", compare::AT_MOST),
    (">=", compare::AT_LEAST),
    ("<", compare::LESS),
    (">", compare::MORE),
    ("=", compare::EQUAL),
];

/// Reads one word after the other.
pub(super) struct Lexer<'t> {
    rest: &'t str,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The next word, and its text.
    pub fn next(&mut self) -> (Token<'t>, &'t str) {
        self.rest = self.rest.trim_start();
        let (token, length) = self.token();
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        (token, text)
    }

    fn token(&self) -> (Token<'t>, usize) {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else {
            return (Token::End, 0);
        };
        if rest.starts_with("&&") {
            return (Token::And, 2);
        }
        if let Some((text, how)) = COMPARE.iter().find(|(text, _)| rest.starts_with(text)) {
            return (Token::Compare(*how), text.len());
        }
        if first == '\'' {
            return character(rest);
        }
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '$' | '~');
        let length = |text: &str| text.find(|c| !is_part(c)).unwrap_or(text.len());
        if first == '-' || first.is_ascii_digit() {
            let sign = usize::from(first == '-');
            let length = sign + length(&rest[sign..]);
            let number = number(&rest[sign..length]).map(|n| if sign == 1 { -n } else { n });
            return (number.map_or(Token::Other, Token::Number), length.max(1));
        }
        match length(rest) {
            0 => (Token::Other, first.len_utf8()),
            length => (Token::Name(&rest[..length]), length),
        }
    }
}

fn number(text: &str) -> Option<i128> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    // A sign is none of it, though the parser takes one.
    let is_digit = text.chars().next().is_some_and(|c| c.is_ascii_digit());
    let has_sign = hexadecimal.is_some_and(|digits| digits.starts_with('+'));
    number
        .ok()
        .filter(|_| is_digit && !has_sign)
        .map(i128::from)
}

/// `'x'`.
fn character(text: &str) -> (Token<'_>, usize) {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, value)), Some((end, '\''))) if value != '\'' => {
            (Token::Number(i128::from(u32::from(value))), end + 1)
        }
        _ => (Token::Other, 1),
    }
}
