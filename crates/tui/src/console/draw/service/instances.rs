//! The instances of a service: where each runs, since when, and what it takes.

use super::super::View;
use super::super::services::marked;
use super::super::table::{Column, GAP, cell, line, titles, total};
use crate::console::instances::{InstanceRow, up};
use crate::console::theme::OLD;
use coral_model::answer::STALE_AFTER;
use coral_report::figure::{UNKNOWN, age, bytes};
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// Samples come every ten seconds, so an instance was last seen up to so long ago.
const SAMPLE: Duration = Duration::from_secs(10);
/// The glyph before a row.
const MARK: usize = 3;

pub(super) fn list(view: View<'_>, width: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let figures = [
        Column::figures("PID", 7),
        Column::figures("UP", 8),
        Column::figures("CPU%", 6),
        Column::figures("RSS", 8),
        Column::figures("FDS", 5),
        Column::figures("THR", 4),
    ];
    let room = width.saturating_sub(MARK + total(&figures) + 3 * GAP);
    let host = (room * 2 / 5).clamp(8, 30);
    let mut columns = vec![Column::words("HOST", host)];
    columns.extend(figures);
    columns.push(Column::words("LISTENS", room.saturating_sub(host + 1)));
    let head = marked("", Style::new(), titles(&columns, view.theme));
    let end = view.app.window(view.now).to;
    let row = |row: &InstanceRow| {
        let gone = end.since(row.seen) > STALE_AFTER + SAMPLE;
        let theme = if gone {
            view.theme.old(true)
        } else {
            view.theme
        };
        let known = |n: Option<u64>| n.map_or(UNKNOWN.to_owned(), |n| n.to_string());
        let cpu = row.cpu_cores.map(|cores| format!("{:.1}", cores * 100.0));
        let cells = vec![
            cell(row.host.visible(), theme.bold()),
            cell(row.pid.to_string(), theme.plain()),
            cell(up(row, end).map_or(UNKNOWN.to_owned(), age), theme.plain()),
            cell(cpu.unwrap_or(UNKNOWN.to_owned()), theme.plain()),
            cell(
                row.rss_bytes
                    .map_or(UNKNOWN.to_owned(), |n| bytes(n as f64)),
                theme.plain(),
            ),
            cell(known(row.fds), theme.dim()),
            cell(known(row.threads), theme.dim()),
            cell(listens(row, gone, end.since(row.seen)), theme.dim()),
        ];
        marked(
            if gone { OLD } else { " " },
            theme.dim(),
            line(&columns, cells),
        )
    };
    let rows = view.app.tab_instances();
    (head, rows.into_iter().map(row).collect())
}

/// Its ports; of one that is gone, when it was last seen.
fn listens(row: &InstanceRow, gone: bool, ago: Duration) -> String {
    match gone {
        true => format!("last seen {} before", age(ago)),
        false => row.ports.visible().replace(',', ", "),
    }
}
