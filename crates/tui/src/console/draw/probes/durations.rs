//! How long the calls of each function took: the percentiles that the colony knows, as bars of one scale.

use super::super::services::marked;
use super::super::{View, span};
use coral_model::probe::{ProbeLog, ProbedRow};
use coral_report::figure::{UNKNOWN, length, percent};
use coral_report::{function_place, probed_note, text};
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// Columns before a bar: the word and the figure.
const BEFORE: usize = 17;

/// Of each function a title, four bars and a blank line.
pub(super) fn lines(view: View<'_>, log: &ProbeLog, width: u16) -> Vec<Line<'static>> {
    let longest = log.functions.iter().filter_map(|row| row.max).max();
    let all = log.functions.iter();
    all.flat_map(|row| function(view, row, longest, usize::from(width)))
        .collect()
}

fn function(
    view: View<'_>,
    row: &ProbedRow,
    longest: Option<Duration>,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = view.theme;
    let mut lines = vec![title(view, row, width)];
    let room = width.saturating_sub(BEFORE + 2);
    let parts = [
        ("p50", row.p50),
        ("p95", row.p95),
        ("p99", row.p99),
        ("max", row.max),
    ];
    for (word, duration) in parts {
        let share = duration.zip(longest).map(|(duration, longest)| {
            duration.as_secs_f64() / longest.as_secs_f64().max(f64::MIN_POSITIVE)
        });
        let cells = share.map_or(0.0, |share| (share * room as f64).ceil()) as usize;
        let known = format!("   {word} {:>9} ", length(duration));
        lines.push(Line::from(vec![
            span(known, theme.plain()),
            span("█".repeat(cells.min(room)), theme.chart()),
        ]));
    }
    lines.push(Line::default());
    lines
}

/// Its name and place, its counts, and what is wanting.
fn title(view: View<'_>, row: &ProbedRow, width: usize) -> Line<'static> {
    let (theme, counts) = (view.theme, &row.counts);
    let own = (!counts.total.is_zero())
        .then(|| counts.own.as_secs_f64() / counts.total.as_secs_f64())
        .map_or(UNKNOWN.to_owned(), |own| percent(Some(own)));
    let mut rest = format!("   {} hits   {own} % self", counts.hits);
    if counts.matched != counts.hits {
        rest.push_str(&format!("   {} matched", counts.matched));
    }
    for more in [function_place(&row.function), probed_note(row)] {
        if !more.is_empty() {
            rest.push_str("   ");
            rest.push_str(&more);
        }
    }
    let name = super::of_row(row);
    let name = text::fit(&name, width / 2).into_owned();
    let room = width.saturating_sub(text::width(&name) + 4);
    let rest = text::fit(&rest, room).into_owned();
    let line = Line::from(vec![span(name, theme.bold()), span(rest, theme.dim())]);
    marked("", Style::new(), line)
}
