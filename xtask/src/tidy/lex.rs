//! Rust without its comments, strings and characters: enough to count braces and find words, far less than a parser.

/// The text with a blank for each byte of a comment, string or character; newlines stay, so lines and offsets are kept.
pub fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let foreign = not_code(rest, before);
        let taken = if foreign > 0 {
            foreign
        } else {
            first.len_utf8()
        };
        let (piece, tail) = rest.split_at(taken);
        if foreign == 0 && first.is_ascii() {
            out.push(first);
        } else {
            out.extend(piece.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        }
        before = first;
        rest = tail;
    }
    out
}

/// How many bytes at the beginning of `rest` are a comment, string or character; 0 when code goes on.
fn not_code(rest: &str, before: char) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, 1, '"');
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    // Prefixed strings: r"", r#""#, b"", br#""#, c"", but not the end of a name such as `for`.
    if before.is_alphanumeric() || before == '_' {
        return 0;
    }
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c']).len();
    let after = &rest[prefix.min(1)..];
    if let Some(raw) = after.strip_prefix('r') {
        return raw_string(raw).map_or(0, |length| prefix.min(1) + 1 + length);
    }
    match (prefix, after.chars().next()) {
        (1, Some('"')) => 1 + quoted(after, 1, '"'),
        (1, Some('\'')) if rest.starts_with('b') => 1 + quoted(after, 1, '\''),
        _ => 0,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length up to and with the closing quote, with backslash escapes.
fn quoted(rest: &str, open: usize, close: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(open) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == close => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; a lifetime or label is code.
fn character(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => quoted(rest, 1, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

/// What follows the `r` of a raw string.
fn raw_string(raw: &str) -> Option<usize> {
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let body = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(hashes + 1 + length)
}

/// Where the block that opens at or after `from` closes: the offset of its `}`. None when a `;` comes first.
pub fn block_end(code: &str, from: usize) -> Option<usize> {
    let mut nesting = 0_usize;
    let mut braces = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => nesting += 1,
            b')' | b']' => nesting = nesting.saturating_sub(1),
            b'{' => braces += 1,
            b'}' if braces <= 1 => return Some(at),
            b'}' => braces -= 1,
            b';' if braces == 0 && nesting == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_remains_and_every_offset_stays() {
        for (text, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (
                "f(\"a\\\"}{\", 'x', '\\'', '\"')",
                "f(       ,    ,     ,    )",
            ),
            ("let x: &'a str = r#\"}\"#;", "let x: &'a str =       ;"),
            (
                "(b\"{\", br#\"{\"#, b'{', c\"{\")",
                "(    ,       ,     ,     )",
            ),
            ("for r in bar", "for r in bar"),
            (
                "'outer: loop { break 'outer }",
                "'outer: loop { break 'outer }",
            ),
        ] {
            let found = code(text);
            assert_eq!(found.len(), text.len(), "{text}");
            assert_eq!(
                found.split_whitespace().collect::<Vec<_>>(),
                expected.split_whitespace().collect::<Vec<_>>(),
                "{text}"
            );
        }
    }

    #[test]
    fn blocks_end_at_their_own_brace() {
        let text = "fn a(x: [u8; 2]) { if b { c; } } fn d();";
        assert_eq!(block_end(text, 0), Some(31));
        assert_eq!(block_end(text, 33), None);
    }
}
