//! Lines of comma-separated values with quotes (RFC 4180), without copying what has no quotes.

use std::borrow::Cow;

/// The fields of one line; quotes do not reach over its end.
pub struct Fields<'a> {
    rest: Option<&'a str>,
}

/// The fields of a line.
pub fn fields(line: &str) -> Fields<'_> {
    Fields { rest: Some(line) }
}

/// The lines with something in them, each with its number from 1.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim().is_empty())
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.rest.take()?;
        if let Some(quoted) = rest.strip_prefix('"') {
            return Some(Cow::Owned(self.quoted(quoted)));
        }
        match rest.split_once(',') {
            Some((field, rest)) => {
                self.rest = Some(rest);
                Some(Cow::Borrowed(field))
            }
            None => Some(Cow::Borrowed(rest)),
        }
    }
}

impl<'a> Fields<'a> {
    fn quoted(&mut self, text: &'a str) -> String {
        let mut out = String::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != '"' {
                out.push(c);
            } else if chars.next_if(|(_, next)| *next == '"').is_some() {
                out.push('"');
            } else {
                let after = &text[at + 1..];
                self.rest = after.find(',').map(|comma| &after[comma + 1..]);
                return out;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_empty_fields() {
        let of = |line| fields(line).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(of("a,,b,"), ["a", "", "b", ""]);
        assert_eq!(of(r#""a,""b""",c"#), [r#"a,"b""#, "c"]);
        assert_eq!(of(r#""open,c"#), ["open,c"]);
        assert_eq!(of(""), [""]);
        assert_eq!(
            lines("\u{feff}a\r\n\n b\n").collect::<Vec<_>>(),
            [(1, "a"), (3, " b")]
        );
    }
}
