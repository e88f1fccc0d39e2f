//! A read-only transaction on a connection of its own, and the queries on it.

use super::decode::{self, agent_id, audit_row, code, event_row, health_row};
use super::rows::{ROUTE_ALL, ROUTE_TEMPLATE, ROUTE_UNATTRIBUTED};
use super::tables::{self, INSTANCE_COLUMNS, seen_instance};
use crate::StoreError;
use crate::read::{
    EdgeRow, EventFilter, InstanceId, Routes, SeenInstance, ShipState, Snapshot, SummaryFilter,
    SummaryRow,
};
use crate::registry::SEEN_STEP;
use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AuditRow, Endpoint, Event, Histogram, Method, Observed, Protocol, Route,
    ServiceKey, Side, StatusClass, TimeNs, Window,
};
use duckdb::{Connection, Params, Row, params};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Idle connections that are kept for the next reader.
const KEPT: usize = 4;

/// Connections for readers.
#[derive(Debug)]
pub(super) struct Readers {
    origin: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(origin: Connection) -> Self {
        Self {
            origin: Mutex::new(origin),
            idle: Mutex::default(),
        }
    }

    fn take(&self) -> duckdb::Result<Connection> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self
                .origin
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .try_clone(),
        }
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }
}

/// The view of one reader.
pub(super) struct View {
    readers: Arc<Readers>,
    connection: Option<Connection>,
}

impl View {
    pub fn begin(readers: Arc<Readers>) -> Result<Self, StoreError> {
        let failed = StoreError::engine("begin to read");
        let connection = readers.take().map_err(&failed)?;
        connection
            .execute_batch("BEGIN TRANSACTION READ ONLY")
            .map_err(&failed)?;
        Ok(Self {
            readers,
            connection: Some(connection),
        })
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> duckdb::Result<Result<T, StoreError>>,
    ) -> Result<Vec<T>, StoreError> {
        let failed = StoreError::engine("read the store");
        let mut statement = self.connection()?.prepare_cached(sql).map_err(&failed)?;
        let mut rows = statement.query(params).map_err(&failed)?;
        let mut found = vec![];
        while let Some(row) = rows.next().map_err(&failed)? {
            found.push(read(row).map_err(&failed)??);
        }
        Ok(found)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.execute_batch("ROLLBACK").is_ok()
        {
            self.readers.give_back(connection);
        }
    }
}

impl Snapshot for View {
    fn instances(&self, window: Window) -> Result<Vec<SeenInstance>, StoreError> {
        let sql = format!(
            "SELECT {INSTANCE_COLUMNS} FROM instance WHERE last_seen_ns >= ? AND first_seen_ns <= ? ORDER BY id"
        );
        let from = window.from.minus(SEEN_STEP);
        self.rows(&sql, params![from.0, window.to.0], seen_instance)
    }

    fn services(&self) -> Result<Vec<ServiceKey>, StoreError> {
        let sql = "SELECT DISTINCT namespace, service FROM instance ORDER BY ALL";
        self.rows(sql, [], |row| {
            Ok(Ok(ServiceKey {
                namespace: Observed::new(row.get::<_, String>(0)?),
                name: Observed::new(row.get::<_, String>(1)?),
            }))
        })
    }

    fn summaries(&self, filter: &SummaryFilter) -> Result<Vec<SummaryRow>, StoreError> {
        let comparison = match filter.routes {
            Routes::Exact => "=",
            Routes::Split => "<>",
        };
        let only = match &filter.instances {
            None => String::new(),
            Some(ids) if ids.is_empty() => return Ok(vec![]),
            Some(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.0.to_string()).collect();
                format!(" AND instance IN ({})", ids.join(","))
            }
        };
        let sql = format!(
            "SELECT from_ns, to_ns, instance, side, protocol, route_kind, route, method, status_class, requests, errors,
             client_errors, durations FROM summary
             WHERE to_ns > ? AND to_ns <= ? AND route_kind {comparison} {ROUTE_ALL}{only} ORDER BY to_ns"
        );
        let window = filter.window;
        self.rows(&sql, params![window.from.0, window.to.0], summary_row)
    }

    fn covered(&self, since: TimeNs) -> Result<Vec<(AgentId, Window)>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT i.agent, s.from_ns, s.to_ns FROM summary s JOIN instance i ON i.id = s.instance
             WHERE s.to_ns > ? AND s.route_kind = {ROUTE_ALL} ORDER BY ALL"
        );
        self.rows(&sql, params![since.0], |row| {
            let window = window(row, 1)?;
            Ok(agent_id(&row.get::<_, String>(0)?).map(|agent| (agent, window)))
        })
    }

    fn edges(&self, window: Window) -> Result<Vec<EdgeRow>, StoreError> {
        let sql = "SELECT from_ns, to_ns, agent, side, protocol, caller_instance, caller_ip, caller_port, callee_instance,
             callee_ip, callee_port, requests, errors, client_errors, durations, connections, sent_bytes, received_bytes,
             retransmits, rtt_ns FROM edge WHERE to_ns > ? AND to_ns <= ? ORDER BY to_ns";
        self.rows(sql, params![window.from.0, window.to.0], edge_row)
    }

    fn events(&self, filter: &EventFilter) -> Result<Vec<Event>, StoreError> {
        let columns =
            "at_ns, until_ns, kind, agent, namespace, service, boot, pid, start_ticks, text";
        let mut values = vec![
            filter.window.to.0.to_string(),
            filter.window.from.0.to_string(),
        ];
        let mut only = String::new();
        if !filter.services.is_empty() {
            let one = vec!["(namespace = ? AND service = ?)"; filter.services.len()];
            only = format!(" AND ({})", one.join(" OR "));
            for service in &filter.services {
                values.push(service.namespace.raw().to_owned());
                values.push(service.name.raw().to_owned());
            }
        }
        let sql = format!(
            "SELECT {columns} FROM event WHERE at_ns < ?::BIGINT AND coalesce(until_ns, at_ns) >= ?::BIGINT{only}
             ORDER BY at_ns DESC LIMIT {}",
            filter.limit
        );
        self.rows(&sql, duckdb::params_from_iter(values), event_row)
    }

    fn health(&self, window: Window) -> Result<Vec<AgentHealth>, StoreError> {
        let sql = format!(
            "SELECT {} FROM agent_health WHERE at_ns > ? AND at_ns <= ? ORDER BY at_ns",
            decode::HEALTH_COLUMNS
        );
        self.rows(&sql, params![window.from.0, window.to.0], health_row)
    }

    fn newest_health(&self) -> Result<Vec<AgentHealth>, StoreError> {
        let sql = format!(
            "SELECT {} FROM agent_health QUALIFY row_number() OVER (PARTITION BY agent ORDER BY at_ns DESC) = 1 ORDER BY agent",
            decode::HEALTH_COLUMNS
        );
        self.rows(&sql, [], health_row)
    }

    fn ship_states(&self) -> Result<Vec<ShipState>, StoreError> {
        tables::ships(self.connection()?)
    }

    fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!(
            "SELECT at_ns, caller, role, via, action, target, refused FROM audit ORDER BY at_ns DESC, rowid DESC LIMIT {limit}"
        );
        self.rows(&sql, [], audit_row)
    }
}

fn window(row: &Row<'_>, first: usize) -> duckdb::Result<Window> {
    Ok(Window {
        from: TimeNs(row.get(first)?),
        to: TimeNs(row.get(first + 1)?),
    })
}

fn counts(row: &Row<'_>, first: usize) -> duckdb::Result<Counts> {
    Ok(Counts {
        requests: row.get(first)?,
        errors: row.get(first + 1)?,
        client_errors: row.get(first + 2)?,
    })
}

fn durations(row: &Row<'_>, column: usize) -> duckdb::Result<Result<Histogram, StoreError>> {
    let blob = row.get_ref(column)?;
    Ok(blob
        .as_blob()
        .map_err(StoreError::corrupt)
        .and_then(|blob| Histogram::from_blob(blob).map_err(StoreError::corrupt)))
}

fn summary_row(row: &Row<'_>) -> duckdb::Result<Result<SummaryRow, StoreError>> {
    let (window, counts, durations) = (window(row, 0)?, counts(row, 9)?, durations(row, 12)?);
    let (kind, text): (u8, Option<String>) = (row.get(5)?, row.get(6)?);
    let (side, protocol): (u8, u8) = (row.get(3)?, row.get(4)?);
    let (method, status): (u8, u8) = (row.get(7)?, row.get(8)?);
    let instance = InstanceId(row.get(2)?);
    let build = || {
        Ok(SummaryRow {
            window,
            instance,
            side: code("side", side, Side::from_code)?,
            protocol: code("protocol", protocol, Protocol::from_code)?,
            route: match (kind, text) {
                (ROUTE_ALL, _) => Route::All,
                (ROUTE_TEMPLATE, Some(text)) => Route::Template(Observed::new(text)),
                (ROUTE_UNATTRIBUTED, _) => Route::Unattributed,
                _ => return Err(StoreError::corrupt(format_args!("route kind {kind}"))),
            },
            method: code("method", method, Method::from_code)?,
            status_class: code("status class", status, StatusClass::from_code)?,
            counts,
            durations: durations?,
        })
    };
    Ok(build())
}

/// The three columns of an end, from `first`.
fn end(row: &Row<'_>, first: usize) -> duckdb::Result<Result<Endpoint, StoreError>> {
    let (instance, ip, port): (Option<u32>, Option<String>, Option<u16>) =
        (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?);
    Ok(match (instance, ip, port) {
        (Some(id), _, _) => Ok(Endpoint::Instance(id)),
        (None, Some(ip), Some(port)) => match ip.parse() {
            Ok(ip) => Ok(Endpoint::Address { ip, port }),
            Err(error) => Err(StoreError::corrupt(error)),
        },
        _ => Err(StoreError::corrupt("an edge without an end")),
    })
}

fn edge_row(row: &Row<'_>) -> duckdb::Result<Result<EdgeRow, StoreError>> {
    let (window, counts, durations) = (window(row, 0)?, counts(row, 11)?, durations(row, 14)?);
    let (agent, caller, callee) = (row.get::<_, String>(2)?, end(row, 5)?, end(row, 8)?);
    let (side, protocol): (u8, u8) = (row.get(3)?, row.get(4)?);
    let (connections, bytes_sent, bytes_received) = (row.get(15)?, row.get(16)?, row.get(17)?);
    let (retransmits, rtt): (_, Option<u64>) = (row.get(18)?, row.get(19)?);
    let build = || {
        Ok(EdgeRow {
            window,
            agent: agent_id(&agent)?,
            side: code("side", side, Side::from_code)?,
            protocol: code("protocol", protocol, Protocol::from_code)?,
            caller: caller?,
            callee: callee?,
            counts,
            durations: durations?,
            connections,
            bytes_sent,
            bytes_received,
            retransmits,
            rtt: rtt.map(Duration::from_nanos),
        })
    };
    Ok(build())
}
