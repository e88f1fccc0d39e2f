//! Page 1: one row a service. Figures that prove nothing are dim, columns leave when the screen is narrow.

mod cells;

use super::table::{Column, GAP, line, titles};
use super::{View, put, span};
use crate::console::layout::rows_of_table;
use crate::console::sort;
use crate::console::theme::OLD;
use crate::console::trouble::{Trouble, figures, is_stale};
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
    (Kind::Flight, "IN FLIGHT", 12),
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

/// A row of figures; where nothing could be read, what is known stands in their place.
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
