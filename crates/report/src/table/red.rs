//! The tables of services, summary and metrics.

use super::folded;
use super::grid::Grid;
use crate::figure::{UNKNOWN, age, change, health, millis, percent, percentile, rate};
use crate::text::service;
use coral_model::answer::{FEW_SAMPLES, MetricRow, Red, STALE_AFTER, ServiceRow, SummaryRow};
use coral_model::{Protocol, ServiceClass, TimeNs};
use std::time::Duration;

pub(super) fn services(rows: &[ServiceRow], now: TimeNs, all: bool) -> String {
    let shown = || rows.iter().filter(|r| all || r.class == ServiceClass::App);
    let mut titles = vec![
        "<SERVICE",
        "INST",
        "<PORTS",
        "<PROTOCOLS",
        "RATE/s",
        "ERR%",
        "P95 ms",
        "<IN FLIGHT",
        "<DATA",
    ];
    // Only where a service is connected with a check.
    let checked = shown().any(|row| row.health.is_some());
    titles.extend(checked.then_some("<HEALTH"));
    let mut grid = Grid::new(&titles);
    for row in shown() {
        // A service that only calls others is judged by what it sent.
        let (red, side) = match (&row.server, &row.client) {
            (Some(server), _) => (Some(server), ""),
            (None, Some(client)) => (Some(client), " (client)"),
            (None, None) => (None, ""),
        };
        let health = row.health.as_ref().map(|state| health(state, now));
        let mut cells = vec![
            format!("{}{side}", service(&row.service)),
            row.instances.to_string(),
            ports(&row.ports),
            protocols(&row.protocols),
            rate(red.and_then(|r| r.rate_per_s)),
            percent(red.and_then(|r| r.error_ratio)),
            red.map_or(UNKNOWN.to_owned(), |r| percentile(r.p95, r.samples)),
            match red {
                Some(_) => in_flight(row.in_flight, row.oldest_in_flight),
                None => UNKNOWN.to_owned(),
            },
            freshness(row.stale),
        ];
        cells.extend(checked.then(|| health.unwrap_or(UNKNOWN.to_owned())));
        grid.row(cells);
    }
    let fold = rows.iter().filter(|_| !all).map(|r| r.class);
    with_fold(&grid, "no service yet", &folded(fold))
}

pub(super) fn summary(rows: &[SummaryRow], all: bool) -> String {
    let mut grid = Grid::new(&[
        "<SERVICE",
        "<SIDE",
        "INST",
        "REQUESTS",
        "RATE/s",
        "ERR%",
        "4XX",
        "P50 ms",
        "P95 ms",
        "P99 ms",
        "MAX ms",
        "<IN FLIGHT",
        "<DATA",
    ]);
    for row in rows.iter().filter(|r| all || r.class == ServiceClass::App) {
        let mut cells = vec![
            service(&row.service),
            row.side.name().to_owned(),
            row.instances.to_string(),
        ];
        cells.extend(match &row.before {
            None => red_cells(&row.red),
            Some(before) => compared_cells(&row.red, before),
        });
        cells.push(in_flight(row.in_flight, row.oldest_in_flight));
        cells.push(freshness(row.stale));
        grid.row(cells);
    }
    let fold = rows.iter().filter(|_| !all).map(|r| r.class);
    with_fold(&grid, "no request was seen", &folded(fold))
}

pub(super) fn metrics(rows: &[MetricRow]) -> String {
    let mut grid = Grid::new(&[
        "<SIDE",
        "<PROTOCOL",
        "<METHOD",
        "<ROUTE",
        "<STATUS",
        "REQUESTS",
        "RATE/s",
        "ERR%",
        "4XX",
        "P50 ms",
        "P95 ms",
        "P99 ms",
        "MAX ms",
        "SAMPLED%",
    ]);
    for row in rows {
        let mut cells = vec![
            row.side.name().to_owned(),
            row.protocol.name().to_owned(),
            row.method.name().to_owned(),
            row.route.visible().into_owned(),
            row.status_class.name().to_owned(),
        ];
        cells.extend(red_cells(&row.red));
        cells.push(percent(row.sampled_ratio));
        grid.row(cells);
    }
    with_fold(&grid, "no request was seen", "")
}

fn with_fold(grid: &Grid, empty: &str, fold: &str) -> String {
    if grid.is_empty() {
        format!("{empty}\n{fold}")
    } else {
        format!("{}{fold}", grid.render())
    }
}

/// REQUESTS RATE/s ERR% 4XX P50 P95 P99 MAX.
fn red_cells(red: &Red) -> [String; 8] {
    [
        red.counts.requests.to_string(),
        rate(red.rate_per_s),
        percent(red.error_ratio),
        red.counts.client_errors.to_string(),
        percentile(red.p50, red.samples),
        percentile(red.p95, red.samples),
        percentile(red.p99, red.samples),
        millis(red.max),
    ]
}

/// [`red_cells`] with how they have changed.
fn compared_cells(red: &Red, before: &Red) -> [String; 8] {
    let [requests, rate, errors, client, p50, p95, p99, max] = red_cells(red);
    let with = |cell: String, change: String| match &*change {
        "" => cell,
        change => format!("{cell} {change}"),
    };
    let seconds = |d: Option<Duration>| d.map(|d| d.as_secs_f64());
    let enough = red.samples >= FEW_SAMPLES && before.samples >= FEW_SAMPLES;
    let slower = |cell, now, before| match enough {
        true => with(cell, change(seconds(now), seconds(before))),
        false => cell,
    };
    let rate = match (red.counts.requests, before.counts.requests) {
        (0, 0) => rate,
        (_, 0) => with(rate, "new".to_owned()),
        (0, _) => with(rate, "gone".to_owned()),
        _ => with(rate, change(red.rate_per_s, before.rate_per_s)),
    };
    [
        requests,
        rate,
        with(errors, change(red.error_ratio, before.error_ratio)),
        client,
        slower(p50, red.p50, before.p50),
        slower(p95, red.p95, before.p95),
        slower(p99, red.p99, before.p99),
        slower(max, red.max, before.max),
    ]
}

fn in_flight(count: u64, oldest: Option<Duration>) -> String {
    match oldest {
        Some(oldest) if count > 0 => format!("{count}  {}", age(oldest)),
        _ => count.to_string(),
    }
}

fn freshness(stale: Option<Duration>) -> String {
    match stale {
        None => "none yet".to_owned(),
        Some(stale) if stale > STALE_AFTER => format!("{} old", age(stale)),
        Some(_) => String::new(),
    }
}

fn ports(ports: &[u16]) -> String {
    let texts: Vec<String> = ports.iter().take(4).map(u16::to_string).collect();
    let more = if ports.len() > 4 { ",…" } else { "" };
    format!("{}{more}", texts.join(","))
}

fn protocols(protocols: &[Protocol]) -> String {
    let texts: Vec<&str> = protocols.iter().map(|p| p.name()).collect();
    texts.join(",")
}
