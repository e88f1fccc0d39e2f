//! Page 7: the findings on the left, the diagnosis of the one under the cursor as text on the right.

use super::detail::no_answer;
use super::services::{marked, no_match};
use super::table::{Cell, Column, GAP, cell, line, titles, total};
use super::{View, at, cursor_style, put, span, titled_rule};
use crate::console::app::{List, SOON};
use crate::console::findings::{Finding, LOOK_BACK, TextLine, Tone};
use crate::console::layout::{Panes, rows_of_table, text_of};
use crate::console::theme::{LIVE, OLD, UNUSUAL};
use coral_model::{Cause, Diagnosis, Observed};
use coral_report::figure::{UNKNOWN, age};
use coral_report::text::{self, shown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// The column of the service is not narrower, nor wider on a narrow or wide list.
const SERVICE: (usize, usize, usize) = (8, 14, 24);
/// The state with how long it lasted.
const STATE: usize = 14;
/// From this width on kind and confidence have columns of their own.
const WIDE: u16 = 76;
/// A finding may have begun so much before the trouble that a diagnosis names, and be of it.
const SLACK: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn draw(view: View<'_>, panes: Panes, buf: &mut Buffer) {
    if let Some(area) = panes.table {
        let known = view.app.known_anomalies();
        findings(view.when_old(known.old), area, buf);
    }
    if let Some(area) = panes.detail {
        if panes.table.is_some() {
            let rule = view.theme.rule();
            (area.top()..area.bottom()).for_each(|y| {
                buf.set_string(area.x, y, "│", rule);
            });
        }
        diagnosis(view, area, buf);
    }
}

/// The list: one row for all, then what is or was no longer as usual.
fn findings(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let rows = view.app.findings();
    let columns = columns(view, rows, area.width);
    put(
        marked("", Style::new(), titles(&columns, view.theme)),
        area,
        buf,
    );
    let places = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Findings);
    let mut y = 0;
    let shown = (0..=rows.len()).skip(cursor.offset());
    for index in shown.take(usize::from(places.height)) {
        let place = at(places, y);
        let line = match index.checked_sub(1) {
            None => whole(view, &columns),
            Some(row) => finding(view, &rows[row], &columns),
        };
        put(line, place, buf);
        if index == cursor.index() {
            buf.set_style(place, cursor_style(view));
        }
        y += 1;
    }
    for (y, line) in (y + 1..places.height).zip(after(view, usize::from(area.width))) {
        put(line, at(places, y), buf);
    }
}

fn columns(view: View<'_>, rows: &[Finding], width: u16) -> Vec<Column> {
    let names = rows.iter().filter_map(|row| row.service.as_ref());
    let names = names.chain(view.app.spot.service.as_ref());
    let longest = names.map(|name| text::width(&text::service(name))).max();
    let most = if width >= WIDE { SERVICE.2 } else { SERVICE.1 };
    let service = longest.unwrap_or(0).clamp(SERVICE.0, most);
    let days = rows.iter().any(|row| began(view, row).len() > 8);
    let mut columns = vec![
        Column::words("BEGAN", if days { 19 } else { 8 }),
        Column::words("SERVICE", service),
    ];
    let mut end = match width >= WIDE {
        true => vec![
            Column::words("KIND", 17),
            Column::words("SURE", 6),
            Column::words("STATE", STATE),
        ],
        false => vec![Column::words("STATE", 5)],
    };
    let fixed = total(&columns) + total(&end) + 2 * GAP;
    let what = usize::from(width).saturating_sub(3 + fixed + 1);
    columns.push(Column::words("WHAT", what));
    columns.append(&mut end);
    columns
}

fn began(view: View<'_>, row: &Finding) -> String {
    super::day_clock(row.began, view.now.wall, &view.app.config.zone)
}

/// The row for all: what a diagnosis of everything says, or of the one service.
fn whole(view: View<'_>, columns: &[Column]) -> Line<'static> {
    let (app, theme) = (view.app, view.theme);
    let service = app.spot.service.as_ref().map(text::service);
    let service = service.unwrap_or("all".to_owned());
    let known = app.whole_diagnosis();
    let found = known.filter(|d| !d.abstained);
    let cause = found.and_then(|d| d.causes.first());
    let began = found.and_then(|d| d.began);
    let began = began.map(|at| super::day_clock(at, view.now.wall, &app.config.zone));
    let (mark, style, what) = match (known, cause) {
        (None, _) if app.whole_failed() => (OLD, theme.dim(), "no answer".to_owned()),
        (None, _) => (OLD, theme.dim(), "asking ...".to_owned()),
        (Some(_), None) => (LIVE, theme.good(), "as usual".to_owned()),
        (Some(_), Some(cause)) => (UNUSUAL, theme.unusual(), blamed(cause)),
    };
    let began = began.unwrap_or(UNKNOWN.to_owned());
    let began: String = began.chars().take(columns[0].width).collect();
    let mut cells = vec![
        cell(began, theme.plain()),
        cell(service, theme.bold()),
        cell(what, theme.plain()),
    ];
    if columns.len() > cells.len() + 1 {
        let kind = cause.map_or("", |c| c.kind.name());
        let sure = cause.map_or("", |c| c.confidence.name());
        cells.extend([cell(kind, theme.plain()), cell(sure, theme.plain())]);
    }
    cells.push(cell("", theme.plain()));
    marked(mark, style, line(columns, cells))
}

/// The cause in few words.
fn blamed(cause: &Cause) -> String {
    let service = cause.service.visible();
    match cause.function.as_ref().map(Observed::visible) {
        Some(function) => format!("{service}, {function}"),
        None => service.into_owned(),
    }
}

fn finding(view: View<'_>, row: &Finding, columns: &[Column]) -> Line<'static> {
    let theme = view.theme.old(row.ended.is_some());
    let name = row.service.as_ref().map(text::service);
    let (kind, sure) = judged(view, row);
    let mut cells: Vec<Cell> = vec![
        cell(began(view, row), theme.dim()),
        cell(name.unwrap_or(UNKNOWN.to_owned()), theme.bold()),
        cell(row.change(), theme.plain()),
    ];
    if columns.len() > cells.len() + 1 {
        cells.extend([cell(kind, theme.plain()), cell(sure, theme.plain())]);
    }
    let newest = view.app.newest(view.now);
    let word = if row.ended.is_none() { "open" } else { "ended" };
    let lasted = age(row.ended.unwrap_or(newest).since(row.began));
    let state = match columns.last() {
        Some(column) if column.width >= STATE => format!("{word:<5} {lasted}"),
        _ => word.to_owned(),
    };
    cells.push(cell(state, theme.plain()));
    let (mark, style) = match row.ended {
        None => (UNUSUAL, theme.unusual()),
        Some(_) => (" ", theme.dim()),
    };
    marked(mark, style, line(columns, cells))
}

/// Kind and confidence of a finding: of its own diagnosis when that was looked at, else what the one of all says of its
/// service.
fn judged(view: View<'_>, row: &Finding) -> (String, &'static str) {
    let own = view.app.diagnosis_of(row).filter(|d| !d.abstained);
    if let Some(cause) = own.and_then(|d| d.causes.first()) {
        return (cause.kind.name().to_owned(), cause.confidence.name());
    }
    let whole = view.app.whole_diagnosis().filter(|d| !d.abstained);
    let of_now = |d: &&Diagnosis| {
        d.began
            .is_some_and(|began| row.ended.is_none() || row.began.plus(SLACK) >= began)
    };
    let found = whole.filter(of_now).zip(row.service.as_ref());
    let Some((whole, service)) = found else {
        return (String::new(), "");
    };
    let name = crate::console::questions::full_name(service);
    let is_it = |known: &Observed| known.raw() == name;
    match whole.causes.iter().find(|cause| is_it(&cause.service)) {
        Some(cause) => (cause.kind.name().to_owned(), cause.confidence.name()),
        None if whole.victims.iter().any(is_it) => ("victim".to_owned(), ""),
        None => (String::new(), ""),
    }
}

/// What stands below the rows.
fn after(view: View<'_>, columns: usize) -> Vec<Line<'static>> {
    let (app, dim) = (view.app, view.theme.dim());
    let room = columns.saturating_sub(4);
    let say = |text: &str| Line::styled(format!("   {}", text::fit(text, room)), dim);
    if app.config.replay.is_some() {
        return vec![
            say("an incident on disk, no colony is asked"),
            say("the other pages have no data"),
        ];
    }
    if let Some(why) = no_answer(view, app.known_anomalies()) {
        return why.iter().map(|text| say(text)).collect();
    }
    let findings = app.derived.findings.get();
    match (findings.rows.len(), findings.all) {
        (0, 0) => vec![say(&format!(
            "nothing was out of the usual in {}",
            age(app.time.window.max(LOOK_BACK))
        ))],
        (0, all) => vec![no_match(view, all, "findings")],
        _ => vec![],
    }
}

/// The text of the diagnosis, or why there is none.
fn diagnosis(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let known = view.app.known_diagnosis();
    let inside = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(1),
        ..area
    };
    titled_rule(view, &title(view), view.app.pane.focused, inside, buf);
    let view = view.when_old(known.old);
    let area = text_of(area);
    if let Some(why) = missing(view) {
        for (y, text) in (1..area.height).zip(why) {
            let text = text::fit(&text, usize::from(area.width)).into_owned();
            put(Line::styled(text, view.theme.dim()), at(area, y), buf);
        }
        return;
    }
    let reading = &view.app.reading;
    let lines = view.app.diagnosis_lines(area.width, view.now);
    let shown = lines.iter().skip(reading.offset);
    for (y, text) in (0..area.height).zip(shown) {
        put(words(view, text), at(area, y), buf);
        let here = view.app.pane.focused && text.evidence == Some(reading.link);
        if here && view.app.selected_evidence().is_some() {
            buf.set_style(at(area, y), view.theme.selected());
        }
    }
}

/// Whom the diagnosis is about, and since when.
fn title(view: View<'_>) -> String {
    let app = view.app;
    if let Some(replay) = &app.config.replay {
        return shown(&replay.name, 60);
    }
    let name = |service: &Option<_>| service.as_ref().map(text::service);
    match app.selected_finding() {
        Some(row) => {
            let service = name(&row.service).unwrap_or_default();
            format!("{service}, noticed {}", began(view, row))
        }
        None => {
            let service = name(&app.spot.service).unwrap_or("all services".to_owned());
            format!("{service}, {}", age(app.time.window))
        }
    }
}

/// Why there is no text.
fn missing(view: View<'_>) -> Option<Vec<String>> {
    let known = view.app.known_diagnosis();
    let why = no_answer(view, known)?;
    let asking = known.answer.is_none() && why.len() == 1 && why[0].starts_with("asking");
    if !asking {
        return Some(why);
    }
    let since = view.app.asked_for(&view.app.diagnosis_question(), view.now);
    Some(match since.filter(|since| *since >= SOON) {
        Some(since) => vec![format!(
            "looking for what is wrong and why, {:.1} s",
            since.as_secs_f64()
        )],
        None => vec![],
    })
}

pub(super) fn words(view: View<'_>, line: &TextLine) -> Line<'static> {
    let theme = view.theme;
    let styled = |(tone, text): &(Tone, String)| {
        let style = match tone {
            Tone::Plain => theme.plain(),
            Tone::Bold => theme.bold(),
            Tone::Dim => theme.dim(),
            Tone::Chart => theme.chart(),
            Tone::Link => theme.link(),
            Tone::Unusual => theme.unusual(),
            Tone::Good => theme.good(),
        };
        span(text.clone(), style)
    };
    Line::from(line.parts.iter().map(styled).collect::<Vec<_>>())
}
