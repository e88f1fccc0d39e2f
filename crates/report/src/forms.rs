//! The JSON of an answer in other forms: Markdown of its rows, YAML of all of it. Text is made harmless for the program that
//! opens it: no markup in a page. CSV is in `csv`.

mod rows;
mod yaml;

pub(crate) use rows::{Rows, plain};
pub use yaml::yaml;

use serde_json::Value;

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

/// Foreign text as text of a page.
pub(crate) fn markdown_text(text: &str) -> String {
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
