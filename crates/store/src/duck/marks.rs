//! The table `level`: what each level holds, written in the transaction that changes it.

use crate::StoreError;
use crate::level::{Level, Mark, Marks};
use coral_model::TimeNs;
use duckdb::{Connection, params};

pub(super) fn load(connection: &Connection) -> Result<Marks, StoreError> {
    let failed = StoreError::engine("read what the levels hold");
    let mut statement = connection
        .prepare("SELECT name, rolled_to_ns, kept_from_ns FROM level")
        .map_err(&failed)?;
    let mut rows = statement.query([]).map_err(&failed)?;
    let mut marks = Marks::default();
    while let Some(row) = rows.next().map_err(&failed)? {
        let read = || -> duckdb::Result<(String, i64, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        };
        let (name, rolled_to, kept_from) = read().map_err(&failed)?;
        let level = Level::ALL.into_iter().find(|l| l.name() == name);
        let level = level.ok_or_else(|| StoreError::corrupt(format_args!("level {name:?}")))?;
        *marks.of_mut(level) = Mark {
            rolled_to: TimeNs(rolled_to),
            kept_from: TimeNs(kept_from),
        };
    }
    Ok(marks)
}

pub(super) fn save(connection: &Connection, level: Level, mark: Mark) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE level SET rolled_to_ns = ?, kept_from_ns = ? WHERE name = ?",
            params![mark.rolled_to.0, mark.kept_from.0, level.name()],
        )
        .map_err(StoreError::engine("write what the levels hold"))?;
    Ok(())
}
