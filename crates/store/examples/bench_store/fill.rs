//! Rows by the engine itself, in the shape and order in which the writer would have stored them.

use coral_model::{Histogram, TimeNs};
use duckdb::{Connection, params};
use std::path::Path;

/// Intervals of one insertion.
const PIECE: i64 = 5_000;
const COLUMNS: &str = "1, 1, 1, NULL, 0, 2";

fn open(path: &Path, pool: &[Histogram]) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "SET memory_limit = '2GB'; SET threads = 2; CREATE TEMP TABLE pool (blob BLOB)",
        )
        .unwrap();
    for histogram in pool {
        connection
            .execute("INSERT INTO pool VALUES (?)", params![histogram.to_blob()])
            .unwrap();
    }
    connection
}

/// One row of each of so many intervals and all services, `step` apart, each of this width.
fn insert(
    connection: &Connection,
    table: &str,
    services: u32,
    (from, step, width): (i64, i64, i64),
    intervals: i64,
) {
    let mut at = 0;
    while at < intervals {
        let piece = PIECE.min(intervals - at);
        let sql = format!(
            "INSERT INTO {table}
             SELECT end_ns - {width}, end_ns, instance::UINTEGER, {COLUMNS}, 20, 0, 0,
                    (SELECT list(blob) FROM pool)[(hash(end_ns, instance) % 4096)::BIGINT + 1]
             FROM (SELECT {from} + ({at} + r // {services}) * {step} AS end_ns, r % {services} AS instance
                   FROM range({piece} * {services}) t(r))"
        );
        connection.execute_batch(&sql).unwrap();
        at += piece;
        eprint!("\r{table}: {} %  ", at * 100 / intervals);
    }
    connection.execute_batch("CHECKPOINT").unwrap();
    eprintln!();
}

fn rows(connection: &Connection) -> u64 {
    let count = connection.query_row("SELECT count(*) FROM summary", [], |row| row.get(0));
    count.unwrap()
}

/// Ten-second rows, evenly over the stretch, until there are so many.
pub fn ten_seconds(
    path: &Path,
    services: u32,
    filled: u64,
    (from, to): (TimeNs, TimeNs),
    pool: &[Histogram],
) -> u64 {
    let connection = open(path, pool);
    let missing = filled.saturating_sub(rows(&connection));
    let intervals = (missing / u64::from(services)) as i64;
    let width = 10_000_000_000;
    if intervals > 0 {
        let step = ((to.0 - from.0) / intervals / width * width).max(width);
        insert(
            &connection,
            "summary",
            services,
            (from.0 + step, step, width),
            intervals,
        );
    }
    rows(&connection)
}

/// What rolling up would have made: hours of all the time, and the minutes of the day around a moment.
pub fn rollups(
    path: &Path,
    services: u32,
    (from, to): (TimeNs, TimeNs),
    around: TimeNs,
    pool: &[Histogram],
) {
    let connection = open(path, pool);
    let (minute, hour) = (60_000_000_000, 3_600_000_000_000);
    let hours = (to.0 - from.0) / hour;
    insert(
        &connection,
        "summary_1h",
        services,
        (from.0 + hour, hour, hour),
        hours,
    );
    let begin = around.0 - 12 * hour;
    insert(
        &connection,
        "summary_1m",
        services,
        (begin + minute, minute, minute),
        24 * 60,
    );
    connection
        .execute(
            "UPDATE level SET rolled_to_ns = ? WHERE name <> '10s'",
            params![to.0],
        )
        .unwrap();
}
