//! How the console looks on a terminal: which colours and which characters. A word on the command line or in the
//! environment decides; without one the terminal does.

use super::glyphs::Glyphs;
use super::theme::Palette;
use clap::ValueEnum;

/// A word of a theme; several may stand together, such as `16,ascii`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Word {
    /// What the terminal can
    Auto,
    /// 256 colours
    #[value(name = "256")]
    Many,
    /// The 16 colours of every terminal
    #[value(name = "16")]
    Sixteen,
    /// No colours
    Mono,
    /// ASCII characters alone
    Ascii,
    /// All characters
    Unicode,
}

/// What the environment says of the terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terminal {
    /// `NO_COLOR`, or the option.
    pub no_color: bool,
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// The first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set.
    pub locale: Option<String>,
}

impl Terminal {
    /// What these variables say; `variable` gives one that is set and not empty.
    pub fn read(no_color: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"];
        Self {
            no_color: no_color || variable("NO_COLOR").is_some(),
            term: variable("TERM"),
            colorterm: variable("COLORTERM"),
            locale: locale.into_iter().find_map(variable),
        }
    }

    /// The look of these words on this terminal; of words that exclude each other the last one holds.
    pub fn look(&self, words: &[Word]) -> (Palette, Glyphs) {
        let (term, colorterm) = (self.term.as_deref(), self.colorterm.as_deref());
        let mut palette = Palette::of(self.no_color, term, colorterm);
        let mut glyphs = Glyphs::of(self.locale.as_deref(), term);
        for word in words {
            match word {
                Word::Auto => {}
                Word::Many => palette = Palette::Many,
                Word::Sixteen => palette = Palette::Sixteen,
                Word::Mono => palette = Palette::None,
                Word::Ascii => glyphs = Glyphs::Ascii,
                Word::Unicode => glyphs = Glyphs::Unicode,
            }
        }
        (palette, glyphs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_stronger_than_the_terminal() {
        let terminal = |set: &'static [(&str, &str)]| {
            Terminal::read(false, |name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let plain = terminal(&[("TERM", "xterm-256color"), ("LANG", "en_US.UTF-8")]);
        assert_eq!(plain.look(&[]), (Palette::Many, Glyphs::Unicode));
        let words = [Word::Sixteen, Word::Ascii];
        assert_eq!(plain.look(&words), (Palette::Sixteen, Glyphs::Ascii));
        let bare = terminal(&[
            ("TERM", "linux"),
            ("LC_ALL", "C"),
            ("LANG", "x.UTF-8"),
            ("NO_COLOR", "1"),
        ]);
        assert_eq!(bare.look(&[Word::Auto]), (Palette::None, Glyphs::Ascii));
        assert_eq!(
            bare.look(&[Word::Many, Word::Unicode]),
            (Palette::Many, Glyphs::Unicode)
        );
    }
}
