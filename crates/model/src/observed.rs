//! Text that somebody else chose: names, paths, hosts, error texts of observed programs. It is hostile (terminal escapes,
//! bidirectional controls, forged newlines, 10 kB names) and therefore a type without `Display`: only its renderers print.

use std::borrow::Cow;

/// The longest observed text that is kept, in bytes; what is longer is cut at a character.
pub const MAX_BYTES: usize = 1024;

/// A text chosen by an observed program, container, packet or file.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Observed(String);

impl Observed {
    /// Takes a text from a decoder, cut to [`MAX_BYTES`].
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_BYTES {
            let cut = (0..=MAX_BYTES)
                .rev()
                .find(|&i| text.is_char_boundary(i))
                .unwrap_or(0);
            text.truncate(cut);
        }
        Self(text)
    }

    /// Takes bytes that may not be UTF-8; each bad sequence becomes U+FFFD.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::new(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text as it is, for storing, comparing and the wire; never for a screen, a log or a file that a person opens.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text for a person: one line, every control, escape, line separator and bidirectional character visible.
    pub fn visible(&self) -> Cow<'_, str> {
        visible(&self.0)
    }
}

impl std::fmt::Debug for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.visible())
    }
}

impl From<&str> for Observed {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Makes foreign text harmless for one line of a terminal, a log or a table: newline becomes `⏎`, every other control,
/// zero-width or bidirectional character its `\u{..}` escape.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push('⏎'),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// C0, DEL, C1, line and paragraph separators, bidirectional marks, embeddings, overrides and isolates, zero-width
/// characters, the byte order mark, interlinear and tag characters (Unicode 16, chapter 23; Trojan Source, 2021).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_newlines_and_bidi_become_visible() {
        let o = Observed::new("a\x1b]52;c;aGk=\x07\nb\u{202e}c\u{9b}");
        assert_eq!(o.visible(), "a\\u{1b}]52;c;aGk=\\u{7}⏎b\\u{202e}c\\u{9b}");
        assert_eq!(Observed::new("größe 数").visible(), "größe 数");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(Observed::new("é".repeat(5000)).raw().len(), 1024);
        assert_eq!(Observed::from_bytes(&[b'a', 0xff]).raw(), "a\u{fffd}");
    }
}
