//! The pane of the selected service: its routes, who it calls and who calls it, and p95 over the window.

use super::table::{Cell, Column, GAP, cell, line, total};
use super::{View, below, chart, put, span, titled_rule};
use crate::console::app::{Known, LinkState, RouteSort, of_side};
use coral_model::answer::{EdgeRow, FEW_SAMPLES, MetricRow, ServiceRow};
use coral_model::observed::visible;
use coral_model::{ServiceKey, StatusClass};
use coral_report::figure::{UNKNOWN, bytes, millis, rate};
use coral_report::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

/// The lists are not lower than this when the chart stands below them.
const LISTS_MIN: u16 = 6;
const CHART_MIN: u16 = 7;
const CHART_MAX: u16 = 14;
/// From this width on routes and calls stand side by side.
const BESIDE: u16 = 100;

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(row) = view.app.selected_service() else {
        return;
    };
    let (routes, calls, chart) = divide(area, row.trend.iter().flatten().next().is_some());
    draw_routes(view, row, routes, buf);
    draw_calls(view, &row.service, calls, buf);
    if let Some(area) = chart {
        let name = text::service(&row.service);
        let title = format!("{}: p95 in ms", text::fit(&name, 40));
        titled_rule(view, &title, false, area, buf);
        chart::draw(view, &row.trend, below(area, 1), buf);
    }
}

/// Routes, calls, and the chart when there is room for it.
fn divide(area: Rect, has_trend: bool) -> (Rect, Rect, Option<Rect>) {
    let beside = area.width >= BESIDE;
    let lists_min = if beside { LISTS_MIN } else { 2 * LISTS_MIN };
    let chart = match area.height.saturating_sub(lists_min) {
        room if has_trend && room >= CHART_MIN => {
            (area.height * 3 / 5).clamp(CHART_MIN, CHART_MAX.min(room))
        }
        _ => 0,
    };
    let [lists, below_lists] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(chart)]).areas(area);
    let [routes, calls] = if beside {
        Layout::horizontal([Constraint::Percentage(53), Constraint::Fill(1)])
            .spacing(1)
            .areas(lists)
    } else {
        Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(lists)
    };
    (routes, calls, (chart > 0).then_some(below_lists))
}

fn draw_routes(view: View<'_>, row: &ServiceRow, area: Rect, buf: &mut Buffer) {
    let name = text::service(&row.service);
    let title = format!("{}: routes", text::fit(&name, 30));
    titled_rule(view, &title, view.app.pane.focused, area, buf);
    let lines = below(area, 1);
    let say = |texts: Vec<String>, buf: &mut Buffer| {
        for (y, text) in (0..lines.height).zip(texts) {
            let text = text::fit(&format!("   {text}"), usize::from(area.width)).into_owned();
            put(Line::styled(text, view.theme.dim()), below(lines, y), buf);
        }
    };
    let known = view.app.known_routes();
    let view = view.when_old(known.old);
    if let Some(why) = no_answer(view, known) {
        return say(why, buf);
    }
    let routes = busiest(view.app.route_rows());
    if routes.is_empty() {
        return say(vec![no_requests(view).to_owned()], buf);
    }
    let height = usize::from(lines.height);
    let offset = view
        .app
        .pane
        .offset
        .min(routes.len().saturating_sub(height));
    for (i, route) in routes.iter().skip(offset).take(height).enumerate() {
        let at = below(lines, u16::try_from(i).unwrap_or(0));
        put(route_line(view, route, usize::from(area.width)), at, buf);
    }
}

/// Why there are no rows yet, in a line or two; `None` when there is an answer.
pub(super) fn no_answer(view: View<'_>, known: Known<'_>) -> Option<Vec<String>> {
    match known.answer {
        Some(Ok(_)) => None,
        Some(Err(failure)) => {
            let lines = [&failure.message, &failure.hint].map(|text| visible(text).into_owned());
            Some(lines.into_iter().filter(|line| !line.is_empty()).collect())
        }
        None if view.app.link != LinkState::Open => {
            Some(vec!["not known while the colony is away".to_owned()])
        }
        None => Some(vec!["asking ...".to_owned()]),
    }
}

/// Why no request is listed.
pub(super) fn no_requests(view: View<'_>) -> &'static str {
    match view.app.sees_requests() {
        true => "no request was seen in this window",
        false => "requests are not seen: the agent reads /proc alone",
    }
}

/// The routes it serves, else those it calls; the busiest first.
fn busiest(rows: &[MetricRow]) -> Vec<&MetricRow> {
    let mut places = of_side(rows);
    RouteSort::Rate.sort(&mut places, rows);
    places.into_iter().map(|place| &rows[place]).collect()
}

fn route_line(view: View<'_>, row: &MetricRow, width: usize) -> Line<'static> {
    let theme = view.theme;
    let fixed = [
        Column::words("", 4),
        Column::figures("", 9),
        Column::figures("", 14),
    ];
    let route = width.saturating_sub(3 + 7 + 2 * GAP + total(&fixed) + 1);
    let mut columns = vec![
        Column::words("", 1),
        Column::words("", 7),
        Column::words("", route),
    ];
    columns.extend(fixed);
    let status = match row.status_class {
        StatusClass::ServerError | StatusClass::None => theme.broken(),
        StatusClass::ClientError => theme.plain(),
        _ => theme.dim(),
    };
    let few = row.red.samples < FEW_SAMPLES;
    let time = if few { theme.dim() } else { theme.plain() };
    let p95 = match row.red.p95 {
        None => UNKNOWN.to_owned(),
        some => format!("p95 {} ms", millis(some)),
    };
    let cells = vec![
        cell("", theme.plain()),
        cell(row.method.name(), theme.dim()),
        cell(row.route.visible(), theme.plain()),
        cell(row.status_class.name(), status),
        cell(format!("{}/s", rate(row.red.rate_per_s)), theme.plain()),
        cell(p95, time),
    ];
    line(&columns, cells)
}

fn draw_calls(view: View<'_>, service: &ServiceKey, area: Rect, buf: &mut Buffer) {
    titled_rule(view, "calls", false, area, buf);
    let lines = below(area, 1);
    let edges = view.app.picture().edges();
    let mut shown: Vec<(&str, &ServiceKey, &EdgeRow)> = vec![];
    for (arrow, outward) in [("→", true), ("←", false)] {
        let mut side: Vec<&EdgeRow> = edges
            .iter()
            .filter(|e| {
                let own = if outward { &e.caller } else { &e.callee };
                own == service
            })
            .collect();
        side.sort_by(|a, b| {
            per_second(b)
                .total_cmp(&per_second(a))
                .then_with(|| b.connections.cmp(&a.connections))
        });
        shown.extend(
            side.into_iter()
                .map(|e| (arrow, if outward { &e.callee } else { &e.caller }, e)),
        );
    }
    if shown.is_empty() {
        put(
            Line::styled("   no connection was seen in this window", view.theme.dim()),
            lines,
            buf,
        );
    }
    for (i, (arrow, other, edge)) in shown.iter().take(usize::from(lines.height)).enumerate() {
        let at = below(lines, u16::try_from(i).unwrap_or(0));
        put(
            call_line(view, arrow, other, edge, usize::from(area.width)),
            at,
            buf,
        );
    }
}

fn percent_cell(view: View<'_>, ratio: Option<f64>) -> Cell {
    let mut parts = super::topology::errors(view, ratio);
    parts.push(span("%", view.theme.dim()));
    parts
}

fn per_second(edge: &EdgeRow) -> f64 {
    edge.red.as_ref().and_then(|r| r.rate_per_s).unwrap_or(0.0)
}

fn call_line(
    view: View<'_>,
    arrow: &str,
    other: &ServiceKey,
    edge: &EdgeRow,
    width: usize,
) -> Line<'static> {
    let theme = view.theme;
    // Arrow, name and three figures, a gap between each, one column of air.
    let name_width = width
        .saturating_sub(2 + 8 + 6 + 12 + 4 * GAP + 1)
        .clamp(8, 34);
    let mut columns = vec![Column::words("", 2), Column::words("", name_width)];
    let mut cells: Vec<Cell> = vec![
        cell(format!(" {arrow}"), theme.dim()),
        cell(text::service(other), theme.plain()),
    ];
    match &edge.red {
        Some(red) => {
            columns.extend([8, 6, 12].map(|width| Column::figures("", width)));
            let p95 = match red.p95 {
                None => UNKNOWN.to_owned(),
                some => format!("p95 {} ms", millis(some)),
            };
            let time = if red.samples < FEW_SAMPLES {
                theme.dim()
            } else {
                theme.plain()
            };
            cells.extend([
                cell(format!("{}/s", rate(red.rate_per_s)), theme.plain()),
                percent_cell(view, red.error_ratio),
                cell(p95, time),
            ]);
        }
        None => {
            columns.push(Column::words("", 30));
            let moved = bytes((edge.bytes_sent + edge.bytes_received) as f64);
            let text = format!(
                "{} not read  {} conns  {moved}",
                edge.protocol.name(),
                edge.connections
            );
            cells.push(cell(text, theme.dim()));
        }
    }
    line(&columns, cells)
}
