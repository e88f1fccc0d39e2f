//! The mouse: a click selects a row, a pane, a page, a tab or a key of the last line; a click on the selected row opens
//! it, one on the time freezes it; the wheel moves what it is over.

use super::{App, List, Mode, Outcome, PAGES, Page, RowKey, TABS};
use crate::console::draw::{footer_keys, moment_area};
use crate::console::flame::Place;
use crate::console::keys::Command;
use crate::console::layout;
use crate::console::moment::Moment;
use crate::console::notes;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

impl App {
    pub(super) fn mouse(&mut self, mouse: &MouseEvent, now: Moment) -> Outcome {
        let at = Position::new(mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::ScrollDown => self.wheel(at, NOTCH, now),
            MouseEventKind::ScrollUp => self.wheel(at, -NOTCH, now),
            MouseEventKind::Down(MouseButton::Left) => return self.click(at, now),
            MouseEventKind::Down(MouseButton::Right) if self.box_under(at, now).is_some() => {
                self.graph.zoom_out();
            }
            MouseEventKind::Moved => return self.hover(at, now),
            _ => return Outcome::default(),
        }
        Outcome::drawn()
    }

    /// The box under the mouse is told about; only another one is news.
    fn hover(&mut self, at: Position, now: Moment) -> Outcome {
        let hover = self.box_under(at, now);
        let draw = hover != self.graph.hover;
        self.graph.hover = hover;
        Outcome {
            draw,
            actions: vec![],
        }
    }

    fn box_under(&self, at: Position, now: Moment) -> Option<Place> {
        let shown = self.mode == Mode::Page && self.profiled_service().is_some();
        shown.then(|| self.box_at(at, now)).flatten()
    }

    /// The wheel moves what it is over, not what has the keys.
    fn wheel(&mut self, at: Position, by: isize, now: Moment) {
        if self.mode == Mode::Page && self.profiled_service().is_some() {
            self.wheel_over_profile(at, by, now);
        } else if self.mode == Mode::Page && self.text_under(at, now).is_some() {
            self.scroll_text(by);
        } else if self.mode == Mode::Page && self.spot.page != Page::Service {
            let panes = layout::panes(self, layout::regions(self, now).body);
            let detail = panes.detail.is_some_and(|d| d.contains(at));
            let focused = std::mem::replace(&mut self.pane.focused, detail);
            self.scroll(by);
            self.pane.focused = focused;
        } else {
            self.scroll(by);
        }
    }

    fn click(&mut self, at: Position, now: Moment) -> Outcome {
        let regions = layout::regions(self, now);
        if regions.footer.contains(at) {
            let keys = footer_keys(self, regions.footer);
            let hit = keys.into_iter().find(|(area, _)| area.contains(at));
            return hit.map_or_else(Outcome::default, |(_, command)| self.command(command, now));
        }
        if self.mode == Mode::Page && moment_area(self, now, regions.header).contains(at) {
            return self.command(Command::Freeze, now);
        }
        match self.mode {
            Mode::Page => self.click_page(at, &regions, now),
            Mode::Menu => self.click_menu(at, regions.body, now),
            Mode::Palette => self.click_palette(at, regions.body, now),
            Mode::Attach => self.click_picker(at, regions.body, now),
            Mode::Filter | Mode::Pick | Mode::Note | Mode::Help | Mode::Confirm => {
                self.mode = Mode::Page;
                Outcome::drawn()
            }
        }
    }

    fn click_menu(&mut self, at: Position, body: Rect, now: Moment) -> Outcome {
        let inside = layout::inside(layout::menu(self, body));
        if !inside.contains(at) {
            self.mode = Mode::Page;
            return Outcome::drawn();
        }
        self.menu.index = usize::from(at.y - inside.y);
        self.take(now)
    }

    fn click_palette(&mut self, at: Position, body: Rect, now: Moment) -> Outcome {
        let inside = layout::inside(layout::palette(body));
        if !inside.contains(at) {
            self.mode = Mode::Page;
            return Outcome::drawn();
        }
        // The text that is typed stands in the first line, a rule in the second.
        let height = usize::from(inside.height.saturating_sub(2));
        let Some(line) = usize::from(at.y - inside.y).checked_sub(2) else {
            return Outcome::default();
        };
        let first = (self.palette.index + 1).saturating_sub(height);
        if first + line >= self.palette.hits().len() {
            return Outcome::default();
        }
        self.palette.index = first + line;
        self.choose(now)
    }

    fn click_page(&mut self, at: Position, regions: &layout::Regions, now: Moment) -> Outcome {
        for ((page, _, _), tab) in PAGES.into_iter().zip(layout::tabs(regions.tabs)) {
            if tab.contains(at) {
                self.turn_to(page);
                return Outcome::drawn();
            }
        }
        if !self.has_rows() {
            return Outcome::default();
        }
        if self.profiled_service().is_some() {
            return self.click_profile(at, now);
        }
        if let Some(text) = self.text_under(at, now) {
            return self.click_text(at, text, now);
        }
        if self.spot.page == Page::Service {
            let areas = layout::service(self, regions.body);
            for ((tab, _), area) in TABS.into_iter().zip(layout::service_tabs(areas.tabs)) {
                if area.contains(at) {
                    self.show_tab(tab);
                    return Outcome::drawn();
                }
            }
        } else if layout::panes(self, regions.body)
            .detail
            .is_some_and(|d| d.contains(at))
        {
            self.pane.focused = true;
            return Outcome::drawn();
        }
        if self.spot.page == Page::Topology && self.drawing().is_some() {
            return self.click_drawing(at, now);
        }
        self.click_row(at, now)
    }

    /// The text of page 7, when it is under the mouse.
    fn text_under(&self, at: Position, now: Moment) -> Option<Rect> {
        let on_page = self.spot.page == Page::Diagnose;
        let body = on_page.then(|| layout::regions(self, now).body)?;
        layout::text(self, body).filter(|text| text.contains(at))
    }

    /// A click on a piece of evidence selects it; a second one opens it.
    fn click_text(&mut self, at: Position, text: Rect, now: Moment) -> Outcome {
        let had_keys = std::mem::replace(&mut self.pane.focused, true);
        let Some(link) = self.evidence_at(at, text, now) else {
            self.clicked = false;
            return Outcome::drawn();
        };
        let again = had_keys && self.clicked && self.reading.link == link;
        self.put_link(link);
        self.clicked = !again;
        match again {
            true => self.open_evidence(now),
            false => Outcome::drawn(),
        }
    }

    /// A click on a box selects it; a second one makes it fill the width.
    fn click_profile(&mut self, at: Position, now: Moment) -> Outcome {
        let Some(place) = self.box_at(at, now) else {
            let body = layout::regions(self, now).body;
            let areas = layout::profile(self, body, now);
            if areas.notes.contains(at) {
                let notes = notes::of(self, now);
                let note = notes.get(usize::from(at.y - areas.notes.y));
                let command = note.and_then(|note| note.command);
                return command.map_or_else(Outcome::default, |c| self.command(c, now));
            }
            if !areas.table.is_some_and(|t| t.contains(at)) {
                return Outcome::default();
            }
            let was = std::mem::replace(&mut self.pane.focused, true);
            self.clicked &= was;
            return self.click_row(at, now);
        };
        let again = self.clicked && !self.pane.focused && self.graph.at == place;
        (self.pane.focused, self.clicked) = (false, !again);
        self.graph.select(place);
        if again {
            self.graph.zoom_in();
        }
        Outcome::drawn()
    }

    /// The wheel shows other rows of the graph, or moves in the table.
    fn wheel_over_profile(&mut self, at: Position, by: isize, now: Moment) {
        let body = layout::regions(self, now).body;
        let areas = layout::profile(self, body, now);
        if areas.table.is_some_and(|t| t.contains(at)) {
            let index = self.cursors.of(List::Functions).index();
            self.put_cursor(index.saturating_add_signed(by));
        } else if areas.graph.is_some_and(|g| g.contains(at)) {
            self.graph.scroll(by);
        }
    }

    fn click_row(&mut self, at: Position, now: Moment) -> Outcome {
        let Some(rows) = layout::rows(self, now).filter(|rows| rows.contains(at)) else {
            return Outcome::default();
        };
        let list = self.list();
        let cursor = self.cursors.of(list);
        let (was, index) = (cursor.index(), cursor.offset() + usize::from(at.y - rows.y));
        if index >= self.count(list) {
            return Outcome::default();
        }
        self.pane.focused = list == List::Functions;
        self.put_cursor(index);
        match index == was && self.cursors.of(list).key().is_some() && self.clicked {
            true if list == List::Functions => {
                self.zoom_in();
                Outcome::drawn()
            }
            true => self.open(now),
            false => {
                self.clicked = true;
                Outcome::drawn()
            }
        }
    }

    /// A click on a card selects an edge that leads to it; a second one opens the service.
    fn click_drawing(&mut self, at: Position, now: Moment) -> Outcome {
        let (Some(area), Some(drawing)) = (layout::drawing_area(self, now), self.drawing()) else {
            return Outcome::default();
        };
        let hit = drawing.graph.cards.iter().find(|card| {
            let width = card.name_width + 3;
            Rect::new(area.x + card.x, area.y + card.y, width, card.height).contains(at)
        });
        let Some(service) = hit.map(|card| drawing.services[card.node].clone()) else {
            return Outcome::default();
        };
        if self
            .selected_edge()
            .is_some_and(|row| row.service == service)
        {
            return self.open(now);
        }
        let row = self.tree().rows.iter().find(|row| row.service == service);
        if let Some(id) = row.map(|row| row.id.clone()) {
            self.cursors.of_mut(List::Edges).put(RowKey::Edge(id));
        }
        Outcome::drawn()
    }
}
