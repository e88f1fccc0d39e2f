//! The texts of status, topology and events.

use super::grid::Grid;
use crate::figure::{UNKNOWN, age, bytes, millis, percent, percentile, rate};
use crate::json::{agent_state, timestamp};
use crate::text::{fit, service};
use coral_model::answer::{EdgeRow, NodeRow, RequestRow, Status};
use coral_model::{Event, Observed, ServiceClass, ServiceKey};
use jiff::tz::TimeZone;
use std::collections::HashMap;

/// Longer words of a kernel or a command are cut.
const SENTENCE_MAX: usize = 160;

pub(super) fn status(status: &Status) -> String {
    let mut out = format!(
        "colony {} runs {} for {}, {} services\n",
        status.colony,
        status.version,
        age(status.uptime),
        status.services
    );
    if status.agents.is_empty() {
        out.push_str("no agent has reported: `coral up` starts one on this machine\n");
        return out;
    }
    let mut grid = Grid::new(&[
        "<HOST",
        "<AGENT",
        "<STATE",
        "<MODE",
        "SEEN",
        "FRESH",
        "CPU%",
        "RSS",
        "LISTENING",
        "LOSS",
    ]);
    for row in &status.agents {
        let health = &row.health;
        grid.row(vec![
            health.host.visible().into_owned(),
            fit(health.id.as_str(), 12).into_owned(),
            agent_state(row).to_owned(),
            health.mode.name().to_owned(),
            format!("{} ago", age(row.last_seen)),
            row.freshness.map_or(UNKNOWN.to_owned(), age),
            format!("{:.1}", health.cpu_percent),
            bytes(health.rss_bytes as f64),
            health.listening.to_string(),
            health.loss.total().to_string(),
        ]);
    }
    out.push_str(&grid.render());
    for row in &status.agents {
        for missing in &row.health.missing {
            let (host, why) = (row.health.host.visible(), missing.why.visible());
            let line = format!("{host}: no {}: {why}", missing.feature);
            out.push_str(&format!("{}\n", fit(&line, SENTENCE_MAX)));
            out.push_str(&format!("  fix: {}\n", fit(&missing.fix, SENTENCE_MAX)));
        }
    }
    out
}

pub(super) fn topology(nodes: &[NodeRow], edges: &[EdgeRow], all: bool) -> String {
    let kinds: HashMap<&ServiceKey, ServiceClass> =
        nodes.iter().map(|n| (&n.service, n.kind)).collect();
    let hidden = |key| {
        matches!(
            kinds.get(key),
            Some(ServiceClass::System | ServiceClass::Coral)
        )
    };
    let mut titles = vec![
        "<CALLER",
        "<CALLEE",
        "<PROTOCOL",
        "RATE/s",
        "ERR%",
        "P50 ms",
        "P95 ms",
        "CONNS",
        "FAILED",
        "SENT",
        "RECEIVED",
        "RETRANS",
        "RTT ms",
        "<SEEN BY",
    ];
    // Only where something is spoken that is not read.
    let turns = edges.iter().any(|edge| edge.turns.is_some_and(|n| n > 0));
    if turns {
        titles.extend(["TURNS", "TURN P50 ms", "TURN P95 ms"]);
    }
    let mut grid = Grid::new(&titles);
    let mut left_out = 0;
    for edge in edges {
        if !all && (hidden(&edge.caller) || hidden(&edge.callee)) {
            left_out += 1;
            continue;
        }
        let mut cells = edge_cells(edge);
        if turns {
            cells.extend(turn_cells(edge));
        }
        grid.row(cells);
    }
    let mut out = if grid.is_empty() {
        "no connection between services was seen\n".to_owned()
    } else {
        grid.render()
    };
    if left_out > 0 {
        let edges = if left_out == 1 { "edge" } else { "edges" };
        out.push_str(&format!(
            "+ {left_out} {edges} of system and coral (--all shows them)\n"
        ));
    }
    out
}

/// How often the callee was spoken to and answered, and how long that took.
fn turn_cells(edge: &EdgeRow) -> [String; 3] {
    let known = |text: String| edge.turns.map_or(UNKNOWN.to_owned(), |_| text);
    let turns = edge.turns.unwrap_or(0);
    [
        known(turns.to_string()),
        known(percentile(edge.turn_p50, turns)),
        known(percentile(edge.turn_p95, turns)),
    ]
}

fn edge_cells(edge: &EdgeRow) -> Vec<String> {
    let red = edge.red.as_ref();
    let protocol = if edge.opaque {
        format!("{} (not read yet)", edge.protocol.name())
    } else {
        edge.protocol.name().to_owned()
    };
    vec![
        service(&edge.caller),
        service(&edge.callee),
        protocol,
        rate(red.and_then(|r| r.rate_per_s)),
        percent(red.and_then(|r| r.error_ratio)),
        red.map_or(UNKNOWN.to_owned(), |r| percentile(r.p50, r.samples)),
        red.map_or(UNKNOWN.to_owned(), |r| percentile(r.p95, r.samples)),
        edge.connections.to_string(),
        edge.failures.map_or(UNKNOWN.to_owned(), |n| n.to_string()),
        bytes(edge.bytes_sent as f64),
        bytes(edge.bytes_received as f64),
        edge.retransmits
            .map_or(UNKNOWN.to_owned(), |n| n.to_string()),
        millis(edge.rtt),
        edge.source.name().to_owned(),
    ]
}

pub(super) fn events(rows: &[Event], truncated: bool, zone: &TimeZone) -> String {
    if rows.is_empty() {
        return "nothing happened\n".to_owned();
    }
    let mut grid = Grid::new(&["<TIME", "<KIND", "<SERVICE", "FOR", "<WHAT"]);
    for event in rows {
        let at = timestamp(event.at).to_zoned(zone.clone());
        let length = event.until.map(|until| age(until.since(event.at)));
        grid.row(vec![
            at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            event.kind.name().to_owned(),
            event.service.as_ref().map_or(UNKNOWN.to_owned(), service),
            length.unwrap_or_default(),
            event.text.visible().into_owned(),
        ]);
    }
    let more = if truncated {
        "older ones are left out; narrow --since and --until\n"
    } else {
        ""
    };
    format!("{}{more}", grid.render())
}

pub(super) fn requests(
    rows: &[RequestRow],
    truncated: bool,
    silent: &[Observed],
    zone: &TimeZone,
) -> String {
    let mut out = String::new();
    for host in silent {
        out.push_str(&format!("no answer from {}\n", host.visible()));
    }
    if rows.is_empty() {
        return out + "no agent kept such a request in this window\n";
    }
    let titles = [
        "<TIME", "<SIDE", "<METHOD", "<PATH", "STATUS", "<ENDING", "MS", "FIRST MS", "<PEER",
        "<HOST",
    ];
    let mut grid = Grid::new(&titles);
    for row in rows {
        let at = timestamp(row.at).to_zoned(zone.clone());
        grid.row(vec![
            at.strftime("%H:%M:%S%.3f").to_string(),
            row.side.name().to_owned(),
            row.method.name().to_owned(),
            row.path.visible().into_owned(),
            row.status.map_or(UNKNOWN.to_owned(), |s| s.to_string()),
            row.ending.name().to_owned(),
            millis(Some(row.duration)),
            millis(row.ttfb),
            row.peer.visible().into_owned(),
            row.host.visible().into_owned(),
        ]);
    }
    out.push_str(&grid.render());
    if truncated {
        out.push_str("older ones are left out; narrow --since and --until, or raise --limit\n");
    }
    out
}
