//! The list of the probes of a colony, and what stands there without any.

use super::super::detail::no_answer;
use super::super::services::{marked, no_match};
use super::super::table::{Cell, Column, GAP, cell, line, titles, total};
use super::super::{View, at, cursor_style, put, span};
use super::{functions, target};
use crate::console::app::{Known, List};
use crate::console::layout::rows_of_table;
use crate::console::probing::Session;
use crate::console::theme::{BROKEN, OLD, TOUCHES};
use coral_model::observed::visible;
use coral_model::want::WantState;
use coral_report::figure::{UNKNOWN, age, length, rate};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// From this width on ids and counts have columns of their own.
const WIDE: u16 = 100;
/// Cells of the bar of what is left.
const BAR: usize = 8;
pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let columns = columns(area.width);
    let places = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Probes);
    let rows = view.app.probe_rows().enumerate().skip(cursor.offset());
    let mut shown = 0;
    for (y, (index, session)) in (0..places.height).zip(rows) {
        put(row(view, session, &columns), at(places, y), buf);
        if index == cursor.index() {
            buf.set_style(at(places, y), cursor_style(view));
        }
        shown = y + 1;
    }
    if shown > 0 {
        let titles = titles(&columns, view.theme);
        put(marked("", Style::new(), titles), area, buf);
        return;
    }
    let room = usize::from(area.width).saturating_sub(4);
    for (y, text) in (1..area.height).zip(nothing(view)) {
        match text {
            Said::Plain(text) => {
                let text = format!("   {}", text::fit(&text, room));
                put(Line::styled(text, view.theme.dim()), at(area, y), buf);
            }
            Said::Styled(line) => put(line, at(area, y), buf),
        }
    }
}

enum Said {
    Plain(String),
    Styled(Line<'static>),
}

/// What stands there without probes.
fn nothing(view: View<'_>) -> Vec<Said> {
    let (app, theme) = (view.app, view.theme);
    let all = app.probing.sessions.all().len();
    if all > 0 {
        return vec![Said::Styled(no_match(view, all, "probes"))];
    }
    let plain = |text: &str| Said::Plain(text.to_owned());
    match &app.probing.known {
        None => no_answer(view, nobody_knows())
            .unwrap_or_default()
            .iter()
            .map(|text| plain(text))
            .collect(),
        Some(Err(failure)) => [&failure.message, &failure.hint]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| plain(&visible(text)))
            .collect(),
        Some(Ok(())) => {
            let mut said = vec![
                Said::Styled(Line::styled("   No probe is attached.", theme.bold())),
                plain("A probe sees each call of a running function, without a restart of it;"),
                plain("it is gone after 60 s, or when you detach it."),
                plain(""),
            ];
            said.push(match app.config.read_only {
                true => plain("this console only reads: `coral debug attach` attaches one"),
                false => Said::Styled(Line::from(vec![
                    span("   a", theme.link()),
                    span(
                        "   on a service, or on a function of pages 5 and 7",
                        theme.plain(),
                    ),
                ])),
            });
            said
        }
    }
}

/// What nobody was asked about yet.
const fn nobody_knows<'a>() -> Known<'a> {
    Known {
        answer: None,
        old: false,
    }
}

fn columns(width: u16) -> Vec<Column> {
    let (first, last) = match width >= WIDE {
        true => (
            vec![Column::words("ID", 9), Column::words("SERVICE", 16)],
            vec![
                Column::words("STATE", 8),
                Column::figures("HITS", 9),
                Column::figures("HITS/s", 8),
                Column::figures("P95", 8),
                Column::words("LEFT", 7 + BAR),
            ],
        ),
        false => (
            vec![Column::words("SERVICE", 12)],
            vec![
                Column::words("STATE", 8),
                Column::figures("HITS/s", 7),
                Column::figures("P95", 7),
                Column::words("LEFT", 6 + BAR),
            ],
        ),
    };
    let used = 3 + total(&first) + total(&last) + 2 * GAP + 1;
    let room = usize::from(width).saturating_sub(used);
    let mut columns = first;
    columns.push(Column::words("FUNCTIONS", room));
    columns.extend(last);
    columns
}

fn row(view: View<'_>, session: &Session, columns: &[Column]) -> Line<'static> {
    let is_wide = columns.len() > 6;
    let theme = view.theme.old(!session.is_on());
    let mut cells: Vec<Cell> = vec![];
    if is_wide {
        cells.push(cell(visible(&session.id), theme.dim()));
    }
    cells.extend([
        cell(target(session), theme.bold()),
        cell(functions(session), theme.plain()),
        cell(session.state_name(), theme.plain()),
    ]);
    let mut columns = columns.to_vec();
    let seen = &session.seen;
    let waits = session.state != Some(WantState::Attached);
    let nothing = seen.hits().unwrap_or(0) == 0 && waits;
    if nothing && !session.reason.is_empty() {
        // Where nothing is counted, what is known stands in the place of the figures.
        let width = total(&columns[cells.len()..]);
        columns.truncate(cells.len());
        columns.push(Column::words("", width));
        cells.push(cell(session.reason.visible(), theme.dim()));
    } else {
        if is_wide {
            let hits = seen.hits().map_or(UNKNOWN.to_owned(), |n| n.to_string());
            cells.push(cell(hits, theme.plain()));
        }
        let per_s = seen.rate().filter(|_| session.is_on());
        cells.extend([
            cell(rate(per_s), theme.plain()),
            cell(length(seen.p95), theme.plain()),
            left(view, session),
        ]);
    }
    let (mark, style) = mark(view, session);
    marked(mark, style, line(&columns, cells))
}

/// The sign of a session, and its style.
fn mark(view: View<'_>, session: &Session) -> (&'static str, Style) {
    match session.state {
        Some(WantState::Attached) if session.over.is_none() => (TOUCHES, view.theme.touches()),
        Some(WantState::Refused) => (BROKEN, view.theme.broken()),
        None | Some(WantState::Pending) if session.over.is_none() => (OLD, view.theme.dim()),
        _ => (" ", view.theme.dim()),
    }
}

/// What is left of the lease, as figure and bar; of a probe of somebody else how long the lease is.
fn left(view: View<'_>, session: &Session) -> Cell {
    let theme = view.theme;
    let Some(left) = session.left(view.now) else {
        return match session.is_on() {
            true => cell(format!("lease {}", age(session.lease)), theme.dim()),
            false => vec![],
        };
    };
    let share = left.as_secs_f64() / session.lease.as_secs_f64().max(1e-9);
    let filled = (share * BAR as f64).ceil() as usize;
    let seconds = Duration::from_secs(left.as_secs());
    let text = match seconds.as_secs() {
        s if s < 60 => format!("{s} s"),
        s => format!("{} m", s / 60),
    };
    vec![
        span(format!("{text:<5} "), theme.plain()),
        span("█".repeat(filled.min(BAR)), theme.touches()),
        span("▁".repeat(BAR.saturating_sub(filled)), theme.rule()),
    ]
}
