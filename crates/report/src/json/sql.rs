//! The report of `coral query sql`.

use coral_model::answer::{Cell, Table};
use serde::Serialize;
use serde_json::Value;

/// `coral query sql -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SqlReport {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// A list of values a row, in the order of the columns.
    pub rows: Vec<Vec<Value>>,
    /// Whether rows were left out because of the limit.
    pub truncated: bool,
}

impl From<&Table> for SqlReport {
    fn from(table: &Table) -> Self {
        let row = |cells: &Vec<Cell>| cells.iter().map(value).collect();
        Self {
            columns: table.columns.clone(),
            rows: table.rows.iter().map(row).collect(),
            truncated: table.truncated,
        }
    }
}

/// A number that JSON cannot say (infinite, none) is null.
fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => (*value).into(),
        Cell::Int(value) => (*value).into(),
        Cell::Uint(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Text(text) => text.visible().into_owned().into(),
    }
}
