//! The pane of the selected edge: its requests as both ends count them, its durations, its connections.

use super::{View, below, chart, put, span, titled_rule};
use coral_model::ServiceKey;
use coral_model::answer::{EdgeRow, EdgeSource};
use coral_report::figure::{UNKNOWN, bytes, millis, percent, percentile, rate};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Lines of the facts, with the title above and a blank below.
const FACTS: u16 = 6;
/// A lower chart says nothing.
const CHART_MIN: u16 = 6;

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(row) = view.app.selected_edge() else {
        return;
    };
    let focused = view.app.pane.focused;
    let Some(edge) = row.edge(view.app.picture()) else {
        let name = text::service(&row.service);
        let title = format!("{}: nobody is seen calling it", text::fit(&name, 40));
        titled_rule(view, &title, focused, area, buf);
        served(view, &row.service, below(area, 2), buf);
        return;
    };
    let (caller, callee) = (text::service(&edge.caller), text::service(&edge.callee));
    let title = format!("{} → {}", text::fit(&caller, 40), text::fit(&callee, 40));
    titled_rule(view, &title, focused, area, buf);
    served(view, &row.service, below(area, FACTS), buf);
    let lines = [
        ("requests", requests(edge)),
        ("durations", durations(edge)),
        ("connections", connections(edge)),
        ("seen by", seen_by(edge)),
    ];
    for (i, (label, text)) in lines.into_iter().enumerate() {
        let line = Line::from(vec![
            span(format!("   {label:<12} "), view.theme.dim()),
            span(text, view.theme.plain()),
        ]);
        put(line, below(area, u16::try_from(i + 1).unwrap_or(1)), buf);
    }
}

/// How the callee answered over the window, when there is room.
fn served(view: View<'_>, callee: &ServiceKey, area: Rect, buf: &mut Buffer) {
    let row = view.app.row_of(callee);
    let Some(row) =
        row.filter(|row| area.height >= CHART_MIN && row.trend.iter().any(Option::is_some))
    else {
        return;
    };
    let title = format!("{}: p95 in ms", text::fit(&text::service(callee), 40));
    titled_rule(view, &title, false, area, buf);
    chart::draw(view, &row.trend, below(area, 1), buf);
}

fn requests(edge: &EdgeRow) -> String {
    let Some(red) = &edge.red else {
        let unknown = format!("unknown: {} is not read yet", edge.protocol.name());
        return match edge.turns.filter(|&turns| turns > 0) {
            Some(turns) => format!(
                "{unknown} · {turns} turns, answered after {} ms (p50), {} ms (p95)",
                millis(edge.turn_p50),
                millis(edge.turn_p95)
            ),
            None => unknown,
        };
    };
    let counts = red.counts;
    let check = match edge.callee_requests {
        Some(callee) => format!(" by the caller, {callee} by the callee"),
        None => String::new(),
    };
    format!(
        "{}{check} · {}/s · {} errors ({} %) · {} answered 4xx",
        counts.requests,
        rate(red.rate_per_s),
        counts.errors,
        percent(red.error_ratio),
        counts.client_errors
    )
}

fn durations(edge: &EdgeRow) -> String {
    let Some(red) = &edge.red else {
        return UNKNOWN.to_owned();
    };
    let ms = |d| percentile(d, red.samples);
    format!(
        "p50 {} ms · p90 {} ms · p95 {} ms · p99 {} ms · longest {} ms",
        ms(red.p50),
        ms(red.p90),
        ms(red.p95),
        ms(red.p99),
        millis(red.max)
    )
}

fn connections(edge: &EdgeRow) -> String {
    let count = |n: Option<u64>| n.map_or(UNKNOWN.to_owned(), |n| n.to_string());
    format!(
        "{} new, {} failed · {} sent, {} received · {} segments sent again · round trip {} ms",
        edge.connections,
        count(edge.failures),
        bytes(edge.bytes_sent as f64),
        bytes(edge.bytes_received as f64),
        count(edge.retransmits),
        millis(edge.rtt)
    )
}

fn seen_by(edge: &EdgeRow) -> String {
    match edge.source {
        EdgeSource::Both => "both ends; the figures are the caller's",
        EdgeSource::Caller => "the caller only",
        EdgeSource::Callee => "the callee only",
    }
    .to_owned()
}
