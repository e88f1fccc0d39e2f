//! Page 5: the services by what they take of the processors; of one of them the flame graph, its functions beside or
//! instead of it, and the box under the cursor below.

mod about;
mod boxes;
mod functions;

use super::detail::no_answer;
use super::services::{marked, no_match};
use super::table::{Column, GAP, cell, line, titles, total};
use super::{View, at, cursor_style, put, span};
use crate::console::app::List;
use crate::console::flame::Kind;
use crate::console::layout::{self, rows_of_table};
use crate::console::notes::{self, About};
use crate::console::theme::{OLD, TOUCHES, UNUSUAL};
use crate::console::trouble::is_stale;
use coral_model::answer::ServiceRow;
use coral_model::profile::Flame;
use coral_report::figure::{UNKNOWN, age, bytes, percent};
use coral_report::text::{self, fit};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// The bar of a service beside its figures.
const BAR_MAX: usize = 40;

pub(super) fn draw(view: View<'_>, body: Rect, buf: &mut Buffer) {
    if view.app.profiled_service().is_none() {
        return list(view, body, buf);
    }
    let known = view.app.known_profile();
    let areas = layout::profile(view.app, body, view.now);
    note_lines(view, areas.notes, buf);
    let view = view.when_old(known.old);
    head(view, areas.head, buf);
    let why = match (no_answer(view, known), view.app.flame()) {
        (Some(why), _) => Some(why),
        (None, Some((_, flame))) if is_empty(flame) => Some(nothing_met(view)),
        _ => None,
    };
    if let Some(why) = why {
        let area = areas.graph.or(areas.table).unwrap_or(body);
        for (y, text) in (1..area.height).zip(why) {
            let text = fit(&text, usize::from(area.width).saturating_sub(4)).into_owned();
            put(
                Line::styled(format!("   {text}"), view.theme.dim()),
                at(area, y),
                buf,
            );
        }
        return;
    }
    if let Some(area) = areas.graph {
        boxes::draw(view, area, buf);
    }
    if let Some(area) = areas.table {
        functions::draw(view, area, buf);
    }
    about::draw(view, areas, buf);
}

fn is_empty(flame: &Flame) -> bool {
    flame.samples == 0 && flame.before_samples.unwrap_or(0) == 0
}

/// Why a profile has no sample.
fn nothing_met(view: View<'_>) -> Vec<String> {
    let app = view.app;
    if let Some(finer) = app.finer_shown() {
        return vec![match finer.is_running(view.now) {
            true => "no sample yet: they come a second or two after they are taken".to_owned(),
            false => "nothing of it was met on a processor meanwhile".to_owned(),
        }];
    }
    if !app.sees_requests() {
        return vec![
            "no profile is taken: the agent reads /proc alone; page 9 says why".to_owned(),
        ];
    }
    let window = age(app.time.window);
    let more = match app.config.read_only {
        true => "",
        false => "; p takes a finer profile",
    };
    vec![format!(
        "nothing of it was met on a processor in {window}{more}"
    )]
}

/// `payments  cpu, always sampled · 1842 samples at 19 Hz · 96.1 % whole · 2 processes · build 3f9c2e`.
fn head(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let service = app
        .profiled_service()
        .map(text::service)
        .unwrap_or_default();
    let name = fit(&service, usize::from(area.width) / 3).into_owned();
    let mut parts = vec![match app.finer_shown() {
        Some(_) => "cpu, finer".to_owned(),
        None => format!("cpu, always on, {}", age(app.time.window)),
    }];
    if let Some((_, flame)) = app.flame().filter(|known| !is_empty(known.1)) {
        parts.extend(made_of(view, flame));
    }
    let room = usize::from(area.width).saturating_sub(text::width(&name) + 4);
    let facts = fit(&parts.join(" · "), room).into_owned();
    let used = text::width(&name) + text::width(&facts) + 4;
    let spans = vec![
        span(format!(" {name}"), theme.bold()),
        span(format!("   {facts}"), theme.dim()),
    ];
    put(Line::from(spans), area, buf);
    let legend = legend(view);
    if used + 3 + legend.width() <= usize::from(area.width) {
        put(legend.right_aligned(), area, buf);
    }
}

fn made_of(view: View<'_>, flame: &Flame) -> Vec<String> {
    let mut parts = vec![format!("{} samples at {} Hz", flame.samples, flame.hz)];
    if let (Some(before), Some((_, name))) = (flame.before_samples, view.app.time.compare.back()) {
        parts.push(format!("{before} {name}"));
    }
    if flame.unwind.user > 0 {
        let whole = flame.unwind.complete as f64 / flame.unwind.user as f64;
        parts.push(format!("{} % whole", percent(Some(whole))));
    }
    parts.push(match flame.instances {
        1 => "1 process".to_owned(),
        n => format!("{n} processes"),
    });
    parts.extend(match flame.builds.as_slice() {
        [] => None,
        [build] => {
            let short: String = build.chars().take(8).collect();
            Some(format!("build {}", coral_model::observed::visible(&short)))
        }
        many => Some(format!("{} builds", many.len())),
    });
    parts
}

fn legend(view: View<'_>) -> Line<'static> {
    let mut spans = vec![];
    if view.app.flame_tree().before().is_some() {
        for (glyph, word, by) in [("+", "grew", 1.0), ("-", "shrank", -1.0)] {
            spans.push(span(glyph, view.theme.changed(Some(by))));
            spans.push(span(format!(" {word}  "), view.theme.dim()));
        }
        spans.push(span("beyond chance ", view.theme.dim()));
        return Line::from(spans);
    }
    for kind in Kind::SHOWN {
        spans.push(span(boxes::glyph(kind), view.theme.kind(kind)));
        spans.push(span(format!(" {}  ", kind.name()), view.theme.dim()));
    }
    Line::from(spans)
}

fn note_lines(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme.old(false);
    for (y, note) in (0..area.height).zip(notes::of(view.app, view.now)) {
        let (glyph, style, words) = match note.about {
            About::Touching => (TOUCHES, theme.touches(), theme.plain()),
            About::Form => (" ", theme.dim(), theme.link()),
            About::Missing => (UNUSUAL, theme.unusual(), theme.plain()),
        };
        let columns = usize::from(area.width);
        let key = fit(&note.key, columns / 2).into_owned();
        let room = columns.saturating_sub(text::width(&key) + 6);
        let text = match note.about {
            About::Form => crate::console::flame::middle(&note.text, room),
            _ => fit(&note.text, room).into_owned(),
        };
        let line = Line::from(vec![span(format!(" {glyph} "), style), span(text, words)]);
        put(line, at(area, y), buf);
        let key = Line::from(vec![span(key, theme.dim()), span(" ", theme.plain())]);
        put(key.right_aligned(), at(area, y), buf);
    }
}

/// The services, those that take most of the processors first.
fn list(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let rows = view.app.profiled_rows();
    let names = rows
        .iter()
        .map(|row| text::width(&text::service(&row.service)));
    let name = names.max().unwrap_or(0).clamp(14, 40);
    let mut columns = vec![
        Column::words("SERVICE", name),
        Column::figures("INST", 4),
        Column::figures("CPU%↓", 7),
        Column::figures("RSS", 8),
    ];
    let bar = usize::from(area.width).saturating_sub(3 + total(&columns) + GAP + 1);
    columns.push(Column::words("", bar.min(BAR_MAX)));
    put(
        marked("", Style::new(), titles(&columns, view.theme)),
        area,
        buf,
    );
    let most = rows.first().and_then(|row| row.cpu_cores).unwrap_or(0.0);
    let places = rows_of_table(area);
    let cursor = view.app.cursors.of(List::Profiled);
    let shown = rows.iter().enumerate().skip(cursor.offset());
    let mut y = 0;
    for (index, row) in shown.take(usize::from(places.height)) {
        let place = at(places, y);
        put(service_line(view, row, &columns, most), place, buf);
        if index == cursor.index() {
            buf.set_style(place, cursor_style(view));
        }
        y += 1;
    }
    let after = Rect {
        y: places.y + y,
        height: 1,
        ..area
    }
    .intersection(area);
    if rows.is_empty() {
        let all = view
            .app
            .picture()
            .services
            .as_ref()
            .map_or(0, |s| s.rows.len());
        let line = match view.app.filter().is_empty() {
            true => Line::styled("   no service yet", view.theme.dim()),
            false => no_match(view, all, "services"),
        };
        put(line, after, buf);
    }
}

fn service_line(view: View<'_>, row: &ServiceRow, columns: &[Column], most: f64) -> Line<'static> {
    let theme = view.theme.old(is_stale(row));
    let cpu = row
        .cpu_cores
        .map_or(UNKNOWN.to_owned(), |c| format!("{:.1}", c * 100.0));
    let rss = row
        .rss_bytes
        .map_or(UNKNOWN.to_owned(), |b| bytes(b as f64));
    let width = columns.last().map_or(0, |c| c.width) as f64;
    let part = row
        .cpu_cores
        .filter(|_| most > 0.0)
        .map_or(0.0, |c| c / most);
    let cells = vec![
        cell(text::service(&row.service), theme.bold()),
        cell(row.instances.to_string(), theme.plain()),
        cell(cpu, theme.plain()),
        cell(rss, theme.dim()),
        cell("█".repeat((part * width).round() as usize), theme.chart()),
    ];
    let glyph = if is_stale(row) { OLD } else { " " };
    marked(glyph, theme.dim(), line(columns, cells))
}
