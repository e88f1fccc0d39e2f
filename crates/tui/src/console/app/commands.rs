//! What each command does.

use super::{App, MenuKind, Mode, Outcome, Page, Pane, RowKey, Spot, TABS, Tab};
use crate::console::event::Action;
use crate::console::filter::Filter;
use crate::console::flame::Way;
use crate::console::keys::Command;
use crate::console::moment::Moment;
use coral_model::ServiceKey;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A longer text is not taken.
const TEXT_MAX: usize = 120;
/// The same of a note: four bytes a character are the most that a colony takes.
const NOTE_MAX: usize = 250;
/// The widest neighbourhood.
const DEPTH_MAX: usize = 8;
/// So many services deep `Esc` leads back.
pub(super) const WAY_MAX: usize = 20;

impl App {
    pub(super) fn command(&mut self, command: Command, now: Moment) -> Outcome {
        match command {
            command if let Some(page) = page_of(command) => self.turn_to(page),
            command if let Some(outcome) = self.probe_command(command, now) => return outcome,
            Command::Up => self.scroll(-1),
            Command::Down => self.scroll(1),
            Command::PageUp => self.scroll(-self.screenful()),
            Command::PageDown => self.scroll(self.screenful()),
            Command::Top => self.scroll(isize::MIN / 2),
            Command::Bottom => self.scroll(isize::MAX / 2),
            Command::NextPane => self.pane.focused = !self.pane.focused,
            Command::NextTab => self.turn_tab(true),
            Command::PreviousTab => self.turn_tab(false),
            Command::Zoom => self.pane.zoomed = !self.pane.zoomed,
            Command::Open => return self.open(now),
            Command::LastView => self.last_view(),
            Command::Palette => self.open_palette(),
            Command::Filter => self.open_filter(),
            Command::NextMatch => self.next_match(true),
            Command::PreviousMatch => self.next_match(false),
            Command::SortMenu => self.open_sort(),
            Command::CopyMenu => self.open_menu(MenuKind::Copy),
            Command::ExportMenu => self.open_menu(MenuKind::Export),
            Command::Take if self.mode == Mode::Palette => return self.choose(now),
            Command::Take => return self.take(now),
            Command::Hidden => self.all = !self.all,
            Command::Wide if self.spot.page == Page::Topology => self.tree_form = !self.tree_form,
            Command::Changes => self.changes = !self.changes,
            Command::Wide => self.wide = !self.wide,
            Command::Profile => return self.take_profile(now),
            Command::EndProfile => return self.end_profile(now),
            Command::Diagnose => return self.diagnose(now),
            Command::ToText => self.pane.focused = true,
            Command::ToFindings => self.pane.focused = false,
            Command::ZoomIn => self.zoom_in(),
            Command::PreviousBox => self.sideways(Way::Left),
            Command::NextBox => self.sideways(Way::Right),
            Command::Invert => self.reshape(|shape| shape.inverted = !shape.inverted),
            Command::MergeRecursion => self.reshape(|shape| shape.merged = !shape.merged),
            Command::ByThread => self.reshape(|shape| shape.threads = !shape.threads),
            Command::Deeper => self.depth = (self.depth + 1).min(DEPTH_MAX),
            Command::Shallower => self.depth = (self.depth - 1).max(1),
            Command::ToCaller => self.along(false),
            Command::ToCallee => self.along(true),
            Command::Freeze => return self.freeze(now),
            Command::StepBack => return self.step(true, now),
            Command::StepOn => return self.step(false, now),
            Command::Halve => return self.resize_window(false, now),
            Command::Double => return self.resize_window(true, now),
            Command::Now => return self.back_to_now(now),
            Command::Compare => return self.compare(now),
            Command::Pick => self.open_line(Mode::Pick),
            Command::Note => self.open_line(Mode::Note),
            Command::StartColony => return self.start(now),
            Command::Keep if self.mode == Mode::Note => return self.noted(),
            Command::Keep if self.mode == Mode::Pick => return self.picked(now),
            Command::Keep => {
                self.mode = Mode::Page;
                // The cursor stays on the row that was found when the filter goes.
                self.put_cursor(self.cursors.of(self.list()).index());
            }
            Command::Out => return self.out(now),
            Command::Back => return self.back(now),
            Command::Help => self.open_help(),
            Command::Mouse => {
                self.mouse_on = !self.mouse_on;
                return Outcome::wish(Action::Mouse(self.mouse_on));
            }
            Command::Quit => return Outcome::wish(Action::Quit),
            Command::Suspend => return Outcome::wish(Action::Suspend),
            Command::Repaint => return Outcome::wish(Action::Repaint),
            // Pages and probes are answered above.
            _ => {}
        }
        Outcome::drawn()
    }

    fn open_filter(&mut self) {
        // What is typed chooses among the findings, not in the text.
        self.pane.focused &= self.spot.page != Page::Diagnose;
        self.mode = Mode::Filter;
    }

    fn open_line(&mut self, mode: Mode) {
        self.input.clear();
        self.mode = mode;
    }

    /// Text goes into the line that is open, which acts at once.
    pub(super) fn typed(&mut self, key: &KeyEvent, now: Moment) -> Outcome {
        let mut text = match self.mode {
            Mode::Filter => self.filter().text().to_owned(),
            Mode::Palette => self.palette.text.clone(),
            Mode::Attach => self.picked_text().to_owned(),
            _ => self.input.clone(),
        };
        let most = match self.mode {
            Mode::Note => NOTE_MAX,
            _ => TEXT_MAX,
        };
        if !edit(&mut text, key, most) {
            return Outcome::default();
        }
        match self.mode {
            Mode::Filter => drop(self.filters.insert(self.spot.page, Filter::parse(&text))),
            Mode::Palette => {
                self.palette.text = text;
                self.palette.search();
            }
            Mode::Attach => self.type_function(text, now),
            _ => self.input = text,
        }
        Outcome::drawn()
    }

    /// To a page with a key of its own; the way out of services ends there.
    pub(super) fn turn_to(&mut self, page: Page) {
        self.from.clear();
        self.visit(Spot::page(page));
    }

    pub(super) fn open_service(&mut self, service: ServiceKey) {
        self.lead_to(Spot::service(service));
    }

    /// To what belongs to a service; `Esc` leads back.
    pub(super) fn lead_to(&mut self, spot: Spot) {
        if self.spot == spot {
            return;
        }
        self.push_way(None);
        self.visit(spot);
    }

    pub(super) fn visit(&mut self, spot: Spot) {
        if self.spot != spot {
            self.before = Some(std::mem::replace(&mut self.spot, spot));
            self.pane = Pane::default();
            self.clicked = false;
            if self.spot.page == Page::Service {
                self.filters.remove(&Page::Service);
                *self.cursors.of_mut(super::List::Tab) = Default::default();
            }
            if self.spot.page == Page::Profiles {
                self.forget_graph();
            }
            if self.spot.page == Page::Diagnose {
                *self.cursors.of_mut(super::List::Findings) = Default::default();
            }
        }
    }

    fn last_view(&mut self) {
        if let Some(spot) = self.before.take() {
            self.visit(spot);
        }
    }

    fn turn_tab(&mut self, forward: bool) {
        let at = TABS.iter().position(|t| t.0 == self.tab).unwrap_or(0);
        let step = if forward { 1 } else { TABS.len() - 1 };
        self.show_tab(TABS[(at + step) % TABS.len()].0);
    }

    pub(super) fn show_tab(&mut self, tab: Tab) {
        if self.tab != tab {
            self.tab = tab;
            self.filters.remove(&Page::Service);
            *self.cursors.of_mut(super::List::Tab) = Default::default();
        }
    }

    /// Into what the row under the cursor shows.
    pub(super) fn open(&mut self, now: Moment) -> Outcome {
        let index = self.cursors.of(self.list()).index();
        match (self.spot.page, self.tab) {
            (Page::Services, _) => {
                let service = self.selected_service().map(|row| row.service.clone());
                service.into_iter().for_each(|s| self.open_service(s));
            }
            (Page::Topology, _) => {
                let service = self.selected_edge().map(|row| row.service.clone());
                service.into_iter().for_each(|s| self.open_service(s));
            }
            (Page::Service, Tab::Callers | Tab::Callees) => {
                let edge = self.tab_edges().get(index).copied();
                let service = edge.map(|e| super::sheets::other_end(e, self.tab).clone());
                service.into_iter().for_each(|s| self.open_service(s));
            }
            (Page::Events, _) | (Page::Service, Tab::Changes) => {
                let Some(event) = self.event_rows().get(index).map(|e| (*e).clone()) else {
                    return Outcome::drawn();
                };
                let other = event
                    .service
                    .filter(|s| self.spot.service.as_ref() != Some(s));
                other.into_iter().for_each(|s| self.open_service(s));
                return self.go_around(event.at, now);
            }
            (Page::Profiles, _) => {
                let service = self.service_here();
                service.into_iter().for_each(|s| self.open_profile(s));
            }
            (Page::Fleet | Page::Probes, _) => {
                self.pane.focused = true;
                self.pane.zoomed = true;
            }
            (Page::Diagnose, _) if self.pane.focused => return self.open_evidence(now),
            (Page::Diagnose, _) => self.pane.focused = true,
            (Page::Service, Tab::Routes | Tab::Instances) => {}
        }
        Outcome::drawn()
    }

    /// Along an edge of the topology: to one that leads here, or to one that leads on.
    fn along(&mut self, forward: bool) {
        let picture = self.picture();
        let Some(row) = self.selected_edge() else {
            return;
        };
        let caller = row.edge(picture).map(|e| &e.caller);
        let rows = &self.tree().rows;
        let index = self.cursors.of(super::List::Edges).index();
        let found = match forward {
            true => rows
                .iter()
                .position(|r| r.edge(picture).is_some_and(|e| e.caller == row.service)),
            // The nearest row above that reaches the caller.
            false => rows[..index]
                .iter()
                .rposition(|r| Some(&r.service) == caller),
        };
        if let Some(place) = found {
            self.put_cursor(place);
        }
    }

    fn open_help(&mut self) {
        self.help_offset = 0;
        self.mode = Mode::Help;
    }

    /// One step out: of what is open, of the pane, of the filter, of the service; never out of the console.
    pub(super) fn out(&mut self, now: Moment) -> Outcome {
        let in_pane = self.pane.zoomed || self.pane.focused;
        if self.mode == Mode::Page && !in_pane && self.out_of_graph() {
            return Outcome::drawn();
        }
        match self.mode {
            Mode::Filter => {
                self.filters.remove(&self.spot.page);
                self.mode = Mode::Page;
            }
            Mode::Menu
            | Mode::Help
            | Mode::Pick
            | Mode::Note
            | Mode::Palette
            | Mode::Attach
            | Mode::Confirm => self.mode = Mode::Page,
            Mode::Page
                if self.pane.zoomed && matches!(self.spot.page, Page::Fleet | Page::Probes) =>
            {
                self.pane = Pane::default();
            }
            Mode::Page if self.pane.zoomed => self.pane.zoomed = false,
            Mode::Page if self.pane.focused => self.pane.focused = false,
            Mode::Page if self.finer_shown().is_some_and(|f| f.is_running(now)) => {
                return self.end_profile(now);
            }
            Mode::Page if self.finer_shown().is_some() => self.finer = None,
            Mode::Page if !self.filter().text().is_empty() => {
                self.filters.remove(&self.spot.page);
            }
            Mode::Page if self.spot.service.is_some() || self.came_by_evidence() => {
                return self.leave_service(now);
            }
            Mode::Page => {}
        }
        Outcome::drawn()
    }

    /// Writes the note down: about the service of the page, at the moment that is shown.
    fn noted(&mut self) -> Outcome {
        self.mode = Mode::Page;
        let text = std::mem::take(&mut self.input);
        if text.trim().is_empty() {
            return Outcome::drawn();
        }
        Outcome::wish(Action::Note {
            at: self.time.end(),
            service: self.spot.service.clone(),
            text: text.trim().to_owned(),
        })
    }

    /// Back to where the person came from, and to the time that was shown there.
    fn leave_service(&mut self, now: Moment) -> Outcome {
        let page = match self.spot.page {
            page @ (Page::Profiles | Page::Diagnose) => page,
            _ => Page::Services,
        };
        let way = self.from.pop();
        let time = way.as_ref().and_then(|way| way.time);
        let spot = way.map_or(Spot::page(page), |way| way.spot);
        if let (Page::Services, Some(service)) = (spot.page, self.spot.service.clone()) {
            // The cursor is where the person comes from, unless another one was put there meanwhile.
            self.all |= self.is_folded(&service);
            self.cursors
                .of_mut(super::List::Services)
                .put(RowKey::Service(service));
        }
        let to_text = spot.page == Page::Diagnose && time.is_some();
        let kept = to_text.then(|| self.cursors.of(super::List::Findings).clone());
        self.visit(spot);
        if let Some(kept) = kept {
            *self.cursors.of_mut(super::List::Findings) = kept;
            self.pane.focused = true;
        }
        match time {
            Some(time) => self.retime(time, now),
            None => Outcome::drawn(),
        }
    }

    fn back(&mut self, now: Moment) -> Outcome {
        if self.profiled_service().is_some() && !self.pane.zoomed && !self.pane.focused {
            return self.leave_service(now);
        }
        let inside = self.spot.service.is_some() || self.came_by_evidence();
        if self.pane.zoomed || self.pane.focused || inside {
            self.filters.remove(&Page::Service);
            return self.out(now);
        }
        Outcome::wish(Action::Quit)
    }

    pub(super) fn screenful(&self) -> isize {
        isize::from(i16::try_from(self.size.height / 2).unwrap_or(20)).max(1)
    }

    /// Moves whatever has the keys.
    pub(super) fn scroll(&mut self, by: isize) {
        match self.mode {
            Mode::Menu => {
                let last = self.menu_lines().len().saturating_sub(1);
                self.menu.index = self.menu.index.saturating_add_signed(by).min(last);
            }
            Mode::Palette => {
                let last = self.palette.hits().len().saturating_sub(1);
                self.palette.index = self.palette.index.saturating_add_signed(by).min(last);
            }
            Mode::Attach => self.move_in_picker(by),
            Mode::Help => self.help_offset = self.help_offset.saturating_add_signed(by),
            Mode::Page if self.is_on_graph() => self.move_in_graph(by),
            Mode::Page if self.spot.page == Page::Diagnose && self.pane.focused => {
                self.move_in_text(by);
            }
            _ if self.pane.focused && self.list() != super::List::Functions => {
                let last = self.pane_lines().saturating_sub(1);
                self.pane.offset = self.pane.offset.saturating_add_signed(by).min(last);
            }
            _ if self.has_rows() => {
                let index = self.cursors.of(self.list()).index();
                self.put_cursor(index.saturating_add_signed(by));
            }
            _ => {}
        }
    }

    fn pane_lines(&self) -> usize {
        match self.spot.page {
            Page::Services => super::menus::of_side(self.route_rows()).len(),
            Page::Fleet => 64,
            Page::Probes => self.probe_lines(),
            _ => 1,
        }
    }

    /// To the next row that matches, round the end; without a filter, that is in trouble.
    pub(super) fn next_match(&mut self, forward: bool) {
        if self.is_on_graph() {
            return self.next_box(forward);
        }
        let list = self.list();
        let (count, index) = (self.count(list), self.cursors.of(list).index());
        let any = !self.filter().is_empty() && list != super::List::Edges;
        let found = (1..=count)
            .map(|step| match forward {
                true => (index + step) % count,
                false => (index + count - step) % count,
            })
            .find(|&place| any || self.stands_out(list, place));
        if let Some(place) = found {
            self.put_cursor(place);
        }
    }
}

/// The page that a command turns to.
const fn page_of(command: Command) -> Option<Page> {
    Some(match command {
        Command::Services => Page::Services,
        Command::Topology => Page::Topology,
        Command::Events => Page::Events,
        Command::Profiles => Page::Profiles,
        Command::ProbesPage => Page::Probes,
        Command::DiagnosePage => Page::Diagnose,
        Command::Fleet => Page::Fleet,
        _ => return None,
    })
}

/// Whether a key changed the text.
fn edit(text: &mut String, key: &KeyEvent, most: usize) -> bool {
    let other = KeyModifiers::CONTROL | KeyModifiers::ALT;
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('u') if control => text.clear(),
        KeyCode::Char('w') if control => {
            let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
            text.truncate(kept);
        }
        KeyCode::Char(c) if !key.modifiers.intersects(other) => {
            if text.chars().count() >= most {
                return false;
            }
            text.push(c);
        }
        KeyCode::Backspace => drop(text.pop()),
        _ => return false,
    }
    true
}
