//! How long everything is kept, and what goes when the file is too large: the oldest of the finest level first.

use super::{evidence, marks};
use crate::StoreError;
use crate::level::{Level, Mark, Marks};
use coral_model::{EventKind, TimeNs};
use duckdb::{Connection, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// Events, the audit log, and instances that nobody speaks of any more.
const LONG: Duration = Duration::from_secs(400 * DAY.as_secs());
/// Stacks and names, which are stored again each day that they are met, and the profiles that speak of them.
const STACKS: Duration = Duration::from_secs(31 * DAY.as_secs());
/// What shows the evidence of diagnoses again.
const EVIDENCE: Duration = Duration::from_secs(30 * DAY.as_secs());
/// Every state of an agent; older ones are thinned to the last of each hour.
const HEALTH: Duration = Duration::from_secs(2 * DAY.as_secs());
/// At most so much of the finest level goes in one transaction.
const STEP: Duration = Duration::from_secs(600);
/// The tables that there are at each level.
pub(super) const ROLLED: [&str; 5] = ["summary", "edge", "host_metric", "process", "profile"];
/// The name under which the store writes events of its own.
pub(super) const OWN: &str = "colony";
/// So often at most an event says that the bound was reached.
const SAY_EVERY: Duration = Duration::from_secs(3600);

/// How long the level is kept.
pub(super) const fn kept_for(level: Level) -> Duration {
    match level {
        Level::TenSeconds => HEALTH,
        Level::Minute => Duration::from_secs(30 * DAY.as_secs()),
        Level::Hour => LONG,
    }
}

/// The newest of the level that stay whatever the bound says.
const fn spared(level: Level) -> Duration {
    match level {
        Level::TenSeconds => Duration::from_secs(3600),
        Level::Minute => DAY,
        Level::Hour => Duration::from_secs(30 * DAY.as_secs()),
    }
}

/// The edges at which a level is cut: those of the next coarser one.
const fn coarser(level: Level) -> Level {
    match level {
        Level::TenSeconds => Level::Minute,
        Level::Minute | Level::Hour => Level::Hour,
    }
}

/// Forgets a piece of what is too old; whether there was any.
pub(super) fn forget(
    connection: &Connection,
    held: &mut Marks,
    thinned: &mut TimeNs,
    now: TimeNs,
) -> Result<bool, StoreError> {
    for level in Level::ALL {
        let cut = now.minus(kept_for(level));
        if let Some(cut) = next_cut(connection, held, level, cut)?
            && drop_until(connection, held, level, cut)?
        {
            return Ok(true);
        }
    }
    let failed = StoreError::engine("forget what is old");
    let (old, stacks) = (now.minus(LONG).0, now.minus(STACKS).0);
    for (sql, cut) in [
        ("DELETE FROM profile_1h WHERE to_ns <= ?", stacks),
        ("DELETE FROM stack WHERE at_ns <= ?", stacks),
        ("DELETE FROM binary_file WHERE at_ns <= ?", stacks),
        ("DELETE FROM symbol WHERE at_ns <= ?", stacks),
        (
            "DELETE FROM event WHERE coalesce(until_ns, at_ns) <= ?",
            old,
        ),
        ("DELETE FROM audit WHERE at_ns <= ?", old),
        ("DELETE FROM instance WHERE last_seen_ns <= ?", old),
        ("DELETE FROM ship_state WHERE last_ns <= ?", old),
        ("DELETE FROM agent_health WHERE at_ns <= ?", old),
    ] {
        connection.execute(sql, params![cut]).map_err(&failed)?;
    }
    evidence::forget(connection, now.minus(EVIDENCE))?;
    let until = Level::Hour.floor(now.minus(HEALTH));
    if until > *thinned {
        thin_health(connection, thinned.0, until.0)?;
        *thinned = until;
    }
    Ok(false)
}

/// Losses count from an agent's start, so the last state of an hour says all that the hour lost.
fn thin_health(connection: &Connection, from: i64, until: i64) -> Result<(), StoreError> {
    connection
        .execute(
            "DELETE FROM agent_health WHERE at_ns > ? AND at_ns <= ? AND rowid NOT IN
             (SELECT arg_max(rowid, at_ns) FROM agent_health WHERE at_ns > ? AND at_ns <= ?
              GROUP BY agent, started_ns, (at_ns - 1) // 3600000000000)",
            params![from, until, from, until],
        )
        .map_err(StoreError::engine("thin the states of agents"))?;
    Ok(())
}

/// Up to where the level can be cut now, on the way to `cut`: not past what the next level holds, and a step at a time.
fn next_cut(
    connection: &Connection,
    held: &Marks,
    level: Level,
    cut: TimeNs,
) -> Result<Option<TimeNs>, StoreError> {
    let edges = coarser(level);
    let whole = match level {
        Level::TenSeconds | Level::Minute => held.of(edges).rolled_to,
        Level::Hour => held.of(level).rolled_to,
    };
    let mut cut = edges.floor(cut.min(whole));
    let failed = StoreError::engine("look for what is old");
    let sql = format!("SELECT min(to_ns) FROM {}", level.table("summary"));
    let oldest: Option<i64> = connection
        .query_row(&sql, [], |row| row.get(0))
        .map_err(&failed)?;
    if level == Level::TenSeconds
        && let Some(oldest) = oldest
    {
        cut = cut.min(edges.ceil(TimeNs(oldest).plus(STEP)));
    }
    Ok((cut > held.of(level).kept_from || oldest.is_some_and(|o| o <= cut.0)).then_some(cut))
}

/// Drops all rows of the level that end up to the cut; whether there were any.
fn drop_until(
    connection: &Connection,
    held: &mut Marks,
    level: Level,
    cut: TimeNs,
) -> Result<bool, StoreError> {
    let failed = StoreError::engine("forget what is old");
    let transaction = connection.unchecked_transaction().map_err(&failed)?;
    let mut rows = 0;
    for kind in ROLLED {
        let sql = format!("DELETE FROM {} WHERE to_ns <= ?", level.table(kind));
        rows += connection.execute(&sql, params![cut.0]).map_err(&failed)?;
    }
    if rows == 0 {
        return Ok(false);
    }
    let mark = held.of(level);
    let mark = Mark {
        kept_from: mark.kept_from.max(cut),
        ..mark
    };
    marks::save(connection, level, mark)?;
    transaction.commit().map_err(&failed)?;
    *held.of_mut(level) = mark;
    Ok(true)
}

/// The bound of the file.
#[derive(Debug)]
pub(super) struct Bound {
    max_bytes: u64,
    log: PathBuf,
    said: Option<TimeNs>,
}

impl Bound {
    /// For the file at `path`; no bound when it is 0.
    pub fn new(path: &Path, max_bytes: u64) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push(".wal");
        Self {
            max_bytes,
            log: log.into(),
            said: None,
        }
    }

    /// Drops a piece when the file is too large; whether it did.
    pub fn enforce(
        &mut self,
        connection: &Connection,
        held: &mut Marks,
        now: TimeNs,
    ) -> Result<bool, StoreError> {
        if self.max_bytes == 0 || used_bytes(connection, &self.log)? <= self.max_bytes {
            return Ok(false);
        }
        // Only a checkpoint gives back what was dropped before; one that cannot be made now is made later.
        if connection.execute_batch("CHECKPOINT").is_err()
            || used_bytes(connection, &self.log)? <= self.max_bytes
        {
            return Ok(false);
        }
        for level in Level::ALL {
            // A twentieth of what the level still has.
            let mark = held.of(level);
            let begin = oldest(connection, level)?.map_or(now, |o| o.max(mark.kept_from));
            let share = now.since(begin) / 20;
            let step = share.max(coarser(level).width());
            let whole = match level {
                Level::TenSeconds | Level::Minute => held.of(coarser(level)).rolled_to,
                Level::Hour => mark.rolled_to,
            };
            let spared = now.minus(spared(level));
            let cut = coarser(level).floor(begin.plus(step).min(whole).min(spared));
            if cut > begin && drop_until(connection, held, level, cut)? {
                self.say(connection, level, cut, now)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn say(
        &mut self,
        connection: &Connection,
        level: Level,
        cut: TimeNs,
        now: TimeNs,
    ) -> Result<(), StoreError> {
        let max = self.max_bytes;
        tracing::warn!(
            max,
            level = level.name(),
            until = cut.0,
            "the store has reached its bound; the oldest goes"
        );
        if self.said.is_some_and(|at| now.since(at) < SAY_EVERY) {
            return Ok(());
        }
        self.said = Some(now);
        let text = format!(
            "the store has reached its bound of {} MB: of intervals of {} the oldest go before their time",
            max / 1_000_000,
            level.name()
        );
        own_event(connection, EventKind::DiskFull, now, &text)
    }
}

/// Writes an event of the store itself.
pub(super) fn own_event(
    connection: &Connection,
    kind: EventKind,
    at: TimeNs,
    text: &str,
) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT INTO event (at_ns, kind, agent, text) VALUES (?, ?, ?, ?)",
            params![at.0, kind.code(), OWN, text],
        )
        .map_err(StoreError::engine("store an event"))?;
    Ok(())
}

fn oldest(connection: &Connection, level: Level) -> Result<Option<TimeNs>, StoreError> {
    let sql = format!("SELECT min(to_ns) FROM {}", level.table("summary"));
    let oldest: Option<i64> = connection
        .query_row(&sql, [], |row| row.get(0))
        .map_err(StoreError::engine("look for what is old"))?;
    Ok(oldest.map(TimeNs))
}

/// The bytes in use: blocks of the file, and its log.
fn used_bytes(connection: &Connection, log: &Path) -> Result<u64, StoreError> {
    let blocks = used_blocks(connection)?;
    Ok(blocks + std::fs::metadata(log).map_or(0, |m| m.len()))
}

/// The bytes of the file's blocks that hold something.
pub(super) fn used_blocks(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .query_row(
            "SELECT coalesce(sum(used_blocks * block_size), 0)::UBIGINT FROM pragma_database_size()",
            [],
            |row| row.get(0),
        )
        .map_err(StoreError::engine("measure the store"))
}
