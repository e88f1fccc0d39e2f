//! Patterns with `*` for any characters and `?` for one, which a whole name has to match, with its parameters or
//! without. A name of Go or C++ may itself have a `*`, which such a pattern matches as well.

use super::search::{Class, Match};
use super::shape::{Shape, letter};

/// A pattern.
pub(super) struct Glob {
    pattern: Vec<u8>,
    /// Characters that every match has.
    pub letters: u64,
}

impl Glob {
    pub fn of(pattern: &str) -> Self {
        let mut pattern = pattern.as_bytes().to_vec();
        pattern.dedup_by(|next, before| *next == b'*' && *before == b'*');
        let fixed = pattern.iter().filter(|byte| !matches!(byte, b'*' | b'?'));
        let letters = fixed.fold(0, |all, byte| all | letter(*byte));
        Self { pattern, letters }
    }

    pub fn matched(&self, name: &str, shape: Shape) -> Option<Match> {
        if name.as_bytes() == self.pattern {
            return Some((Class::Exact, false));
        }
        let path = shape.path(name);
        let is_match = self.is_match(name.as_bytes()) || self.is_match(path);
        is_match.then_some((Class::Tail, false))
    }

    /// Only the last `*` is ever tried again: what lies before it has matched as early as it can.
    fn is_match(&self, name: &[u8]) -> bool {
        let pattern = &self.pattern;
        let (mut at, mut in_name) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while in_name < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    retry = Some((at + 1, in_name));
                    at += 1;
                }
                Some(b'?') => {
                    at += 1;
                    in_name += character(&name[in_name..]);
                }
                Some(byte) if *byte == name[in_name] => {
                    at += 1;
                    in_name += 1;
                }
                _ => match &mut retry {
                    Some((after, from)) => {
                        *from += 1;
                        (at, in_name) = (*after, *from);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

/// Bytes of the first character.
fn character(text: &[u8]) -> usize {
    let rest = text.iter().skip(1);
    1 + rest.take_while(|byte| **byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters_and_marks_for_one() {
        let is =
            |pattern: &str, name: &str| Glob::of(pattern).matched(name, Shape::of(name)).is_some();
        assert!(is("shop::*", "shop::Cart<int>::total(int)"));
        assert!(is("*::total", "shop::Cart<int>::total(int)"));
        assert!(is("*(int)", "shop::Cart<int>::total(int)"));
        assert!(is("main.(*Cart).Total", "main.(*Cart).Total"));
        assert!(is("process_?", "process_é"));
        assert!(is("a*b*c", "aXbXbXc"));
        assert!(is("**", ""));
        assert!(!is("process_?", "process_ab"));
        assert!(!is("total", "Total") && !is("*total", "Total"));
        assert!(!is("a*b*c", "aXbXbX"));
        assert!(!is("shop", "shop::f"));
    }
}
