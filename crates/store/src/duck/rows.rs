//! Adds the rows of a transaction through DuckDB's appender, table by table.

use super::columns::{COLUMNS, Columns};
use super::writer::Placed;
use super::{measures, profiles};
use crate::StoreError;
use crate::append::StoredBatch;
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

/// The outer error is the engine's, the inner one a batch that refers to what it does not hold.
pub(super) type Added = duckdb::Result<Result<(), StoreError>>;
/// Whether what ends at this moment belongs into a level now.
pub(super) type Due<'a> = &'a dyn Fn(TimeNs) -> bool;

type AppendDue = fn(&Connection, &[Placed<'_>], Level, Due<'_>) -> Added;

/// What each level has.
const LEVELLED: [AppendDue; 4] = [
    append_summaries,
    append_edges,
    measures::append,
    profiles::append,
];

/// Adds all rows. What a level has already been rolled up to is added to that level as well, so that a batch that comes
/// late is in all of them.
pub(super) fn append(
    connection: &Connection,
    placed: &[Placed<'_>],
    audits: &[Box<AuditRow>],
    marks: &Marks,
) -> Added {
    for level in Level::ALL {
        let due = |end: TimeNs| level == Level::TenSeconds || end <= marks.of(level).rolled_to;
        for append in LEVELLED {
            let added = append(connection, placed, level, &due)?;
            if added.is_err() {
                return Ok(added);
            }
        }
    }
    append_few(connection, placed, audits)
}

/// Adds the rows of what is due of one kind in the batches; without any the table is not touched.
pub(super) fn add<T>(
    connection: &Connection,
    table: &str,
    placed: &[Placed<'_>],
    of: fn(&StoredBatch) -> &[T],
    due: impl Fn(&T) -> bool,
    mut rows: impl FnMut(&mut Appender<'_>, &Placed<'_>, &T) -> Added,
) -> Added {
    let all = placed
        .iter()
        .flat_map(|p| of(p.batch).iter().map(move |one| (p, one)));
    let mut all = all.filter(|(_, one)| due(one)).peekable();
    if all.peek().is_none() {
        return Ok(Ok(()));
    }
    let mut table = connection.appender(table)?;
    for (p, one) in all {
        let added = rows(&mut table, p, one)?;
        if added.is_err() {
            return Ok(added);
        }
    }
    table.flush().map(Ok)
}

fn append_summaries(
    connection: &Connection,
    placed: &[Placed<'_>],
    level: Level,
    due: Due<'_>,
) -> Added {
    let summaries = |p: &Placed<'_>| p.batch.summaries.iter().any(|s| due(s.window.to));
    if !placed.iter().any(summaries) {
        return Ok(Ok(()));
    }
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
    table.flush().map(Ok)
}

fn append_edges(
    connection: &Connection,
    placed: &[Placed<'_>],
    level: Level,
    due: Due<'_>,
) -> Added {
    let (table, due) = (level.table("edge"), |e: &EdgeSummary| due(e.window.to));
    add(
        connection,
        &table,
        placed,
        |b| &b.edges,
        due,
        |table, p, edge| {
            let ids = &p.changes.ids;
            match (endpoint(ids, &edge.caller), endpoint(ids, &edge.callee)) {
                (Ok(caller), Ok(callee)) => {
                    edge_row(table, level, p, edge, [&caller, &callee]).map(Ok)
                }
                (Err(error), _) | (_, Err(error)) => Ok(Err(error)),
            }
        },
    )
}

/// The tables with a row now and then.
fn append_few(connection: &Connection, placed: &[Placed<'_>], audits: &[Box<AuditRow>]) -> Added {
    let event = |table: &mut Appender<'_>, _: &Placed<'_>, e: &Event| event_row(table, e).map(Ok);
    let added = add(connection, "event", placed, |b| &b.events, |_| true, event)?;
    if added.is_err() {
        return Ok(added);
    }
    let health = |table: &mut Appender<'_>, p: &Placed<'_>, h: &AgentHealth| {
        health_row(table, h, p.appended.unknown).map(Ok)
    };
    let added = add(
        connection,
        "agent_health",
        placed,
        |b| b.health.as_slice(),
        |_| true,
        health,
    )?;
    if added.is_err() || audits.is_empty() {
        return Ok(added);
    }
    let mut table = connection.appender("audit")?;
    for row in audits {
        audit_row(&mut table, row)?;
    }
    table.flush().map(Ok)
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
