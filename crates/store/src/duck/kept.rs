//! The table `connect`, events that come from no batch, and evidence. Each change is a transaction of its own: they are
//! rare.

use super::evidence;
use super::rows::append_event;
use crate::StoreError;
use crate::kept::{Keep, KeptConnect};
use coral_model::{Check, Connect, ConnectTarget, Observed, ServiceKey, TimeNs};
use duckdb::{Connection, Row, params};

pub(super) const CONNECT_COLUMNS: &str =
    "id, at_ns, caller, namespace, service, port, exe_pattern, check_kind, check_path, kind";

/// Makes the change.
pub(super) fn keep(connection: &Connection, change: &Keep) -> Result<(), StoreError> {
    let failed = StoreError::engine("keep what a person said or a diagnosis found");
    let transaction = connection.unchecked_transaction().map_err(&failed)?;
    let made = match change {
        Keep::Event(event) => append_event(connection, event),
        Keep::Connect(kept) => {
            withdraw(connection, &kept.id).and_then(|()| insert(connection, kept))
        }
        Keep::Withdraw(id) => withdraw(connection, id),
        Keep::Evidence(found) => evidence::insert(connection, found),
    };
    made.map_err(&failed)?;
    transaction.commit().map_err(&failed)
}

fn withdraw(connection: &Connection, id: &str) -> duckdb::Result<()> {
    let sql = "DELETE FROM connect WHERE id = ?";
    connection.execute(sql, params![id]).map(drop)
}

fn insert(connection: &Connection, kept: &KeptConnect) -> duckdb::Result<()> {
    let Connect {
        service,
        target,
        check,
        kind,
    } = &kept.connect;
    let (port, pattern) = match target {
        ConnectTarget::Port(port) => (Some(*port), None),
        ConnectTarget::ExePattern(pattern) => (None, Some(pattern.as_str())),
    };
    let (check_kind, path) = match check {
        None => ("none", None),
        Some(Check::Tcp) => ("tcp", None),
        Some(Check::Http(path)) => ("http", Some(path.as_str())),
    };
    let sql =
        format!("INSERT INTO connect ({CONNECT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let values = params![
        kept.id,
        kept.at.0,
        kept.caller,
        service.namespace.raw(),
        service.name.raw(),
        port,
        pattern,
        check_kind,
        path,
        kind.raw(),
    ];
    connection.execute(&sql, values).map(drop)
}

/// Reads a row of [`CONNECT_COLUMNS`].
pub(super) fn connect_row(row: &Row<'_>) -> duckdb::Result<Result<KeptConnect, StoreError>> {
    let text = |column| row.get::<_, String>(column);
    let (port, pattern): (Option<u16>, Option<String>) = (row.get(5)?, row.get(6)?);
    let (check_kind, path): (String, Option<String>) = (text(7)?, row.get(8)?);
    let target = match (port, pattern) {
        (Some(port), None) => ConnectTarget::Port(port),
        (None, Some(pattern)) => ConnectTarget::ExePattern(pattern),
        (port, pattern) => {
            let both = format!("connect of port {port:?} and pattern {pattern:?}");
            return Ok(Err(StoreError::corrupt(both)));
        }
    };
    let check = match (check_kind.as_str(), path) {
        ("none", None) => None,
        ("tcp", None) => Some(Check::Tcp),
        ("http", Some(path)) => Some(Check::Http(path)),
        (kind, _) => return Ok(Err(StoreError::corrupt(format_args!("check {kind:?}")))),
    };
    let connect = Connect {
        service: ServiceKey {
            namespace: Observed::new(text(3)?),
            name: Observed::new(text(4)?),
        },
        target,
        check,
        kind: Observed::new(text(9)?),
    };
    Ok(Ok(KeptConnect {
        id: text(0)?,
        at: TimeNs(row.get(1)?),
        caller: text(2)?,
        connect,
    }))
}
