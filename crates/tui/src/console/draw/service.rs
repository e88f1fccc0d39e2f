//! The page of a service: what it is in one line, its charts, the figures of the window beside them, and its lists.

mod instances;
mod lists;

use super::detail::no_answer;
use super::{View, at, below, put, red, span, titled_rule};
use crate::console::app::TABS;
use crate::console::layout::{self, ServiceAreas};
use crate::console::theme::OLD;
use crate::console::trouble::{Trouble, figures, is_stale};
use coral_model::answer::{Red, ServiceRow};
use coral_model::{Event, ServiceKey, TimeNs};
use coral_report::figure::{UNKNOWN, age, bytes, health, millis, percent, percentile, rate};
use coral_report::text::{self, fit, left, right};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns of the names of the facts, and of each figure.
const FACT: usize = 12;
const FIGURE: usize = 11;

pub(super) fn draw(view: View<'_>, areas: &ServiceAreas, buf: &mut Buffer) {
    let Some(service) = &view.app.spot.service else {
        return;
    };
    let row = view.app.row_of(service);
    put(
        title(view, service, row, usize::from(areas.title.width)),
        areas.title,
        buf,
    );
    if let Some(area) = areas.charts {
        red::draw(view, service, area, buf);
    }
    if let Some(area) = areas.facts {
        facts(view, service, row, area, buf);
    }
    tabs(view, areas.tabs, buf);
    lists::draw(view, areas.table, buf);
}

/// `checkout   3 instances on 2 hosts · http/1.1 · listens on 8081 · 26 in flight, the oldest 2.3 s`.
fn title(
    view: View<'_>,
    service: &ServiceKey,
    row: Option<&ServiceRow>,
    width: usize,
) -> Line<'static> {
    let theme = view.theme;
    let name = fit(&text::service(service), width / 2).into_owned();
    let (glyph, style) = match row {
        Some(row) if is_stale(row) => (OLD, theme.dim()),
        Some(row) => {
            let usual = view.app.usual.p95(&row.service);
            theme.level(Trouble::of(row, usual).level())
        }
        None => (OLD, theme.dim()),
    };
    let facts = match row {
        Some(row) => about(row, view.app.window(view.now).to),
        None => "nothing was seen of it in this window".to_owned(),
    };
    let room = width.saturating_sub(text::width(&name) + 6);
    Line::from(vec![
        span(format!(" {glyph} "), style),
        span(name, theme.bold()),
        span(format!("   {}", fit(&facts, room)), theme.dim()),
    ])
}

fn about(row: &ServiceRow, now: TimeNs) -> String {
    let plural = |n: u32, word: &str| match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    };
    let (instances, hosts) = (plural(row.instances, "instance"), plural(row.hosts, "host"));
    // What its health check says comes first: the line may be cut.
    let mut parts: Vec<String> = row.health.iter().map(|state| health(state, now)).collect();
    parts.push(format!("{instances} on {hosts}"));
    let protocols: Vec<&str> = row.protocols.iter().map(|p| p.name()).collect();
    if !protocols.is_empty() {
        parts.push(protocols.join(", "));
    }
    let ports: Vec<String> = row.ports.iter().take(4).map(u16::to_string).collect();
    if !ports.is_empty() {
        parts.push(format!("listens on {}", ports.join(", ")));
    }
    if let Some(oldest) = row.oldest_in_flight.filter(|_| row.in_flight > 0) {
        parts.push(format!(
            "{} in flight, the oldest {}",
            row.in_flight,
            age(oldest)
        ));
    }
    if let Some(stale) = row.stale.filter(|_| is_stale(row)) {
        parts.push(format!("its data is {} old", age(stale)));
    }
    parts.join(" · ")
}

/// The figures of the window, beside those of the time that is compared with; below them what happened last.
fn facts(
    view: View<'_>,
    service: &ServiceKey,
    row: Option<&ServiceRow>,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = view.theme;
    let area = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    let compared = view.app.time.compare.back();
    let before = view.app.row_before(service).and_then(figures);
    let red = row.and_then(figures);
    titled_rule(view, &window_title(view), false, area, buf);
    let heads = format!(
        "{}{}{}",
        " ".repeat(FACT),
        right(
            if view.app.time.is_live() {
                "now"
            } else {
                "then"
            },
            FIGURE
        ),
        compared.map_or(String::new(), |(_, name)| right(name, FIGURE + 1))
    );
    put(Line::styled(heads, theme.dim()), at(area, 1), buf);
    let lines = figure_lines();
    let count = u16::try_from(lines.len()).unwrap_or(0);
    for (y, (name, figure)) in (2..).zip(lines) {
        let mut spans = vec![
            span(left(name, FACT), theme.dim()),
            span(right(&figure(red), FIGURE), theme.bold()),
        ];
        if compared.is_some() {
            spans.push(span(right(&figure(before), FIGURE + 1), theme.dim()));
        }
        put(Line::from(spans), at(area, y), buf);
    }
    let side = match row {
        Some(row) if row.server.is_some() => row.client.as_ref().map(|red| ("calls", red)),
        _ => None,
    };
    let mut y = count + 2;
    if let Some((name, red)) = side {
        let text = format!(
            "{}{}/s  {} %  p95 {} ms",
            left(name, FACT),
            rate(red.rate_per_s),
            percent(red.error_ratio),
            millis(red.p95)
        );
        put(Line::styled(text, theme.dim()), at(area, y), buf);
        y += 1;
    }
    if let Some(text) = row.and_then(uses) {
        let text = format!("{}{text}", left("uses", FACT));
        put(Line::styled(text, theme.dim()), at(area, y), buf);
        y += 1;
    }
    last_changes(view, below(area, y + 1), buf);
}

/// What its instances take of their hosts.
fn uses(row: &ServiceRow) -> Option<String> {
    let cpu = row
        .cpu_cores
        .map(|cores| format!("{:.1} % of a core", cores * 100.0));
    let memory = row.rss_bytes.map(|rss| bytes(rss as f64));
    let parts: Vec<String> = [cpu, memory].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("   "))
}

/// `last 15 m`, or `15 m to 14:32:10`.
fn window_title(view: View<'_>) -> String {
    let length = age(view.app.time.window);
    match view.app.time.end() {
        None => format!("last {length}"),
        Some(to) => {
            let to = super::day_clock(to, view.now.wall, &view.app.config.zone);
            format!("{length} to {to}")
        }
    }
}

type Figure = fn(Option<&Red>) -> String;

fn figure_lines() -> [(&'static str, Figure); 8] {
    [
        ("requests", |r| {
            r.map_or(UNKNOWN.into(), |r| r.counts.requests.to_string())
        }),
        ("errors", |r| {
            r.map_or(UNKNOWN.into(), |r| r.counts.errors.to_string())
        }),
        ("4xx", |r| {
            r.map_or(UNKNOWN.into(), |r| r.counts.client_errors.to_string())
        }),
        ("rate/s", |r| rate(r.and_then(|r| r.rate_per_s))),
        ("p50 ms", |r| {
            r.map_or(UNKNOWN.into(), |r| percentile(r.p50, r.samples))
        }),
        ("p95 ms", |r| {
            r.map_or(UNKNOWN.into(), |r| percentile(r.p95, r.samples))
        }),
        ("p99 ms", |r| {
            r.map_or(UNKNOWN.into(), |r| percentile(r.p99, r.samples))
        }),
        ("longest ms", |r| millis(r.and_then(|r| r.max))),
    ]
}

fn last_changes(view: View<'_>, area: Rect, buf: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let known = view.app.known_events(view.app.spot.service.as_ref());
    let view = view.when_old(known.old);
    let (events, _) = view.app.page_events();
    titled_rule(view, "what happened last", false, area, buf);
    if events.is_empty() {
        let why = no_answer(view, known).into_iter().flatten().next();
        let text = why.unwrap_or_else(|| "nothing in this window".to_owned());
        put(Line::styled(text, view.theme.dim()), at(area, 1), buf);
    }
    for (y, event) in (1..area.height).zip(events) {
        put(
            event_line(view, event, usize::from(area.width)),
            at(area, y),
            buf,
        );
    }
}

fn event_line(view: View<'_>, event: &Event, width: usize) -> Line<'static> {
    let (glyph, style) = super::events::glyph(view, event);
    let (time, _) = super::clock(event.at, &view.app.config.zone);
    let text = format!("{} {}", event.kind.name(), event.text.visible());
    Line::from(vec![
        span(format!("{glyph} "), style),
        span(format!("{time} "), view.theme.dim()),
        span(
            fit(&text, width.saturating_sub(11)).into_owned(),
            view.theme.plain(),
        ),
    ])
}

fn tabs(view: View<'_>, area: Rect, buf: &mut Buffer) {
    put(
        Line::styled("─".repeat(usize::from(area.width)), view.theme.rule()),
        area,
        buf,
    );
    for ((tab, name), place) in TABS.into_iter().zip(layout::service_tabs(area)) {
        let style = match tab == view.app.tab {
            true => view.theme.old(false).inverse(),
            false => view.theme.old(false).dim(),
        };
        put(Line::styled(format!(" {name} "), style), place, buf);
    }
}
