//! What can be taken away from a view: its rows as a table of plain values, written as CSV, JSON or markdown; the command
//! line that gives it; a link that leads back to it.

use coral_model::answer::Red;
use std::fmt::Write as _;
use std::time::Duration;

/// What goes into the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by what is copied")]
pub enum Copied {
    Value,
    Row,
    Command,
    Link,
    Markdown,
}

impl Copied {
    /// In the order of the menu.
    pub const ALL: [Self; 5] = [
        Self::Value,
        Self::Row,
        Self::Command,
        Self::Link,
        Self::Markdown,
    ];

    /// As the person reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "name",
            Self::Row => "row",
            Self::Command => "command",
            Self::Link => "link",
            Self::Markdown => "table as markdown",
        }
    }
}

/// The form of a written table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the form of that name")]
pub enum Form {
    Csv,
    Json,
    Markdown,
    Svg,
    Folded,
    Pprof,
}

impl Form {
    /// Of every table, in the order of the menu.
    pub const TABLE: &[Self] = &[Self::Csv, Self::Json, Self::Markdown];
    /// Of a flame graph.
    pub const FLAME: &[Self] = &[
        Self::Svg,
        Self::Folded,
        Self::Pprof,
        Self::Csv,
        Self::Json,
        Self::Markdown,
    ];

    /// The end of the file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Markdown => "md",
            Self::Svg => "svg",
            Self::Folded => "folded",
            Self::Pprof => "pb",
        }
    }
}

/// A plain value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Visible text.
    Text(String),
    /// A figure.
    Number(f64),
    /// Unknown.
    Unknown,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number as f64)
    }
}

impl From<Option<f64>> for Value {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Unknown, Self::Number)
    }
}

impl From<Option<Duration>> for Value {
    /// In milliseconds.
    fn from(duration: Option<Duration>) -> Self {
        duration
            .map(|d| (d.as_secs_f64() * 1e6).round() / 1e3)
            .into()
    }
}

/// The columns of RED figures, named as in the JSON of the commands.
pub const RED_COLUMNS: [&str; 9] = [
    "requests",
    "errors",
    "client_errors",
    "rate_per_s",
    "error_ratio",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
];

/// The values of these columns.
pub fn red_values(red: Option<&Red>) -> Vec<Value> {
    let Some(red) = red else {
        return vec![Value::Unknown; RED_COLUMNS.len()];
    };
    let rounded = |v: Option<f64>| v.map(|v| (v * 1e6).round() / 1e6);
    vec![
        red.counts.requests.into(),
        red.counts.errors.into(),
        red.counts.client_errors.into(),
        rounded(red.rate_per_s).into(),
        rounded(red.error_ratio).into(),
        red.p50.into(),
        red.p95.into(),
        red.p99.into(),
        red.max.into(),
    ]
}

/// A table of plain values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    /// What it lists.
    pub name: &'static str,
    /// The names of its columns.
    pub columns: Vec<&'static str>,
    /// Its rows, as long as the columns.
    pub rows: Vec<Vec<Value>>,
}

impl Sheet {
    /// The whole table in a form.
    pub fn written(&self, form: Form) -> String {
        match form {
            Form::Csv => self.csv(),
            Form::Json => self.json(),
            Form::Markdown => self.markdown(),
            // These are of the stacks, not of a table.
            Form::Svg | Form::Folded | Form::Pprof => String::new(),
        }
    }

    fn csv(&self) -> String {
        let row = |row: &Vec<Value>| row.iter().map(json).collect();
        let rows: Vec<Vec<serde_json::Value>> = self.rows.iter().map(row).collect();
        coral_report::csv_rows(&self.columns, &rows)
    }

    fn json(&self) -> String {
        let row = |row: &Vec<Value>| -> serde_json::Value {
            let cells = self.columns.iter().zip(row);
            cells
                .map(|(name, cell)| ((*name).to_owned(), json(cell)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let rows: Vec<serde_json::Value> = self.rows.iter().map(row).collect();
        let whole = serde_json::json!({ self.name: rows });
        format!("{whole:#}\n")
    }

    fn markdown(&self) -> String {
        let mut out = format!("| {} |\n|", self.columns.join(" | "));
        for _ in &self.columns {
            out.push_str(" --- |");
        }
        out.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(markdown_cell).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out
    }

    /// One row, its cells apart by tabs.
    pub fn row(&self, index: usize) -> String {
        let cells = self.rows.get(index).map_or(&[][..], Vec::as_slice);
        let cells: Vec<String> = cells.iter().map(plain).collect();
        cells.join("\t")
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => format!("{number}"),
        Value::Unknown => String::new(),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => serde_json::json!(text),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            serde_json::json!(*number as i64)
        }
        Value::Number(number) => serde_json::json!(number),
        Value::Unknown => serde_json::Value::Null,
    }
}

fn markdown_cell(value: &Value) -> String {
    let mut out = String::new();
    for c in plain(value).chars() {
        if matches!(c, '|' | '`' | '<' | '[' | ']' | '*' | '_' | '\\' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A word for a shell: quoted when it is not plain. What is not visible never comes here.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    match !word.is_empty() && word.chars().all(plain) && !word.starts_with('-') {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        Sheet {
            name: "services",
            columns: vec!["service", "p95_ms"],
            rows: vec![
                vec!["=cmd|' /C calc'!A0".into(), Value::Number(4.5)],
                vec!["a,\"b\"|`c`".into(), Value::Unknown],
                vec!["cart".into(), Value::Number(2070.0)],
            ],
        }
    }

    #[test]
    fn no_name_becomes_a_formula_a_cell_or_a_fence() {
        assert_eq!(
            sheet().written(Form::Csv),
            "service,p95_ms\r\n\"'=cmd|' /C calc'!A0\",4.5\r\n\"a,\"\"b\"\"|`c`\",\r\ncart,2070\r\n"
        );
        let markdown = sheet().written(Form::Markdown);
        assert!(markdown.contains(r#"| a,"b"\|\`c\` |  |"#), "{markdown}");
        let json: serde_json::Value = serde_json::from_str(&sheet().written(Form::Json)).unwrap();
        assert_eq!(json["services"][1]["p95_ms"], serde_json::Value::Null);
        assert_eq!(json["services"][2]["p95_ms"], 2070);
        assert_eq!(sheet().row(2), "cart\t2070");
    }
}
