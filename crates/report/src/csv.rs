//! The rows of an answer as CSV (RFC 4180): the fields of the JSON form, those of an object within as `object.field`. A text
//! that a spreadsheet would take for a formula begins with a quote.

use crate::Report;
use coral_model::{Answer, AnswerBody};
use serde_json::{Map, Value};

/// The rows of an answer, the names of their columns first.
///
/// # Errors
/// When the report cannot be written as JSON, which no report does.
pub fn csv(answer: &Answer) -> Result<String, serde_json::Error> {
    let report = serde_json::to_value(Report::from(answer))?;
    if let AnswerBody::Sql(_) = answer.body {
        return Ok(table(&report));
    }
    let list = match answer.body {
        AnswerBody::Status(_) => "agents",
        AnswerBody::Services(_) | AnswerBody::Summary(_) => "services",
        AnswerBody::Metrics(_) | AnswerBody::Host(_) | AnswerBody::Sql(_) => "rows",
        AnswerBody::Topology { .. } => "edges",
        AnswerBody::Events { .. } => "events",
        AnswerBody::Requests { .. } => "requests",
    };
    let rows = report[list].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<Vec<(String, Value)>> = rows.iter().map(flat).collect();
    let mut columns: Vec<String> = vec![];
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    // An object that is unknown in one row is known by its fields in another.
    let known = columns.clone();
    columns.retain(|c| {
        !known
            .iter()
            .any(|other| other.starts_with(&format!("{c}.")))
    });
    let names = columns.iter().map(|c| Value::from(c.as_str()));
    let mut out = line(names);
    for row in rows {
        let mut row: Map<String, Value> = row.into_iter().collect();
        let cells = columns.iter().map(|c| row.remove(c).unwrap_or(Value::Null));
        out.push_str(&line(cells));
    }
    Ok(out)
}

fn table(report: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut out = line(list(&report["columns"]).into_iter());
    for row in list(&report["rows"]) {
        out.push_str(&line(list(&row).into_iter()));
    }
    out
}

/// The fields of a row; those of an object within stand beside the others.
fn flat(row: &Value) -> Vec<(String, Value)> {
    let mut fields = vec![];
    for (name, value) in row.as_object().into_iter().flatten() {
        match value {
            Value::Object(inner) => fields.extend(
                inner
                    .iter()
                    .map(|(key, value)| (format!("{name}.{key}"), value.clone())),
            ),
            value => fields.push((name.clone(), value.clone())),
        }
    }
    fields
}

fn line(cells: impl Iterator<Item = Value>) -> String {
    let cells: Vec<String> = cells.map(|value| cell(&value)).collect();
    cells.join(",") + "\r\n"
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let items: Vec<String> = list
                .iter()
                .map(|v| match v {
                    Value::String(text) => text.clone(),
                    Value::Null => String::new(),
                    other => other.to_string(),
                })
                .collect();
            quoted(&items.join(" "))
        }
        Value::Object(_) => quoted(&value.to_string()),
    }
}

fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let sign = if formula { "'" } else { "" };
    if formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{sign}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
