//! Draws the console: a pure function of its state, the size and the moment.

mod attach;
mod chart;
mod detail;
mod diagnose;
mod edge;
mod events;
mod fleet;
mod footer;
mod graph;
mod header;
mod overlay;
mod plot;
mod probes;
mod profiles;
mod red;
mod service;
mod services;
mod small;
mod states;
mod table;
mod topology;

pub(super) use footer::footer_keys;
pub(super) use header::moment_area;

use super::app::{App, Body, LinkState, Mode, Page};
use super::glyphs::{Glyphs, to_ascii};
use super::layout::{self, is_small};
use super::moment::Moment;
use super::pick;
use super::theme::Theme;
use coral_model::TimeNs;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

/// What every view borrows for one frame.
#[derive(Clone, Copy)]
struct View<'a> {
    app: &'a App,
    now: Moment,
    /// Grey while the data is old.
    theme: Theme,
}

impl View<'_> {
    /// The same in grey while what is drawn is about another time.
    fn when_old(self, old: bool) -> Self {
        match old {
            true => Self {
                theme: self.theme.old(true),
                ..self
            },
            false => self,
        }
    }
}

impl App {
    /// Draws the whole screen.
    pub fn draw(&self, frame: &mut Frame<'_>, now: Moment) {
        let buf = frame.buffer_mut();
        self.draw_into(buf, now);
        if self.config.glyphs == Glyphs::Ascii {
            to_ascii(buf);
        }
    }

    fn draw_into(&self, buf: &mut Buffer, now: Moment) {
        let away = matches!(self.link, LinkState::Away { .. });
        let view = View {
            app: self,
            now,
            theme: Theme::new(self.config.palette).old(away || self.is_waiting(now)),
        };
        if is_small(self.size()) {
            small::draw(view, self.size(), buf);
            return;
        }
        let regions = layout::regions(self, now);
        header::draw(view, &regions, buf);
        match (self.mode, self.body()) {
            (Mode::Help, _) => overlay::help(view, regions.body, buf),
            (_, Body::Page) => page(view, regions.body, buf),
            (_, state) => states::draw(view, &state, regions.body, buf),
        }
        match self.mode {
            Mode::Menu => overlay::menu(view, regions.body, buf),
            Mode::Palette => overlay::palette(view, regions.body, buf),
            Mode::Attach => attach::draw(view, regions.body, buf),
            _ => {}
        }
        footer::draw(view, &regions, buf);
    }
}

fn page(view: View<'_>, body: Rect, buf: &mut Buffer) {
    let panes = layout::panes(view.app, body);
    match view.app.spot.page {
        Page::Services => {
            if let Some(area) = panes.table {
                services::draw(view, area, buf);
            }
            if let Some(area) = panes.detail {
                detail::draw(view, area, buf);
            }
        }
        Page::Topology => {
            match (layout::drawing_area(view.app, view.now), view.app.drawing()) {
                (Some(area), Some(drawing)) => graph::draw(view, drawing, area, buf),
                _ => {
                    if let Some(area) = panes.table {
                        topology::draw(view, area, buf);
                    }
                }
            }
            if let Some(area) = panes.detail {
                edge::draw(view, area, buf);
            }
        }
        Page::Events => events::draw(view, body, panes, buf),
        Page::Profiles => profiles::draw(view, body, buf),
        Page::Diagnose => diagnose::draw(view, panes, buf),
        Page::Probes => probes::draw(view, panes, buf),
        Page::Fleet => {
            if let Some(area) = panes.table {
                fleet::draw(view, area, buf);
            }
            if let Some(area) = panes.detail {
                fleet::detail(view, area, buf);
            }
        }
        Page::Service => service::draw(view, &layout::service(view.app, body), buf),
    }
}

/// Puts a line at the top of an area; what does not fit is cut.
fn put(line: Line<'_>, area: Rect, buf: &mut Buffer) {
    let area = Rect {
        height: area.height.min(1),
        ..area
    };
    line.render(area, buf);
}

/// The area from its line `y` on.
fn below(area: Rect, y: u16) -> Rect {
    let y = y.min(area.height);
    Rect {
        y: area.y + y,
        height: area.height - y,
        ..area
    }
}

fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// A title in a rule across the area: `── checkout: routes ─────`.
fn titled_rule(view: View<'_>, title: &str, focused: bool, area: Rect, buf: &mut Buffer) {
    let style = if focused {
        view.theme.link()
    } else {
        view.theme.bold()
    };
    let title = coral_report::text::fit(title, usize::from(area.width).saturating_sub(6));
    let rest = usize::from(area.width).saturating_sub(coral_report::text::width(&title) + 4);
    let line = Line::from(vec![
        span("── ", view.theme.rule()),
        span(title.into_owned(), style),
        span(format!(" {}", "─".repeat(rest)), view.theme.rule()),
    ]);
    put(line, area, buf);
}

/// The style of the row under the cursor: bright where the keys are.
fn cursor_style(view: View<'_>) -> Style {
    match view.app.pane.focused {
        true => Style::new().add_modifier(ratatui::style::Modifier::BOLD),
        false => view.theme.selected(),
    }
}

/// Line `y` of an area.
fn at(area: Rect, y: u16) -> Rect {
    let below = below(area, y);
    Rect {
        height: below.height.min(1),
        ..below
    }
}

/// The clock of a moment in the person's zone, and the zone's name.
fn clock(at: TimeNs, zone: &TimeZone) -> (String, String) {
    let at = pick::zoned(at, zone);
    (
        at.strftime("%H:%M:%S").to_string(),
        at.strftime("%Z").to_string(),
    )
}

/// The clock of a moment, with its day when that is not the day of `now`.
fn day_clock(at: TimeNs, now: TimeNs, zone: &TimeZone) -> String {
    let (then, now) = (pick::zoned(at, zone), pick::zoned(now, zone));
    match then.date() == now.date() {
        true => then.strftime("%H:%M:%S").to_string(),
        false => then.strftime("%a %d %b %H:%M:%S").to_string(),
    }
}
