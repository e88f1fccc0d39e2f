//! Which characters the terminal can show. Views draw in Unicode; where the terminal cannot, a finished frame is put into
//! ASCII, cell by cell, so that nothing moves.

use ratatui::buffer::Buffer;

/// What the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Everything.
    Unicode,
    /// ASCII alone.
    Ascii,
}

impl Glyphs {
    /// What these environment variables promise: the locale's character set, and the kernel's own console, whose font has
    /// few glyphs. A locale that is not set promises nothing against Unicode.
    pub fn of(locale: Option<&str>, term: Option<&str>) -> Self {
        let ascii = locale.is_some_and(|locale| {
            let upper = locale.to_uppercase();
            !(upper.contains("UTF-8") || upper.contains("UTF8"))
        });
        match ascii || matches!(term, Some("linux" | "dumb" | "vt100" | "vt220")) {
            true => Self::Ascii,
            false => Self::Unicode,
        }
    }
}

/// Puts every cell into ASCII; a wide character becomes two marks.
pub fn to_ascii(buf: &mut Buffer) {
    let area = buf.area;
    for y in area.top()..area.bottom() {
        let mut wide = 0;
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            if wide > 0 {
                wide -= 1;
                cell.set_char('?');
                continue;
            }
            if cell.symbol().is_ascii() {
                continue;
            }
            let columns = coral_report::text::width(cell.symbol());
            wide = columns.saturating_sub(1);
            let first = cell.symbol().chars().next().unwrap_or('?');
            cell.set_char(plain(first));
        }
    }
}

/// The character that says the same.
fn plain(c: char) -> char {
    match c {
        '✖' => 'x',
        '▲' | '↑' => '^',
        '⧗' => '~',
        '◆' | '◇' => '*',
        '●' => 'o',
        '❚' => '|',
        '◀' | '←' => '<',
        '▶' | '→' => '>',
        '↓' => 'v',
        '↩' => '@',
        '—' | '─' | '━' | '┄' => '-',
        '│' | '┃' | '▏' | '▕' | '┆' => '|',
        '┊' => ':',
        '▓' => '#',
        '◦' => '.',
        '▸' | '›' => '>',
        '╭' | '╮' | '╰' | '╯' => '+',
        '·' => '.',
        '…' => '~',
        '⏎' => '$',
        '█' => '#',
        '▁' => '_',
        '▂' => '.',
        '▃' => '-',
        '▄' => '=',
        '▅' => '+',
        '▆' => '*',
        '▇' => '%',
        '┌'..='╿' => '+',
        '\u{2800}' => ' ',
        '\u{2801}'..='\u{28ff}' => dots(u32::from(c) - 0x2800),
        _ => '?',
    }
}

/// Braille dots by where most of them stand.
fn dots(bits: u32) -> char {
    let (upper, lower) = (bits & 0b0001_1011, bits & 0b1110_0100);
    match (upper != 0, lower != 0) {
        (true, true) => ':',
        (true, false) => '\'',
        (false, _) => '.',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn the_locale_and_the_terminal_decide() {
        let of = |locale, term| Glyphs::of(locale, term);
        assert_eq!(of(Some("C"), Some("xterm")), Glyphs::Ascii);
        assert_eq!(of(Some("de_DE.ISO-8859-1"), None), Glyphs::Ascii);
        assert_eq!(of(Some("C.UTF-8"), Some("xterm")), Glyphs::Unicode);
        assert_eq!(of(Some("en_US.utf8"), Some("linux")), Glyphs::Ascii);
        assert_eq!(of(None, Some("xterm-256color")), Glyphs::Unicode);
    }

    #[test]
    fn a_frame_keeps_its_columns() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 14, 1));
        buf.set_string(0, 0, "✖ 数据 ▁█ └─ ⣀", Style::new());
        to_ascii(&mut buf);
        let line: String = buf.content.iter().map(|c| c.symbol()).collect();
        assert_eq!(line, "x ???? _# +- .");
    }
}
