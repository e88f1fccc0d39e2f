//! Page 6: the probes, and what was seen of the one under the cursor.

mod calls;
mod durations;
mod list;
mod tree;

use super::detail::no_answer;
use super::services::marked;
use super::{View, at, below, put, span, titled_rule};
use crate::console::app::ProbeView;
use crate::console::findings::wrapped;
use crate::console::layout::Panes;
use crate::console::probing::Session;
use crate::console::theme::{BROKEN, TOUCHES};
use coral_model::observed::visible;
use coral_model::probe::{ProbeLog, ProbedRow};
use coral_model::want::WantState;
use coral_report::figure::age;
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Lines that say why nothing was seen.
const SAID_MAX: usize = 12;
/// Hosts that are named.
const HOSTS: usize = 4;
/// Lines of a host that says much.
const HOST_LINES: usize = 3;

pub(super) fn draw(view: View<'_>, panes: Panes, buf: &mut Buffer) {
    if let Some(area) = panes.table {
        list::draw(view, area, buf);
    }
    if let Some(area) = panes.detail {
        detail(view, area, buf);
    }
}

fn target(session: &Session) -> String {
    visible(&session.target.text()).into_owned()
}

/// Its functions in one text.
fn functions(session: &Session) -> String {
    let names: Vec<_> = session.functions.iter().map(|f| f.visible()).collect();
    names.join(", ")
}

/// What was seen of the probe under the cursor.
fn detail(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let Some(session) = app.selected_probe() else {
        return;
    };
    let names = functions(session);
    let about = format!("{}: {}", visible(&session.id), app.probing.view.name());
    let room = usize::from(area.width).saturating_sub(text::width(&about) + 10);
    let title = format!("{about}  {}", text::fit(&names, room));
    titled_rule(view, &title, app.pane.focused, area, buf);
    let area = below(area, 1);
    let view = view.when_old(app.known_probe(session).old || session.over.is_some());
    let head = hosts(view, session, area.width);
    let rows = below(area, u16::try_from(head.len()).unwrap_or(u16::MAX));
    for (y, line) in (0..area.height).zip(head) {
        put(line, at(area, y), buf);
    }
    let lines = match app.probe_log(session) {
        Some(log) if !log.functions.is_empty() => seen(view, log, rows.width),
        _ => unseen(view, session, rows.width),
    };
    let most = lines.len().saturating_sub(usize::from(rows.height));
    let shown = lines.into_iter().skip(app.pane.offset.min(most));
    for (y, line) in (0..rows.height).zip(shown) {
        put(line, at(rows, y), buf);
    }
}

/// What each host says of it.
fn hosts(view: View<'_>, session: &Session, width: u16) -> Vec<Line<'static>> {
    let theme = view.theme;
    let log = view.app.probe_log(session);
    let hosts = log.map_or(&[][..], |log| &log.hosts);
    let lines = |(host, state, reason): &(_, WantState, coral_model::Observed)| {
        let host = text::shown(host, 24);
        let said = match reason.is_empty() {
            true => format!("{host}  {}", state.name()),
            false => format!("{host}  {}: {}", state.name(), reason.visible()),
        };
        let (mark, style) = match state {
            WantState::Attached => (TOUCHES, theme.touches()),
            WantState::Refused => (BROKEN, theme.broken()),
            _ => (" ", theme.dim()),
        };
        let room = usize::from(width).saturating_sub(4);
        let parts = wrapped(&said, room, room).into_iter().take(HOST_LINES);
        parts.enumerate().map(move |(i, part)| {
            let mark = if i == 0 { mark } else { " " };
            marked(mark, style, Line::from(span(part, theme.plain())))
        })
    };
    hosts.iter().take(HOSTS).flat_map(lines).collect()
}

/// Why nothing was seen of it.
fn unseen(view: View<'_>, session: &Session, width: u16) -> Vec<Line<'static>> {
    let known = view.app.known_probe(session);
    let room = usize::from(width).saturating_sub(4);
    let reason = session.reason.visible();
    let waits = matches!(session.state, None | Some(WantState::Pending));
    let answered = matches!(known.answer, Some(Ok(_)));
    let said = match session.state {
        Some(WantState::Refused) => vec![
            reason.into_owned(),
            "`a` on the service shows the functions that there are".to_owned(),
        ],
        _ if session.over.is_some() => vec!["it is over; nothing was seen of it".to_owned()],
        _ if waits => {
            let waited = session.put.map(|put| view.now.up.saturating_sub(put));
            let waited = waited.map_or(String::new(), |waited| format!(", {}", age(waited)));
            vec![
                format!("waiting for the agents of {}{waited}", target(session)),
                reason.into_owned(),
            ]
        }
        _ if answered => vec!["attached; nothing is told of it yet".to_owned()],
        _ => no_answer(view, known).unwrap_or_default(),
    };
    let lines = said.iter().flat_map(|text| wrapped(text, room, room));
    let lines = lines.take(SAID_MAX);
    lines
        .map(|text| Line::styled(format!("   {text}"), view.theme.dim()))
        .collect()
}

/// The view that is chosen.
fn seen(view: View<'_>, log: &ProbeLog, width: u16) -> Vec<Line<'static>> {
    match view.app.probing.view {
        ProbeView::Calls => calls::lines(view, log, width),
        ProbeView::Durations => durations::lines(view, log, width),
        ProbeView::Tree => tree::lines(view, log, width),
    }
}

/// The name of a function of the log; empty for one that it does not have.
fn name(log: &ProbeLog, function: u32) -> String {
    let row = log.functions.get(function as usize);
    row.map_or(String::new(), of_row)
}

fn of_row(row: &ProbedRow) -> String {
    row.function.name.visible().into_owned()
}
