//! Aligned columns of plain text.

use crate::text::{left, right, width};

/// No cell is wider; names and routes beyond it are cut.
const CELL_MAX: usize = 48;
/// The last cell of a row pushes nothing aside.
const LAST_CELL_MAX: usize = 160;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// Rows of cells under titles.
pub(super) struct Grid {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// Columns by title; `<` before it makes a column of words, else it holds figures.
    pub(super) fn new(titles: &[&str]) -> Self {
        let column = |title: &&str| match title.strip_prefix('<') {
            Some(words) => (words.to_owned(), Align::Left),
            None => ((*title).to_owned(), Align::Right),
        };
        Self {
            columns: titles.iter().map(column).collect(),
            rows: vec![],
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text; a column in which nothing is said is left out.
    pub(super) fn render(&self) -> String {
        let said = |i: &usize| {
            self.rows
                .iter()
                .any(|row| row.get(*i).is_some_and(|cell| !cell.is_empty()))
        };
        let columns: Vec<usize> = (0..self.columns.len()).filter(said).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let cells = self.rows.iter().filter_map(|row| row.get(i));
                let widest = cells.map(|cell| width(cell)).max().unwrap_or(0);
                let most = if i + 1 == self.columns.len() {
                    LAST_CELL_MAX
                } else {
                    CELL_MAX
                };
                widest.min(most).max(width(&self.columns[i].0))
            })
            .collect();
        let line = |cell: &dyn Fn(usize) -> String| {
            let cells: Vec<String> = columns
                .iter()
                .map(|&i| match self.columns[i].1 {
                    Align::Left => left(&cell(i), widths[i]),
                    Align::Right => right(&cell(i), widths[i]),
                })
                .collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        let mut out = line(&|i| self.columns[i].0.clone());
        for row in &self.rows {
            out.push_str(&line(&|i| row.get(i).cloned().unwrap_or_default()));
        }
        out
    }
}
