//! Text about probed functions.

use super::grid::Grid;
use crate::figure::{UNKNOWN, length, percent};
use crate::json::{below, timestamp};
use coral_model::Observed;
use coral_model::probe::{CallRow, FoundFunction, Functions, ProbeLog, ProbedRow, Value};
use coral_model::profile::Function;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Single calls that are listed.
const CALLS: usize = 20;

/// Counts, who called whom, and the last calls.
pub(super) fn log(log: &ProbeLog, zone: &TimeZone) -> String {
    let mut out = String::new();
    for (host, state, reason) in &log.hosts {
        let (host, reason) = (host.visible(), reason.visible());
        out.push_str(&format!(
            "{} on {host}: {} {reason}\n",
            log.id,
            state.name()
        ));
    }
    out.push_str(&functions(log));
    if log.tree.iter().any(|row| row.depth > 0) {
        out.push('\n');
        out.push_str(&tree(log));
    }
    if !log.calls.is_empty() {
        out.push('\n');
        out.push_str(&calls(log, zone));
    }
    out
}

fn name(row: &ProbedRow) -> String {
    row.function.name.visible().into_owned()
}

fn functions(log: &ProbeLog) -> String {
    let mut grid = Grid::new(&[
        "<FUNCTION",
        "HITS",
        "MATCHED",
        "P50",
        "P95",
        "P99",
        "MAX",
        "SELF",
        "<NOTE",
    ]);
    for row in &log.functions {
        let counts = &row.counts;
        let own = (!counts.total.is_zero())
            .then(|| counts.own.as_secs_f64() / counts.total.as_secs_f64());
        let matched = (counts.matched != counts.hits).then(|| counts.matched.to_string());
        grid.row(vec![
            name(row),
            counts.hits.to_string(),
            matched.unwrap_or_default(),
            length(row.p50),
            length(row.p95),
            length(row.p99),
            length(row.max),
            own.map_or_else(
                || UNKNOWN.to_owned(),
                |own| format!("{}%", percent(Some(own))),
            ),
            probed_note(row),
        ]);
    }
    grid.render()
}

/// What is wanting of a probed function: why not more is seen, and calls that were not.
pub fn probed_note(row: &ProbedRow) -> String {
    let mut notes = vec![];
    if !row.note.raw().is_empty() {
        notes.push(row.note.visible().into_owned());
    }
    for (count, what) in [
        (row.counts.unreturned, "without an end"),
        (row.counts.dropped, "single calls dropped"),
    ] {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    }
    notes.join(", ")
}

/// `outer 2.10 s = inner 2.00 s (95 %) + self`.
fn tree(log: &ProbeLog) -> String {
    let mut grid = Grid::new(&["<CALLS", "COUNT", "TOTAL", "SELF", "SHARE"]);
    let mut above: Vec<Duration> = vec![];
    for (at, row) in log.tree.iter().enumerate() {
        let depth = usize::from(row.depth);
        above.truncate(depth);
        let share = above.last().filter(|whole| !whole.is_zero());
        let share = share.map(|whole| row.total.as_secs_f64() / whole.as_secs_f64());
        above.push(row.total);
        let is_inner = below(log, at).next().is_some();
        let function = log.functions.get(row.function as usize);
        let function = function.map(name).unwrap_or_default();
        grid.row(vec![
            format!("{}{function}", "  ".repeat(depth.min(20))),
            row.calls.to_string(),
            length(Some(row.total)),
            if is_inner {
                length(Some(row.own))
            } else {
                String::new()
            },
            share.map_or_else(String::new, |share| format!("{}%", percent(Some(share)))),
        ]);
    }
    grid.render()
}

fn calls(log: &ProbeLog, zone: &TimeZone) -> String {
    let mut grid = Grid::new(&["<TIME", "<FUNCTION", "TOOK", "THREAD", "<ARGUMENTS"]);
    for row in log.calls.iter().take(CALLS) {
        let at = timestamp(row.at).to_zoned(zone.clone());
        let function = log.functions.get(row.function as usize);
        grid.row(vec![
            at.strftime("%H:%M:%S%.3f").to_string(),
            function.map(name).unwrap_or_default(),
            length(row.duration),
            row.tid.to_string(),
            call_values(row),
        ]);
    }
    grid.render()
}

/// The arguments of a call and what it gave back: `us=300 name="payment" = 607`.
pub fn call_values(row: &CallRow) -> String {
    let one = |value: &Value| format!("{}={}", value.name.visible(), value.text.visible());
    let mut all: Vec<String> = row.values.iter().map(one).collect();
    all.extend(
        row.returned
            .as_ref()
            .map(|text| format!("= {}", text.visible())),
    );
    all.join(" ")
}

/// Where a function begins in the source: `charge.rs:41`; empty when nobody knows.
pub fn function_place(function: &Function) -> String {
    let file = function.file.as_ref().map(Observed::visible);
    match (file, function.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (file, _) => file.unwrap_or_default().into_owned(),
    }
}

/// Why a function cannot be probed by itself; empty when it can.
pub fn found_note(row: &FoundFunction) -> String {
    let into = row.inlined_into.iter().take(3).map(Observed::visible);
    let into: Vec<_> = into.collect();
    match (row.address, into.is_empty()) {
        (0, false) => format!("only inlined, into {}", into.join(", ")),
        (0, true) => "only inlined".to_owned(),
        _ => String::new(),
    }
}

/// Functions that could be probed.
pub(super) fn found(found: &Functions) -> String {
    let mut grid = Grid::new(&[
        "<FUNCTION",
        "<WHERE",
        "BYTES",
        "<LANGUAGE",
        "<BINARY",
        "<NOTE",
    ]);
    for row in &found.rows {
        grid.row(vec![
            row.function.name.visible().into_owned(),
            function_place(&row.function),
            if row.bytes == 0 {
                String::new()
            } else {
                row.bytes.to_string()
            },
            row.language.visible().into_owned(),
            row.binary.visible().into_owned(),
            found_note(row),
        ]);
    }
    let mut out = if found.rows.is_empty() {
        "no function fits\n".to_owned()
    } else {
        grid.render()
    };
    if !found.similar.is_empty() {
        let near: Vec<_> = found.similar.iter().map(Observed::visible).collect();
        out.push_str(&format!("did you mean {}?\n", near.join(" or ")));
    }
    if found.total > found.rows.len() as u64 {
        out.push_str(&format!(
            "{} of {} that fit\n",
            found.rows.len(),
            found.total
        ));
    }
    for (binary, why) in &found.missing {
        out.push_str(&format!("{}: {}\n", binary.visible(), why.visible()));
    }
    out
}
