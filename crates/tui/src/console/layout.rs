//! Where everything lies on the screen. Drawing and the mouse ask the same functions, so a click hits what is seen.

use super::alert;
use super::app::{App, Body, List, Mode, PAGES, Page, TABS};
use super::moment::Moment;
use super::notes;
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
/// Below a drawing: the facts alone, or with a chart where the body is as high as that.
const BELOW_DRAWING: (u16, u16, u16) = (6, 13, 34);
/// From this width on there is air between the names of the pages.
const WIDE_TABS: u16 = 100;
/// Air above a drawing; the line of what is not drawn and air below it.
const AROUND_DRAWING: u16 = 4;
/// The second pane of Fleet.
const AGENT_MIN: u16 = 15;
/// The marks of the events over the window, with a blank line.
const STRIP: u16 = 4;
/// The charts of a service where there is little room: five lines and the time.
const LINES: u16 = 6;

/// From this width on the functions stand beside the flame graph, and take this part of it.
const FUNCTIONS: (u16, u16) = (140, 3);
/// The text of a diagnosis: at most so many columns, and this part of the width.
const TEXT: (u16, u16, u16) = (104, 7, 12);
/// Lines about a box: its name, its figures; where there is room the name may be longer.
const ABOUT_BOX: (u16, u16, u16) = (2, 4, 30);

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
    /// The filter or the moment, while one is typed.
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

/// The page of a service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceAreas {
    /// Which service, in one line.
    pub title: Rect,
    /// Rate, errors, durations over the window.
    pub charts: Option<Rect>,
    /// The figures of the window, beside the charts.
    pub facts: Option<Rect>,
    /// The names of the lists.
    pub tabs: Rect,
    /// The list, with the titles of its columns.
    pub table: Rect,
}

/// The page of a flame graph.
#[derive(Debug, Clone, Copy)]
pub struct ProfileAreas {
    /// What the profile is made of, in one line.
    pub head: Rect,
    /// What is under way or missing, a line each.
    pub notes: Rect,
    /// The boxes.
    pub graph: Option<Rect>,
    /// The functions, with the titles of the columns.
    pub table: Option<Rect>,
    /// About the box under the cursor.
    pub detail: Rect,
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

fn has_room(body: Rect) -> bool {
    body.width >= BOTH_PANES.0 && body.height >= BOTH_PANES.1
}

/// Divides the body of a page. Both panes stand there when there is room, else `Tab` swaps them; `z` gives the whole body
/// to the one with the keys.
pub fn panes(app: &App, body: Rect) -> Panes {
    if app.spot.page == Page::Events {
        let strip = if has_room(body) { STRIP } else { 0 };
        return Panes {
            table: Some(lower(body, strip)),
            detail: None,
        };
    }
    if app.spot.page == Page::Profiles {
        return Panes {
            table: Some(body),
            detail: None,
        };
    }
    if app.pane.zoomed || !has_room(body) {
        let (table, detail) = match app.pane.focused {
            true => (None, Some(body)),
            false => (Some(body), None),
        };
        return Panes { table, detail };
    }
    if app.spot.page == Page::Diagnose {
        let text = (body.width * TEXT.1 / TEXT.2).min(TEXT.0);
        let [list, text] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(text)]).areas(body);
        return Panes {
            table: Some(list),
            detail: Some(text),
        };
    }
    let detail = match app.spot.page {
        Page::Topology if let Some(drawing) = app.drawing() => {
            let rest = body
                .height
                .saturating_sub(drawing.graph.height + AROUND_DRAWING);
            rest.clamp(below_drawing(body), EDGE_MAX)
        }
        Page::Topology => (body.height - table_height(app, body)).min(EDGE_MAX),
        Page::Fleet => (body.height - table_height(app, body)).max(AGENT_MIN),
        _ => body.height - table_height(app, body),
    };
    let [table, detail] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(detail)]).areas(body);
    Panes {
        table: Some(table),
        detail: Some(detail),
    }
}

fn table_height(app: &App, body: Rect) -> u16 {
    let wanted = u16::try_from(app.count(app.list())).unwrap_or(u16::MAX);
    wanted
        .saturating_add(AROUND_ROWS + 1)
        .clamp(DETAIL_MIN, body.height * 3 / 5)
}

fn below_drawing(body: Rect) -> u16 {
    match body.height >= BELOW_DRAWING.2 {
        true => BELOW_DRAWING.1,
        false => BELOW_DRAWING.0,
    }
}

/// The lines of the text of a diagnosis, when it is on the screen.
pub fn text(app: &App, body: Rect) -> Option<Rect> {
    let pane = panes(app, body).detail;
    pane.filter(|_| app.spot.page == Page::Diagnose)
        .map(text_of)
}

/// The lines of a text in its pane, below its title.
pub fn text_of(pane: Rect) -> Rect {
    Rect {
        x: pane.x + 2,
        width: pane.width.saturating_sub(3),
        ..lower(pane, 1)
    }
}

/// The strip of events above their list.
pub fn strip(body: Rect) -> Option<Rect> {
    has_room(body).then_some(Rect {
        height: STRIP,
        ..body
    })
}

/// Where the topology is drawn, when there is room for a drawing.
pub fn drawing_area(app: &App, now: Moment) -> Option<Rect> {
    let body = regions(app, now).body;
    if !has_room(body) || app.pane.focused && app.pane.zoomed {
        return None;
    }
    let below = match app.pane.zoomed {
        true => 0,
        false => below_drawing(body),
    };
    // A line for what is not drawn, and one of air above.
    Some(Rect {
        x: body.x + 1,
        y: body.y + 1,
        width: body.width - 2,
        height: body.height.saturating_sub(below + AROUND_DRAWING - 1),
    })
}

/// Divides the page of a service.
pub fn service(app: &App, body: Rect) -> ServiceAreas {
    let wide = has_room(body);
    let charts = match (app.pane.zoomed, wide) {
        (true, _) => 0,
        (false, false) => LINES,
        (false, true) => (body.height * 11 / 20).clamp(13, 30),
    };
    let [title, charts, tabs, table] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(charts),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(body);
    let beside = if wide { (body.width / 3).min(60) } else { 0 };
    let [charts, facts] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(beside)]).areas(charts);
    let shown = |area: Rect| (area.height > 0 && area.width > 0).then_some(area);
    ServiceAreas {
        title,
        charts: shown(charts),
        facts: shown(facts),
        tabs,
        table,
    }
}

/// Divides the page of a flame graph. The functions stand beside it when there is room, else `Tab` swaps them; `z` gives
/// the whole width to the one with the keys.
pub fn profile(app: &App, body: Rect, now: Moment) -> ProfileAreas {
    let notes = u16::try_from(notes::of(app, now).len()).unwrap_or(0);
    let about = match body.height >= ABOUT_BOX.2 {
        true => ABOUT_BOX.1,
        false => ABOUT_BOX.0,
    };
    let [head, notes, middle, detail] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(notes),
        Constraint::Fill(1),
        Constraint::Length(about),
    ])
    .areas(body);
    let (graph, table) = match app.pane.focused {
        _ if body.width >= FUNCTIONS.0 && !app.pane.zoomed => {
            let table = body.width / FUNCTIONS.1;
            let [graph, table] =
                Layout::horizontal([Constraint::Fill(1), Constraint::Length(table)])
                    .spacing(2)
                    .areas(middle);
            (Some(graph), Some(table))
        }
        true => (None, Some(middle)),
        false => (Some(middle), None),
    };
    ProfileAreas {
        head,
        notes,
        graph,
        table,
        detail,
    }
}

/// The rows of a table, without the titles above and the line of what is folded below.
pub fn rows_of_table(table: Rect) -> Rect {
    Rect {
        height: table.height.saturating_sub(AROUND_ROWS),
        ..lower(table, 1)
    }
}

fn lower(area: Rect, by: u16) -> Rect {
    let by = by.min(area.height);
    Rect {
        y: area.y + by,
        height: area.height - by,
        ..area
    }
}

/// Where the rows of the page lie, unless they are drawn or hidden.
pub fn rows(app: &App, now: Moment) -> Option<Rect> {
    let body = regions(app, now).body;
    match app.list() {
        List::Tab => Some(rows_of_table(service(app, body).table)),
        List::Functions => profile(app, body, now).table.map(rows_of_table),
        List::Edges if app.drawing().is_some() => None,
        _ => panes(app, body).table.map(rows_of_table),
    }
}

/// How many rows the page of now can show.
pub fn rows_height(app: &App, now: Moment) -> u16 {
    rows(app, now).map_or(1, |area| area.height)
}

/// Whether the pane of the selected row is on the screen.
pub fn shows_detail(app: &App, now: Moment) -> bool {
    let page = app.body() == Body::Page && !is_small(app.size()) && app.mode != Mode::Help;
    page && panes(app, regions(app, now).body).detail.is_some()
}

/// The names of the pages on their line.
pub fn tabs(line: Rect) -> Vec<Rect> {
    // All of them fit the narrowest screen.
    let gap = u16::from(line.width >= WIDE_TABS);
    let names = PAGES
        .iter()
        .map(|(_, key, name)| key.len() + name.len() + 3);
    in_a_row(line, (1, gap), names)
}

/// The names of the lists of a service on their line.
pub fn service_tabs(line: Rect) -> Vec<Rect> {
    in_a_row(line, (3, 1), TABS.iter().map(|(_, name)| name.len() + 2))
}

fn in_a_row(
    line: Rect,
    (indent, gap): (u16, u16),
    widths: impl Iterator<Item = usize>,
) -> Vec<Rect> {
    let mut x = line.x + indent;
    widths
        .map(|width| {
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            let tab = Rect::new(x, line.y, width, line.height).intersection(line);
            x = x.saturating_add(width + gap);
            tab
        })
        .collect()
}

/// The box of the open menu.
pub fn menu(app: &App, body: Rect) -> Rect {
    let lines = app.menu_lines();
    let longest = lines.iter().map(|l| coral_report::text::width(&l.1)).max();
    let width = u16::try_from(longest.unwrap_or(0) + 6).unwrap_or(u16::MAX);
    Rect {
        x: body.x + 4,
        y: body.y + 1,
        width: width
            .clamp(28, body.width.saturating_sub(8).max(28))
            .min(body.width),
        height: u16::try_from(lines.len() + 2)
            .unwrap_or(u16::MAX)
            .min(body.height),
    }
}

/// The box of the palette.
pub fn palette(body: Rect) -> Rect {
    let width = body.width.saturating_sub(8).min(96);
    Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + 1,
        width,
        height: body.height.saturating_sub(3).min(22),
    }
}

/// The box of the functions to choose from.
pub fn picker(body: Rect) -> Rect {
    let width = body.width.saturating_sub(4).min(120);
    Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + 1,
        width,
        height: body.height.saturating_sub(2).min(26),
    }
}

/// The functions in that box: below what is typed and a rule, above what is to be said of them.
pub fn picker_rows(area: Rect) -> Rect {
    let inner = inside(area);
    Rect {
        height: inner.height.saturating_sub(4),
        ..lower(inner, 2)
    }
}

/// The lines inside of a box.
pub fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}
