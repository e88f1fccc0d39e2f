//! The mouse: a click selects a row, a pane or a page, the wheel moves what it is over.

use super::{App, Mode, Outcome, PAGES};
use crate::console::layout;
use crate::console::moment::Moment;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

impl App {
    pub(super) fn mouse(&mut self, mouse: &MouseEvent, now: Moment) -> Outcome {
        let at = Position::new(mouse.column, mouse.row);
        match (mouse.kind, self.mode) {
            (MouseEventKind::ScrollDown, _) => self.scroll(NOTCH),
            (MouseEventKind::ScrollUp, _) => self.scroll(-NOTCH),
            (MouseEventKind::Down(MouseButton::Left), Mode::Page) => return self.click(at, now),
            (MouseEventKind::Down(MouseButton::Left), Mode::Menu | Mode::Help) => {
                self.mode = Mode::Page;
            }
            _ => return Outcome::default(),
        }
        Outcome::drawn()
    }

    fn click(&mut self, at: Position, now: Moment) -> Outcome {
        let regions = layout::regions(self, now);
        for ((page, _, _), tab) in PAGES.into_iter().zip(layout::tabs(regions.tabs)) {
            if tab.contains(at) {
                self.turn_to(page);
                return Outcome::drawn();
            }
        }
        let panes = layout::panes(self, regions.body);
        if panes.detail.is_some_and(|detail| detail.contains(at)) {
            self.pane.focused = true;
            return Outcome::drawn();
        }
        let Some(rows) = panes.table.map(layout::rows_of_table) else {
            return Outcome::default();
        };
        if !rows.contains(at) {
            return Outcome::default();
        }
        self.pane.focused = false;
        let offset = match self.page {
            super::Page::Services => self.services.offset(),
            super::Page::Topology => self.edges.offset(),
        };
        self.put_cursor(offset + usize::from(at.y - rows.y));
        Outcome::drawn()
    }
}
