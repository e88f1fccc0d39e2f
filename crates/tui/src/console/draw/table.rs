//! A table of figures: columns that leave when the screen is narrow, cells of one or more styled parts.

use super::span;
use crate::console::theme::Theme;
use coral_report::text::{fit, width};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Between two columns.
pub(super) const GAP: usize = 2;

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) title: String,
    pub(super) width: usize,
    pub(super) right: bool,
}

impl Column {
    pub(super) fn words(title: &str, width: usize) -> Self {
        let (title, right) = (title.to_owned(), false);
        Self {
            title,
            width,
            right,
        }
    }

    pub(super) fn figures(title: &str, width: usize) -> Self {
        let (title, right) = (title.to_owned(), true);
        Self {
            title,
            width,
            right,
        }
    }
}

/// The parts of a cell.
pub(super) type Cell = Vec<Span<'static>>;

/// A cell of one part.
pub(super) fn cell(text: impl Into<String>, style: Style) -> Cell {
    vec![span(text, style)]
}

/// The titles of the columns.
pub(super) fn titles(columns: &[Column], theme: Theme) -> Line<'static> {
    let cells = columns.iter().map(|c| cell(c.title.clone(), theme.dim()));
    line(columns, cells.collect())
}

/// One row; cells beyond the columns are left out.
pub(super) fn line(columns: &[Column], cells: Vec<Cell>) -> Line<'static> {
    let mut spans = vec![];
    for (i, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if i > 0 {
            spans.push(span(" ".repeat(GAP), Style::new()));
        }
        place(column, cell, &mut spans);
    }
    Line::from(spans)
}

fn place(column: &Column, cell: Cell, spans: &mut Vec<Span<'static>>) {
    let mut used = 0;
    let mut kept: Cell = vec![];
    for part in cell {
        let room = column.width - used;
        let text = fit(&part.content, room).into_owned();
        used += width(&text);
        kept.push(span(text, part.style));
    }
    let blank = span(" ".repeat(column.width - used), Style::new());
    if column.right {
        spans.push(blank);
        spans.extend(kept);
    } else {
        spans.extend(kept);
        spans.push(blank);
    }
}

/// The width that some columns take together.
pub(super) fn total(columns: &[Column]) -> usize {
    let widths: usize = columns.iter().map(|c| c.width).sum();
    widths + GAP * columns.len().saturating_sub(1)
}
