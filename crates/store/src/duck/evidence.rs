//! The table `evidence`: written by each diagnosis, read by an id, forgotten by age and by number.

use crate::StoreError;
use crate::kept::KeptEvidence;
use coral_model::{Observed, ServiceKey, TimeNs};
use duckdb::{Connection, Row, params};

pub(super) const COLUMNS: &str = "id, at_ns, namespace, service, question, text";
/// No more are kept; the oldest go first.
const MOST: u64 = 50_000;

/// Keeps these; one that is kept already is found anew.
pub(super) fn insert(connection: &Connection, found: &[KeptEvidence]) -> duckdb::Result<()> {
    let sql = format!(
        "INSERT INTO evidence ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET at_ns = excluded.at_ns, text = excluded.text"
    );
    let mut statement = connection.prepare(&sql)?;
    for kept in found {
        let service = kept.service.as_ref();
        statement.execute(params![
            kept.id,
            kept.at.0,
            service.map(|s| s.namespace.raw()),
            service.map(|s| s.name.raw()),
            kept.question,
            kept.text.raw(),
        ])?;
    }
    Ok(())
}

/// Reads a row of [`COLUMNS`].
pub(super) fn row(row: &Row<'_>) -> duckdb::Result<Result<KeptEvidence, StoreError>> {
    let (namespace, name): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
    let service = namespace.zip(name).map(|(namespace, name)| ServiceKey {
        namespace: Observed::new(namespace),
        name: Observed::new(name),
    });
    Ok(Ok(KeptEvidence {
        id: row.get(0)?,
        at: TimeNs(row.get(1)?),
        service,
        question: row.get(4)?,
        text: Observed::new(row.get::<_, String>(5)?),
    }))
}

/// Forgets what was not found since `cut`, and what is too much.
pub(super) fn forget(connection: &Connection, cut: TimeNs) -> Result<(), StoreError> {
    let failed = StoreError::engine("forget old evidence");
    let sql = format!(
        "DELETE FROM evidence WHERE at_ns <= greatest(?, (SELECT coalesce(min(at_ns), 0) FROM
         (SELECT at_ns FROM evidence ORDER BY at_ns DESC LIMIT 1 OFFSET {MOST})))"
    );
    connection
        .execute(&sql, params![cut.0])
        .map(drop)
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_or_too_much_goes() {
        let connection = Connection::open_in_memory().unwrap();
        let sql = include_str!("../../sql/060_diagnosis.sql");
        connection.execute_batch(sql).unwrap();
        let fill = format!(
            "INSERT INTO evidence SELECT 'e' || i, i, NULL, NULL, ''::BLOB, 'x' FROM range(1, {} + 11) t(i)",
            MOST
        );
        connection.execute_batch(&fill).unwrap();
        let count = || -> (u64, i64) {
            let sql = "SELECT count(*), min(at_ns) FROM evidence";
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.query_row(sql, [], read).unwrap()
        };
        forget(&connection, TimeNs(0)).unwrap();
        assert_eq!(count(), (MOST, 11));
        forget(&connection, TimeNs(20)).unwrap();
        assert_eq!(count(), (MOST - 10, 21));
    }
}
