//! Page 1: one row a service. Figures that prove nothing are dim, columns leave when the screen is narrow.

mod cells;

use super::table::{Column, GAP, line, titles};
use super::{View, cursor_style, put, span};
use crate::console::app::List;
use crate::console::layout::rows_of_table;
use crate::console::order::{CALLS, only_calls};
use crate::console::sort;
use crate::console::theme::OLD;
use crate::console::trouble::{Trouble, figures, is_stale};
pub(super) use cells::unhealthy;
use cells::{unread, value};
use coral_model::answer::ServiceRow;
use coral_report::figure::age;
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// The glyph before the name, with a space around it.
const MARK: usize = 3;
const TREND_MIN: usize = 8;
const TREND_MAX: usize = 60;
/// What it speaks and where it listens.
const WORDS_MIN: usize = 22;

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
    Cpu,
    Memory,
    Trend,
    Speaks,
    Ports,
    Hosts,
    Requests,
    ErrorCount,
    ClientErrors,
    P90,
    Max,
    Calls,
    CallsP95,
}

/// The fixed columns in their order, with title and width.
const FIXED: [(Kind, &str, usize); 9] = [
    (Kind::Instances, "INST", 4),
    (Kind::Rate, "RATE/s", 8),
    (Kind::Errors, "ERR%", 6),
    (Kind::P50, "P50 ms", 8),
    (Kind::P95, "P95 ms", 11),
    (Kind::P99, "P99 ms", 8),
    (Kind::Flight, "IN FLIGHT", 12),
    (Kind::Cpu, "CPU%", 5),
    (Kind::Memory, "RSS MB", 6),
];
/// The other columns, by `w`.
const WIDE: [(Kind, &str, usize); 9] = [
    (Kind::Instances, "INST", 4),
    (Kind::Hosts, "HOSTS", 5),
    (Kind::Requests, "REQUESTS", 9),
    (Kind::ErrorCount, "ERRORS", 7),
    (Kind::ClientErrors, "4XX", 7),
    (Kind::P90, "P90 ms", 8),
    (Kind::Max, "MAX ms", 8),
    (Kind::Calls, "CALLS/s", 8),
    (Kind::CallsP95, "THEIR P95", 9),
];
/// Columns leave in this order.
const LEAVING: [Kind; 9] = [
    Kind::Memory,
    Kind::Cpu,
    Kind::Instances,
    Kind::P50,
    Kind::P99,
    Kind::Hosts,
    Kind::CallsP95,
    Kind::P90,
    Kind::Calls,
];

/// The columns that fit, widest names first served.
fn columns(view: View<'_>, longest: usize, width: usize) -> Vec<(Kind, Column)> {
    let name = longest.clamp(14, if width >= 160 { 40 } else { 26 });
    let name = if width < 100 { name.min(20) } else { name };
    let mut fixed = match view.app.wide {
        true => WIDE.to_vec(),
        false => FIXED.to_vec(),
    };
    let last = match view.app.wide {
        true => WORDS_MIN,
        false => TREND_MIN,
    };
    let needed = |fixed: &[(Kind, &str, usize)]| {
        let columns: usize = fixed.iter().map(|c| c.2 + GAP).sum();
        MARK + name + columns + GAP + last
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
    let room = width.saturating_sub(needed(&fixed) - last);
    if view.app.wide {
        let half = room.saturating_sub(GAP) / 2;
        out.push((Kind::Speaks, Column::words("SPEAKS", half.min(24))));
        out.push((Kind::Ports, Column::words("LISTENS ON", half.min(30))));
        return out;
    }
    let trend = room.clamp(TREND_MIN, TREND_MAX);
    let window = age(view.app.time.window);
    out.push((Kind::Trend, Column::words(&format!("P95 {window}"), trend)));
    if room.saturating_sub(trend) >= 2 * GAP + 32 {
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
    let (app, count) = (view.app, view.app.count(List::Services));
    let columns = columns(view, app.order.longest(), usize::from(area.width));
    let plain: Vec<Column> = columns.iter().map(|c| c.1.clone()).collect();
    let titles = titles(&plain, view.theme);
    put(marked("", Style::new(), titles), area, buf);
    let rows = rows_of_table(area);
    let cursor = app.cursors.of(List::Services);
    let shown = (cursor.offset()..count).take(usize::from(rows.height));
    let mut y = rows.y;
    for place in shown {
        let Some(row) = app.order.row(app.picture(), place) else {
            break;
        };
        let line = Rect {
            y,
            height: 1,
            ..area
        };
        put(
            row_line(view, row, app.order.trouble(place), &columns),
            line,
            buf,
        );
        if place == cursor.index() {
            buf.set_style(line, cursor_style(view));
        }
        y += 1;
    }
    let after = Rect {
        y,
        height: 1,
        ..area
    };
    let (left_out, total) = app.order.left_out();
    let line = match count == 0 {
        true if !app.filter().is_empty() => Some(no_match(view, total, "services")),
        true => Some(Line::styled("   no service yet", view.theme.dim())),
        false => folded(view, left_out),
    };
    if let Some(line) = line {
        put(line, after, buf);
    }
}

/// Nothing passes the filter.
pub(super) fn no_match(view: View<'_>, total: usize, what: &str) -> Line<'static> {
    Line::from(vec![
        span(
            format!("   none of {total} {what} matches   "),
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

/// A line behind its glyph.
pub(super) fn marked(glyph: &str, style: Style, mut line: Line<'static>) -> Line<'static> {
    line.spans
        .insert(0, span(text::left(&format!(" {glyph}"), MARK), style));
    line
}

/// The name, and what kind of figures stand behind it.
fn name(row: &ServiceRow) -> (String, &'static str) {
    let note = if only_calls(row) { CALLS } else { "" };
    (text::service(&row.service), note)
}

/// A row of figures; where nothing could be read, what is known stands in their place.
fn row_line(
    view: View<'_>,
    row: &ServiceRow,
    trouble: Trouble,
    columns: &[(Kind, Column)],
) -> Line<'static> {
    let stale = is_stale(row);
    let view = View {
        theme: view.theme.old(stale || is_grey(view)),
        ..view
    };
    let (glyph, style) = match stale {
        true => (OLD, view.theme.dim()),
        false => view.theme.level(trouble.level()),
    };
    let red = figures(row).filter(|r| r.rate_per_s.is_some() || r.samples > 0 || row.in_flight > 0);
    if red.is_none() && !stale && !view.app.wide {
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
