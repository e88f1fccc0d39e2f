//! What of a report is a table: its columns, and rows of plain values. Objects within a row stand beside the other fields.

use serde_json::{Map, Value};

/// What of a report is a table.
pub(crate) struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Columns and rows that are so already, else the last list of objects, else the whole as one row.
    pub fn of(value: &Value) -> Self {
        if let (Some(columns), Some(rows)) = (value["columns"].as_array(), value["rows"].as_array())
        {
            return Self::free(columns, rows);
        }
        let lists = value.as_object().into_iter().flat_map(Map::values);
        let last = lists
            .filter_map(Value::as_array)
            .rfind(|list| list.iter().all(Value::is_object));
        match (last, value.as_array()) {
            (Some(list), _) | (None, Some(list)) => Self::objects(list),
            (None, None) => Self::objects(std::slice::from_ref(value)),
        }
    }

    fn free(columns: &[Value], rows: &[Value]) -> Self {
        let columns: Vec<_> = columns.iter().map(plain).collect();
        let row = |row: &Value| {
            let cells = row.as_array().cloned().unwrap_or_default();
            let cells = cells.into_iter().chain(std::iter::repeat(Value::Null));
            cells.take(columns.len()).collect()
        };
        Self {
            rows: rows.iter().map(row).collect(),
            columns,
        }
    }

    /// The columns are those of all rows, in the order in which they come.
    pub fn objects(list: &[Value]) -> Self {
        let flat: Vec<_> = list.iter().map(flattened).collect();
        let mut columns: Vec<String> = vec![];
        for (name, _) in flat.iter().flatten() {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        // An object that is unknown in one row is known by its fields in another.
        let known = columns.clone();
        columns.retain(|column| {
            let within = format!("{column}.");
            !known.iter().any(|other| other.starts_with(&within))
        });
        let row = |row: &Map<String, Value>| {
            let cell = |name| row.get(name).cloned().unwrap_or_default();
            columns.iter().map(cell).collect()
        };
        let rows = flat.iter().map(row).collect();
        Self { columns, rows }
    }
}

/// An object without objects in it.
fn flattened(row: &Value) -> Map<String, Value> {
    let mut flat = Map::new();
    for (name, value) in row.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => {
                let inner = flattened(value).into_iter();
                flat.extend(inner.map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => {
                flat.insert(name.clone(), value.clone());
            }
        }
    }
    flat
}

/// A value as text: unknown is empty, the elements of a list are apart by blanks.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}
