//! The functions of a service to choose from: what is typed, what was found, and what is to be said of it.

use super::overlay::frame;
use super::table::{Column, GAP, cell, line, total};
use super::{View, at, put, span};
use crate::console::layout;
use crate::console::probing::{LEASE, Picker};
use crate::console::theme::TOUCHES;
use coral_model::observed::visible;
use coral_model::probe::{FoundFunction, Functions};
use coral_report::{found_note, function_place, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// From this width on place, size and language have columns of their own.
const WIDE: u16 = 90;
/// Names that come near.
const SIMILAR: usize = 5;

pub(super) fn draw(view: View<'_>, body: Rect, buf: &mut Buffer) {
    let Some(picker) = view.app.picker() else {
        return;
    };
    let theme = view.theme.old(false);
    let area = layout::picker(body);
    let service = text::service(&picker.service);
    frame(
        view,
        &format!(" probe {} ", text::fit(&service, 40)),
        area,
        buf,
    );
    let inner = layout::inside(area);
    typed(view, picker, inner, buf);
    let rule = "─".repeat(usize::from(inner.width));
    put(Line::styled(rule, theme.rule()), at(inner, 1), buf);
    let found = view.app.found_functions();
    let count = Line::styled(counted(view, picker, found), theme.dim());
    put(count.right_aligned(), at(inner, 1), buf);
    let rows = layout::picker_rows(area);
    if let Some(found) = found {
        functions(view, picker, found, rows, buf);
    }
    if found.is_none_or(|found| found.rows.is_empty()) {
        let room = usize::from(rows.width).saturating_sub(2);
        for (y, text) in (0..rows.height).zip(nothing(view, found)) {
            let text = format!(" {}", text::fit(&text, room));
            put(Line::styled(text, theme.dim()), at(rows, y), buf);
        }
    }
    let below = inner.height.saturating_sub(2);
    for (y, text) in (below..inner.height).zip(notes(picker, found)) {
        let text = text::fit(&text, usize::from(inner.width).saturating_sub(2));
        put(
            Line::styled(format!(" {text}"), theme.dim()),
            at(inner, y),
            buf,
        );
    }
}

fn typed(view: View<'_>, picker: &Picker, area: Rect, buf: &mut Buffer) {
    let theme = view.theme.old(false);
    let room = usize::from(area.width).saturating_sub(5);
    let line = Line::from(vec![
        span(" a ", theme.link()),
        span(
            text::fit(&visible(&picker.text), room).into_owned(),
            theme.bold(),
        ),
        span("█", theme.link()),
    ]);
    put(line, area, buf);
}

/// How many were found, or that it is looked for them.
fn counted(view: View<'_>, picker: &Picker, found: Option<&Functions>) -> String {
    let waits = picker.is_behind() || picker.shown.as_ref() != Some(&picker.question());
    match found {
        _ if waits => " looking ... ".to_owned(),
        None => String::new(),
        Some(found) if picker.is_pattern() && picker.marked.is_empty() => {
            format!(" Enter attaches to all {} that fit ", found.total)
        }
        Some(found) => match view.app.picker().map_or(0, |p| p.marked.len()) {
            0 => format!(" {} of {} ", found.rows.len(), found.total),
            marked => format!(" {marked} marked, {} of {} ", found.rows.len(), found.total),
        },
    }
}

fn functions(view: View<'_>, picker: &Picker, found: &Functions, rows: Rect, buf: &mut Buffer) {
    let theme = view.theme.old(false);
    let columns = columns(rows.width);
    let height = usize::from(rows.height);
    let first = picker.first(height);
    let shown = found.rows.iter().enumerate().skip(first);
    for (y, (index, row)) in (0..rows.height).zip(shown) {
        let is_marked = picker.marked.contains(&row.function.name);
        let mark = if is_marked { TOUCHES } else { " " };
        let mut line = function(view, row, &columns);
        line.spans
            .insert(0, span(format!(" {mark} "), theme.touches()));
        put(line, at(rows, y), buf);
        if index == picker.index {
            buf.set_style(at(rows, y), theme.selected());
        }
    }
}

fn columns(width: u16) -> Vec<Column> {
    let rest = match width >= WIDE {
        true => vec![
            Column::words("", 26),
            Column::figures("", 7),
            Column::words("", 8),
        ],
        false => vec![Column::words("", 20)],
    };
    let room = usize::from(width).saturating_sub(3 + total(&rest) + GAP + 1);
    let mut columns = vec![Column::words("", room)];
    columns.extend(rest);
    columns
}

/// A function: where it begins, how large it is; why it cannot be probed, when it cannot.
fn function(view: View<'_>, row: &FoundFunction, columns: &[Column]) -> Line<'static> {
    let theme = view.theme.old(false);
    let name = row.function.name.visible();
    let (is_probeable, note) = (row.address != 0, found_note(row));
    if !is_probeable {
        // The reason is worth more than the figures.
        let columns = [Column::words("", total(columns))];
        let text = format!("{name}  {note}");
        return line(&columns, vec![cell(text, theme.dim())]);
    }
    let place = match function_place(&row.function) {
        place if place.is_empty() => row.binary.visible().into_owned(),
        place => place,
    };
    // The end of a path says most.
    let room = columns.get(1).map_or(0, |column| column.width);
    let skipped = text::width(&place).saturating_sub(room);
    let place: String = match skipped {
        0 => place,
        skipped => format!("…{}", place.chars().skip(skipped + 1).collect::<String>()),
    };
    let bytes = match row.bytes {
        0 => String::new(),
        bytes => format!("{bytes} B"),
    };
    let cells = vec![
        cell(name, theme.plain()),
        cell(place, theme.dim()),
        cell(bytes, theme.dim()),
        cell(row.language.visible(), theme.dim()),
    ];
    line(columns, cells)
}

/// Why there is no row.
fn nothing(view: View<'_>, found: Option<&Functions>) -> Vec<String> {
    if let Some(Err(failure)) = view.app.known_functions() {
        let lines = [&failure.message, &failure.hint].map(|text| visible(text).into_owned());
        return lines.into_iter().filter(|line| !line.is_empty()).collect();
    }
    let Some(found) = found else {
        return vec![
            "looking for its functions; a large program takes some seconds the first time"
                .to_owned(),
        ];
    };
    let mut said = vec!["no function is called that".to_owned()];
    let near: Vec<_> = found
        .similar
        .iter()
        .take(SIMILAR)
        .map(|n| n.visible())
        .collect();
    if !near.is_empty() {
        said.push(format!("did you mean {}?", near.join(" or ")));
    }
    said
}

/// Files without functions and what to do about them, and what would be done.
fn notes(picker: &Picker, found: Option<&Functions>) -> Vec<String> {
    let missing = found.and_then(|found| found.missing.first());
    let missing = missing.map_or(String::new(), |(binary, why)| {
        format!("{}: {}", binary.visible(), why.visible())
    });
    let what = match picker.marked.len() {
        0 => "entry and return".to_owned(),
        1 => "entry and return of 1 function".to_owned(),
        n => format!("entry and return of {n} functions"),
    };
    let text = format!(
        "{what}, with arguments · {} s · `*` stands for any letters",
        LEASE.as_secs()
    );
    vec![missing, text]
}
