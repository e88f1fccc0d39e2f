//! Reads many rows fast: chunk by chunk as the engine makes them, column by column, blobs where they lie.

use super::decode::{agent_id, code};
use super::rows::{ROUTE_ALL, ROUTE_TEMPLATE, ROUTE_UNATTRIBUTED};
use crate::Edges;
use crate::StoreError;
use crate::level::Level;
use crate::read::{
    EdgeRow, GaugePoint, InstanceId, ProcessPoint, Routes, SummaryFilter, SummaryRow,
};
use crate::tally::Durations;
use coral_model::summary::Counts;
use coral_model::{Endpoint, Method, Observed, Protocol, Route, Side, StatusClass, TimeNs, Window};
use duckdb::Connection;
use duckdb::arrow::array::{Array, ArrowPrimitiveType, AsArray, StructArray};
use duckdb::arrow::datatypes::{
    Float64Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use std::time::Duration;

/// Some rows of a result.
pub(super) struct Chunk(StructArray);

impl Chunk {
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    fn column<T>(&self, i: usize, found: Option<T>) -> Result<T, StoreError> {
        found.ok_or_else(|| {
            let kind = self.0.columns().get(i).map(|c| c.data_type());
            StoreError::corrupt(format_args!("column {i} is {kind:?}"))
        })
    }

    /// The numbers of a column, and where there is none.
    pub fn numbers<T: ArrowPrimitiveType>(
        &self,
        i: usize,
    ) -> Result<impl Fn(usize) -> Option<T::Native> + '_, StoreError> {
        let column = self.0.columns().get(i);
        let found = column.and_then(|c| c.as_primitive_opt::<T>());
        let column = self.column(i, found)?;
        Ok(|row| column.is_valid(row).then(|| column.value(row)))
    }

    /// The texts of a column.
    pub fn texts<'a>(&'a self, i: usize) -> Result<impl Fn(usize) -> Option<&'a str>, StoreError> {
        let column = self.0.columns().get(i);
        let column = self.column(i, column.and_then(|c| c.as_string_opt::<i32>()))?;
        Ok(|row| column.is_valid(row).then(|| column.value(row)))
    }

    /// The blobs of a column.
    pub fn blobs<'a>(&'a self, i: usize) -> Result<impl Fn(usize) -> &'a [u8], StoreError> {
        let column = self.0.columns().get(i);
        let column = self.column(i, column.and_then(|c| c.as_binary_opt::<i32>()))?;
        Ok(|row| column.value(row))
    }
}

/// Calls `each` for all chunks of the statement's result.
pub(super) fn chunks(
    connection: &Connection,
    sql: &str,
    each: &mut dyn FnMut(&Chunk) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = StoreError::engine("read from the store");
    let mut statement = connection.prepare(sql).map_err(&failed)?;
    // The iterator that this makes ends with a panic where `step` has an error.
    drop(statement.stream_arrow([]).map_err(&failed)?);
    while let Some(chunk) = statement.step().map_err(&failed)? {
        each(&Chunk(chunk))?;
    }
    Ok(())
}

fn missing(what: &'static str) -> impl Fn() -> StoreError {
    move || StoreError::corrupt(format_args!("a row without {what}"))
}

/// The condition of a part of a window.
pub(super) fn ends_in(window: Window) -> String {
    format!("to_ns > {} AND to_ns <= {}", window.from.0, window.to.0)
}

/// The summaries of one part of a window.
pub(super) fn summaries(
    connection: &Connection,
    level: Level,
    window: Window,
    filter: &SummaryFilter,
    each: &mut dyn FnMut(SummaryRow<Durations<'_>>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (table, within) = (level.table("summary"), ends_in(window));
    let only = match &filter.instances {
        None => String::new(),
        Some(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| id.0.to_string()).collect();
            format!(" AND instance IN ({})", ids.join(","))
        }
    };
    let (columns, comparison) = match filter.routes {
        Routes::Exact => ("", "="),
        Routes::Split => (", route_kind, route", "<>"),
    };
    let sql = format!(
        "SELECT from_ns, to_ns, instance, side, protocol, status_class, requests, errors, client_errors, durations, method{columns}
         FROM {table} WHERE {within} AND route_kind {comparison} {ROUTE_ALL}{only}"
    );
    let split = filter.routes == Routes::Split;
    chunks(connection, &sql, &mut |chunk| {
        summaries_of(chunk, split, each)
    })
}

fn summaries_of(
    chunk: &Chunk,
    split: bool,
    each: &mut dyn FnMut(SummaryRow<Durations<'_>>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let window = windows(chunk)?;
    let instances = chunk.numbers::<UInt32Type>(2)?;
    let code_of = |i| codes(chunk, i);
    let (sides, protocols, classes) = (code_of(3)?, code_of(4)?, code_of(5)?);
    let (counts, blobs, methods) = (counts(chunk, 6)?, chunk.blobs(9)?, code_of(10)?);
    let routes = match split {
        false => None,
        true => Some((code_of(11)?, chunk.texts(12)?)),
    };
    for row in 0..chunk.rows() {
        let route = match &routes {
            None => Route::All,
            Some((kinds, texts)) => route(kinds(row)?, texts(row))?,
        };
        each(SummaryRow {
            window: window(row)?,
            instance: InstanceId(instances(row).ok_or_else(missing("instance"))?),
            side: code("side", sides(row)?, Side::from_code)?,
            protocol: code("protocol", protocols(row)?, Protocol::from_code)?,
            route,
            method: code("method", methods(row)?, Method::from_code)?,
            status_class: code("status class", classes(row)?, StatusClass::from_code)?,
            counts: counts(row)?,
            durations: Durations::Blob(blobs(row)),
        })?;
    }
    Ok(())
}

fn route(kind: u8, text: Option<&str>) -> Result<Route, StoreError> {
    match (kind, text) {
        (ROUTE_ALL, _) => Ok(Route::All),
        (ROUTE_TEMPLATE, Some(text)) => Ok(Route::Template(Observed::new(text))),
        (ROUTE_UNATTRIBUTED, _) => Ok(Route::Unattributed),
        _ => Err(StoreError::corrupt(format_args!("route kind {kind}"))),
    }
}

/// The interval in the first two columns.
fn windows(chunk: &Chunk) -> Result<impl Fn(usize) -> Result<Window, StoreError>, StoreError> {
    let (from, to) = (
        chunk.numbers::<Int64Type>(0)?,
        chunk.numbers::<Int64Type>(1)?,
    );
    Ok(move |row| {
        let pair = from(row).zip(to(row));
        let (from, to) = pair.ok_or_else(missing("interval"))?;
        Ok(Window {
            from: TimeNs(from),
            to: TimeNs(to),
        })
    })
}

fn codes(chunk: &Chunk, i: usize) -> Result<impl Fn(usize) -> Result<u8, StoreError>, StoreError> {
    let column = chunk.numbers::<UInt8Type>(i)?;
    Ok(move |row| column(row).ok_or_else(missing("code")))
}

/// Requests, errors and client errors in three columns.
fn counts(
    chunk: &Chunk,
    first: usize,
) -> Result<impl Fn(usize) -> Result<Counts, StoreError>, StoreError> {
    let column = |i| chunk.numbers::<UInt64Type>(i);
    let (requests, errors, client) = (column(first)?, column(first + 1)?, column(first + 2)?);
    Ok(move |row| {
        let of = |count: Option<u64>| count.ok_or_else(missing("count"));
        Ok(Counts {
            requests: of(requests(row))?,
            errors: of(errors(row))?,
            client_errors: of(client(row))?,
        })
    })
}

const EDGE_COLUMNS: &str = "from_ns, to_ns, agent, side, protocol, caller_instance, caller_ip, caller_port,
    callee_instance, callee_ip, callee_port, requests, errors, client_errors, durations, connections, sent_bytes,
    received_bytes, retransmits, rtt_ns";

/// The edges of one part of a window.
pub(super) fn edges(
    connection: &Connection,
    level: Level,
    window: Window,
    which: Edges,
    each: &mut dyn FnMut(EdgeRow<Durations<'_>>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (table, within) = (level.table("edge"), ends_in(window));
    let only = match which {
        Edges::All => String::new(),
        Edges::Unread => {
            let read = Protocol::ALL.iter().filter(|p| p.is_read());
            let read: Vec<String> = read.map(|p| p.code().to_string()).collect();
            format!(" AND protocol NOT IN ({})", read.join(", "))
        }
    };
    let sql = format!("SELECT {EDGE_COLUMNS} FROM {table} WHERE {within}{only}");
    chunks(connection, &sql, &mut |chunk| edges_of(chunk, each))
}

fn edges_of(
    chunk: &Chunk,
    each: &mut dyn FnMut(EdgeRow<Durations<'_>>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (window, agents) = (windows(chunk)?, chunk.texts(2)?);
    let (sides, protocols) = (codes(chunk, 3)?, codes(chunk, 4)?);
    let (callers, callees) = (ends(chunk, 5)?, ends(chunk, 8)?);
    let (counts, blobs) = (counts(chunk, 11)?, chunk.blobs(14)?);
    let number = |i| chunk.numbers::<UInt64Type>(i);
    let (connections, sent, received) = (number(15)?, number(16)?, number(17)?);
    let (retransmits, rtt) = (number(18)?, number(19)?);
    for row in 0..chunk.rows() {
        let of = |count: Option<u64>| count.ok_or_else(missing("count"));
        each(EdgeRow {
            window: window(row)?,
            agent: agent_id(agents(row).ok_or_else(missing("agent"))?)?,
            side: code("side", sides(row)?, Side::from_code)?,
            protocol: code("protocol", protocols(row)?, Protocol::from_code)?,
            caller: callers(row)?,
            callee: callees(row)?,
            counts: counts(row)?,
            durations: Durations::Blob(blobs(row)),
            connections: of(connections(row))?,
            bytes_sent: of(sent(row))?,
            bytes_received: of(received(row))?,
            retransmits: retransmits(row),
            rtt: rtt(row).map(Duration::from_nanos),
        })?;
    }
    Ok(())
}

/// An end in three columns.
fn ends(
    chunk: &Chunk,
    first: usize,
) -> Result<impl Fn(usize) -> Result<Endpoint, StoreError>, StoreError> {
    let instances = chunk.numbers::<UInt32Type>(first)?;
    let ips = chunk.texts(first + 1)?;
    let ports = chunk.numbers::<UInt16Type>(first + 2)?;
    Ok(move |row| match (instances(row), ips(row), ports(row)) {
        (Some(id), _, _) => Ok(Endpoint::Instance(id)),
        (None, Some(ip), Some(port)) => match ip.parse() {
            Ok(ip) => Ok(Endpoint::Address { ip, port }),
            Err(error) => Err(StoreError::corrupt(error)),
        },
        _ => Err(StoreError::corrupt("an edge without an end")),
    })
}

/// What processes used in one part of a window.
pub(super) fn processes(
    connection: &Connection,
    level: Level,
    window: Window,
    each: &mut dyn FnMut(ProcessPoint) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (table, within) = (level.table("process"), ends_in(window));
    let cpu = match level {
        Level::TenSeconds => "cpu_cores * (to_ns - from_ns)",
        Level::Minute | Level::Hour => "cpu_ns",
    };
    let sql =
        format!("SELECT from_ns, to_ns, instance, {cpu}, rss_bytes FROM {table} WHERE {within}");
    chunks(connection, &sql, &mut |chunk| {
        let (window, instances) = (windows(chunk)?, chunk.numbers::<UInt32Type>(2)?);
        let (cpu, rss) = (
            chunk.numbers::<Float64Type>(3)?,
            chunk.numbers::<UInt64Type>(4)?,
        );
        for row in 0..chunk.rows() {
            each(ProcessPoint {
                window: window(row)?,
                instance: InstanceId(instances(row).ok_or_else(missing("instance"))?),
                cpu_ns: cpu(row).ok_or_else(missing("processor time"))?,
                rss_bytes: rss(row).ok_or_else(missing("memory"))?,
            })?;
        }
        Ok(())
    })
}

/// These measurements of hosts in one part of a window; their names are plain words.
pub(super) fn gauges(
    connection: &Connection,
    level: Level,
    window: Window,
    names: &[&str],
    each: &mut dyn FnMut(GaugePoint<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (table, within) = (level.table("host_metric"), ends_in(window));
    let value = match level {
        Level::TenSeconds => "value",
        Level::Minute | Level::Hour => "total / samples",
    };
    let names: Vec<_> = names
        .iter()
        .map(|n| format!("'{}'", n.replace('\'', "''")))
        .collect();
    let sql = format!(
        "SELECT from_ns, to_ns, agent, name, label, {value} FROM {table} WHERE {within} AND name IN ({})",
        names.join(",")
    );
    chunks(connection, &sql, &mut |chunk| {
        let window = windows(chunk)?;
        let (agents, names, labels) = (chunk.texts(2)?, chunk.texts(3)?, chunk.texts(4)?);
        let values = chunk.numbers::<Float64Type>(5)?;
        for row in 0..chunk.rows() {
            each(GaugePoint {
                window: window(row)?,
                agent: agents(row).ok_or_else(missing("agent"))?,
                name: names(row).ok_or_else(missing("name"))?,
                label: labels(row).ok_or_else(missing("label"))?,
                value: values(row).ok_or_else(missing("value"))?,
            })?;
        }
        Ok(())
    })
}
