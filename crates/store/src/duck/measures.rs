//! What hosts and processes use: the rows of `host_metric` and `process`, and what is asked of them.

use super::decode::agent_id;
use super::rows::{Added, Due, add};
use super::scan::ends_in;
use super::writer::Placed;
use crate::StoreError;
use crate::level::Level;
use crate::read::{GaugeRow, InstanceId, ProcessUse};
use crate::registry::number;
use coral_model::{AgentId, HostSample, Observed, ProcessSample, TimeNs, Window};
use duckdb::{Appender, Connection, Row, params};

/// Adds the measurements to a level.
pub(super) fn append(
    connection: &Connection,
    placed: &[Placed<'_>],
    level: Level,
    due: Due<'_>,
) -> Added {
    let (table, is_due) = (level.table("host_metric"), |h: &HostSample| {
        due(h.window.to)
    });
    let added = add(
        connection,
        &table,
        placed,
        |b| &b.hosts,
        is_due,
        |table, p, host| host_rows(table, level, &p.batch.agent, host).map(Ok),
    )?;
    if added.is_err() {
        return Ok(added);
    }
    let (table, is_due) = (level.table("process"), |s: &ProcessSample| due(s.window.to));
    add(
        connection,
        &table,
        placed,
        |b| &b.processes,
        is_due,
        |table, p, sample| match number(&p.changes.ids, sample.instance) {
            Ok(id) => process_sample(table, level, id, sample).map(Ok),
            Err(error) => Ok(Err(error)),
        },
    )
}

fn host_rows(
    table: &mut Appender<'_>,
    level: Level,
    agent: &AgentId,
    host: &HostSample,
) -> duckdb::Result<()> {
    let Window { from, to } = level.interval(host.window);
    for gauge in &host.gauges {
        let (agent, name, label) = (agent.as_str(), &gauge.name, gauge.label.raw());
        let v = gauge.value;
        match level {
            Level::TenSeconds => table.append_row(params![from.0, to.0, agent, name, label, v])?,
            Level::Minute | Level::Hour => {
                table.append_row(params![
                    from.0,
                    to.0,
                    agent,
                    name,
                    label,
                    v,
                    host.window.to.0,
                    v,
                    v,
                    v,
                    1u64
                ])?;
            }
        }
    }
    Ok(())
}

fn process_sample(
    table: &mut Appender<'_>,
    level: Level,
    id: InstanceId,
    s: &ProcessSample,
) -> duckdb::Result<()> {
    let Window { from, to } = level.interval(s.window);
    let (cores, rss, fds, threads) = (s.cpu_cores, s.rss_bytes, s.fds, s.threads);
    match level {
        Level::TenSeconds => {
            table.append_row(params![from.0, to.0, id.0, cores, rss, fds, threads])
        }
        Level::Minute | Level::Hour => {
            let cpu_ns = cores * s.window.length().as_nanos() as f64;
            let last = s.window.to.0;
            table.append_row(params![from.0, to.0, id.0, cpu_ns, last, rss, fds, threads])
        }
    }
}

/// The measurements of one part of a window.
pub(super) fn gauges(level: Level, part: Window) -> String {
    let (table, within) = (level.table("host_metric"), ends_in(part));
    let values = match level {
        Level::TenSeconds => {
            "value AS last, to_ns AS last_ns, value AS least, value AS most, value AS total, 1::UBIGINT AS samples"
        }
        Level::Minute | Level::Hour => "last, last_ns, least, most, total, samples",
    };
    format!("SELECT agent, name, label, {values} FROM {table} WHERE {within}")
}

/// One row a measurement of all these.
pub(super) fn fold_gauges(all: &str) -> String {
    format!(
        "SELECT agent, name, label, arg_max(last, last_ns), min(least), max(most), sum(total), sum(samples)::UBIGINT
         FROM ({all}) GROUP BY agent, name, label ORDER BY agent, name, label"
    )
}

pub(super) fn gauge_row(row: &Row<'_>) -> duckdb::Result<Result<GaugeRow, StoreError>> {
    let agent: String = row.get(0)?;
    let (name, label): (String, String) = (row.get(1)?, row.get(2)?);
    let (last, least, most, total) = (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
    let samples = row.get(7)?;
    Ok(agent_id(&agent).map(|agent| GaugeRow {
        agent,
        name,
        label: Observed::new(label),
        last,
        least,
        most,
        total,
        samples,
    }))
}

/// What processes used in one part of a window.
pub(super) fn processes(level: Level, part: Window) -> String {
    let (table, within) = (level.table("process"), ends_in(part));
    let values = match level {
        Level::TenSeconds => "cpu_cores * (to_ns - from_ns) AS cpu_ns, to_ns AS last_ns",
        Level::Minute | Level::Hour => "cpu_ns, last_ns",
    };
    format!("SELECT instance, rss_bytes, {values} FROM {table} WHERE {within}")
}

/// One row a process of all these.
pub(super) fn fold_processes(all: &str) -> String {
    format!(
        "SELECT instance, sum(cpu_ns), arg_max(rss_bytes, last_ns), max(last_ns) FROM ({all})
         GROUP BY instance ORDER BY instance"
    )
}

pub(super) fn process_row(row: &Row<'_>) -> duckdb::Result<Result<ProcessUse, StoreError>> {
    Ok(Ok(ProcessUse {
        instance: InstanceId(row.get(0)?),
        cpu_ns: row.get(1)?,
        rss_bytes: row.get(2)?,
        last: TimeNs(row.get(3)?),
    }))
}
