//! The lists on the page of a service: routes, callers, callees, changes.

use super::super::detail::{no_answer, no_requests};
use super::super::events;
use super::super::services::{marked, no_match};
use super::super::table::{Cell, Column, GAP, cell, line, titles, total};
use super::super::topology::{errors, level};
use super::super::{View, cursor_style, put};
use super::instances;
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
    let old = match view.app.tab {
        Tab::Routes => view.app.known_routes().old,
        Tab::Changes => view.app.known_events(view.app.spot.service.as_ref()).old,
        Tab::Instances => view.app.known_instances().old,
        Tab::Callers | Tab::Callees => false,
    };
    let view = view.when_old(old);
    let (head, lines) = match view.app.tab {
        Tab::Routes => routes(view, usize::from(area.width)),
        Tab::Callers | Tab::Callees => edges(view, usize::from(area.width)),
        Tab::Instances => instances::list(view, usize::from(area.width)),
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
    let lines = after(view, count, usize::from(rows.height), cursor.offset());
    for (y, line) in (y..area.bottom()).zip(lines) {
        let at = Rect {
            y,
            height: 1,
            ..area
        };
        put(line, at, buf);
    }
}

/// What stands below the rows: why there are none, or how many more.
fn after(view: View<'_>, count: usize, height: usize, offset: usize) -> Vec<Line<'static>> {
    let app = view.app;
    let say = |text: String| vec![Line::styled(format!("   {text}"), view.theme.dim())];
    if count > 0 {
        return match count.saturating_sub(offset + height) {
            0 => vec![],
            below => say(format!("{below} more below")),
        };
    }
    if !app.filter().is_empty() {
        let all = match app.tab {
            Tab::Routes => app.route_rows().len(),
            Tab::Callers | Tab::Callees => app.picture().edges().len(),
            Tab::Instances => app.instances().len(),
            Tab::Changes => app.page_events().0.len(),
        };
        return vec![no_match(view, all, "rows")];
    }
    let (known, nothing) = match app.tab {
        Tab::Routes => (app.known_routes(), no_requests(view)),
        Tab::Changes => (
            app.known_events(app.spot.service.as_ref()),
            "nothing happened to it in this window",
        ),
        Tab::Instances => (
            app.known_instances(),
            "no process of it was seen in this window; they are kept for 48 hours",
        ),
        Tab::Callers => return say("nobody was seen calling it in this window".to_owned()),
        Tab::Callees => return say("it was not seen calling anybody in this window".to_owned()),
    };
    match no_answer(view, known) {
        Some(why) => why.into_iter().flat_map(say).collect(),
        None => say(nothing.to_owned()),
    }
}

/// A column of RED figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Rate,
    Errors,
    P50,
    P95,
    P99,
    Max,
    Requests,
}

const FIGURES: [(Figure, &str, usize); 7] = [
    (Figure::Rate, "RATE/s", 8),
    (Figure::Errors, "ERR%", 6),
    (Figure::P50, "P50 ms", 8),
    (Figure::P95, "P95 ms", 11),
    (Figure::P99, "P99 ms", 8),
    (Figure::Max, "MAX ms", 8),
    (Figure::Requests, "REQUESTS", 9),
];
/// Columns leave in this order.
const LEAVING: [Figure; 4] = [Figure::Requests, Figure::Max, Figure::P99, Figure::P50];

/// The figures that fit beside the words before them, and their columns.
fn figures(room: usize, sorted: Option<RouteSort>) -> (Vec<Figure>, Vec<Column>) {
    let mut kept = FIGURES.to_vec();
    let needed = |kept: &[(Figure, &str, usize)]| -> usize { kept.iter().map(|c| c.2 + GAP).sum() };
    for leaving in LEAVING {
        if needed(&kept) > room {
            kept.retain(|c| c.0 != leaving);
        }
    }
    let by = match sorted {
        Some(RouteSort::Rate) => Some(Figure::Rate),
        Some(RouteSort::Errors) => Some(Figure::Errors),
        Some(RouteSort::P95) => Some(Figure::P95),
        Some(RouteSort::Route) | None => None,
    };
    let column = |&(figure, title, width): &(Figure, &str, usize)| {
        let mark = if by == Some(figure) { "↓" } else { "" };
        Column::figures(&format!("{title}{mark}"), width)
    };
    let columns = kept.iter().map(column).collect();
    (kept.iter().map(|c| c.0).collect(), columns)
}

fn red_cells(view: View<'_>, red: Option<&Red>, figures: &[Figure]) -> Vec<Cell> {
    let theme = view.theme;
    let few = red.is_none_or(|r| r.samples < FEW_SAMPLES);
    let measured = if few { theme.dim() } else { theme.plain() };
    let time = |pick: fn(&Red) -> Option<Duration>| cell(millis(red.and_then(pick)), measured);
    let plain = if red.is_some() {
        theme.plain()
    } else {
        theme.dim()
    };
    let value = |figure: &Figure| match figure {
        Figure::Rate => cell(rate(red.and_then(|r| r.rate_per_s)), plain),
        Figure::Errors => errors(view, red.and_then(|r| r.error_ratio)),
        Figure::P50 => time(|r| r.p50),
        Figure::P95 => {
            let text = red.map_or(UNKNOWN.into(), |r| percentile(r.p95, r.samples));
            cell(text, measured)
        }
        Figure::P99 => time(|r| r.p99),
        Figure::Max => time(|r| r.max),
        Figure::Requests => {
            let count = red.map(|r| r.counts.requests.to_string());
            cell(count.unwrap_or(UNKNOWN.into()), theme.dim())
        }
    };
    figures.iter().map(value).collect()
}

fn routes(view: View<'_>, width: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let sort = view.app.route_sort;
    let fixed = MARK + 7 + 4 + 3 * GAP;
    let (figures, red) = figures(width.saturating_sub(fixed + 24), Some(sort));
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
        cells.extend(red_cells(view, Some(&row.red), &figures));
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
    let (mut figures, mut red) = figures(width.saturating_sub(fixed + 20), None);
    // Beside the connections there is no room for counts.
    let most = figures
        .iter()
        .take_while(|f| !matches!(f, Figure::Max | Figure::Requests))
        .count();
    figures.truncate(most);
    red.truncate(most);
    let name = width.saturating_sub(fixed + total(&red) + 1).min(50);
    let mut columns = vec![Column::words("SERVICE", name), Column::words("SPEAKS", 9)];
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
        cells.extend(red_cells(view, edge.red.as_ref(), &figures));
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
