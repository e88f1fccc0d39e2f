//! What hosts and processes use: the rows of `host_metric` and `process`, and what is asked of them.

use super::decode::agent_id;
use super::writer::Placed;
use crate::StoreError;
use crate::read::{GaugeRow, InstanceId, ProcessUse};
use crate::registry::number;
use coral_model::{Observed, TimeNs};
use duckdb::{Connection, Row, params};

/// Adds the measurements. The outer error is the engine's, the inner one a batch that refers to what it does not hold.
pub(super) fn append(
    connection: &Connection,
    placed: &[Placed<'_>],
) -> duckdb::Result<Result<(), StoreError>> {
    if placed.iter().any(|p| !p.batch.hosts.is_empty()) {
        let mut table = connection.appender("host_metric")?;
        for p in placed {
            for host in &p.batch.hosts {
                let (from, to, agent) = (host.window.from.0, host.window.to.0, &p.batch.agent);
                for gauge in &host.gauges {
                    let (name, label) = (&gauge.name, gauge.label.raw());
                    table.append_row(params![
                        from,
                        to,
                        agent.as_str(),
                        name,
                        label,
                        gauge.value
                    ])?;
                }
            }
        }
        table.flush()?;
    }
    if placed.iter().any(|p| !p.batch.processes.is_empty()) {
        let mut table = connection.appender("process")?;
        for p in placed {
            for s in &p.batch.processes {
                let id = match number(&p.changes.ids, s.instance) {
                    Ok(id) => id.0,
                    Err(error) => return Ok(Err(error)),
                };
                let (from, to) = (s.window.from.0, s.window.to.0);
                table.append_row(params![
                    from,
                    to,
                    id,
                    s.cpu_cores,
                    s.rss_bytes,
                    s.fds,
                    s.threads
                ])?;
            }
        }
        table.flush()?;
    }
    Ok(Ok(()))
}

pub(super) const GAUGES: &str =
    "SELECT agent, name, label, arg_max(value, to_ns), min(value), max(value), sum(value), count(*)::UBIGINT
     FROM host_metric WHERE to_ns > ? AND to_ns <= ? GROUP BY agent, name, label ORDER BY agent, name, label";

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

pub(super) const PROCESSES: &str =
    "SELECT instance, sum(cpu_cores * (to_ns - from_ns)), arg_max(rss_bytes, to_ns), max(to_ns)
     FROM process WHERE to_ns > ? AND to_ns <= ? GROUP BY instance ORDER BY instance";

pub(super) fn process_row(row: &Row<'_>) -> duckdb::Result<Result<ProcessUse, StoreError>> {
    Ok(Ok(ProcessUse {
        instance: InstanceId(row.get(0)?),
        cpu_ns: row.get(1)?,
        rss_bytes: row.get(2)?,
        last: TimeNs(row.get(3)?),
    }))
}
