//! Brings a file to this build's schema: forward only, all steps in one transaction, the file copied first. A file of a
//! later build is refused before anything in it is changed.

use super::connect;
use crate::StoreError;
use coral_model::TimeNs;
use duckdb::{Connection, params};
use std::path::{Path, PathBuf};

struct Step {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const STEPS: &[Step] = &[
    Step {
        version: 1,
        name: "first_light",
        sql: include_str!("../../sql/001_first_light.sql"),
    },
    Step {
        version: 2,
        name: "exact",
        sql: include_str!("../../sql/002_exact.sql"),
    },
    Step {
        version: 3,
        name: "rollups",
        sql: include_str!("../../sql/003_rollups.sql"),
    },
    Step {
        version: 4,
        name: "connect",
        sql: include_str!("../../sql/004_connect.sql"),
    },
    Step {
        version: 30,
        name: "profiles",
        sql: include_str!("../../sql/030_profiles.sql"),
    },
    Step {
        version: 60,
        name: "diagnosis",
        sql: include_str!("../../sql/060_diagnosis.sql"),
    },
];

/// The schema that this build writes.
pub const SCHEMA_VERSION: u32 = STEPS[STEPS.len() - 1].version;

/// Opens `path` with the schema of this build.
pub(super) fn open(path: &Path, now: TimeNs) -> Result<Connection, StoreError> {
    let fresh = !path.exists();
    let connection = connect(path)?;
    let found = version(&connection)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            path: path.display().to_string(),
            found,
            known: SCHEMA_VERSION,
        });
    }
    if found == SCHEMA_VERSION {
        return Ok(connection);
    }
    let connection = if fresh || found == 0 {
        connection
    } else {
        copy(connection, path, found)?
    };
    migrate(&connection, found, SCHEMA_VERSION, now)?;
    Ok(connection)
}

/// The file's schema; 0 when it has none.
fn version(connection: &Connection) -> Result<u32, StoreError> {
    let read = StoreError::engine("read the schema version");
    let tables: u32 = connection
        .query_row(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_version'",
            [],
            |row| row.get(0),
        )
        .map_err(&read)?;
    if tables == 0 {
        return Ok(0);
    }
    connection
        .query_row(
            "SELECT coalesce(max(version), 0) FROM schema_version",
            [],
            |row| row.get(0),
        )
        .map_err(&read)
}

/// Closes the file, which folds its log into it, copies it and opens it again.
fn copy(connection: Connection, path: &Path, found: u32) -> Result<Connection, StoreError> {
    connection
        .close()
        .map_err(|(_, e)| StoreError::engine("close the file before copying it")(e))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".schema-{found:03}"));
    let kept = PathBuf::from(name);
    std::fs::copy(path, &kept).map_err(|e| StoreError::Open {
        path: path.display().to_string(),
        message: format!(
            "copy it to {} before changing its schema: {e}",
            kept.display()
        ),
    })?;
    tracing::info!(kept = %kept.display(), from = found, to = SCHEMA_VERSION, "store copied before its schema changes");
    connect(path)
}

fn migrate(connection: &Connection, found: u32, upto: u32, now: TimeNs) -> Result<(), StoreError> {
    let failed = StoreError::engine("bring the store to this build's schema");
    let transaction = connection.unchecked_transaction().map_err(&failed)?;
    let due = |step: &&Step| step.version > found && step.version <= upto;
    for step in STEPS.iter().filter(due) {
        transaction.execute_batch(step.sql).map_err(&failed)?;
        transaction
            .execute(
                "INSERT INTO schema_version VALUES (?, ?, ?)",
                params![step.version, step.name, now.0],
            )
            .map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_file_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coral.duckdb");
        drop(open(&path, TimeNs(1)).unwrap());
        let connection = connect(&path).unwrap();
        connection
            .execute("INSERT INTO schema_version VALUES (999, 'later', 2)", [])
            .unwrap();
        drop(connection);
        let error = open(&path, TimeNs(3)).unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { found: 999, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("start that version"), "{error}");
    }

    #[test]
    fn an_older_file_is_copied_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coral.duckdb");
        drop(open(&path, TimeNs(1)).unwrap());
        let copied = copy(connect(&path).unwrap(), &path, 1).unwrap();
        assert_eq!(version(&copied).unwrap(), SCHEMA_VERSION);
        let kept = dir.path().join("coral.duckdb.schema-001");
        assert_eq!(version(&connect(&kept).unwrap()).unwrap(), SCHEMA_VERSION);
    }

    /// What first light could have written, three rows a table.
    const FIRST_LIGHT: &str = "
        INSERT INTO ship_state SELECT 'a', i, i + 1, i * 10, i * 20, 0 FROM range(3) t(i);
        INSERT INTO instance SELECT i, 'a', 'b00t', i + 7, i, '', 'shop', 1, 'h', NULL, '80,443', 1, i FROM range(3) t(i);
        INSERT INTO summary SELECT i, i + 10, i, 1, 1, 2, '/users/:id', 1, 2, i, 0, 0, '\x01\x02'::BLOB FROM range(3) t(i);
        INSERT INTO edge SELECT i, i + 10, 'a', 2, 1, i, NULL, NULL, NULL, '10.0.0.1', 80, i, 0, 0, ''::BLOB, 1, 2, 3, NULL, 4
            FROM range(3) t(i);
        INSERT INTO event SELECT i, NULL, 2, 'a', '', 'shop', 'b00t', 7, 1, 'started' FROM range(3) t(i);
        INSERT INTO agent_health SELECT i, 'a', 'h', '0.1.0', 'ebpf', '[]', 1, 0.5, 2, 1, 0, 0, 0, 0, 0, 0 FROM range(3) t(i);
        INSERT INTO audit SELECT i, 'uid:1', 'admin', 'unix', 'x', 'y', NULL FROM range(3) t(i);";

    /// Every row of every table of first light, as text.
    fn rows(connection: &Connection) -> Vec<(String, Vec<String>)> {
        let tables = "ship_state instance summary edge event agent_health audit";
        let read = |table: &str| {
            let sql = format!("SELECT t::VARCHAR FROM {table} t ORDER BY ALL");
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        tables
            .split(' ')
            .map(|table| (table.to_owned(), read(table)))
            .collect()
    }

    #[test]
    fn a_file_of_first_light_is_brought_up_with_all_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coral.duckdb");
        let old = connect(&path).unwrap();
        migrate(&old, 0, 1, TimeNs(1)).unwrap();
        old.execute_batch(FIRST_LIGHT).unwrap();
        let before = rows(&old);
        assert!(before.iter().all(|(_, rows)| rows.len() == 3), "{before:?}");
        drop(old);
        let new = open(&path, TimeNs(2)).unwrap();
        assert_eq!(version(&new).unwrap(), SCHEMA_VERSION);
        assert_eq!(rows(&new), before);
        new.execute_batch("SELECT * FROM host_metric; SELECT * FROM process")
            .unwrap();
        let kept = connect(&dir.path().join("coral.duckdb.schema-001")).unwrap();
        assert_eq!((version(&kept).unwrap(), rows(&kept)), (1, before));
    }
}
