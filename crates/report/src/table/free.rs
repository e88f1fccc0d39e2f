//! The texts of hosts and of tables whose columns the asker chose.

use super::grid::Grid;
use crate::figure::{UNKNOWN, bytes};
use coral_model::answer::{Cell, HostRow, Table};

pub(super) fn host(rows: &[HostRow]) -> String {
    if rows.is_empty() {
        return "no host was measured\n".to_owned();
    }
    let mut grid = Grid::new(&["<HOST", "<MEASURE", "<OF", "LAST", "MIN", "MEAN", "MAX"]);
    for row in rows {
        let figure = |value| measure(&row.name, value);
        grid.row(vec![
            row.host.visible().into_owned(),
            row.name.clone(),
            row.label.visible().into_owned(),
            figure(row.last),
            figure(row.min),
            figure(row.mean),
            figure(row.max),
        ]);
    }
    grid.render()
}

/// A value in the unit that the end of its name says.
fn measure(name: &str, value: f64) -> String {
    if name.ends_with("_bytes") || name.ends_with("_bytes_per_s") {
        return bytes(value.max(0.0));
    }
    if name.ends_with("_ratio") {
        return format!("{:.1} %", value * 100.0);
    }
    match value.abs() {
        small if small > 0.0 && small < 0.095 => format!("{value:.3}"),
        middle if middle < 999.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub(super) fn sql(table: &Table) -> String {
    let words = |i: usize| {
        let text = |row: &Vec<Cell>| matches!(row.get(i), Some(Cell::Text(_)));
        table.rows.iter().any(text)
    };
    let title = |(i, name): (usize, &String)| {
        let sign = if words(i) { "<" } else { "" };
        format!("{sign}{name}")
    };
    let titles: Vec<String> = table.columns.iter().enumerate().map(title).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut grid = Grid::new(&titles);
    for row in &table.rows {
        grid.row(row.iter().map(cell).collect());
    }
    let count = match table.rows.len() {
        1 => "1 row".to_owned(),
        n => format!("{n} rows"),
    };
    let more = if table.truncated {
        "; there are more (--limit)"
    } else {
        ""
    };
    format!("{}{count}{more}\n", grid.render())
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => UNKNOWN.to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Uint(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Text(text) if text.is_empty() => "''".to_owned(),
        Cell::Text(text) => text.visible().into_owned(),
    }
}
