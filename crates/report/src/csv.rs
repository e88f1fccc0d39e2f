//! Rows as CSV (RFC 4180): the fields of the JSON form, those of an object within as `object.field`. A text that a spreadsheet
//! would take for a formula begins with an apostrophe. The only writer of it.

use crate::Report;
use crate::forms::{Rows, plain};
use coral_model::{Answer, AnswerBody};
use serde_json::Value;

/// The rows of an answer, the names of their columns first.
///
/// # Errors
/// When the report cannot be written as JSON, which no report does.
pub fn csv(answer: &Answer) -> Result<String, serde_json::Error> {
    let report = serde_json::to_value(Report::from(answer))?;
    let list = match answer.body {
        AnswerBody::Sql(_) => return Ok(csv_of(&report)),
        AnswerBody::Status(_) => "agents",
        AnswerBody::Services(_) | AnswerBody::Summary(_) => "services",
        AnswerBody::Metrics(_) | AnswerBody::Host(_) => "rows",
        AnswerBody::Topology { .. } => "edges",
        AnswerBody::Events { .. } => "events",
        AnswerBody::Requests { .. } => "requests",
        AnswerBody::Profile(_) | AnswerBody::Probe(_) | AnswerBody::Functions(_) => "functions",
        AnswerBody::Diagnose(_) => "causes",
        AnswerBody::Incident(_) | AnswerBody::Evidence(_) => return Ok(csv_of(&report)),
    };
    let rows = report[list].as_array().map_or(&[][..], Vec::as_slice);
    let Rows { columns, rows } = Rows::objects(rows);
    Ok(csv_rows(&columns, &rows))
}

/// The rows of any report: its columns and rows, else its last list of objects, else the whole as one row.
pub fn csv_of(value: &Value) -> String {
    let Rows { columns, rows } = Rows::of(value);
    csv_rows(&columns, &rows)
}

/// These rows under these names.
pub fn csv_rows(columns: &[impl AsRef<str>], rows: &[Vec<Value>]) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let head = columns.iter().map(|name| quoted(name.as_ref())).collect();
    let body = rows.iter().map(|row| line(row.iter().map(cell).collect()));
    std::iter::once(line(head)).chain(body).collect()
}

/// A negative number is no formula, a text that looks like one is.
fn cell(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        value => quoted(&plain(value)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_list_becomes_rows_and_formulas_are_harmless() {
        let report = json!({
            "from": "x",
            "nodes": [{ "service": "not this one" }],
            "edges": [
                { "caller": "a,b", "red": { "p50_ms": 1.5 }, "ports": [1, 2], "none": null },
                { "caller": "=cmd|'/c calc'!A1", "red": null, "x": -3 },
            ],
            "loss": { "unseen": 0 },
        });
        assert_eq!(
            csv_of(&report),
            "caller,red.p50_ms,ports,none,x\r\n\"a,b\",1.5,1 2,,\r\n\"'=cmd|'/c calc'!A1\",,,,-3\r\n"
        );
        let sql = json!({ "columns": ["a", "+b"], "rows": [[1, "say \"x\""], [null]], "truncated": false });
        assert_eq!(csv_of(&sql), "a,\"'+b\"\r\n1,\"say \"\"x\"\"\"\r\n,\r\n");
        assert_eq!(csv_of(&json!({ "version": "1" })), "version\r\n1\r\n");
        assert_eq!(csv_of(&json!({ "events": [] })), "\r\n");
    }
}
