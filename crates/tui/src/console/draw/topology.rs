//! Page 2: who talks to whom, as a tree from the entry points; each row's figures are those of the edge that leads to it.

use super::services::marked;
use super::table::{Cell, Column, GAP, cell, line, titles};
use super::{View, cursor_style, put, span};
use crate::console::app::List;
use crate::console::layout::rows_of_table;
use crate::console::tree::TreeRow;
use crate::console::trouble::{Level, error_level};
use coral_model::answer::{EdgeRow, FEW_SAMPLES, Red};
use coral_model::{ServiceClass, ServiceKey};
use coral_report::figure::{UNKNOWN, bytes, millis, percent, percentile, rate};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

const MARK: usize = 3;
const TREE_MIN: usize = 26;
const TREE_WANTED: usize = 40;
const TREE_MAX: usize = 70;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Speaks,
    Rate,
    Errors,
    P50,
    P95,
    P99,
    Connections,
    Sent,
    Received,
    Rtt,
    SeenBy,
}

/// The columns beside the tree, with title, width, and whether they hold words.
const COLUMNS: [(Kind, &str, usize, bool); 11] = [
    (Kind::Speaks, "SPEAKS", 9, true),
    (Kind::Rate, "RATE/s", 8, false),
    (Kind::Errors, "ERR%", 6, false),
    (Kind::P50, "P50 ms", 8, false),
    (Kind::P95, "P95 ms", 9, false),
    (Kind::P99, "P99 ms", 8, false),
    (Kind::Connections, "CONNS", 6, false),
    (Kind::Sent, "SENT", 7, false),
    (Kind::Received, "RECEIVED", 8, false),
    (Kind::Rtt, "RTT ms", 7, false),
    (Kind::SeenBy, "SEEN BY", 7, true),
];
/// Columns leave in this order.
const LEAVING: [Kind; 7] = [
    Kind::SeenBy,
    Kind::P99,
    Kind::Sent,
    Kind::Received,
    Kind::Rtt,
    Kind::P50,
    Kind::Connections,
];

/// The columns that fit beside a tree of so many columns, or of less when it is very wide.
fn columns(width: usize, longest: usize) -> (Vec<Kind>, Vec<Column>) {
    let wanted = longest.clamp(TREE_MIN, TREE_WANTED);
    let mut fixed = COLUMNS.to_vec();
    let needed =
        |fixed: &[(Kind, &str, usize, bool)]| -> usize { fixed.iter().map(|c| c.2 + GAP).sum() };
    for leaving in LEAVING {
        if MARK + wanted + needed(&fixed) > width {
            fixed.retain(|c| c.0 != leaving);
        }
    }
    let tree = width.saturating_sub(MARK + needed(&fixed)).min(TREE_MAX);
    let mut columns = vec![Column::words("SERVICE", tree)];
    columns.extend(fixed.iter().map(|&(_, title, width, words)| match words {
        true => Column::words(title, width),
        false => Column::figures(title, width),
    }));
    (fixed.iter().map(|c| c.0).collect(), columns)
}

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let tree = view.app.tree();
    let length = |row: &TreeRow| {
        let name = text::width(&text::service(&row.service));
        text::width(&row.prefix) + name + text::width(row_note(row))
    };
    let longest = tree.rows.iter().map(length).max().unwrap_or(0);
    let (kinds, columns) = columns(usize::from(area.width), longest);
    let titles = titles(&columns, view.theme);
    put(marked("", Style::new(), titles), area, buf);
    let lines = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Edges);
    let shown = tree.rows.iter().enumerate().skip(cursor.offset());
    let mut y = lines.y;
    for (i, row) in shown.take(usize::from(lines.height)) {
        let at = Rect {
            y,
            height: 1,
            ..area
        };
        let (glyph, style) = view.theme.level(level(view, &row.service));
        let cells = cells(view, row, &kinds);
        put(marked(glyph, style, line(&columns, cells)), at, buf);
        if i == cursor.index() {
            buf.set_style(at, cursor_style(view));
        }
        y += 1;
    }
    if let Some(line) = after(view, tree.rows.is_empty(), tree.folded) {
        put(
            line,
            Rect {
                y,
                height: 1,
                ..area
            },
            buf,
        );
    }
}

/// How bad it is with a service.
pub(super) fn level(view: View<'_>, service: &ServiceKey) -> Level {
    let found = view.app.order.find(view.app.picture(), service);
    found.map_or(Level::Fine, |(_, trouble)| trouble.level())
}

/// What stands below the rows, or below the drawing.
pub(super) fn after(view: View<'_>, empty: bool, folded: usize) -> Option<Line<'static>> {
    let (plain, dim, link) = (view.theme.plain(), view.theme.dim(), view.theme.link());
    let filtered = !view.app.filter().is_empty();
    Some(match (empty, folded) {
        (true, _) if filtered => Line::from(vec![
            span("   no edge matches   ", plain),
            span("Esc", link),
            span(" clears the filter", dim),
        ]),
        (true, 0) => Line::styled("   no connection between services in this window", dim),
        (_, 0) => return None,
        (_, folded) => Line::from(vec![
            span(
                format!("   + {folded} of system, coral and outside callers   "),
                dim,
            ),
            span(".", link),
            span(" shows them", dim),
        ]),
    })
}

fn cells(view: View<'_>, row: &TreeRow, kinds: &[Kind]) -> Vec<Cell> {
    let theme = view.theme;
    let name = match row.class {
        ServiceClass::App if row.matches => theme.bold(),
        _ => theme.dim(),
    };

    let mut cells = vec![vec![
        span(row.prefix.clone(), theme.rule()),
        span(text::service(&row.service), name),
        span(row_note(row), theme.dim()),
    ]];
    for kind in kinds {
        cells.push(match row.edge(view.app.picture()) {
            Some(edge) => value(view, *kind, edge),
            None => vec![],
        });
    }
    cells
}

/// Errors in percent, in the colour of how bad they are; none at all is dim.
pub(super) fn errors(view: View<'_>, ratio: Option<f64>) -> Cell {
    let style = match ratio {
        Some(ratio) if ratio > 0.0 => view.theme.level(error_level(ratio)).1,
        _ => view.theme.dim(),
    };
    cell(percent(ratio), style)
}

/// What stands after the name.
fn row_note(row: &TreeRow) -> &'static str {
    if row.again { " ↩ above" } else { "" }
}

fn value(view: View<'_>, kind: Kind, edge: &EdgeRow) -> Cell {
    let theme = view.theme;
    let red = edge.red.as_ref();
    let few = red.is_none_or(|r| r.samples < FEW_SAMPLES);
    let measured = if few { theme.dim() } else { theme.plain() };
    let time = |pick: fn(&Red) -> Option<Duration>| cell(millis(red.and_then(pick)), measured);
    match kind {
        Kind::Speaks => cell(edge.protocol.name(), theme.dim()),
        Kind::Rate => cell(
            rate(red.and_then(|r| r.rate_per_s)),
            if red.is_some() {
                theme.plain()
            } else {
                theme.dim()
            },
        ),
        Kind::Errors => errors(view, red.and_then(|r| r.error_ratio)),
        Kind::P50 => time(|r| r.p50),
        Kind::P95 => cell(
            red.map_or(UNKNOWN.to_owned(), |r| percentile(r.p95, r.samples)),
            measured,
        ),
        Kind::P99 => time(|r| r.p99),
        Kind::Connections => cell(edge.connections.to_string(), theme.plain()),
        Kind::Sent => cell(bytes(edge.bytes_sent as f64), theme.plain()),
        Kind::Received => cell(bytes(edge.bytes_received as f64), theme.plain()),
        Kind::Rtt => cell(millis(edge.rtt), theme.dim()),
        Kind::SeenBy => cell(edge.source.name(), theme.dim()),
    }
}
