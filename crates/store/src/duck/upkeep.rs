//! What the writer does when it is told the time, a small piece in a transaction of its own each time: rolls up what is
//! complete, forgets what is old, and keeps the file below its bound.

use super::{keep, marks, roll};
use crate::StoreError;
use crate::append::Upkeep;
use crate::level::{Level, Mark, Marks};
use coral_model::{TimeNs, Window};
use duckdb::Connection;
use std::path::Path;
use std::time::Duration;

/// A minute is rolled up this long after its end; what comes later is added to both levels.
const GRACE: Duration = Duration::from_secs(30);
/// About the most rows of one piece.
const PIECE: u64 = 50_000;
/// The most buckets of one piece.
const BUCKETS: i64 = 240;
/// How often it is looked for what is too old or too much.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The writer's notes about its upkeep.
#[derive(Debug)]
pub(super) struct Caretaker {
    swept: Option<TimeNs>,
    /// Up to here the states of agents are thinned.
    thinned: TimeNs,
    bound: keep::Bound,
}

impl Caretaker {
    /// Keeps the file at `path` to about so many bytes.
    pub fn new(path: &Path, max_bytes: u64) -> Self {
        Self {
            swept: None,
            thinned: TimeNs(0),
            bound: keep::Bound::new(path, max_bytes),
        }
    }

    /// Does a piece. `held` is changed only by what is committed.
    pub fn piece(
        &mut self,
        connection: &Connection,
        held: &mut Marks,
        now: TimeNs,
    ) -> Result<Upkeep, StoreError> {
        for level in [Level::Minute, Level::Hour] {
            if roll_up(connection, held, level, now)? {
                return Ok(Upkeep { more: true });
            }
        }
        if self
            .swept
            .is_some_and(|at| now.since(at) < SWEEP_EVERY && at <= now)
        {
            return Ok(Upkeep::default());
        }
        if keep::forget(connection, held, &mut self.thinned, now)?
            || self.bound.enforce(connection, held, now)?
        {
            return Ok(Upkeep { more: true });
        }
        self.swept = Some(now);
        Ok(Upkeep::default())
    }
}

/// Rolls a stretch up into the level, if there is one; whether there was.
fn roll_up(
    connection: &Connection,
    held: &mut Marks,
    level: Level,
    now: TimeNs,
) -> Result<bool, StoreError> {
    let complete = match level {
        Level::TenSeconds => return Ok(false),
        Level::Minute => now.minus(GRACE),
        Level::Hour => held.of(Level::Minute).rolled_to.min(now.minus(GRACE)),
    };
    let mark = held.of(level);
    let target = level.floor(complete);
    if target <= mark.rolled_to {
        return Ok(false);
    }
    let window = Window {
        from: mark.rolled_to,
        to: target,
    };
    let window = stretch(connection, level, window)?;
    let rolled = Mark {
        rolled_to: window.to,
        ..mark
    };
    let failed = StoreError::engine("roll up");
    let transaction = connection.unchecked_transaction().map_err(&failed)?;
    roll::roll(connection, level, window)?;
    marks::save(connection, level, rolled)?;
    transaction.commit().map_err(&failed)?;
    *held.of_mut(level) = rolled;
    Ok(true)
}

/// The first part of the window with about [`PIECE`] rows. What holds nothing costs nothing and is passed over.
fn stretch(connection: &Connection, level: Level, window: Window) -> Result<Window, StoreError> {
    let failed = StoreError::engine("look for what to roll up");
    let finer = |within: &str| {
        let one = |kind| {
            let table = level.finer().table(kind);
            format!("SELECT to_ns FROM {table} WHERE {within}")
        };
        keep::ROLLED.map(one).join(" UNION ALL ")
    };
    let within = super::scan::ends_in(window);
    let sql = format!("SELECT min(to_ns) FROM ({})", finer(&within));
    let first: Option<i64> = connection
        .query_row(&sql, [], |row| row.get(0))
        .map_err(&failed)?;
    let Some(first) = first else {
        return Ok(window);
    };
    let begin = level.bucket(TimeNs(first)).from;
    let width = level.width().as_nanos() as i64;
    let ahead = Window {
        from: begin,
        to: window.to.min(TimeNs(begin.0 + BUCKETS * width)),
    };
    let sql = format!(
        "SELECT (to_ns - 1 - {}) // {width} AS bucket, count(*)::UBIGINT FROM ({}) GROUP BY bucket ORDER BY bucket",
        begin.0,
        finer(&super::scan::ends_in(ahead))
    );
    let mut statement = connection.prepare(&sql).map_err(&failed)?;
    let mut buckets = statement.query([]).map_err(&failed)?;
    let (mut rows, mut end) = (0u64, ahead.to);
    while let Some(row) = buckets.next().map_err(&failed)? {
        let read = || -> duckdb::Result<(i64, u64)> { Ok((row.get(0)?, row.get(1)?)) };
        let (bucket, count) = read().map_err(&failed)?;
        rows += count;
        if rows >= PIECE {
            end = TimeNs(begin.0 + (bucket + 1) * width);
            break;
        }
    }
    Ok(Window {
        from: window.from,
        to: end.min(window.to),
    })
}
