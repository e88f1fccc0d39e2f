//! Where everything lies on the screen. Drawing and the mouse ask the same functions, so a click hits what is seen.

use super::alert;
use super::app::{App, Body, PAGES, Page};
use super::moment::Moment;
use ratatui::layout::{Constraint, Layout, Rect};

/// Below this the screen shows the worst services and no pages.
const USABLE: (u16, u16) = (80, 24);
/// From this body size on a page shows its second pane beside the first.
const BOTH_PANES: (u16, u16) = (110, 24);
/// Title of the columns above the rows, and the line of what is folded below them.
const AROUND_ROWS: u16 = 2;
/// The second pane is not lower than this.
const DETAIL_MIN: u16 = 9;
/// The second pane of Topology: four facts and a chart.
const EDGE_MAX: u16 = 20;

/// The lines of the screen from top to bottom.
#[derive(Debug, Clone, Copy)]
pub struct Regions {
    /// Where, when, how fresh, loss.
    pub header: Rect,
    /// The pages.
    pub tabs: Rect,
    /// Only if something is wrong.
    pub alert: Option<Rect>,
    /// The page.
    pub body: Rect,
    /// The filter, while there is one.
    pub note: Option<Rect>,
    /// The keys that work here.
    pub footer: Rect,
}

/// The panes of a page; what is not shown is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Panes {
    /// The rows.
    pub table: Option<Rect>,
    /// What belongs to the selected row.
    pub detail: Option<Rect>,
}

/// Whether the screen is too small for pages.
pub fn is_small(size: Rect) -> bool {
    size.width < USABLE.0 || size.height < USABLE.1
}

/// Divides the screen.
pub fn regions(app: &App, now: Moment) -> Regions {
    let alert = u16::from(alert::of(app, now).is_some());
    let note = u16::from(app.shows_note());
    let lines = [1, 1, alert].map(Constraint::Length);
    let [header, tabs, alert_line, body, note_line, footer] = Layout::vertical([
        lines[0],
        lines[1],
        lines[2],
        Constraint::Fill(1),
        Constraint::Length(note),
        Constraint::Length(1),
    ])
    .areas(app.size());
    Regions {
        header,
        tabs,
        alert: (alert > 0).then_some(alert_line),
        body,
        note: (note > 0).then_some(note_line),
        footer,
    }
}

/// Divides the body of a page. Both panes stand there when there is room, else `Tab` swaps them; `z` gives the whole body
/// to the one with the keys.
pub fn panes(app: &App, body: Rect) -> Panes {
    let room = body.width >= BOTH_PANES.0 && body.height >= BOTH_PANES.1;
    if app.pane.zoomed || !room {
        let (table, detail) = match app.pane.focused {
            true => (None, Some(body)),
            false => (Some(body), None),
        };
        return Panes { table, detail };
    }
    let rows = match app.page {
        Page::Topology => app.tree().0.len(),
        Page::Services => app.service_list().rows.len(),
    };
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX);
    let table = wanted
        .saturating_add(AROUND_ROWS + 1)
        .clamp(DETAIL_MIN, body.height * 3 / 5);
    let most = if app.page == Page::Topology {
        EDGE_MAX
    } else {
        u16::MAX
    };
    let detail = (body.height - table).min(most);
    let [table, detail] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(detail)]).areas(body);
    Panes {
        table: Some(table),
        detail: Some(detail),
    }
}

/// The rows of a table, without the titles above and the line of what is folded below.
pub fn rows_of_table(table: Rect) -> Rect {
    Rect {
        y: table.y + 1,
        height: table.height.saturating_sub(AROUND_ROWS),
        ..table
    }
}

/// How many rows the page of now can show.
pub fn rows_height(app: &App, now: Moment) -> u16 {
    let panes = panes(app, regions(app, now).body);
    panes.table.map_or(1, |table| rows_of_table(table).height)
}

/// Whether the routes of the selected service are on the screen.
pub fn shows_routes(app: &App, now: Moment) -> bool {
    let page = app.page == Page::Services && app.body() == Body::Page && !is_small(app.size());
    page && panes(app, regions(app, now).body).detail.is_some()
}

/// The names of the pages on their line.
pub fn tabs(line: Rect) -> Vec<Rect> {
    let mut x = line.x + 1;
    PAGES
        .iter()
        .map(|(_, key, name)| {
            let width = u16::try_from(key.len() + name.len() + 3).unwrap_or(u16::MAX);
            let tab = Rect::new(x, line.y, width, line.height).intersection(line);
            x = x.saturating_add(width + 1);
            tab
        })
        .collect()
}
