//! The functions of a profile: what each took by itself and with all that it called, or by how much its share changed.

use crate::console::app::{FunctionRow, List};
use crate::console::draw::services::{marked, no_match};
use crate::console::draw::table::{Cell, Column, GAP, cell, line, titles, total};
use crate::console::draw::{View, at, put};
use crate::console::flame::{Tree, middle};
use crate::console::layout::rows_of_table;
use coral_model::profile::FlameFunction;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Where a function stands, from this width on.
const WHERE: (u16, usize) = (70, 24);

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let tree = view.app.flame_tree();
    let columns = columns(tree, area.width);
    put(
        marked("", Style::new(), titles(&columns, view.theme)),
        area,
        buf,
    );
    let rows = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Functions);
    let shown = view.app.function_rows().enumerate().skip(cursor.offset());
    let mut y = 0;
    for (index, row) in shown.take(usize::from(rows.height)) {
        let place = at(rows, y);
        let (sign, style) = match row.grown {
            Some(by) if by > 0.0 => ("+", view.theme.changed(row.grown)),
            Some(_) => ("-", view.theme.changed(row.grown)),
            None => (" ", view.theme.plain()),
        };
        let cells = cells(view, row, &columns);
        put(marked("", Style::new(), line(&columns, cells)), place, buf);
        buf.set_string(place.x + 1, place.y, sign, style);
        if index == cursor.index() && view.app.pane.focused {
            buf.set_style(place, view.theme.selected());
        }
        y += 1;
    }
    if y == 0 {
        let all = tree.keys().len();
        put(no_match(view, all, "functions"), at(rows, 0), buf);
    }
}

fn columns(tree: &Tree, width: u16) -> Vec<Column> {
    let mut columns = match tree.before() {
        None => vec![Column::figures("SELF%", 6), Column::figures("TOTAL%", 6)],
        Some(_) => vec![
            Column::figures("CHANGE", 7),
            Column::figures("NOW%", 6),
            Column::figures("BEFORE%", 7),
        ],
    };
    let place = if width >= WHERE.0 { WHERE.1 } else { 0 };
    let taken = 3 + total(&columns) + GAP + if place > 0 { place + GAP } else { 0 } + 1;
    let name = usize::from(width).saturating_sub(taken);
    columns.push(Column::words("FUNCTION", name));
    columns.extend((place > 0).then(|| Column::words("WHERE", place)));
    columns
}

fn cells(view: View<'_>, row: &FunctionRow, columns: &[Column]) -> Vec<Cell> {
    let (tree, theme, totals) = (view.app.flame_tree(), view.theme, row.totals);
    let share = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
    let of = |part: u64| share(part, tree.samples());
    let mut cells: Vec<Cell> = match tree.before() {
        None => [totals.own, totals.total]
            .map(|part| cell(format!("{:.1}", of(part)), theme.plain()))
            .to_vec(),
        Some(before) => {
            let (now, then) = (of(totals.own), share(totals.own_before, before));
            let style = if row.grown.is_some() {
                theme.bold()
            } else {
                theme.dim()
            };
            vec![
                cell(signed(now - then), style),
                cell(format!("{now:.1}"), theme.plain()),
                cell(format!("{then:.1}"), theme.dim()),
            ]
        }
    };
    let key = tree.keys().get(totals.function as usize);
    let Some(function) = key.and_then(|key| key.function()) else {
        return cells;
    };
    let style = match (view.app.filter().is_empty(), tree.before(), row.grown) {
        (false, _, _) => theme.bold(),
        (true, Some(_), None) => theme.dim(),
        _ => theme.plain(),
    };
    let room = |i: usize| columns.get(i).map_or(0, |c| c.width);
    let at = cells.len();
    cells.push(cell(middle(&function.name.visible(), room(at)), style));
    cells.push(cell(middle(&place(function), room(at + 1)), theme.dim()));
    cells
}

/// With its sign, unless it is nothing.
fn signed(percent: f64) -> String {
    match percent.abs() < 0.05 {
        true => "0.0".to_owned(),
        false => format!("{percent:+.1}"),
    }
}

/// Where a function stands: its file and line, else its program or library.
pub(super) fn place(function: &FlameFunction) -> String {
    match (&function.file, function.line) {
        (Some(file), Some(line)) => format!("{}:{line}", file.visible()),
        (Some(file), None) => file.visible().into_owned(),
        (None, _) => function.binary.visible().into_owned(),
    }
}
