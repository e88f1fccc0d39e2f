//! The cells of a service's row.

use super::super::chart::sparkline;
use super::super::table::{Cell, Column, cell, line, total};
use super::super::{View, span};
use super::{Kind, name};
use crate::console::time::Compare;
use crate::console::trouble::{Trouble, figures, is_stale, slower_than};
use coral_model::Protocol;
use coral_model::answer::{FEW_SAMPLES, Red, ServiceRow};
use coral_report::figure::{UNKNOWN, age, bytes, health, millis, percent, percentile, rate};
use coral_report::text;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// The cell of a column; without figures it is unknown.
pub(super) fn value(
    view: View<'_>,
    kind: Kind,
    row: &ServiceRow,
    red: Option<&Red>,
    trouble: Trouble,
    width: usize,
) -> Cell {
    let theme = view.theme;
    let few = red.is_none_or(|r| r.samples < FEW_SAMPLES);
    let measured = if few { theme.dim() } else { theme.plain() };
    let time = |pick: fn(&Red) -> Option<Duration>| cell(millis(red.and_then(pick)), measured);
    let count = |n: Option<u64>| {
        let text = n.map_or(UNKNOWN.to_owned(), |n| n.to_string());
        cell(
            text,
            if n.unwrap_or(0) > 0 {
                theme.plain()
            } else {
                theme.dim()
            },
        )
    };
    let fresh = (!is_stale(row)).then_some(());
    match kind {
        Kind::Name => {
            let (name, side) = name(row);
            let room = width.saturating_sub(side.len());
            let style = if row.class == coral_model::ServiceClass::App {
                theme.bold()
            } else {
                theme.dim()
            };
            vec![span(text::fit(&name, room), style), span(side, theme.dim())]
        }
        Kind::Instances => cell(row.instances.to_string(), theme.dim()),
        Kind::Rate => cell(rate(red.and_then(|r| r.rate_per_s)), theme.plain()),
        Kind::Errors => errors(view, red, trouble),
        Kind::P50 => time(|r| r.p50),
        Kind::P99 => time(|r| r.p99),
        Kind::P95 => p95(view, row, red, measured),
        Kind::Flight => flight(view, row, red, trouble),
        Kind::Cpu => used(
            view,
            fresh
                .and(row.cpu_cores)
                .map(|cores| format!("{:.1}", cores * 100.0)),
        ),
        Kind::Memory => used(
            view,
            fresh
                .and(row.rss_bytes)
                .map(|bytes| format!("{:.0}", bytes as f64 / 1e6)),
        ),
        Kind::Trend => trend(view, row, width),
        Kind::Hosts => cell(row.hosts.to_string(), theme.dim()),
        Kind::Requests => count(red.map(|r| r.counts.requests)),
        Kind::ErrorCount => count(red.map(|r| r.counts.errors)),
        Kind::ClientErrors => count(red.map(|r| r.counts.client_errors)),
        Kind::P90 => time(|r| r.p90),
        Kind::Max => time(|r| r.max),
        Kind::Calls => {
            let client = row.client.as_ref();
            cell(rate(client.and_then(|r| r.rate_per_s)), theme.plain())
        }
        Kind::CallsP95 => {
            let client = row.client.as_ref();
            cell(millis(client.and_then(|r| r.p95)), theme.plain())
        }
        Kind::Speaks => cell(speaks(&row.protocols), theme.dim()),
        Kind::Ports => {
            let ports: Vec<String> = row.ports.iter().map(u16::to_string).collect();
            cell(ports.join(", "), theme.dim())
        }
    }
}

fn errors(view: View<'_>, red: Option<&Red>, trouble: Trouble) -> Cell {
    let ratio = red.and_then(|r| r.error_ratio);
    let style = match (trouble, ratio) {
        (Trouble::Errors(level, _), _) => view.theme.level(level).1,
        (_, Some(0.0) | None) => view.theme.dim(),
        _ => view.theme.plain(),
    };
    cell(percent(ratio), style)
}

fn p95(view: View<'_>, row: &ServiceRow, red: Option<&Red>, measured: Style) -> Cell {
    let Some(red) = red else {
        return cell(UNKNOWN, view.theme.dim());
    };
    let mut parts = cell(percentile(red.p95, red.samples), measured);
    let compared = view.app.time.compare != Compare::Off;
    let before = view.app.row_before(&row.service).and_then(figures);
    let times = match before.and_then(|b| b.p95) {
        Some(before) => changed(before, red.p95),
        // What is compared with is not known, and nothing else was asked for.
        None if compared => None,
        None => slower_than(&row.trend, view.app.usual.p95(&row.service)),
    };
    match times {
        Some(times) if times >= 1.0 => {
            parts.push(span(
                format!(" ↑{}", times_text(times)),
                view.theme.unusual(),
            ));
        }
        Some(times) => parts.push(span(
            format!(" ↓{}", times_text(1.0 / times.max(1e-3))),
            view.theme.link(),
        )),
        None => {}
    }
    parts
}

/// What it takes of its hosts.
fn used(view: View<'_>, figure: Option<String>) -> Cell {
    let style = match figure {
        Some(_) => view.theme.plain(),
        None => view.theme.dim(),
    };
    cell(figure.unwrap_or(UNKNOWN.to_owned()), style)
}

/// How many times the value before, when that is worth a word.
fn changed(before: Duration, now: Option<Duration>) -> Option<f64> {
    let times = now?.as_secs_f64() / before.as_secs_f64().max(1e-9);
    (!(0.67..1.5).contains(&times)).then_some(times)
}

fn times_text(times: f64) -> String {
    match times {
        t if t < 9.5 => format!("{t:.1}x"),
        t if t < 999.5 => format!("{t:.0}x"),
        _ => ">999x".to_owned(),
    }
}

fn flight(view: View<'_>, row: &ServiceRow, red: Option<&Red>, trouble: Trouble) -> Cell {
    let theme = view.theme;
    if red.is_none() {
        return cell(format!("{UNKNOWN:>4}"), theme.dim());
    }
    let oldest = row.oldest_in_flight.filter(|_| row.in_flight > 0);
    let (count, oldest_text) = (row.in_flight, oldest.map_or(String::new(), short_age));
    let style = match (oldest, trouble) {
        (_, Trouble::Stuck(level, _)) => theme.level(level).1,
        (None, _) => theme.dim(),
        (Some(_), _) => theme.plain(),
    };
    vec![
        span(format!("{count:>4}"), style),
        span(format!("  {oldest_text}"), theme.dim()),
    ]
}

/// One unit is enough beside a count.
fn short_age(span: Duration) -> String {
    let words = age(span);
    let mut parts = words.split(' ');
    match (parts.next(), parts.next()) {
        (Some(number), Some(unit)) => format!("{number} {unit}"),
        _ => words,
    }
}

/// p95 over the window; where it is old, its age.
pub(in super::super) fn trend(view: View<'_>, row: &ServiceRow, width: usize) -> Cell {
    let theme = view.theme;
    if let Some(text) = unhealthy(view, row) {
        let fits = text::width(&text) <= width;
        // The glyph says what it is about where there is no room for the word.
        let short = text.strip_prefix("health: ").filter(|_| !fits);
        return cell(short.unwrap_or(&text), theme.broken());
    }
    match row.stale.filter(|_| is_stale(row)) {
        None => sparkline(&row.trend, width)
            .into_iter()
            .map(|(bar, high)| span(bar, if high { theme.unusual() } else { theme.chart() }))
            .collect(),
        Some(stale) => {
            let note = format!(" {} old", short_age(stale));
            let bars = sparkline(&row.trend, width.saturating_sub(note.len()));
            let line: String = bars.into_iter().map(|(bar, _)| bar).collect();
            cell(format!("{line}{note}"), theme.dim())
        }
    }
}

/// What its health check says, while it fails.
pub(in super::super) fn unhealthy(view: View<'_>, row: &ServiceRow) -> Option<String> {
    let state = row.health.as_ref().filter(|state| !state.healthy)?;
    Some(health(state, view.app.window(view.now).to))
}

/// Nothing could be read of what it says: what its connections show stands in place of the figures.
pub(super) fn unread(
    view: View<'_>,
    row: &ServiceRow,
    columns: &[(Kind, Column)],
) -> Line<'static> {
    let theme = view.theme;
    let (mut before, mut between, mut after) = (vec![], vec![], vec![]);
    for (kind, column) in columns {
        match kind {
            Kind::Name | Kind::Instances => before.push((*kind, column.clone())),
            Kind::Cpu | Kind::Memory => after.push((*kind, column.clone())),
            _ if after.is_empty() => between.push(column.clone()),
            _ => {}
        }
    }
    let shown = |(kind, column): &(Kind, Column)| {
        value(view, *kind, row, None, Trouble::None, column.width)
    };
    let mut cells: Vec<Cell> = before.iter().map(shown).collect();
    cells.push(match unhealthy(view, row) {
        Some(text) => cell(text, theme.broken()),
        None => cell(connections(view, row), theme.dim()),
    });
    cells.extend(after.iter().map(shown));
    let middle = Column::words("", total(&between));
    let columns = before.into_iter().map(|c| c.1).chain([middle]);
    let columns: Vec<Column> = columns.chain(after.into_iter().map(|c| c.1)).collect();
    line(&columns, cells)
}

fn connections(view: View<'_>, row: &ServiceRow) -> String {
    let picture = view.app.picture();
    let edges: Vec<_> = picture
        .edges()
        .iter()
        .filter(|e| e.callee == row.service)
        .collect();
    let window = picture
        .head()
        .map_or(0.0, |h| h.window.length().as_secs_f64());
    let mut parts = vec![];
    if !edges.is_empty() {
        let connections: u64 = edges.iter().map(|e| e.connections).sum();
        let moved: u64 = edges.iter().map(|e| e.bytes_sent + e.bytes_received).sum();
        parts.push(format!("conns {connections}"));
        parts.push(format!("{}/s", bytes(moved as f64 / window.max(1.0))));
        let rtts = edges.iter().filter_map(|e| e.rtt).min();
        parts.extend(rtts.map(|rtt| format!("rtt {} ms", millis(Some(rtt)))));
    }
    if let Some(unread) = row.unread.as_ref().filter(|unread| unread.turns > 0) {
        let turns = rate(Some(unread.turns as f64 / window.max(1.0)));
        parts.push(format!(
            "{turns} turns/s  p95 {} ms",
            millis(unread.turn_p95)
        ));
    }
    let unread = |p: &&Protocol| !p.is_read();
    match row.protocols.iter().find(unread) {
        Some(protocol) => parts.push(format!("{}, not read yet", protocol.name())),
        None if edges.is_empty() && view.app.sees_requests() => {
            parts.push("no traffic in this window".to_owned());
        }
        None if edges.is_empty() => parts.push("its requests are not seen".to_owned()),
        None => {}
    }
    if edges.is_empty() && !row.ports.is_empty() {
        let ports: Vec<String> = row.ports.iter().take(3).map(u16::to_string).collect();
        parts.push(format!("listens on {}", ports.join(", ")));
    }
    parts.join("  ")
}

fn speaks(protocols: &[Protocol]) -> String {
    let names: Vec<&str> = protocols.iter().map(|p| p.name()).collect();
    names.join(", ")
}
