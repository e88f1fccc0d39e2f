//! Measurements of hosts and free tables between the model and the wire.

use crate::common::Bad;
use crate::v1::{self, cell};
use coral_model::answer::{Cell, HostRow, Table};
use coral_model::{AgentId, Observed};

impl From<&HostRow> for v1::HostRow {
    fn from(row: &HostRow) -> Self {
        Self {
            agent: row.agent.to_string(),
            host: row.host.raw().to_owned(),
            name: row.name.clone(),
            label: row.label.raw().to_owned(),
            last: row.last,
            min: row.min,
            mean: row.mean,
            max: row.max,
        }
    }
}

impl TryFrom<v1::HostRow> for HostRow {
    type Error = Bad;
    fn try_from(wire: v1::HostRow) -> Result<Self, Bad> {
        Ok(Self {
            agent: AgentId::new(&wire.agent)?,
            host: Observed::new(wire.host),
            name: Observed::new(wire.name).visible().into_owned(),
            label: Observed::new(wire.label),
            last: wire.last,
            min: wire.min,
            mean: wire.mean,
            max: wire.max,
        })
    }
}

impl From<&Table> for v1::Table {
    fn from(table: &Table) -> Self {
        let row = |cells: &Vec<Cell>| v1::table::Row {
            cells: cells.iter().map(Into::into).collect(),
        };
        Self {
            columns: table.columns.clone(),
            rows: table.rows.iter().map(row).collect(),
        }
    }
}

impl From<&Cell> for v1::Cell {
    fn from(cell: &Cell) -> Self {
        let kind = match cell {
            Cell::Null => None,
            Cell::Bool(value) => Some(cell::Kind::Bool(*value)),
            Cell::Int(value) => Some(cell::Kind::Int(*value)),
            Cell::Uint(value) => Some(cell::Kind::Uint(*value)),
            Cell::Float(value) => Some(cell::Kind::Float(*value)),
            Cell::Text(text) => Some(cell::Kind::Text(text.raw().to_owned())),
        };
        Self { kind }
    }
}

fn cell(wire: v1::Cell) -> Cell {
    match wire.kind {
        None => Cell::Null,
        Some(cell::Kind::Bool(value)) => Cell::Bool(value),
        Some(cell::Kind::Int(value)) => Cell::Int(value),
        Some(cell::Kind::Uint(value)) => Cell::Uint(value),
        Some(cell::Kind::Float(value)) => Cell::Float(value),
        Some(cell::Kind::Text(text)) => Cell::Text(Observed::new(text)),
    }
}

/// A table whose rows are all as long as its list of columns.
pub(super) fn model(wire: v1::Table, truncated: bool) -> Result<Table, Bad> {
    let columns: Vec<String> = wire
        .columns
        .into_iter()
        .map(|c| Observed::new(c).visible().into_owned())
        .collect();
    let mut rows = Vec::with_capacity(wire.rows.len());
    for row in wire.rows {
        if row.cells.len() != columns.len() {
            return Err(Bad::Value {
                field: "cells in a row",
                value: row.cells.len() as i128,
            });
        }
        rows.push(row.cells.into_iter().map(cell).collect());
    }
    Ok(Table {
        columns,
        rows,
        truncated,
    })
}
