//! Makes the rows of a coarser level from those of the finer one: counts are added, histograms merged here, the newest of
//! what is a state kept. Rows are written exact ones first and by instance, so that those of one service lie together.

use super::profiles;
use super::scan::{Chunk, chunks, ends_in};
use crate::StoreError;
use crate::level::Level;
use crate::tally::{Durations, Tally};
use coral_model::{TimeNs, Window};
use duckdb::arrow::datatypes::{Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use duckdb::{Connection, params};
use std::collections::HashMap;

/// Rolls all rows that end in the window, whose edges are edges of the level, into it.
pub(super) fn roll(
    connection: &Connection,
    level: Level,
    window: Window,
) -> Result<(), StoreError> {
    summaries(connection, level, window)?;
    edges(connection, level, window)?;
    measures(connection, level, window)
}

/// Instance, side, protocol, route kind, route, method, status class.
type SummaryKey = (u32, u8, u8, u8, Option<Box<str>>, u8, u8);

#[derive(Default)]
struct Sum {
    /// Requests, errors, client errors.
    counts: [u64; 3],
    durations: Tally,
}

impl Sum {
    fn add(&mut self, counts: [u64; 3], blob: &[u8]) -> Result<(), StoreError> {
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
        self.durations.add(Durations::Blob(blob))
    }
}

fn null() -> StoreError {
    StoreError::corrupt("a row without a value")
}

fn summaries(connection: &Connection, level: Level, window: Window) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT to_ns, instance, side, protocol, route_kind, route, method, status_class, requests, errors, client_errors,
         durations FROM {} WHERE {}",
        level.finer().table("summary"),
        ends_in(window)
    );
    let mut sums: HashMap<(i64, SummaryKey), Sum> = HashMap::new();
    chunks(connection, &sql, &mut |chunk| {
        let (ends, ids) = (
            chunk.numbers::<Int64Type>(0)?,
            chunk.numbers::<UInt32Type>(1)?,
        );
        let code = |i| chunk.numbers::<UInt8Type>(i);
        let (side, protocol, kind) = (code(2)?, code(3)?, code(4)?);
        let (routes, method, class) = (chunk.texts(5)?, code(6)?, code(7)?);
        let (counts, blobs) = (counts(chunk, 8)?, chunk.blobs(11)?);
        for row in 0..chunk.rows() {
            let key = || {
                let bucket = level.bucket(TimeNs(ends(row)?)).to.0;
                let route = routes(row).map(Box::from);
                let (kind, method, class) = (kind(row)?, method(row)?, class(row)?);
                let end = (
                    ids(row)?,
                    side(row)?,
                    protocol(row)?,
                    kind,
                    route,
                    method,
                    class,
                );
                Some((bucket, end))
            };
            let sum = sums.entry(key().ok_or_else(null)?).or_default();
            sum.add(counts(row)?, blobs(row))?;
        }
        Ok(())
    })?;
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_unstable_by(|((a, x), _), ((b, y), _)| (a, x.3, x).cmp(&(b, y.3, y)));
    let failed = StoreError::engine("store summaries of a coarser level");
    let mut table = connection
        .appender(&level.table("summary"))
        .map_err(&failed)?;
    for ((to, key), sum) in sums {
        let (instance, side, protocol, kind, route, method, class) = key;
        let [requests, errors, client_errors] = sum.counts;
        let row = params![
            level.bucket(TimeNs(to)).from.0,
            to,
            instance,
            side,
            protocol,
            kind,
            route.as_deref(),
            method,
            class,
            requests,
            errors,
            client_errors,
            sum.durations.to_blob(),
        ];
        table.append_row(row).map_err(&failed)?;
    }
    table.flush().map_err(&failed)
}

/// Three columns of counts.
fn counts(
    chunk: &Chunk,
    first: usize,
) -> Result<impl Fn(usize) -> Result<[u64; 3], StoreError>, StoreError> {
    let column = |i| chunk.numbers::<UInt64Type>(i);
    let (a, b, c) = (column(first)?, column(first + 1)?, column(first + 2)?);
    Ok(move |row| {
        let all = || Some([a(row)?, b(row)?, c(row)?]);
        all().ok_or_else(null)
    })
}

/// An end: an instance, or an address and port.
type End = (Option<u32>, Option<Box<str>>, Option<u16>);
/// Agent, side, protocol, caller, callee.
type EdgeKey = (Box<str>, u8, u8, End, End);

#[derive(Default)]
struct EdgeSum {
    sum: Sum,
    /// Connections, bytes sent, bytes received.
    flow: [u64; 3],
    retransmits: Option<u64>,
    /// The newest, and when it was.
    rtt: Option<(i64, u64)>,
}

fn edges(connection: &Connection, level: Level, window: Window) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT to_ns, agent, side, protocol, caller_instance, caller_ip, caller_port, callee_instance, callee_ip,
         callee_port, requests, errors, client_errors, durations, connections, sent_bytes, received_bytes, retransmits,
         rtt_ns FROM {} WHERE {}",
        level.finer().table("edge"),
        ends_in(window)
    );
    let mut sums: HashMap<(i64, EdgeKey), EdgeSum> = HashMap::new();
    chunks(connection, &sql, &mut |chunk| {
        let (ends, agents) = (chunk.numbers::<Int64Type>(0)?, chunk.texts(1)?);
        let (side, protocol) = (
            chunk.numbers::<UInt8Type>(2)?,
            chunk.numbers::<UInt8Type>(3)?,
        );
        let (caller, callee) = (end(chunk, 4)?, end(chunk, 7)?);
        let (red, blobs, flow) = (counts(chunk, 10)?, chunk.blobs(13)?, counts(chunk, 14)?);
        let number = |i| chunk.numbers::<UInt64Type>(i);
        let (retransmits, rtt) = (number(17)?, number(18)?);
        for row in 0..chunk.rows() {
            let at = ends(row).ok_or_else(null)?;
            let key = || {
                let bucket = level.bucket(TimeNs(at)).to.0;
                let agent = Box::from(agents(row)?);
                Some((
                    bucket,
                    (agent, side(row)?, protocol(row)?, caller(row), callee(row)),
                ))
            };
            let edge = sums.entry(key().ok_or_else(null)?).or_default();
            edge.sum.add(red(row)?, blobs(row))?;
            for (sum, count) in edge.flow.iter_mut().zip(flow(row)?) {
                *sum = sum.saturating_add(count);
            }
            if let Some(more) = retransmits(row) {
                edge.retransmits = Some(edge.retransmits.unwrap_or(0).saturating_add(more));
            }
            edge.rtt = edge.rtt.max(rtt(row).map(|rtt| (at, rtt)));
        }
        Ok(())
    })?;
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let failed = StoreError::engine("store edges of a coarser level");
    let mut table = connection.appender(&level.table("edge")).map_err(&failed)?;
    for ((to, key), edge) in sums {
        edge_row(&mut table, level, to, key, &edge).map_err(&failed)?;
    }
    table.flush().map_err(&failed)
}

fn end(chunk: &Chunk, first: usize) -> Result<impl Fn(usize) -> End, StoreError> {
    let (ids, ips) = (chunk.numbers::<UInt32Type>(first)?, chunk.texts(first + 1)?);
    let ports = chunk.numbers::<UInt16Type>(first + 2)?;
    Ok(move |row| (ids(row), ips(row).map(Box::from), ports(row)))
}

fn edge_row(
    table: &mut duckdb::Appender<'_>,
    level: Level,
    to: i64,
    key: EdgeKey,
    edge: &EdgeSum,
) -> duckdb::Result<()> {
    let (agent, side, protocol, caller, callee) = key;
    let ([requests, errors, client_errors], [connections, sent, received]) =
        (edge.sum.counts, edge.flow);
    table.append_row(params![
        level.bucket(TimeNs(to)).from.0,
        to,
        &*agent,
        side,
        protocol,
        caller.0,
        caller.1.as_deref(),
        caller.2,
        callee.0,
        callee.1.as_deref(),
        callee.2,
        requests,
        errors,
        client_errors,
        edge.sum.durations.to_blob(),
        connections,
        sent,
        received,
        edge.retransmits,
        edge.rtt.map(|(_, rtt)| rtt),
    ])
}

/// Hosts and processes have no histograms; the engine folds them.
fn measures(connection: &Connection, level: Level, window: Window) -> Result<(), StoreError> {
    let failed = StoreError::engine("store measurements of a coarser level");
    let width = level.width().as_nanos();
    let bucket = format!("((to_ns - 1) // {width} + 1) * {width}");
    let (finer, within) = (level.finer(), ends_in(window));
    let (gauge, used) = match finer {
        Level::TenSeconds => (
            "arg_max(value, to_ns), max(to_ns), min(value), max(value), sum(value), count(*)",
            ["cpu_cores * (to_ns - from_ns)", "to_ns"],
        ),
        Level::Minute | Level::Hour => (
            "arg_max(last, last_ns), max(last_ns), min(least), max(most), sum(total), sum(samples)",
            ["cpu_ns", "last_ns"],
        ),
    };
    let [cpu, last] = used;
    let sql = format!(
        "INSERT INTO {} SELECT bucket - {width}, bucket, agent, name, label, {gauge}
         FROM (SELECT *, {bucket} AS bucket FROM {} WHERE {within}) GROUP BY bucket, agent, name, label ORDER BY ALL;
         INSERT INTO {} SELECT bucket - {width}, bucket, instance, sum({cpu}), max({last}), arg_max(rss_bytes, {last}),
         arg_max(fds, {last}), arg_max(threads, {last})
         FROM (SELECT *, {bucket} AS bucket FROM {} WHERE {within}) GROUP BY bucket, instance ORDER BY ALL; {}",
        level.table("host_metric"),
        finer.table("host_metric"),
        level.table("process"),
        finer.table("process"),
        profiles::roll(level, &bucket, width, &within),
    );
    connection.execute_batch(&sql).map_err(&failed)
}
