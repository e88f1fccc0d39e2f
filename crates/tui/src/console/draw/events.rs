//! Page 3: what happened over the window as a strip of marks by kind, and as a list.

use super::detail::no_answer;
use super::plot::{LABEL, plot_area};
use super::red::marks;
use super::services::{marked, no_match};
use super::table::{Column, GAP, cell, line, titles};
use super::{View, at, chart, cursor_style, put, span};
use crate::console::app::List;
use crate::console::layout::{Panes, rows_of_table, strip};
use crate::console::theme::{BROKEN, CHANGE, LIVE, OLD};
use coral_model::Event;
use coral_report::figure::{UNKNOWN, age};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// The kinds of the strip: what went wrong, what changed.
const KINDS: [(&str, u8); 2] = [("trouble", 3), ("changes", 2)];

/// The column of the service is not narrower or wider.
const SERVICE: (usize, usize) = (8, 22);

/// How much an event matters: trouble, no data, a change, the rest.
pub(super) fn rank(event: &Event) -> u8 {
    match event.kind.name() {
        "crash" | "out_of_memory" | "disk_full" | "unhealthy" => 4,
        "gap" => 3,
        "change" | "restart" | "start" | "healthy" | "note" => 2,
        _ => 1,
    }
}

/// The glyph of an event.
pub(super) fn glyph(view: View<'_>, event: &Event) -> (&'static str, Style) {
    match rank(event) {
        4 => (BROKEN, view.theme.broken()),
        3 => (OLD, view.theme.dim()),
        2 => (CHANGE, view.theme.link()),
        _ => (LIVE, view.theme.dim()),
    }
}

pub(super) fn draw(view: View<'_>, body: Rect, panes: Panes, buf: &mut Buffer) {
    let view = view.when_old(view.app.known_events(None).old);
    let (events, truncated) = view.app.page_events();
    if let Some(area) = strip(body) {
        for (y, (name, least)) in (0..).zip(KINDS) {
            let label = text::right(name, usize::from(LABEL));
            put(Line::styled(label, view.theme.dim()), at(area, y), buf);
            let shown: Vec<Event> = events
                .iter()
                .filter(|e| (rank(e) >= 3) == (least == 3))
                .cloned()
                .collect();
            marks(view, &shown, at(plot_area(area), y), buf);
        }
        chart::time_axis(view, at(plot_area(area), 2), buf);
    }
    let Some(area) = panes.table else {
        return;
    };
    let (head, lines) = table(view, area.width, true);
    put(head, area, buf);
    let rows = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Events);
    let count = lines.len();
    let mut y = rows.y;
    let shown = lines.into_iter().enumerate().skip(cursor.offset());
    for (i, line) in shown.take(usize::from(rows.height)) {
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        put(line, place, buf);
        if i == cursor.index() {
            buf.set_style(place, cursor_style(view));
        }
        y += 1;
    }
    let place = Rect {
        y,
        height: 1,
        ..area
    };
    let lines = after(view, count, events.len(), truncated);
    for (y, line) in (0..).zip(lines) {
        put(
            line,
            Rect {
                y: place.y + y,
                ..place
            }
            .intersection(area),
            buf,
        );
    }
}

fn after(view: View<'_>, count: usize, all: usize, truncated: bool) -> Vec<Line<'static>> {
    let dim = view.theme.dim();
    let say = |text: String| vec![Line::styled(format!("   {text}"), dim)];
    if let Some(why) = no_answer(view, view.app.known_events(None)) {
        return why.into_iter().flat_map(say).collect();
    }
    match (count, all) {
        (0, 0) => say(format!(
            "nothing happened in these {}: no start, no exit, no gap in the data",
            age(view.app.time.window)
        )),
        (0, all) => vec![no_match(view, all, "events")],
        _ if truncated => say("older ones are left out: { halves the window".to_owned()),
        _ => vec![],
    }
}

/// The list: time, kind, service, what.
pub(super) fn table(
    view: View<'_>,
    width: u16,
    with_service: bool,
) -> (Line<'static>, Vec<Line<'static>>) {
    let rows = view.app.event_rows();
    let now = view.now.wall;
    let days = rows
        .first()
        .zip(rows.last())
        .is_some_and(|(newest, oldest)| {
            let zone = &view.app.config.zone;
            super::day_clock(newest.at, now, zone).len() > 8
                || super::day_clock(oldest.at, now, zone).len() > 8
        });
    // What happened gets the room: the other columns are as wide as what stands in them.
    let names = rows.iter().filter_map(|event| event.service.as_ref());
    let longest = names.map(|name| text::width(&text::service(name))).max();
    let service = match with_service {
        true => longest.unwrap_or(0).clamp(SERVICE.0, SERVICE.1),
        false => 0,
    };
    let lengths = rows.iter().any(|event| event.until.is_some());
    let time = if days { 19 } else { 8 };
    let length = if lengths { 8 + GAP } else { 0 };
    let fixed = 3 + time + 13 + service + length + 3 * GAP;
    let what = usize::from(width).saturating_sub(fixed + 1);
    let mut columns = vec![Column::words("TIME", time), Column::words("KIND", 13)];
    if with_service {
        columns.push(Column::words("SERVICE", service));
    }
    columns.extend(lengths.then(|| Column::figures("FOR", 8)));
    columns.push(Column::words("WHAT", what));
    let head = marked("", Style::new(), titles(&columns, view.theme));
    let row = |event: &Event| {
        let theme = view.theme;
        let (mark, style) = glyph(view, event);
        let length = event.until.map(|until| age(until.since(event.at)));
        let at = super::day_clock(event.at, now, &view.app.config.zone);
        let mut cells = vec![
            cell(at, theme.dim()),
            cell(event.kind.name().replace('_', " "), style),
        ];
        if with_service {
            let name = event.service.as_ref().map(text::service);
            let style = if name.is_some() {
                theme.bold()
            } else {
                theme.dim()
            };
            cells.push(cell(name.unwrap_or(UNKNOWN.to_owned()), style));
        }
        cells.extend(lengths.then(|| cell(length.unwrap_or_default(), theme.dim())));
        cells.push(vec![span(event.text.visible(), theme.plain())]);
        marked(mark, style, line(&columns, cells))
    };
    (head, rows.into_iter().map(row).collect())
}
