//! The newest calls of a probe, with their arguments and what they gave back.

use super::super::View;
use super::super::services::marked;
use super::super::table::{Column, GAP, cell, line, titles, total};
use crate::console::pick;
use coral_model::probe::ProbeLog;
use coral_report::call_values;
use coral_report::figure::length;
use coral_report::text;
use ratatui::style::Style;
use ratatui::text::Line;

/// The column of the function is not wider than this part of the room.
const NAME: usize = 3;

pub(super) fn lines(view: View<'_>, log: &ProbeLog, width: u16) -> Vec<Line<'static>> {
    let theme = view.theme;
    if log.calls.is_empty() {
        let hits: u64 = log.functions.iter().map(|f| f.counts.hits).sum();
        let text = match hits {
            0 => "   attached; no call yet".to_owned(),
            hits => format!("   {hits} calls were counted; none is kept by itself"),
        };
        return vec![Line::styled(text, theme.dim())];
    }
    let columns = columns(log, width);
    let mut lines = vec![marked("", Style::new(), titles(&columns, theme))];
    lines.extend(log.calls.iter().map(|call| {
        let at = pick::zoned(call.at, &view.app.config.zone);
        let thread = match call.goroutine {
            Some(_) => "goroutine".to_owned(),
            None => call.tid.to_string(),
        };
        let cells = vec![
            cell(at.strftime("%H:%M:%S%.3f").to_string(), theme.dim()),
            cell(super::name(log, call.function), theme.bold()),
            cell(length(call.duration), theme.plain()),
            cell(thread, theme.dim()),
            cell(call_values(call), theme.plain()),
        ];
        marked("", Style::new(), line(&columns, cells))
    }));
    lines
}

fn columns(log: &ProbeLog, width: u16) -> Vec<Column> {
    let mut columns = vec![
        Column::words("TIME", 12),
        Column::figures("TOOK", 8),
        Column::figures("THREAD", 9),
    ];
    let room = usize::from(width).saturating_sub(3 + total(&columns) + 2 * GAP + 1);
    let names = log
        .functions
        .iter()
        .map(|row| text::width(&super::of_row(row)));
    let name = names.max().unwrap_or(0).clamp(8, (room / NAME).max(8));
    columns.insert(1, Column::words("FUNCTION", name));
    let rest = room.saturating_sub(name);
    columns.push(Column::words("ARGUMENTS = RETURNED", rest));
    columns
}
