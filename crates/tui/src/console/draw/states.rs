//! What stands in place of a page: loading, no colony, not reachable, no agent. Each says what is so and what to do.

use super::{View, put, span};
use crate::console::app::{Body, LinkState, PAGES, Starting};
use crate::console::theme::{BROKEN, OLD, UNUSUAL};
use crate::failure::Failure;
use coral_model::observed::visible;
use coral_report::text::fit;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::time::Duration;

/// A wait below this is not worth a word.
const SOON: Duration = Duration::from_millis(300);
/// From this column on stand the texts.
const INDENT: u16 = 4;

pub(super) fn draw(view: View<'_>, state: &Body<'_>, body: Rect, buf: &mut Buffer) {
    let lines = match state {
        Body::Loading => loading(view),
        Body::NoColony => no_colony(view),
        Body::Unreachable(failure) => unreachable_colony(view, failure),
        Body::NoAgent => no_agent(view),
        Body::NothingThen => nothing_then(view),
        Body::Refused(failure) => refused(view, failure),
        Body::OnlyDiagnosis => only_diagnosis(view),
        Body::Page => vec![],
    };
    let room = Rect {
        x: body.x + INDENT,
        width: body.width.saturating_sub(2 * INDENT),
        ..body
    };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    // A little above the middle, where the eye is.
    let top = body.height.saturating_sub(height) / 3;
    for (i, line) in (0..).zip(lines.into_iter().take(usize::from(body.height))) {
        let y = room.y + top.min(body.height.saturating_sub(height)) + i;
        if y < body.bottom() {
            put(
                line,
                Rect {
                    y,
                    height: 1,
                    ..room
                },
                buf,
            );
        }
    }
}

/// A bundle has what a diagnosis looks at, and nothing that the other pages show.
fn only_diagnosis(view: View<'_>) -> Vec<Line<'static>> {
    let page = view.app.spot.page;
    let name = PAGES.iter().find(|known| known.0 == page);
    let name = name.map_or("this page", |known| known.2);
    let text = format!("An incident bundle has no data for {name}.");
    vec![
        Line::styled(text, view.theme.bold()),
        Line::styled(
            "It holds what a diagnosis looks at; no colony is asked.",
            view.theme.dim(),
        ),
        Line::default(),
        key_line(view, "7", "the diagnosis", ""),
    ]
}

fn loading(view: View<'_>) -> Vec<Line<'static>> {
    let waited = view.now.up.saturating_sub(view.app.opened.up);
    if waited < SOON {
        return vec![];
    }
    let text = match view.app.link {
        LinkState::Open => format!(
            "colony {} answers; its first picture is on the way",
            colony(view)
        ),
        _ => format!("asking colony {}", colony(view)),
    };
    let seconds = format!("{:.1} s", waited.as_secs_f64());
    vec![Line::from(vec![
        span(format!("{OLD} {text}, "), view.theme.plain()),
        span(seconds, view.theme.dim()),
    ])]
}

fn colony(view: View<'_>) -> String {
    view.app.config.colony.clone()
}

fn no_colony(view: View<'_>) -> Vec<Line<'static>> {
    let theme = view.theme.old(false);
    let config = &view.app.config;
    let mut lines = vec![
        Line::styled(
            format!("No colony {} runs on this machine.", config.colony),
            theme.bold(),
        ),
        Line::styled(
            "A colony stores what its agents count, and answers this console.",
            theme.dim(),
        ),
        Line::default(),
    ];
    match &view.app.starting {
        Starting::Since(since) => {
            let waited = view.now.up.saturating_sub(since.up).as_secs();
            lines.push(Line::from(vec![
                span(format!("{UNUSUAL} "), theme.unusual()),
                span("starting a colony and an agent here", theme.plain()),
                span(format!(", {waited} s"), theme.dim()),
            ]));
        }
        Starting::No if config.read_only => {
            let text = format!(
                "`{}` starts one; --read-only hides the key",
                config.up_command
            );
            lines.push(Line::styled(text, theme.plain()));
        }
        Starting::Failed(failure) => {
            lines.extend(failed(view, failure));
            lines.push(key_line(view, "u", "try again", &config.up_command));
        }
        Starting::No => {
            lines.push(key_line(
                view,
                "u",
                "start one here, with an agent",
                &config.up_command,
            ));
        }
    }
    lines.push(key_line(view, "q", "quit", ""));
    lines.push(Line::default());
    lines.push(Line::styled(
        format!("looked at {}{}", config.socket, retry(view)),
        theme.dim(),
    ));
    lines
}

fn key_line(view: View<'_>, key: &str, what: &str, command: &str) -> Line<'static> {
    let theme = view.theme.old(false);
    let mut spans = vec![
        span(format!("{key}   "), theme.link()),
        span(what.to_owned(), theme.plain()),
    ];
    if !command.is_empty() {
        spans.push(span(format!("   the same as `{command}`"), theme.dim()));
    }
    Line::from(spans)
}

fn retry(view: View<'_>) -> String {
    match &view.app.link {
        LinkState::Away { retry_at, .. } => {
            let seconds = retry_at.saturating_sub(view.now.up).as_secs() + 1;
            format!(", again in {seconds} s")
        }
        LinkState::Opening | LinkState::Open => String::new(),
    }
}

fn failed(view: View<'_>, failure: &Failure) -> Vec<Line<'static>> {
    let theme = view.theme.old(false);
    let room = usize::from(view.app.size().width.saturating_sub(2 * INDENT));
    let cut = |text: &str| fit(&visible(text), room).into_owned();
    let mut lines = vec![Line::styled(
        cut(&format!("{BROKEN} {}", failure.message)),
        theme.broken(),
    )];
    let details = failure.detail.lines().chain(failure.hint.lines());
    // The last lines of the last log say most; earlier ones may not fit.
    let room_below = usize::from(view.app.size().height).saturating_sub(14);
    let details: Vec<&str> = details.collect();
    let shown = &details[details.len().saturating_sub(room_below)..];
    lines.extend(
        shown
            .iter()
            .map(|text| Line::styled(cut(&format!("  {text}")), theme.dim())),
    );
    lines.push(Line::default());
    lines
}

fn unreachable_colony(view: View<'_>, failure: &Failure) -> Vec<Line<'static>> {
    let theme = view.theme.old(false);
    let title = format!("Colony {} cannot be reached.", colony(view));
    let mut lines = vec![Line::styled(title, theme.bold())];
    lines.extend(failed(view, failure));
    lines.push(Line::styled(
        format!("at {}{}", view.app.config.socket, retry(view)),
        theme.dim(),
    ));
    lines
}

/// The picked moment lies before all that is kept, or in a time when nobody observed.
fn nothing_then(view: View<'_>) -> Vec<Line<'static>> {
    let (app, theme) = (view.app, view.theme);
    let zone = &app.config.zone;
    let at = |at| super::day_clock(at, view.now.wall, zone);
    let window = app.window(view.now);
    let title = format!(
        "Nothing is kept of {} to {}.",
        at(window.from),
        at(window.to)
    );
    let mut lines = vec![Line::styled(title, theme.bold())];
    if let Some(status) = &app.picture().status {
        let since = view.now.wall.minus(status.uptime);
        let agents = status.agents.iter().map(|a| a.health.started);
        let first = agents.min().map_or(String::new(), |first| {
            format!("; the agents of now count since {}", at(first))
        });
        let text = format!("The colony runs since {}{first}.", at(since));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines.push(Line::default());
    lines.extend(ways_back(view));
    lines
}

fn ways_back(view: View<'_>) -> Vec<Line<'static>> {
    vec![
        key_line(view, "]", "a tenth of the window on", ""),
        key_line(view, "t", "another moment", ""),
        key_line(view, "0", "back to now", ""),
    ]
}

/// The colony does not answer this about the past.
fn refused(view: View<'_>, failure: &Failure) -> Vec<Line<'static>> {
    let title = "The colony does not show this moment.".to_owned();
    let mut lines = vec![Line::styled(title, view.theme.bold())];
    lines.extend(failed(view, failure));
    lines.extend(ways_back(view));
    lines
}

fn no_agent(view: View<'_>) -> Vec<Line<'static>> {
    let theme = view.theme;
    let config = &view.app.config;
    let mut lines = vec![
        Line::styled(
            format!("Colony {} runs, but no agent has reported.", config.colony),
            theme.bold(),
        ),
        Line::styled(
            "An agent counts the requests of its host; `coral up` starts one as well.",
            theme.dim(),
        ),
        Line::default(),
        Line::from(vec![
            span("coral down && coral up", theme.link()),
            span("   starts both anew", theme.plain()),
        ]),
        Line::from(vec![
            span(config.agent_log.clone(), theme.link()),
            span("   says why it did not", theme.plain()),
        ]),
    ];
    if let Starting::Failed(failure) = &view.app.starting {
        lines.push(Line::default());
        lines.extend(failed(view, failure));
    }
    lines
}
