//! The two tables that are changed and not only added to: how far each run is stored, and the instances.

use super::writer::Placed;
use crate::StoreError;
use crate::read::{InstanceId, SeenInstance, ShipState};
use crate::registry::Registry;
use coral_model::{
    AgentId, BootId, Epoch, Instance, InstanceKey, Observed, Seq, ServiceClass, ServiceKey, TimeNs,
};
use duckdb::{Connection, Row, Statement, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The columns of `instance` in the order that [`seen_instance`] reads them.
pub(super) const INSTANCE_COLUMNS: &str = "id, agent, boot, pid, start_ticks, namespace, service, class, host, started_ns, ports, first_seen_ns, last_seen_ns";
/// How many of the newest instances are held from the start; the others are looked up when they return.
const HELD_AT_START: u32 = 20_000;

/// What the tables say.
pub(super) fn load(connection: &Connection) -> Result<Registry, StoreError> {
    let failed = StoreError::engine("read how far agents have got");
    let newest = format!(
        "SELECT {INSTANCE_COLUMNS} FROM instance ORDER BY last_seen_ns DESC LIMIT {HELD_AT_START}"
    );
    let mut statement = connection.prepare(&newest).map_err(&failed)?;
    let mut rows = statement.query([]).map_err(&failed)?;
    let mut instances = vec![];
    while let Some(row) = rows.next().map_err(&failed)? {
        instances.push(seen_instance(row).map_err(&failed)??);
    }
    let next_id = connection
        .query_row("SELECT coalesce(max(id), 0) FROM instance", [], |row| {
            row.get(0)
        })
        .map_err(&failed)?;
    Ok(Registry::load(ships(connection)?, instances, next_id))
}

pub(super) fn ships(connection: &Connection) -> Result<Vec<ShipState>, StoreError> {
    let failed = StoreError::engine("read how far agents have got");
    let mut statement = connection
        .prepare("SELECT agent, epoch, seq, first_ns, last_ns, unknown FROM ship_state ORDER BY agent, epoch")
        .map_err(&failed)?;
    let mut rows = statement.query([]).map_err(&failed)?;
    let mut ships = vec![];
    while let Some(row) = rows.next().map_err(&failed)? {
        ships.push(ship_state(row).map_err(&failed)??);
    }
    Ok(ships)
}

fn ship_state(row: &Row<'_>) -> duckdb::Result<Result<ShipState, StoreError>> {
    let agent: String = row.get(0)?;
    let state = ShipState {
        agent: match AgentId::new(&agent) {
            Ok(agent) => agent,
            Err(error) => return Ok(Err(StoreError::corrupt(error))),
        },
        epoch: Epoch(row.get(1)?),
        seq: Seq(row.get(2)?),
        first: TimeNs(row.get(3)?),
        last: TimeNs(row.get(4)?),
        unknown: row.get(5)?,
    };
    Ok(Ok(state))
}

/// Reads a row of [`INSTANCE_COLUMNS`].
pub(super) fn seen_instance(row: &Row<'_>) -> duckdb::Result<Result<SeenInstance, StoreError>> {
    let (agent, boot): (String, String) = (row.get(1)?, row.get(2)?);
    let ports: String = row.get(10)?;
    let ids = AgentId::new(&agent).and_then(|agent| Ok((agent, BootId::new(&boot)?)));
    let ports: Result<Vec<u16>, _> = ports
        .split(',')
        .filter(|p| !p.is_empty())
        .map(str::parse)
        .collect();
    let (agent, boot, ports) = match (ids, ports) {
        (Ok((agent, boot)), Ok(ports)) => (agent, boot, ports),
        (Err(error), _) => return Ok(Err(StoreError::corrupt(error))),
        (_, Err(error)) => return Ok(Err(StoreError::corrupt(error))),
    };
    let text = |column| row.get::<_, String>(column).map(Observed::new);
    let instance = Instance {
        key: InstanceKey {
            agent,
            boot,
            pid: row.get(3)?,
            start_ticks: row.get(4)?,
        },
        service: ServiceKey {
            namespace: text(5)?,
            name: text(6)?,
        },
        class: ServiceClass::from_code(row.get(7)?),
        host: text(8)?,
        started: row.get::<_, Option<i64>>(9)?.map(TimeNs),
        ports,
    };
    Ok(Ok(SeenInstance {
        id: InstanceId(row.get(0)?),
        instance,
        first_seen: TimeNs(row.get(11)?),
        last_seen: TimeNs(row.get(12)?),
    }))
}

/// Looks up an instance that the registry does not hold.
pub(super) fn find_instance(
    connection: &Connection,
    key: &InstanceKey,
) -> Result<Option<SeenInstance>, StoreError> {
    let failed = StoreError::engine("look up an instance");
    let sql = format!(
        "SELECT {INSTANCE_COLUMNS} FROM instance WHERE pid = ? AND start_ticks = ? AND agent = ? AND boot = ?"
    );
    let mut statement = connection.prepare(&sql).map_err(&failed)?;
    let mut rows = statement
        .query(params![
            key.pid,
            key.start_ticks,
            key.agent.as_str(),
            key.boot.as_str()
        ])
        .map_err(&failed)?;
    match rows.next().map_err(&failed)? {
        Some(row) => seen_instance(row).map_err(&failed)?.map(Some),
        None => Ok(None),
    }
}

/// Writes new and changed instances, and moves `last_seen` of the others.
pub(super) fn write_instances(
    connection: &Connection,
    placed: &[Placed<'_>],
) -> Result<(), StoreError> {
    let failed = StoreError::engine("store an instance");
    if placed.iter().any(|p| !p.changes.written.is_empty()) {
        let sql = format!(
            "INSERT INTO instance ({INSTANCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET namespace = excluded.namespace, service = excluded.service,
             class = excluded.class, host = excluded.host, started_ns = excluded.started_ns, ports = excluded.ports,
             first_seen_ns = excluded.first_seen_ns, last_seen_ns = excluded.last_seen_ns"
        );
        let mut statement = connection.prepare(&sql).map_err(&failed)?;
        for seen in placed.iter().flat_map(|p| &p.changes.written) {
            describe(&mut statement, seen).map_err(&failed)?;
        }
    }
    // Each instance once, whatever number of batches speak of it.
    let mut newest: HashMap<u32, i64> = HashMap::new();
    for p in placed {
        for id in &p.changes.touched {
            let seen = newest.entry(id.0).or_insert(i64::MIN);
            *seen = p.batch.clock.0.max(*seen);
        }
    }
    let mut at: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (id, clock) in newest {
        at.entry(clock).or_default().push(id.to_string());
    }
    for (clock, ids) in at {
        let sql = format!(
            "UPDATE instance SET last_seen_ns = greatest(last_seen_ns, ?) WHERE id IN ({})",
            ids.join(",")
        );
        connection.execute(&sql, params![clock]).map_err(&failed)?;
    }
    Ok(())
}

fn describe(statement: &mut Statement<'_>, seen: &SeenInstance) -> duckdb::Result<usize> {
    let (i, key) = (&seen.instance, &seen.instance.key);
    let ports: Vec<_> = i.ports.iter().map(u16::to_string).collect();
    statement.execute(params![
        seen.id.0,
        key.agent.as_str(),
        key.boot.as_str(),
        key.pid,
        key.start_ticks,
        i.service.namespace.raw(),
        i.service.name.raw(),
        i.class.code(),
        i.host.raw(),
        i.started.map(|t| t.0),
        ports.join(","),
        seen.first_seen.0,
        seen.last_seen.0,
    ])
}

/// Writes how far the runs of these batches are stored now.
pub(super) fn write_ships(
    connection: &Connection,
    registry: &Registry,
    placed: &[Placed<'_>],
) -> Result<(), StoreError> {
    let runs: BTreeSet<_> = placed
        .iter()
        .map(|p| (&p.batch.agent, p.batch.epoch))
        .collect();
    if runs.is_empty() {
        return Ok(());
    }
    let failed = StoreError::engine("store how far an agent has got");
    let mut statement = connection
        .prepare(
            "INSERT INTO ship_state (agent, epoch, seq, first_ns, last_ns, unknown) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (agent, epoch) DO UPDATE SET seq = excluded.seq, last_ns = excluded.last_ns, unknown = excluded.unknown",
        )
        .map_err(&failed)?;
    for (agent, epoch) in runs {
        if let Some(ship) = registry.ship(agent, epoch) {
            statement
                .execute(params![
                    ship.agent.as_str(),
                    ship.epoch.0,
                    ship.seq.0,
                    ship.first.0,
                    ship.last.0,
                    ship.unknown,
                ])
                .map_err(&failed)?;
        }
    }
    Ok(())
}
