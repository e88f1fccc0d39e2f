//! What each command does.

use super::{App, Mode, Outcome, Page};
use crate::console::event::Action;
use crate::console::filter::Filter;
use crate::console::keys::Command;
use crate::console::moment::Moment;
use crate::console::sort::{COLUMNS, Sort};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A longer filter is not taken.
const FILTER_MAX: usize = 120;

impl App {
    pub(super) fn command(&mut self, command: Command, now: Moment) -> Outcome {
        match command {
            Command::Services => self.turn_to(Page::Services),
            Command::Topology => self.turn_to(Page::Topology),
            Command::Up => self.scroll(-1),
            Command::Down => self.scroll(1),
            Command::PageUp => self.scroll(-self.screenful()),
            Command::PageDown => self.scroll(self.screenful()),
            Command::Top => self.scroll(isize::MIN / 2),
            Command::Bottom => self.scroll(isize::MAX / 2),
            Command::NextPane => self.pane.focused = !self.pane.focused,
            Command::Zoom => self.pane.zoomed = !self.pane.zoomed,
            Command::Show => self.show_service(),
            Command::Filter => self.mode = Mode::Filter,
            Command::NextMatch => self.next_match(true),
            Command::PreviousMatch => self.next_match(false),
            Command::SortMenu => self.open_menu(),
            Command::Take => self.take_sort(),
            Command::Hidden => self.all = !self.all,
            Command::Freeze => self.freeze(now),
            Command::StartColony => return self.start(now),
            Command::Keep => self.mode = Mode::Page,
            Command::Out => self.out(),
            Command::Back => return self.back(),
            Command::Help => self.open_help(),
            Command::Quit => return Outcome::wish(Action::Quit),
            Command::Suspend => return Outcome::wish(Action::Suspend),
            Command::Repaint => return Outcome::wish(Action::Repaint),
        }
        Outcome::drawn()
    }

    /// Text goes into the filter, which acts at once.
    pub(super) fn typed(&mut self, key: &KeyEvent) -> Outcome {
        let mut text = self.filter.text().to_owned();
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => text.clear(),
            KeyCode::Char('w') if control => {
                let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                text.truncate(kept);
            }
            KeyCode::Char(c) if !control && text.chars().count() < FILTER_MAX => text.push(c),
            KeyCode::Backspace => {
                text.pop();
            }
            _ => return Outcome::default(),
        }
        self.filter = Filter::parse(&text);
        Outcome::drawn()
    }

    pub(super) fn turn_to(&mut self, page: Page) {
        if self.page != page {
            self.page = page;
            self.pane = super::Pane::default();
        }
    }

    fn open_menu(&mut self) {
        self.mode = Mode::Menu;
        let current = COLUMNS.iter().position(|&c| c == self.sort.column);
        self.menu = current.unwrap_or(0);
    }

    fn take_sort(&mut self) {
        if let Some(&column) = COLUMNS.get(self.menu) {
            let same = column == self.sort.column;
            self.sort = Sort {
                column,
                reversed: same && !self.sort.reversed,
            };
        }
        self.mode = Mode::Page;
    }

    fn open_help(&mut self) {
        self.help_offset = 0;
        self.mode = Mode::Help;
    }

    fn freeze(&mut self, now: Moment) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => {
                let at = self.live.head().map_or(now.wall, |head| head.window.to);
                Some((self.live.clone(), at))
            }
        };
    }

    /// One step out: of what is open, of the pane, of the filter; never out of the console.
    fn out(&mut self) {
        match self.mode {
            Mode::Filter => {
                self.filter = Filter::default();
                self.mode = Mode::Page;
            }
            Mode::Menu | Mode::Help => self.mode = Mode::Page,
            Mode::Page if self.pane.zoomed => self.pane.zoomed = false,
            Mode::Page if self.pane.focused => self.pane.focused = false,
            Mode::Page => self.filter = Filter::default(),
        }
    }

    fn back(&mut self) -> Outcome {
        if self.pane.zoomed || self.pane.focused {
            self.out();
            return Outcome::drawn();
        }
        Outcome::wish(Action::Quit)
    }
}
