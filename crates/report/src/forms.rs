//! The JSON of an answer in other forms: CSV and Markdown of its rows, YAML of all of it. Text is made harmless for the
//! program that opens it: no formula in a spreadsheet, no markup in a page.

mod yaml;

pub use yaml::yaml;

use serde_json::{Map, Value};

/// The rows as CSV (RFC 4180), the first line naming the columns; fields of an object within a row are `outer.inner`.
pub fn csv(value: &Value) -> String {
    let Rows { columns, rows } = Rows::of(value);
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let head = columns.iter().map(|name| csv_text(name)).collect();
    let body = rows
        .iter()
        .map(|row| line(row.iter().map(csv_cell).collect()));
    std::iter::once(line(head)).chain(body).collect()
}

/// The rows as a Markdown table, without the columns in which nothing stands.
pub fn markdown(value: &Value) -> String {
    let Rows { columns, rows } = Rows::of(value);
    let filled: Vec<usize> = (0..columns.len())
        .filter(|&i| rows.iter().any(|row| !plain(&row[i]).is_empty()))
        .collect();
    if filled.is_empty() {
        return "nothing\n".to_owned();
    }
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells: Vec<_> = filled.iter().map(|&i| cell(i)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut out = line(&|i| markdown_text(&columns[i]));
    out += &line(&|i| {
        let number = rows
            .iter()
            .all(|row| row[i].is_number() || row[i].is_null());
        if number { "---:" } else { "---" }.to_owned()
    });
    for row in &rows {
        out += &line(&|i| markdown_text(&plain(&row[i])));
    }
    out
}

/// What of a report is a table.
struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Columns and rows that are so already, else the last list of objects, else the whole as one row.
    fn of(value: &Value) -> Self {
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
    fn objects(list: &[Value]) -> Self {
        let flat: Vec<_> = list.iter().map(flattened).collect();
        let mut columns: Vec<String> = vec![];
        for (name, _) in flat.iter().flatten() {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
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

/// A value as text: unknown is empty, the elements of a list are apart by `;`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(";"),
        value => value.to_string(),
    }
}

fn csv_cell(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        value => csv_text(&plain(value)),
    }
}

/// Quoted when it must be; what a spreadsheet would take for a formula begins with an apostrophe.
fn csv_text(text: &str) -> String {
    let mut text = text.replace('"', "\"\"");
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{text}\"")
    } else {
        text
    }
}

fn markdown_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '~' => {
                out.extend(['\\', c]);
            }
            '\n' | '\r' => out.push('⏎'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> Value {
        json!({
            "from": "x",
            "nodes": [{ "service": "not this one" }],
            "edges": [
                { "caller": "a,b", "red": { "p50_ms": 1.5 }, "ports": [1, 2], "none": null },
                { "caller": "=cmd|'/c calc'!A1", "red": null, "x": -3 },
            ],
            "loss": { "unseen": 0 },
        })
    }

    #[test]
    fn the_last_list_becomes_rows_and_formulas_are_harmless() {
        assert_eq!(
            csv(&report()),
            "caller,red.p50_ms,ports,none,red,x\r\n\"a,b\",1.5,1;2,,,\r\n'=cmd|'/c calc'!A1,,,,,-3\r\n"
        );
        let sql = json!({ "columns": ["a", "+b"], "rows": [[1, "say \"x\""], [null]], "truncated": false });
        assert_eq!(csv(&sql), "a,'+b\r\n1,\"say \"\"x\"\"\"\r\n,\r\n");
        assert_eq!(csv(&json!({ "version": "1" })), "version\r\n1\r\n");
        assert_eq!(csv(&json!({ "events": [] })), "\r\n");
    }

    #[test]
    fn markdown_has_no_markup_of_the_observed() {
        let text = markdown(&report());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "| caller | red.p50\\_ms | ports | x |");
        assert_eq!(lines[1], "| --- | ---: | --- | ---: |");
        assert_eq!(lines[3], "| =cmd\\|'/c calc'!A1 |  |  | -3 |");
        assert_eq!(markdown(&json!({ "rows": [] })), "nothing\n");
        assert_eq!(markdown_text("```\n<b>"), "\\`\\`\\`⏎\\<b\\>");
    }
}
