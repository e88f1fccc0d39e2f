//! Colours and glyphs. A colour never stands alone: without colours the glyphs still say everything.

use super::flame::Kind;
use super::trouble::Level;
use ratatui::style::{Color, Modifier, Style};

/// Broken now.
pub const BROKEN: &str = "✖";
/// Unusual, and any loss.
pub const UNUSUAL: &str = "▲";
/// Old or no data.
pub const OLD: &str = "⧗";
/// Live and connected.
pub const LIVE: &str = "●";

/// Coral is touching a process.
pub const TOUCHES: &str = "◆";
/// Something changed: a start, a restart, a deployment.
pub const CHANGE: &str = "◇";

/// Which colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// None: modifiers and glyphs only.
    None,
    /// The 16 of every terminal.
    Sixteen,
    /// A grey that can be read on light and dark as well.
    Many,
}

impl Palette {
    /// What these environment variables promise.
    pub fn of(no_color: bool, term: Option<&str>, colorterm: Option<&str>) -> Self {
        let many = term.is_some_and(|t| t.contains("256color") || t.contains("kitty"));
        match () {
            () if no_color || term == Some("dumb") => Self::None,
            () if many || colorterm.is_some_and(|c| !c.is_empty()) => Self::Many,
            () => Self::Sixteen,
        }
    }
}

/// The styles of the console.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    palette: Palette,
    /// Whether everything is old and therefore grey.
    grey: bool,
}

impl Theme {
    /// The styles for a terminal.
    pub fn new(palette: Palette) -> Self {
        Self {
            palette,
            grey: false,
        }
    }

    /// The same for data that is old.
    #[must_use]
    pub fn old(self, old: bool) -> Self {
        Self { grey: old, ..self }
    }

    fn color(self, color: Color, without: Modifier) -> Style {
        match self.palette {
            _ if self.grey => self.dim(),
            Palette::None => Style::new().add_modifier(without),
            _ => Style::new().fg(color),
        }
    }

    /// Text as it is.
    pub fn plain(self) -> Style {
        if self.grey { self.dim() } else { Style::new() }
    }

    /// What matters most.
    pub fn bold(self) -> Style {
        self.plain().add_modifier(Modifier::BOLD)
    }

    /// What matters less, and what is old.
    pub fn dim(self) -> Style {
        match self.palette {
            Palette::None => Style::new().add_modifier(Modifier::DIM),
            Palette::Sixteen => Style::new().fg(Color::DarkGray),
            Palette::Many => Style::new().fg(Color::Indexed(244)),
        }
    }

    /// Lines between panes.
    pub fn rule(self) -> Style {
        match self.palette {
            Palette::Many => Style::new().fg(Color::Indexed(240)),
            _ => self.dim(),
        }
    }

    /// Broken now.
    pub fn broken(self) -> Style {
        self.color(Color::Red, Modifier::BOLD)
    }

    /// Unusual, and any loss.
    pub fn unusual(self) -> Style {
        self.color(Color::Yellow, Modifier::BOLD)
    }

    /// Bars of a chart.
    pub fn chart(self) -> Style {
        match self.palette {
            _ if self.grey => self.dim(),
            Palette::None => Style::new(),
            Palette::Sixteen => Style::new().fg(Color::Cyan),
            Palette::Many => Style::new().fg(Color::Indexed(67)),
        }
    }

    /// Coral is touching a process.
    pub fn touches(self) -> Style {
        self.color(Color::Magenta, Modifier::BOLD)
    }

    /// A box of a flame graph by its kind.
    pub fn kind(self, kind: Kind) -> Style {
        let (few, many) = match kind {
            Kind::Program => (Color::Yellow, 173),
            Kind::Inlined => (Color::LightYellow, 180),
            Kind::Library => (Color::Green, 108),
            Kind::Kernel => (Color::Blue, 110),
            Kind::Unnamed => (Color::Gray, 246),
            Kind::Thread => (Color::White, 252),
        };
        self.filled(few, many)
    }

    /// A box of a flame graph that grew, shrank, or changed by no more than chance.
    pub fn changed(self, grown: Option<f64>) -> Style {
        match grown {
            Some(by) if by > 0.0 => self.filled(Color::LightRed, 203),
            Some(_) => self.filled(Color::LightBlue, 75),
            None => self.filled(Color::Gray, 250),
        }
    }

    /// A box that a search found.
    pub fn hit(self) -> Style {
        match self.palette {
            Palette::None => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            _ => self
                .filled(Color::LightMagenta, 227)
                .add_modifier(Modifier::BOLD),
        }
    }

    /// A box that stands for many, and one that a search passed by.
    pub fn faint(self) -> Style {
        match self.palette {
            Palette::Many => Style::new().fg(Color::Indexed(248)).bg(Color::Indexed(238)),
            _ => self.dim(),
        }
    }

    fn filled(self, few: Color, many: u8) -> Style {
        match self.palette {
            Palette::None => self.plain(),
            _ if self.grey => self.faint(),
            Palette::Sixteen => Style::new().fg(Color::Black).bg(few),
            Palette::Many => Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(many)),
        }
    }

    /// Whether boxes are told apart by colours.
    pub fn fills(self) -> bool {
        match self.palette {
            Palette::None => false,
            Palette::Sixteen => !self.grey,
            Palette::Many => true,
        }
    }

    /// Connected.
    pub fn good(self) -> Style {
        self.color(Color::Green, Modifier::empty())
    }

    /// Keys and what leads on.
    pub fn link(self) -> Style {
        match self.palette {
            Palette::None => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new().fg(Color::Cyan),
        }
    }

    /// The row of the cursor.
    pub fn selected(self) -> Style {
        match self.palette {
            Palette::None => Style::new().add_modifier(Modifier::REVERSED),
            _ if self.grey => self.dim().add_modifier(Modifier::REVERSED),
            _ => Style::new().fg(Color::Black).bg(Color::Cyan),
        }
    }

    /// The picture is not of now.
    pub fn inverse(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// The glyph and style of a level; nothing for what is fine.
    pub fn level(self, level: Level) -> (&'static str, Style) {
        match level {
            Level::Broken => (BROKEN, self.broken()),
            Level::Unusual => (UNUSUAL, self.unusual()),
            Level::Fine => (" ", self.plain()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_about_colours() {
        assert_eq!(
            Palette::of(true, Some("xterm-256color"), None),
            Palette::None
        );
        assert_eq!(
            Palette::of(false, Some("xterm-256color"), None),
            Palette::Many
        );
        assert_eq!(Palette::of(false, Some("linux"), None), Palette::Sixteen);
        assert_eq!(
            Palette::of(false, Some("xterm"), Some("truecolor")),
            Palette::Many
        );
        assert_eq!(Palette::of(false, Some("dumb"), None), Palette::None);
    }
}
