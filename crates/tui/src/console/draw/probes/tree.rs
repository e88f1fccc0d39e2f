//! Who called whom among the functions of a probe.

use super::super::View;
use super::super::services::marked;
use super::super::table::{Column, GAP, cell, line, titles, total};
use coral_model::probe::ProbeLog;
use coral_report::figure::{length, percent};
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// Deeper places are not indented more.
const INDENTED_MAX: usize = 20;

pub(super) fn lines(view: View<'_>, log: &ProbeLog, width: u16) -> Vec<Line<'static>> {
    let theme = view.theme;
    if log.tree.is_empty() {
        return vec![Line::styled("   no call has ended yet", theme.dim())];
    }
    let mut columns = vec![
        Column::figures("COUNT", 9),
        Column::figures("TOTAL", 8),
        Column::figures("SELF", 8),
        Column::figures("OF ITS CALLER", 13),
    ];
    let room = usize::from(width).saturating_sub(3 + total(&columns) + GAP + 1);
    columns.insert(0, Column::words("CALLS", room));
    let mut lines = vec![marked("", Style::new(), titles(&columns, theme))];
    // The time of each place above the row.
    let mut above: Vec<Duration> = vec![];
    for row in &log.tree {
        let depth = usize::from(row.depth);
        above.truncate(depth);
        let whole = above.last().filter(|whole| !whole.is_zero());
        let share = whole.map(|whole| row.total.as_secs_f64() / whole.as_secs_f64());
        above.push(row.total);
        let indent = match depth {
            0 => String::new(),
            depth => format!("{}└ ", "  ".repeat((depth - 1).min(INDENTED_MAX))),
        };
        let cells = vec![
            vec![
                super::span(indent, theme.rule()),
                super::span(super::name(log, row.function), theme.bold()),
            ],
            cell(row.calls.to_string(), theme.plain()),
            cell(length(Some(row.total)), theme.plain()),
            cell(length(Some(row.own)), theme.plain()),
            cell(
                share.map_or(String::new(), |share| format!("{} %", percent(Some(share)))),
                theme.plain(),
            ),
        ];
        lines.push(marked("", Style::new(), line(&columns, cells)));
    }
    lines
}
