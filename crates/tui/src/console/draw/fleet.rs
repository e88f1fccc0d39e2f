//! Page 9: the agents, and of the selected one what it lacks and what it lost; below them the colony.

use super::services::{marked, no_match};
use super::table::{Cell, Column, GAP, cell, line, titles};
use super::{View, at, below, cursor_style, put, span, titled_rule};
use crate::console::app::List;
use crate::console::layout::rows_of_table;
use crate::console::theme::{LIVE, OLD, UNUSUAL};
use coral_model::answer::{AgentRow, STALE_AFTER};
use coral_model::{AgentMode, Loss};
use coral_report::figure::{age, bytes};
use coral_report::text::{self, fit};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// Lines of the colony at the end of the pane.
const COLONY: u16 = 4;

/// Title, width, whether it holds words, and from which screen width on it is there.
const COLUMNS: [(&str, usize, bool, u16); 9] = [
    ("HOST", 22, true, 0),
    ("MODE", 5, true, 0),
    ("SEEN", 9, false, 0),
    ("CPU%", 5, false, 0),
    ("RSS", 7, false, 0),
    ("LOSS", 7, false, 0),
    ("LISTENING", 9, false, 100),
    ("VERSION", 9, true, 100),
    ("UP", 9, false, 110),
];

fn is_fresh(agent: &AgentRow) -> bool {
    agent.connected && agent.last_seen <= STALE_AFTER
}

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let agents = view.app.agents();
    let shown: Vec<_> = COLUMNS.iter().filter(|c| area.width >= c.3).collect();
    let used: usize = shown.iter().map(|c| c.1 + GAP).sum();
    let mut columns: Vec<Column> = shown
        .iter()
        .map(|&&(title, width, words, _)| match words {
            true => Column::words(title, width),
            false => Column::figures(title, width),
        })
        .collect();
    let missing = usize::from(area.width).saturating_sub(3 + used + 1);
    columns.push(Column::words("MISSING", missing));
    put(
        marked("", Style::new(), titles(&columns, view.theme)),
        area,
        buf,
    );
    let rows = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Agents);
    let mut y = rows.y;
    let lines = agents.iter().enumerate().skip(cursor.offset());
    for (i, agent) in lines.take(usize::from(rows.height)) {
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        put(row(view, agent, &columns, shown.len()), place, buf);
        if i == cursor.index() {
            buf.set_style(place, cursor_style(view));
        }
        y += 1;
    }
    let place = Rect {
        y,
        height: 1,
        ..area
    };
    let all = view
        .app
        .picture()
        .status
        .as_ref()
        .map_or(0, |s| s.agents.len());
    if agents.is_empty() {
        let line = match all {
            0 => Line::styled("   no agent has reported", view.theme.dim()),
            all => no_match(view, all, "agents"),
        };
        put(line, place, buf);
    } else if !view.app.time.is_live() {
        let text = "   the agents are shown as they are now";
        put(Line::styled(text, view.theme.dim()), place, buf);
    }
}

fn row(view: View<'_>, agent: &AgentRow, columns: &[Column], fixed: usize) -> Line<'static> {
    let fresh = is_fresh(agent);
    let theme = view
        .theme
        .old(!fresh || view.theme.plain() == view.theme.dim());
    let health = &agent.health;
    let lost = health.loss.total();
    let (glyph, style) = match (fresh, health.mode, lost) {
        (false, _, _) => (OLD, theme.dim()),
        (true, AgentMode::Ebpf, 0) => (LIVE, theme.good()),
        (true, _, _) => (UNUSUAL, theme.unusual()),
    };
    let mode = match health.mode {
        AgentMode::Ebpf => theme.plain(),
        AgentMode::Proc => theme.unusual(),
    };
    let cells: Vec<Cell> = vec![
        cell(health.host.visible(), theme.bold()),
        cell(health.mode.name(), mode),
        cell(seen(agent.last_seen), theme.dim()),
        cell(format!("{:.1}", health.cpu_percent), theme.plain()),
        cell(bytes(health.rss_bytes as f64), theme.plain()),
        cell(
            lost.to_string(),
            if lost > 0 {
                theme.unusual()
            } else {
                theme.dim()
            },
        ),
        cell(health.listening.to_string(), theme.plain()),
        cell(health.version.clone(), theme.dim()),
        cell(up(agent), theme.dim()),
    ];
    let features: Vec<&str> = health.missing.iter().map(|m| m.feature.as_str()).collect();
    let missing = match features.is_empty() {
        true => cell("nothing", theme.dim()),
        false => cell(features.join(", "), theme.unusual()),
    };
    let cells = cells.into_iter().take(fixed).chain([missing]);
    marked(glyph, style, line(columns, cells.collect()))
}

/// Whole seconds: what ticks does not show tenths.
fn seen(span: Duration) -> String {
    match span.as_secs() {
        0 => "now".to_owned(),
        s if s < 60 => format!("{s} s ago"),
        s if s < 3600 => format!("{} m ago", s / 60),
        s if s < 86_400 => format!("{} h ago", s / 3600),
        s => format!("{} d ago", s / 86_400),
    }
}

fn up(agent: &AgentRow) -> String {
    let up = agent.health.at.since(agent.health.started).as_secs();
    age(Duration::from_secs(up - if up >= 60 { up % 60 } else { 0 })).replace(".0 s", " s")
}

/// The selected agent, and the colony below it.
pub(super) fn detail(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let most = area.height.saturating_sub(COLONY);
    let used = match view.app.selected_agent() {
        Some(row) => about(
            view,
            row,
            Rect {
                height: most,
                ..area
            },
            buf,
        ),
        None => 0,
    };
    the_colony(view, below(area, (used + 1).min(most)), buf);
}

/// The lines that it takes.
fn about(view: View<'_>, row: &AgentRow, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = view.theme;
    let health = &row.health;
    let title = format!("{}: agent {}", fit(&health.host.visible(), 40), health.id);
    titled_rule(view, &title, view.app.pane.focused, area, buf);
    let width = usize::from(area.width).saturating_sub(18);
    let mut lines = vec![fact(
        view,
        "observes",
        match health.mode {
            AgentMode::Ebpf => "with kernel programs: every request is counted".to_owned(),
            AgentMode::Proc => {
                "from /proc and socket tables alone: requests are not seen".to_owned()
            }
        },
    )];
    lines.push(fact(view, "loss", losses(&health.loss)));
    if health.missing.is_empty() {
        lines.push(fact(view, "missing", "nothing".to_owned()));
    }
    for missing in &health.missing {
        let why = format!("{}: {}", missing.feature, missing.why.visible());
        lines.push(Line::from(vec![
            span("   missing      ", theme.dim()),
            span(fit(&why, width).into_owned(), theme.unusual()),
        ]));
        lines.push(Line::from(vec![
            span("                ", theme.dim()),
            span(fit(&missing.fix, width).into_owned(), theme.link()),
        ]));
    }
    let used = u16::try_from(lines.len() + 1).unwrap_or(u16::MAX);
    let shown = lines.into_iter().skip(view.app.pane.offset);
    for (y, line) in (1..area.height).zip(shown) {
        put(line, at(area, y), buf);
    }
    used
}

fn fact(view: View<'_>, name: &str, text: String) -> Line<'static> {
    Line::from(vec![
        span(format!("   {name:<12} "), view.theme.dim()),
        span(text, view.theme.plain()),
    ])
}

/// Every cause that is not 0, in the words of the vocabulary.
fn losses(loss: &Loss) -> String {
    let causes: Vec<String> = loss
        .fields()
        .into_iter()
        .filter(|&(_, count)| count > 0)
        .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    match causes.is_empty() {
        true => "nothing since its start".to_owned(),
        false => format!("since its start: {}", causes.join(" · ")),
    }
}

fn the_colony(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(status) = &view.app.picture().status else {
        return;
    };
    let title = format!("colony {}", status.colony);
    titled_rule(view, &title, false, area, buf);
    let fresh = status.agents.iter().filter(|a| is_fresh(a)).count();
    let text = format!(
        "version {} · up {} · {} of {} agents report · {} services in the last 15 m",
        status.version,
        age(Duration::from_secs(status.uptime.as_secs() / 60 * 60)),
        fresh,
        status.agents.len(),
        status.services
    );
    put(fact(view, "runs", text), at(area, 1), buf);
    let socket = text::fit(&view.app.config.socket, 90).into_owned();
    put(fact(view, "at", socket), at(area, 2), buf);
}
