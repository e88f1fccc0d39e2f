//! Adds the rows of a transaction through DuckDB's appender, table by table.

use super::columns::{COLUMNS, Columns};
use super::writer::Placed;
use super::{measures, profiles};
use crate::StoreError;
use crate::level::{Level, Marks};
use crate::registry::{endpoint, number};
use coral_model::{
    AgentHealth, AuditOutcome, AuditRow, EdgeSummary, Endpoint, Event, Missing, TimeNs,
};
use duckdb::{Appender, Connection, params};
use std::time::Duration;

/// `route_kind` of each kind of route.
pub(super) const ROUTE_ALL: u8 = 1;
pub(super) const ROUTE_TEMPLATE: u8 = 2;
pub(super) const ROUTE_UNATTRIBUTED: u8 = 3;

/// Adds all rows. What a level has already been rolled up to is added to that level as well, so that a batch that comes
/// late is in all of them. The outer error is the engine's, the inner one a batch that refers to what it does not hold.
pub(super) fn append(
    connection: &Connection,
    placed: &[Placed<'_>],
    audits: &[Box<AuditRow>],
    marks: &Marks,
) -> duckdb::Result<Result<(), StoreError>> {
    for level in Level::ALL {
        let due = |end: TimeNs| level == Level::TenSeconds || end <= marks.of(level).rolled_to;
        let added = append_red(connection, placed, level, due)?;
        if added.is_err() {
            return Ok(added);
        }
        let added = measures::append(connection, placed, level, due)?;
        if added.is_err() {
            return Ok(added);
        }
        let added = profiles::append(connection, placed, level, due)?;
        if added.is_err() {
            return Ok(added);
        }
    }
    append_few(connection, placed, audits)?;
    Ok(Ok(()))
}

/// Summaries and edges.
fn append_red(
    connection: &Connection,
    placed: &[Placed<'_>],
    level: Level,
    due: impl Fn(TimeNs) -> bool,
) -> duckdb::Result<Result<(), StoreError>> {
    let summaries = |p: &Placed<'_>| p.batch.summaries.iter().any(|s| due(s.window.to));
    if placed.iter().any(summaries) {
        let mut table = connection.appender(&level.table("summary"))?;
        let mut columns = Columns::default();
        for p in placed {
            for summary in p.batch.summaries.iter().filter(|s| due(s.window.to)) {
                match number(&p.changes.ids, summary.instance) {
                    Ok(id) => columns.add(level, id.0, summary),
                    Err(error) => return Ok(Err(error)),
                }
                if columns.len() >= COLUMNS {
                    table.append_record_batch(std::mem::take(&mut columns).finish()?)?;
                }
            }
        }
        if columns.len() > 0 {
            table.append_record_batch(columns.finish()?)?;
        }
        table.flush()?;
    }
    let edges = |p: &Placed<'_>| p.batch.edges.iter().any(|e| due(e.window.to));
    if placed.iter().any(edges) {
        let mut table = connection.appender(&level.table("edge"))?;
        for p in placed {
            for edge in p.batch.edges.iter().filter(|e| due(e.window.to)) {
                let ids = &p.changes.ids;
                match (endpoint(ids, &edge.caller), endpoint(ids, &edge.callee)) {
                    (Ok(caller), Ok(callee)) => {
                        edge_row(&mut table, level, p, edge, [&caller, &callee])?;
                    }
                    (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
                }
            }
        }
        table.flush()?;
    }
    Ok(Ok(()))
}

/// The tables with a row now and then.
fn append_few(
    connection: &Connection,
    placed: &[Placed<'_>],
    audits: &[Box<AuditRow>],
) -> duckdb::Result<()> {
    if placed.iter().any(|p| !p.batch.events.is_empty()) {
        let mut table = connection.appender("event")?;
        for event in placed.iter().flat_map(|p| &p.batch.events) {
            event_row(&mut table, event)?;
        }
        table.flush()?;
    }
    if placed.iter().any(|p| p.batch.health.is_some()) {
        let mut table = connection.appender("agent_health")?;
        for p in placed {
            if let Some(health) = &p.batch.health {
                health_row(&mut table, health, p.appended.unknown)?;
            }
        }
        table.flush()?;
    }
    if !audits.is_empty() {
        let mut table = connection.appender("audit")?;
        for row in audits {
            audit_row(&mut table, row)?;
        }
        table.flush()?;
    }
    Ok(())
}

/// An end as its three columns.
fn end_columns(end: &Endpoint) -> (Option<u32>, Option<String>, Option<u16>) {
    match *end {
        Endpoint::Instance(id) => (Some(id), None, None),
        Endpoint::Address { ip, port } => (None, Some(ip.to_string()), Some(port)),
    }
}

fn edge_row(
    table: &mut Appender<'_>,
    level: Level,
    placed: &Placed<'_>,
    e: &EdgeSummary,
    [caller, callee]: [&Endpoint; 2],
) -> duckdb::Result<()> {
    let window = level.interval(e.window);
    let (caller_instance, caller_ip, caller_port) = end_columns(caller);
    let (callee_instance, callee_ip, callee_port) = end_columns(callee);
    table.append_row(params![
        window.from.0,
        window.to.0,
        placed.batch.agent.as_str(),
        e.side.code(),
        e.protocol.code(),
        caller_instance,
        caller_ip,
        caller_port,
        callee_instance,
        callee_ip,
        callee_port,
        e.counts.requests,
        e.counts.errors,
        e.counts.client_errors,
        e.durations.to_blob(),
        e.connections,
        e.bytes_sent,
        e.bytes_received,
        e.retransmits,
        e.rtt.map(ns),
    ])
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// An event that no batch holds.
pub(super) fn append_event(connection: &Connection, event: &Event) -> duckdb::Result<()> {
    let mut table = connection.appender("event")?;
    event_row(&mut table, event)?;
    table.flush()
}

fn event_row(table: &mut Appender<'_>, e: &Event) -> duckdb::Result<()> {
    let (service, instance) = (e.service.as_ref(), e.instance.as_ref());
    table.append_row(params![
        e.at.0,
        e.until.map(|t| t.0),
        e.kind.code(),
        e.agent.as_str(),
        service.map(|s| s.namespace.raw()),
        service.map(|s| s.name.raw()),
        instance.map(|i| i.boot.as_str()),
        instance.map(|i| i.pid),
        instance.map(|i| i.start_ticks),
        e.text.raw(),
    ])
}

fn health_row(table: &mut Appender<'_>, h: &AgentHealth, unknown: u64) -> duckdb::Result<()> {
    table.append_row(params![
        h.at.0,
        h.id.as_str(),
        h.host.raw(),
        h.version,
        h.mode.name(),
        missing_json(&h.missing),
        h.rss_bytes,
        h.cpu_percent,
        h.listening,
        h.started.0,
        h.loss.records_dropped,
        h.loss.summaries_dropped,
        h.loss.unparsed,
        h.loss.unseen,
        h.loss.connections_untracked,
        h.loss.unknown + unknown,
    ])
}

fn missing_json(missing: &[Missing]) -> String {
    let one =
        |m: &Missing| serde_json::json!({"feature": m.feature, "why": m.why.raw(), "fix": m.fix});
    serde_json::Value::from_iter(missing.iter().map(one)).to_string()
}

fn audit_row(table: &mut Appender<'_>, row: &AuditRow) -> duckdb::Result<()> {
    let refused = match &row.outcome {
        AuditOutcome::Allowed => None,
        AuditOutcome::Refused(why) => Some(why.as_str()),
    };
    table.append_row(params![
        row.at.0,
        row.caller.id,
        row.caller.role.name(),
        row.caller.via.name(),
        row.action,
        row.target.raw(),
        refused,
    ])
}
