//! The lists on the page of a service: routes, callers, callees, changes.

use super::super::detail::{no_answer, no_requests};
use super::super::events;
use super::super::services::{marked, no_match};
use super::super::table::{Cell, Column, GAP, cell, line, titles, total};
use super::super::topology::{errors, level};
use super::super::{View, cursor_style, put};
use crate::console::app::{List, RouteSort, Tab, other_end};
use crate::console::layout::rows_of_table;
use coral_model::StatusClass;
use coral_model::answer::{EdgeRow, FEW_SAMPLES, MetricRow, Red};
use coral_report::figure::{UNKNOWN, bytes, millis, percentile, rate};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// The glyph before a row.
const MARK: usize = 3;

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let (head, lines) = match view.app.tab {
        Tab::Routes => routes(view, usize::from(area.width)),
        Tab::Callers | Tab::Callees => edges(view, usize::from(area.width)),
        Tab::Changes => events::table(view, area.width, false),
    };
    put(head, area, buf);
    let rows = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Tab);
    let count = lines.len();
    let shown = lines.into_iter().enumerate().skip(cursor.offset());
    let mut y = rows.y;
    for (i, line) in shown.take(usize::from(rows.height)) {
        let at = Rect {
            y,
            height: 1,
            ..area
        };
        put(line, at, buf);
        if i == cursor.index() {
            buf.set_style(at, cursor_style(view));
        }
        y += 1;
    }
    if let Some(line) = after(view, count, usize::from(rows.height), cursor.offset()) {
        let at = Rect {
            y,
            height: 1,
            ..area
        };
        put(line, at, buf);
    }
}

/// What stands below the rows: why there are none, or how many more.
fn after(view: View<'_>, count: usize, height: usize, offset: usize) -> Option<Line<'static>> {
    let app = view.app;
    let say = |text: String| Some(Line::styled(format!("   {text}"), view.theme.dim()));
    if count > 0 {
        let below = count.saturating_sub(offset + height);
        return (below > 0).then(|| say(format!("{below} more below")))?;
    }
    if !app.filter().is_empty() {
        let all = match app.tab {
            Tab::Routes => app.route_rows().len(),
            Tab::Callers | Tab::Callees => app.picture().edges().len(),
            Tab::Changes => app.page_events().0.len(),
        };
        return Some(no_match(view, all, "rows"));
    }
    let known = match app.tab {
        Tab::Routes => app.known_routes(),
        Tab::Changes => app.known_events(app.spot.service.as_ref()),
        Tab::Callers => return say("nobody was seen calling it in this window".to_owned()),
        Tab::Callees => return say("it was not seen calling anybody in this window".to_owned()),
    };
    if let Some(why) = no_answer(view, known) {
        return say(why);
    }
    say(match app.tab {
        Tab::Routes => no_requests(view).to_owned(),
        _ => "nothing happened to it in this window".to_owned(),
    })
}

/// The columns of RED figures, as many as fit beside the words before them.
fn red_columns(room: usize, sorted: Option<RouteSort>) -> Vec<Column> {
    let title = |name: &str, by: RouteSort| match sorted == Some(by) {
        true => format!("{name}↓"),
        false => name.to_owned(),
    };
    let mut columns = vec![
        Column::figures(&title("RATE/s", RouteSort::Rate), 8),
        Column::figures(&title("ERR%", RouteSort::Errors), 6),
        Column::figures("P50 ms", 8),
        Column::figures(&title("P95 ms", RouteSort::P95), 11),
        Column::figures("P99 ms", 8),
        Column::figures("MAX ms", 8),
        Column::figures("REQUESTS", 9),
    ];
    while columns.len() > 3 && total(&columns) + GAP > room {
        columns.pop();
    }
    columns
}

fn red_cells(view: View<'_>, red: Option<&Red>) -> Vec<Cell> {
    let theme = view.theme;
    let few = red.is_none_or(|r| r.samples < FEW_SAMPLES);
    let measured = if few { theme.dim() } else { theme.plain() };
    let time = |pick: fn(&Red) -> Option<Duration>| cell(millis(red.and_then(pick)), measured);
    let plain = if red.is_some() {
        theme.plain()
    } else {
        theme.dim()
    };
    vec![
        cell(rate(red.and_then(|r| r.rate_per_s)), plain),
        errors(view, red.and_then(|r| r.error_ratio)),
        time(|r| r.p50),
        cell(
            red.map_or(UNKNOWN.into(), |r| percentile(r.p95, r.samples)),
            measured,
        ),
        time(|r| r.p99),
        time(|r| r.max),
        cell(
            red.map_or(UNKNOWN.into(), |r| r.counts.requests.to_string()),
            theme.dim(),
        ),
    ]
}

fn routes(view: View<'_>, width: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let sort = view.app.route_sort;
    let fixed = MARK + 7 + 4 + 3 * GAP;
    let red = red_columns(width.saturating_sub(fixed + 24), Some(sort));
    let route = width.saturating_sub(fixed + total(&red) + 1);
    let title = match sort == RouteSort::Route {
        true => "ROUTE↓",
        false => "ROUTE",
    };
    let mut columns = vec![
        Column::words("METHOD", 7),
        Column::words(title, route),
        Column::words("", 4),
    ];
    columns.extend(red);
    let head = marked("", Style::new(), titles(&columns, view.theme));
    let row = |row: &MetricRow| {
        let theme = view.theme;
        let (glyph, status) = match row.status_class {
            StatusClass::ServerError | StatusClass::None => {
                (crate::console::theme::BROKEN, theme.broken())
            }
            StatusClass::ClientError => (" ", theme.plain()),
            _ => (" ", theme.dim()),
        };
        let mut cells = vec![
            cell(row.method.name(), theme.dim()),
            cell(row.route.visible(), theme.bold()),
            cell(row.status_class.name(), status),
        ];
        cells.extend(red_cells(view, Some(&row.red)));
        marked(glyph, status, line(&columns, cells))
    };
    (head, view.app.tab_routes().into_iter().map(row).collect())
}

fn edges(view: View<'_>, width: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let tab = view.app.tab;
    let moved = match width >= 110 {
        true => vec![
            Column::figures("CONNS", 6),
            Column::figures("SENT", 7),
            Column::figures("RECEIVED", 8),
            Column::figures("RTT ms", 7),
        ],
        false => vec![Column::figures("CONNS", 6)],
    };
    let fixed = MARK + 9 + 2 * GAP + total(&moved) + GAP;
    let mut red = red_columns(width.saturating_sub(fixed + 20), None);
    red.truncate(5);
    let name = width.saturating_sub(fixed + total(&red) + 1).min(50);
    let mut columns = vec![Column::words("SERVICE", name), Column::words("SPEAKS", 9)];
    let figures = red.len();
    columns.extend(red);
    columns.extend(moved);
    let head = marked("", Style::new(), titles(&columns, view.theme));
    let row = |edge: &EdgeRow| {
        let theme = view.theme;
        let other = other_end(edge, tab);
        let (glyph, style) = theme.level(level(view, other));
        let mut cells = vec![
            cell(text::service(other), theme.bold()),
            cell(edge.protocol.name(), theme.dim()),
        ];
        cells.extend(red_cells(view, edge.red.as_ref()).into_iter().take(figures));
        cells.extend([
            cell(edge.connections.to_string(), theme.plain()),
            cell(bytes(edge.bytes_sent as f64), theme.plain()),
            cell(bytes(edge.bytes_received as f64), theme.plain()),
            cell(millis(edge.rtt), theme.dim()),
        ]);
        marked(glyph, style, line(&columns, cells))
    };
    (head, view.app.tab_edges().into_iter().map(row).collect())
}
