//! A read-only transaction on a connection of its own, and the queries on it.

use super::decode::{HEALTH_COLUMNS, agent_id, audit_row, code, event_row, health_row, window};
use super::export::{self, Format};
use super::kept::{CONNECT_COLUMNS, connect_row};
use super::readers::Readers;
use super::rows::ROUTE_ALL;
use super::scan::{self, ends_in};
use super::tables::{self, INSTANCE_COLUMNS, seen_instance};
use super::{ask, evidence, keep, marks, measures, profiles, views};
use crate::Edges;
use crate::StoreError;
use crate::kept::{KeptConnect, KeptEvidence};
use crate::level::{Level, Marks, Reach};
use crate::profile::{ProfileFilter, ProfiledBuild, StoredProfile};
use crate::read::{
    EdgeRow, EventFilter, GaugePoint, GaugeRow, InstanceId, ProcessPoint, ProcessUse, SeenInstance,
    ShipState, Snapshot, Statement, SummaryFilter, SummaryRow,
};
use crate::registry::SEEN_STEP;
use crate::sql::{self, Rules, SqlError};
use crate::tally::Durations;
use coral_model::answer::Table;
use coral_model::profile::ProfileKind;
use coral_model::{
    AgentHealth, AgentId, AuditRow, Event, Observed, Protocol, ServiceKey, Side, TimeNs, Window,
};
use duckdb::{Connection, Params, Row, params};
use std::cell::OnceCell;
use std::fs::File;
use std::sync::Arc;

/// The view of one reader.
pub(super) struct View {
    readers: Arc<Readers>,
    connection: Option<Connection>,
    marks: OnceCell<Marks>,
}

impl View {
    pub fn begin(readers: Arc<Readers>) -> Result<Self, StoreError> {
        let failed = StoreError::engine("begin to read");
        let view = Self {
            connection: Some(readers.take()?),
            readers,
            marks: OnceCell::new(),
        };
        view.connection()?
            .execute_batch("BEGIN TRANSACTION READ ONLY")
            .map_err(&failed)?;
        Ok(view)
    }

    pub fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> duckdb::Result<Result<T, StoreError>>,
    ) -> Result<Vec<T>, StoreError> {
        let failed = StoreError::engine("read the store");
        // Never a cached statement: DuckDB 1.5 keeps what it knew of the table's content in the plan, and gives wrong rows
        // when that has changed (duckdb issues 23704 and 24182).
        let mut statement = self.connection()?.prepare(sql).map_err(&failed)?;
        let mut rows = statement.query(params).map_err(&failed)?;
        let mut found = vec![];
        while let Some(row) = rows.next().map_err(&failed)? {
            found.push(read(row).map_err(&failed)??);
        }
        Ok(found)
    }
}

impl View {
    /// What the levels hold, as this view sees it.
    fn marks(&self) -> Result<Marks, StoreError> {
        if let Some(marks) = self.marks.get() {
            return Ok(*marks);
        }
        let marks = marks::load(self.connection()?)?;
        Ok(*self.marks.get_or_init(|| marks))
    }

    /// The rows of each part of a window, as one query.
    fn parts(
        &self,
        window: Window,
        of: impl Fn(Level, Window) -> String,
    ) -> Result<String, StoreError> {
        let mut parts = self.marks()?.segments(window, Level::Hour);
        if parts.is_empty() {
            parts.push((Level::TenSeconds, window));
        }
        let parts: Vec<_> = parts.into_iter().map(|(l, part)| of(l, part)).collect();
        Ok(parts.join(" UNION ALL "))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let connection = self.connection.take();
        let ended = |c: &Connection| c.execute_batch("ROLLBACK").is_ok();
        self.readers.give_back(connection.filter(ended));
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

    fn reach(&self, window: Window) -> Result<Reach, StoreError> {
        Ok(self.marks()?.reach(window))
    }

    fn each_summary(
        &self,
        filter: &SummaryFilter,
        each: &mut dyn FnMut(SummaryRow<Durations<'_>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if filter.instances.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        let connection = self.connection()?;
        for (level, part) in self.marks()?.segments(filter.window, filter.widest) {
            scan::summaries(connection, level, part, filter, each)?;
        }
        Ok(())
    }

    fn active(&self, window: Window) -> Result<Vec<InstanceId>, StoreError> {
        let all = self.parts(window, |level, part| {
            let (table, within) = (level.table("summary"), ends_in(part));
            format!("SELECT instance FROM {table} WHERE {within} AND route_kind = {ROUTE_ALL}")
        })?;
        let sql = format!("SELECT DISTINCT instance FROM ({all}) ORDER BY ALL");
        self.rows(&sql, [], |row| Ok(Ok(InstanceId(row.get(0)?))))
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

    fn each_edge(
        &self,
        window: Window,
        which: Edges,
        widest: Level,
        each: &mut dyn FnMut(EdgeRow<Durations<'_>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        for (level, part) in self.marks()?.segments(window, widest) {
            scan::edges(connection, level, part, which, each)?;
        }
        Ok(())
    }

    fn spoken(&self, window: Window) -> Result<Vec<(InstanceId, Protocol)>, StoreError> {
        let client = Side::Client.code();
        let all = self.parts(window, |level, part| {
            let (table, within) = (level.table("edge"), ends_in(part));
            format!("SELECT side, protocol, caller_instance, callee_instance FROM {table} WHERE {within}")
        })?;
        let sql = format!(
            "WITH seen AS ({all})
             SELECT caller_instance AS instance, protocol FROM seen WHERE side = {client} AND caller_instance IS NOT NULL
             UNION SELECT callee_instance, protocol FROM seen WHERE callee_instance IS NOT NULL ORDER BY ALL"
        );
        self.rows(&sql, [], |row| {
            let (id, protocol): (u32, u8) = (row.get(0)?, row.get(1)?);
            let protocol = code("protocol", protocol, Protocol::from_code);
            Ok(protocol.map(|protocol| (InstanceId(id), protocol)))
        })
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
        if !filter.kinds.is_empty() {
            let codes: Vec<_> = filter.kinds.iter().map(|k| k.code().to_string()).collect();
            only.push_str(&format!(" AND kind IN ({})", codes.join(",")));
        }
        let sql = format!(
            "SELECT {columns} FROM event WHERE at_ns < ?::BIGINT AND coalesce(until_ns, at_ns) >= ?::BIGINT{only}
             ORDER BY at_ns DESC LIMIT {}",
            filter.limit
        );
        self.rows(&sql, duckdb::params_from_iter(values), event_row)
    }

    fn gauges(&self, window: Window) -> Result<Vec<GaugeRow>, StoreError> {
        let all = self.parts(window, measures::gauges)?;
        self.rows(&measures::fold_gauges(&all), [], measures::gauge_row)
    }

    fn processes(&self, window: Window) -> Result<Vec<ProcessUse>, StoreError> {
        let all = self.parts(window, measures::processes)?;
        self.rows(&measures::fold_processes(&all), [], measures::process_row)
    }

    fn each_process(
        &self,
        window: Window,
        widest: Level,
        each: &mut dyn FnMut(ProcessPoint) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        for (level, part) in self.marks()?.segments(window, widest) {
            scan::processes(connection, level, part, each)?;
        }
        Ok(())
    }

    fn each_gauge(
        &self,
        window: Window,
        widest: Level,
        names: &[&str],
        each: &mut dyn FnMut(GaugePoint<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        for (level, part) in self.marks()?.segments(window, widest) {
            scan::gauges(connection, level, part, names, each)?;
        }
        Ok(())
    }

    fn profile(&self, filter: &ProfileFilter) -> Result<StoredProfile, StoreError> {
        if filter.instances.as_ref().is_some_and(Vec::is_empty) {
            return Ok(StoredProfile::default());
        }
        let all = self.parts(filter.window, |l, part| profiles::part(l, part, filter))?;
        let mut found = StoredProfile {
            rows: self.rows(&profiles::fold(&all), [], profiles::row)?,
            ..StoredProfile::default()
        };
        profiles::describe(self.connection()?, &mut found)?;
        Ok(found)
    }

    fn profiled_builds(
        &self,
        kind: ProfileKind,
        since: TimeNs,
        widest: Level,
    ) -> Result<Vec<ProfiledBuild>, StoreError> {
        let ever = Window {
            from: since,
            to: TimeNs(i64::MAX / 2),
        };
        let parts = self.marks()?.segments(ever, widest).into_iter();
        let parts = parts.map(|(level, part)| profiles::builds_part(level, part, kind));
        let all = parts.collect::<Vec<_>>().join(" UNION ALL ");
        self.rows(&profiles::builds(&all), [], profiles::build_row)
    }

    fn health(&self, window: Window) -> Result<Vec<AgentHealth>, StoreError> {
        let sql = format!(
            "SELECT {} FROM agent_health WHERE at_ns > ? AND at_ns <= ? ORDER BY at_ns",
            HEALTH_COLUMNS
        );
        self.rows(&sql, params![window.from.0, window.to.0], health_row)
    }

    fn newest_health(&self) -> Result<Vec<AgentHealth>, StoreError> {
        let sql = format!(
            "SELECT {} FROM agent_health QUALIFY row_number() OVER (PARTITION BY agent ORDER BY at_ns DESC) = 1 ORDER BY agent",
            HEALTH_COLUMNS
        );
        self.rows(&sql, [], health_row)
    }

    fn ship_states(&self) -> Result<Vec<ShipState>, StoreError> {
        tables::ships(self.connection()?)
    }

    fn connects(&self) -> Result<Vec<KeptConnect>, StoreError> {
        let sql = format!("SELECT {CONNECT_COLUMNS} FROM connect ORDER BY id");
        self.rows(&sql, [], connect_row)
    }

    fn evidence(&self, id: &str) -> Result<Option<KeptEvidence>, StoreError> {
        let sql = format!("SELECT {} FROM evidence WHERE id = ?", evidence::COLUMNS);
        Ok(self.rows(&sql, params![id], evidence::row)?.pop())
    }

    fn sql(&self, statement: &Statement) -> Result<Table, SqlError> {
        let views = views::names(statement.admin);
        let rules = Rules {
            views: &views,
            // One more than is shown, to know whether there are more.
            limit: u64::from(statement.limit) + 1,
            now: statement.now,
        };
        let sql = sql::check(&statement.text, rules)?;
        ask::run(self, &sql, statement)
    }

    fn export(&self, view: &str, format: Format, window: Window) -> Result<File, SqlError> {
        export::write(self, &self.readers.folder, view, format, window)
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        keep::used_blocks(self.connection()?)
    }

    fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!(
            "SELECT at_ns, caller, role, via, action, target, refused FROM audit ORDER BY at_ns DESC, rowid DESC LIMIT {limit}"
        );
        self.rows(&sql, [], audit_row)
    }
}
