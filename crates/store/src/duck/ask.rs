//! Runs a checked statement on a reader's connection: watched by a thread that ends it when it takes too long or too much
//! memory, read row by row, so that what is too much is never held.

use super::snapshot::View;
use crate::StoreError;
use crate::read::Statement;
use crate::sql::SqlError;
use coral_model::Observed;
use coral_model::answer::{Cell, Table};
use duckdb::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use duckdb::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use duckdb::arrow::util::display::array_value_to_string;
use duckdb::{Connection, InterruptHandle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// While it runs the process may grow by so much.
const MEMORY: u64 = 768 << 20;
/// The text of an answer, about.
const ANSWER_BYTES: usize = 16 << 20;
/// How often the watch looks.
const LOOK: Duration = Duration::from_millis(20);

/// Runs what was written for the statement.
pub(super) fn run(view: &View, sql: &str, statement: &Statement) -> Result<Table, SqlError> {
    let connection = view.connection().map_err(store)?;
    let watch = Watch::start(connection.interrupt_handle(), statement.longest);
    let table = read(connection, sql, statement.limit as usize);
    watch.judge(table, statement.longest)
}

pub(super) fn store(error: StoreError) -> SqlError {
    SqlError::Failed(error.to_string())
}

/// The engine's words; its own limit of memory is a limit as well.
pub(super) fn failed(error: &duckdb::Error) -> SqlError {
    let text = match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    let text = coral_model::observed::visible(text.trim()).into_owned();
    if text.starts_with("Out of Memory") {
        return SqlError::Limit("it needs more memory than the store may use".to_owned());
    }
    SqlError::Failed(text)
}

fn read(connection: &Connection, sql: &str, limit: usize) -> Result<Table, SqlError> {
    let mut statement = connection.prepare(sql).map_err(|e| failed(&e))?;
    // The iterator that this makes ends with a panic where `step` has an error.
    drop(statement.stream_arrow([]).map_err(|e| failed(&e))?);
    let schema = statement.schema();
    let fields = schema.fields().iter();
    let mut table = Table {
        columns: fields
            .map(|f| coral_model::observed::visible(f.name()).into_owned())
            .collect(),
        rows: vec![],
        truncated: false,
    };
    let mut bytes = 0;
    while let Some(chunk) = statement.step().map_err(|e| failed(&e))? {
        for row in 0..chunk.len() {
            if table.rows.len() >= limit || bytes > ANSWER_BYTES {
                table.truncated = true;
                return Ok(table);
            }
            let cells = cells(&chunk, row);
            bytes += cells.iter().map(size).sum::<usize>();
            table.rows.push(cells);
        }
    }
    Ok(table)
}

fn size(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) => 32 + text.raw().len(),
        _ => 32,
    }
}

fn cells(chunk: &StructArray, row: usize) -> Vec<Cell> {
    chunk.columns().iter().map(|c| cell(c, row)).collect()
}

fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    macro_rules! number {
        ($type:ty, $kind:path) => {
            $kind(column.as_primitive::<$type>().value(row).into())
        };
    }
    match column.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Bool(column.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type, Cell::Int),
        DataType::Int16 => number!(Int16Type, Cell::Int),
        DataType::Int32 => number!(Int32Type, Cell::Int),
        DataType::Int64 => number!(Int64Type, Cell::Int),
        DataType::UInt8 => number!(UInt8Type, Cell::Uint),
        DataType::UInt16 => number!(UInt16Type, Cell::Uint),
        DataType::UInt32 => number!(UInt32Type, Cell::Uint),
        DataType::UInt64 => number!(UInt64Type, Cell::Uint),
        DataType::Float32 => number!(Float32Type, Cell::Float),
        DataType::Float64 => number!(Float64Type, Cell::Float),
        DataType::Decimal128(_, scale) => {
            decimal(column.as_primitive::<Decimal128Type>().value(row), *scale)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            moment(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Date32 => date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Utf8 => Cell::Text(Observed::new(column.as_string::<i32>().value(row))),
        _ => Cell::Text(Observed::new(
            array_value_to_string(column, row).unwrap_or_default(),
        )),
    }
}

/// A whole number stays one while it fits.
fn decimal(value: i128, scale: i8) -> Cell {
    if scale == 0 {
        if let Ok(value) = i64::try_from(value) {
            return Cell::Int(value);
        }
        if let Ok(value) = u64::try_from(value) {
            return Cell::Uint(value);
        }
    }
    Cell::Float(value as f64 / 10f64.powi(scale.into()))
}

/// RFC 3339 in UTC with milliseconds.
fn moment(micros: i64) -> Cell {
    let text = match jiff::Timestamp::from_microsecond(micros) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Err(_) => format!("{micros} us"),
    };
    Cell::Text(Observed::new(text))
}

fn date(days: i32) -> Cell {
    let second = jiff::Timestamp::from_second(i64::from(days) * 86_400);
    let text = second.map_or_else(
        |_| format!("day {days}"),
        |at| at.strftime("%Y-%m-%d").to_string(),
    );
    Cell::Text(Observed::new(text))
}

const FINE: u8 = 0;
const TOO_LONG: u8 = 1;
const TOO_LARGE: u8 = 2;

/// A thread that interrupts the statement when it reaches a limit.
pub(super) struct Watch {
    done: Sender<()>,
    thread: Option<std::thread::JoinHandle<()>>,
    reason: Arc<AtomicU8>,
}

impl Watch {
    pub fn start(handle: Arc<InterruptHandle>, longest: Duration) -> Self {
        let (done, ended) = channel();
        let reason = Arc::new(AtomicU8::new(FINE));
        let told = reason.clone();
        let thread = std::thread::Builder::new()
            .name("sql-watch".into())
            .spawn(move || watch(&handle, longest, &ended, &told));
        if let Err(error) = &thread {
            tracing::warn!(%error, "a statement runs without its watch");
        }
        Self {
            done,
            thread: thread.ok(),
            reason,
        }
    }

    /// Ends the watch; what failed because of a limit says which.
    pub fn judge<T>(self, done: Result<T, SqlError>, longest: Duration) -> Result<T, SqlError> {
        let reason = self.end();
        // The limit may have been reached in the moment in which the statement ended by itself.
        match (done, reason) {
            (Err(_), TOO_LONG) => Err(SqlError::Limit(format!(
                "stopped after {} s; ask for less: fewer rows in WHERE, a coarser view such as requests_1m",
                longest.as_secs()
            ))),
            (Err(_), TOO_LARGE) => Err(SqlError::Limit(
                "stopped because it took too much memory; group by less, or ask for less"
                    .to_owned(),
            )),
            (done, _) => done,
        }
    }

    /// Which limit was reached.
    fn end(self) -> u8 {
        drop(self.done);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
        self.reason.load(Ordering::Acquire)
    }
}

fn watch(handle: &InterruptHandle, longest: Duration, ended: &Receiver<()>, reason: &AtomicU8) {
    let (begin, before) = (Instant::now(), resident_bytes());
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        if begin.elapsed() > longest {
            reason.store(TOO_LONG, Ordering::Release);
        } else if resident_bytes() > before.saturating_add(MEMORY) {
            reason.store(TOO_LARGE, Ordering::Release);
        } else {
            continue;
        }
        // Again and again: the statement may be between two of the places where it looks.
        handle.interrupt();
    }
}

/// Resident memory of this process; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) * 1024
}
