//! Page 1: one row a service. Figures that prove nothing are dim, columns leave when the screen is narrow.

use super::chart::sparkline;
use super::table::{Cell, Column, GAP, cell, line, titles, total};
use super::{View, put, span};
use crate::console::layout::rows_of_table;
use crate::console::sort;
use crate::console::theme::OLD;
use crate::console::trouble::{Level, Trouble, figures, is_stale, slower};
use coral_model::Protocol;
use coral_model::answer::{FEW_SAMPLES, Red, ServiceRow};
use coral_report::figure::{UNKNOWN, age, bytes, millis, percent, percentile, rate};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// The glyph before the name, with a space around it.
const MARK: usize = 3;
const TREND_MIN: usize = 8;
const TREND_MAX: usize = 60;

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Instances,
    Rate,
    Errors,
    P50,
    P95,
    P99,
    Flight,
    Trend,
    Speaks,
    Ports,
}

/// The fixed columns in their order, with title and width.
const FIXED: [(Kind, &str, usize); 7] = [
    (Kind::Instances, "INST", 4),
    (Kind::Rate, "RATE/s", 8),
    (Kind::Errors, "ERR%", 6),
    (Kind::P50, "P50 ms", 8),
    (Kind::P95, "P95 ms", 11),
    (Kind::P99, "P99 ms", 8),
    (Kind::Flight, "IN FLIGHT", 11),
];
/// Columns leave in this order.
const LEAVING: [Kind; 3] = [Kind::Instances, Kind::P50, Kind::P99];

/// The columns that fit, widest names first served.
fn columns(view: View<'_>, longest: usize, width: usize) -> Vec<(Kind, Column)> {
    let name = longest.clamp(14, if width >= 160 { 40 } else { 26 });
    let name = if width < 100 { name.min(20) } else { name };
    let mut fixed = FIXED.to_vec();
    let needed = |fixed: &[(Kind, &str, usize)]| {
        let columns: usize = fixed.iter().map(|c| c.2 + GAP).sum();
        MARK + name + columns + GAP + TREND_MIN
    };
    for leaving in LEAVING {
        if needed(&fixed) > width {
            fixed.retain(|c| c.0 != leaving);
        }
    }
    let sorted = view.app.sort;
    let title = |kind: Kind, title: &str| match sorted_kind(sorted.column) == Some(kind) {
        true => format!("{title}{}", if sorted.reversed { "↑" } else { "↓" }),
        false => title.to_owned(),
    };
    let mut out = vec![(
        Kind::Name,
        Column::words(&title(Kind::Name, "SERVICE"), name),
    )];
    for &(kind, name, width) in &fixed {
        let column = match kind {
            Kind::Flight => Column::words(&title(kind, name), width),
            _ => Column::figures(&title(kind, name), width),
        };
        out.push((kind, column));
    }
    let trend = (TREND_MIN + width.saturating_sub(needed(&fixed))).min(TREND_MAX);
    let window = age(view.app.config.window);
    out.push((Kind::Trend, Column::words(&format!("P95 {window}"), trend)));
    let rest = width.saturating_sub(needed(&fixed) - TREND_MIN + trend);
    if rest >= 2 * GAP + 32 {
        out.push((Kind::Speaks, Column::words("SPEAKS", 16)));
        out.push((Kind::Ports, Column::words("LISTENS ON", 16)));
    }
    out
}

fn sorted_kind(column: sort::Column) -> Option<Kind> {
    match column {
        sort::Column::Trouble => None,
        sort::Column::Name => Some(Kind::Name),
        sort::Column::Rate => Some(Kind::Rate),
        sort::Column::Errors => Some(Kind::Errors),
        sort::Column::P50 => Some(Kind::P50),
        sort::Column::P95 => Some(Kind::P95),
        sort::Column::P99 => Some(Kind::P99),
        sort::Column::Flight => Some(Kind::Flight),
    }
}

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let list = view.app.service_list();
    let longest = list
        .rows
        .iter()
        .map(|r| text::width(&name(r).0) + name(r).1.len())
        .max();
    let columns = columns(view, longest.unwrap_or(0), usize::from(area.width));
    let plain: Vec<Column> = columns.iter().map(|c| c.1.clone()).collect();
    let titles = titles(&plain, view.theme);
    put(marked("", Style::new(), titles), area, buf);
    let rows = rows_of_table(area);
    let (offset, cursor) = (view.app.services.offset(), view.app.services.index());
    let shown = list
        .rows
        .iter()
        .enumerate()
        .skip(offset)
        .take(usize::from(rows.height));
    let mut y = rows.y;
    for (i, row) in shown {
        let at = Rect {
            y,
            height: 1,
            ..area
        };
        put(row_line(view, row, &columns), at, buf);
        if i == cursor {
            buf.set_style(at, cursor_style(view));
        }
        y += 1;
    }
    let after = Rect {
        y,
        height: 1,
        ..area
    };
    let line = match list.rows.is_empty() {
        true if !view.app.filter.is_empty() => Some(no_match(view, list.total)),
        true => Some(Line::styled("   no service yet", view.theme.dim())),
        false => folded(view, list.folded),
    };
    if let Some(line) = line {
        put(line, after, buf);
    }
}

/// The cursor is bright where the keys are.
fn cursor_style(view: View<'_>) -> Style {
    match view.app.pane.focused {
        true => Style::new().add_modifier(ratatui::style::Modifier::BOLD),
        false => view.theme.selected(),
    }
}

fn no_match(view: View<'_>, total: usize) -> Line<'static> {
    Line::from(vec![
        span(
            format!("   none of {total} services matches   "),
            view.theme.plain(),
        ),
        span("Esc", view.theme.link()),
        span(" clears the filter", view.theme.dim()),
    ])
}

fn folded(view: View<'_>, counts: [usize; 3]) -> Option<Line<'static>> {
    let parts: Vec<String> = counts
        .into_iter()
        .zip(["system", "coral", "outside"])
        .filter(|&(count, _)| count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    (!parts.is_empty()).then(|| {
        Line::from(vec![
            span(format!("   + {}   ", parts.join(", ")), view.theme.dim()),
            span(".", view.theme.link()),
            span(" shows them", view.theme.dim()),
        ])
    })
}

fn marked(glyph: &str, style: Style, mut line: Line<'static>) -> Line<'static> {
    line.spans
        .insert(0, span(text::left(&format!(" {glyph}"), MARK), style));
    line
}

/// The name, and what kind of figures stand behind it.
fn name(row: &ServiceRow) -> (String, &'static str) {
    let only_client = row.server.is_none() && row.client.is_some();
    (
        text::service(&row.service),
        if only_client { " (calls)" } else { "" },
    )
}

fn row_line(view: View<'_>, row: &ServiceRow, columns: &[(Kind, Column)]) -> Line<'static> {
    let (trouble, stale) = (Trouble::of(row), is_stale(row));
    let view = View {
        theme: view.theme.old(stale || is_grey(view)),
        ..view
    };
    let (glyph, style) = match stale {
        true => (OLD, view.theme.dim()),
        false => view.theme.level(trouble.level()),
    };
    let red = figures(row).filter(|r| r.rate_per_s.is_some() || r.samples > 0 || row.in_flight > 0);
    if red.is_none() && !stale {
        let line = unread(view, row, columns);
        return marked(glyph, style, line);
    }
    let plain: Vec<Column> = columns.iter().map(|c| c.1.clone()).collect();
    let cells = columns.iter().map(|(kind, column)| {
        let red = red.filter(|_| !stale);
        value(view, *kind, row, red, trouble, column.width)
    });
    marked(glyph, style, line(&plain, cells.collect()))
}

fn is_grey(view: View<'_>) -> bool {
    view.theme.plain() == view.theme.dim()
}

fn value(
    view: View<'_>,
    kind: Kind,
    row: &ServiceRow,
    red: Option<&Red>,
    trouble: Trouble,
    width: usize,
) -> Cell {
    let theme = view.theme;
    let few = red.is_none_or(|r| r.samples < FEW_SAMPLES);
    let measured = if few { theme.dim() } else { theme.plain() };
    let time = |pick: fn(&Red) -> Option<Duration>| cell(millis(red.and_then(pick)), measured);
    match kind {
        Kind::Name => {
            let (name, side) = name(row);
            let room = width.saturating_sub(side.len());
            let style = if row.class == coral_model::ServiceClass::App {
                theme.bold()
            } else {
                theme.dim()
            };
            vec![span(text::fit(&name, room), style), span(side, theme.dim())]
        }
        Kind::Instances => cell(row.instances.to_string(), theme.dim()),
        Kind::Rate => cell(rate(red.and_then(|r| r.rate_per_s)), theme.plain()),
        Kind::Errors => errors(view, red, trouble),
        Kind::P50 => time(|r| r.p50),
        Kind::P99 => time(|r| r.p99),
        Kind::P95 => p95(view, row, red, measured),
        Kind::Flight => flight(view, row, red),
        Kind::Trend => trend(view, row, width),
        Kind::Speaks => cell(speaks(&row.protocols), theme.dim()),
        Kind::Ports => {
            let ports: Vec<String> = row.ports.iter().map(u16::to_string).collect();
            cell(ports.join(", "), theme.dim())
        }
    }
}

fn errors(view: View<'_>, red: Option<&Red>, trouble: Trouble) -> Cell {
    let ratio = red.and_then(|r| r.error_ratio);
    let style = match (trouble, ratio) {
        (Trouble::Errors(level, _), _) => view.theme.level(level).1,
        (_, Some(0.0) | None) => view.theme.dim(),
        _ => view.theme.plain(),
    };
    cell(percent(ratio), style)
}

fn p95(view: View<'_>, row: &ServiceRow, red: Option<&Red>, measured: Style) -> Cell {
    let Some(red) = red else {
        return cell(UNKNOWN, view.theme.dim());
    };
    let mut parts = cell(percentile(red.p95, red.samples), measured);
    if let Some(times) = slower(&row.trend) {
        parts.push(span(format!(" ↑{times:.0}x"), view.theme.unusual()));
    }
    parts
}

fn flight(view: View<'_>, row: &ServiceRow, red: Option<&Red>) -> Cell {
    let theme = view.theme;
    if red.is_none() {
        return cell(format!("{UNKNOWN:>4}"), theme.dim());
    }
    let oldest = row.oldest_in_flight.filter(|_| row.in_flight > 0);
    let (count, oldest_text) = (row.in_flight, oldest.map_or(String::new(), short_age));
    let style = match (oldest, Trouble::of(row)) {
        (_, Trouble::Stuck(level, _)) => theme.level(level).1,
        (None, _) => theme.dim(),
        (Some(_), _) => theme.plain(),
    };
    vec![
        span(format!("{count:>4}"), style),
        span(format!("  {oldest_text}"), theme.dim()),
    ]
}

/// One unit is enough beside a count.
fn short_age(span: Duration) -> String {
    let words = age(span);
    let mut parts = words.split(' ');
    match (parts.next(), parts.next()) {
        (Some(number), Some(unit)) => format!("{number} {unit}"),
        _ => words,
    }
}

fn trend(view: View<'_>, row: &ServiceRow, width: usize) -> Cell {
    let theme = view.theme;
    match row.stale.filter(|_| is_stale(row)) {
        None => {
            let style = match slower(&row.trend) {
                Some(_) => theme.level(Level::Unusual).1,
                None => theme.link(),
            };
            cell(sparkline(&row.trend, width), style)
        }
        Some(stale) => {
            let note = format!(" {} old", short_age(stale));
            let line = sparkline(&row.trend, width.saturating_sub(note.len()));
            cell(format!("{line}{note}"), theme.dim())
        }
    }
}

/// Nothing could be read of what it says: what its connections show stands in place of the figures.
fn unread(view: View<'_>, row: &ServiceRow, columns: &[(Kind, Column)]) -> Line<'static> {
    let theme = view.theme;
    let (mut before, mut between) = (vec![], vec![]);
    for (kind, column) in columns {
        match kind {
            Kind::Name | Kind::Instances => before.push((*kind, column.clone())),
            _ => between.push(column.clone()),
        }
    }
    let mut plain: Vec<Column> = before.iter().map(|c| c.1.clone()).collect();
    let mut cells: Vec<Cell> = before
        .iter()
        .map(|(kind, column)| value(view, *kind, row, None, Trouble::None, column.width))
        .collect();
    plain.push(Column::words("", total(&between)));
    cells.push(cell(connections(view, row), theme.dim()));
    line(&plain, cells)
}

fn connections(view: View<'_>, row: &ServiceRow) -> String {
    let picture = view.app.picture();
    let edges: Vec<_> = picture
        .edges()
        .iter()
        .filter(|e| e.callee == row.service)
        .collect();
    let window = picture
        .head()
        .map_or(0.0, |h| h.window.length().as_secs_f64());
    let mut parts = vec![];
    if !edges.is_empty() {
        let connections: u64 = edges.iter().map(|e| e.connections).sum();
        let moved: u64 = edges.iter().map(|e| e.bytes_sent + e.bytes_received).sum();
        parts.push(format!("conns {connections}"));
        parts.push(format!("{}/s", bytes(moved as f64 / window.max(1.0))));
        let rtts = edges.iter().filter_map(|e| e.rtt).min();
        parts.extend(rtts.map(|rtt| format!("rtt {} ms", millis(Some(rtt)))));
    }
    let unread = |p: &&Protocol| **p != Protocol::Http1;
    match row.protocols.iter().find(unread) {
        Some(protocol) => parts.push(format!("{}, not read yet", protocol.name())),
        None if edges.is_empty() => parts.push("no traffic in this window".to_owned()),
        None => {}
    }
    if edges.is_empty() && !row.ports.is_empty() {
        let ports: Vec<String> = row.ports.iter().take(3).map(u16::to_string).collect();
        parts.push(format!("listens on {}", ports.join(", ")));
    }
    parts.join("  ")
}

fn speaks(protocols: &[Protocol]) -> String {
    let names: Vec<&str> = protocols.iter().map(|p| p.name()).collect();
    names.join(", ")
}
