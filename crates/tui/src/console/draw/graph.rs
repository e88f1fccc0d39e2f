//! The topology as a drawing: cards with a bar, lines with their figures at the callee's end, a heavy line where much
//! passes.

use super::topology::{after, level};
use super::{View, put, span};
use crate::console::drawing::{Drawing, forms};
use crate::console::graph::{CARD_EXTRA, Card, Path};
use crate::console::tree::rate as per_second;
use crate::console::trouble::Level;
use coral_model::ServiceClass;
use coral_model::answer::EdgeRow;
use coral_report::text::{self, fit, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// From this share of the busiest edge on a line is heavy.
const HEAVY: f64 = 0.25;
/// Where a line leads from a cell.
const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// A cell of lines: where they lead, and how they are drawn.
type Cells = Vec<(u8, Style)>;

pub(super) fn draw(view: View<'_>, drawing: &Drawing, area: Rect, buf: &mut Buffer) {
    let picture = view.app.picture();
    let selected = view.app.selected_edge();
    let chosen = selected.and_then(|row| row.edge);
    let edges = picture.edges();
    let of = |path: &Path| {
        (
            drawing.edges[path.edge],
            edges.get(drawing.edges[path.edge]),
        )
    };
    let most = drawing
        .edges
        .iter()
        .filter_map(|&e| edges.get(e))
        .map(per_second);
    let most = most.fold(0.0, f64::max);
    let paths = || drawing.graph.paths.iter();
    let is_chosen = |path: &&Path| Some(of(path).0) == chosen;
    let mut cells: Cells =
        vec![(0, view.theme.rule()); usize::from(area.width) * usize::from(area.height)];
    // The chosen one last, so that its colour lies on top.
    for path in paths().filter(|p| !is_chosen(p)) {
        trace(path, view.theme.rule(), area, &mut cells);
    }
    for path in paths().filter(is_chosen) {
        trace(
            path,
            view.theme.link().add_modifier(Modifier::BOLD),
            area,
            &mut cells,
        );
    }
    for (i, &(bits, style)) in cells.iter().enumerate().filter(|(_, cell)| cell.0 != 0) {
        let (x, y) = (i % usize::from(area.width), i / usize::from(area.width));
        let x = area.x + u16::try_from(x).unwrap_or(0);
        let y = area.y + u16::try_from(y).unwrap_or(0);
        buf[(x, y)].set_char(corner(bits)).set_style(style);
    }
    for path in paths() {
        if let (_, Some(edge)) = of(path) {
            let heavy = most > 0.0 && per_second(edge) >= most * HEAVY;
            label(view, path, edge, (heavy, is_chosen(&path)), area, buf);
        }
    }
    for each in &drawing.graph.cards {
        card(view, drawing, each, area, buf);
    }
    notes(view, drawing, area, buf);
}

fn trace(path: &Path, style: Style, area: Rect, cells: &mut Cells) {
    let mut mark = |x: u16, y: u16, bits: u8| {
        if x < area.width && y < area.height {
            let cell = &mut cells[usize::from(y) * usize::from(area.width) + usize::from(x)];
            *cell = (cell.0 | bits, style);
        }
    };
    for pair in path.corners.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let (left, right) = (x0.min(x1), x0.max(x1));
        let (top, bottom) = (y0.min(y1), y0.max(y1));
        for x in left..=right {
            let toward = if x > left { LEFT } else { 0 } | if x < right { RIGHT } else { 0 };
            mark(x, y0, toward);
        }
        for y in top..=bottom {
            let toward = if y > top { UP } else { 0 } | if y < bottom { DOWN } else { 0 };
            mark(x1, y, toward);
        }
    }
    // The first cell is reached from its card.
    if let Some(&(x, y)) = path.corners.first() {
        mark(x, y, LEFT);
    }
}

fn corner(bits: u8) -> char {
    const CORNERS: [char; 16] = [
        ' ', '│', '│', '│', '─', '╯', '╮', '┤', '─', '╰', '╭', '├', '─', '┴', '┬', '┼',
    ];
    CORNERS[usize::from(bits & 15)]
}

/// The figures of an edge on its line, the arrow behind them.
fn label(
    view: View<'_>,
    path: &Path,
    edge: &EdgeRow,
    (heavy, chosen): (bool, bool),
    area: Rect,
    buf: &mut Buffer,
) {
    let (x, y, room) = path.text;
    let dash = if heavy { "━" } else { "─" };
    let line = match chosen {
        true => view.theme.link().add_modifier(Modifier::BOLD),
        false => view.theme.rule(),
    };
    let figures = figures(edge, usize::from(room));
    let style = match edge.red.as_ref().and_then(|r| r.error_ratio) {
        Some(ratio) if ratio >= 0.01 => {
            view.theme
                .level(crate::console::trouble::error_level(ratio))
                .1
        }
        _ if edge.red.is_none() => view.theme.dim(),
        _ => view.theme.plain(),
    };
    let rest = usize::from(room).saturating_sub(width(&figures));
    let spans = vec![
        span(dash, line),
        span(figures, style),
        span(dash.repeat(rest + 1), line),
        span("▶", line),
    ];
    let at = Rect {
        x: (area.x + x).saturating_sub(1),
        y: area.y + y,
        width: room + 3,
        height: 1,
    };
    put_anew(spans, at.intersection(area), buf);
}

/// Puts a line over what was drawn there; without this the colour of the lines would shine through.
fn put_anew(spans: Vec<Span<'static>>, area: Rect, buf: &mut Buffer) {
    let line = Line::from(spans);
    for x in area.x
        ..area
            .right()
            .min(area.x + u16::try_from(line.width()).unwrap_or(0))
    {
        buf[(x, area.y)].reset();
    }
    put(line, area, buf);
}

/// The longest form that fits.
fn figures(edge: &EdgeRow, room: usize) -> String {
    let forms = forms(edge);
    let fits = forms.into_iter().find(|form| width(form) <= room);
    fits.unwrap_or_else(|| "─".repeat(room))
}

fn card(view: View<'_>, drawing: &Drawing, card: &Card, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let service = &drawing.services[card.node];
    let selected = view.app.selected_edge();
    let is_end = selected.is_some_and(|row| row.service == *service);
    let level = level(view, service);
    let (glyph, style) = theme.level(level);
    let bar = match level {
        Level::Fine if is_end => theme.link(),
        Level::Fine => theme.rule(),
        _ => style,
    };
    for y in card.y..card.y + card.height {
        let at = Rect {
            x: area.x + card.x,
            y: area.y + y,
            width: 1,
            height: 1,
        };
        put(Line::styled("┃", bar), at.intersection(area), buf);
    }
    let own = view.app.picture().class(service) == ServiceClass::App;
    let name_style = match (is_end, own) {
        (true, _) => theme.selected(),
        (false, true) => theme.bold(),
        (false, false) => theme.dim(),
    };
    let hidden = match drawing.hidden[card.node] {
        0 => String::new(),
        hidden => format!(" +{hidden}"),
    };
    let mark = match level {
        Level::Fine => String::new(),
        _ => format!("{glyph} "),
    };
    let room = usize::from(card.name_width).saturating_sub(width(&mark) + width(&hidden));
    let name = fit(&text::service(service), room).into_owned();
    let used = 1 + width(&mark) + width(&name) + width(&hidden);
    // A line that leaves begins right behind the name.
    let leaves = drawing.graph.paths.iter().any(|p| {
        let start = p.corners.first();
        start == Some(&(card.x + card.name_width + CARD_EXTRA as u16, card.y))
    });
    let rest = (usize::from(card.name_width) + CARD_EXTRA).saturating_sub(used);
    let tail = match leaves && rest > 0 {
        true => format!(" {}", "─".repeat(rest - 1)),
        false => String::new(),
    };
    let spans = vec![
        span(mark, style),
        span(name, name_style),
        span(hidden, theme.dim()),
        span(tail, theme.rule()),
    ];
    let at = Rect {
        x: area.x + card.x + 1,
        y: area.y + card.y,
        width: card.name_width + CARD_EXTRA as u16 - 1,
        height: 1,
    };
    put_anew(spans, at.intersection(area), buf);
}

/// Below the drawing: edges that lead back, and what is not drawn.
fn notes(view: View<'_>, drawing: &Drawing, area: Rect, buf: &mut Buffer) {
    let at = Rect {
        y: area.y + (drawing.graph.height + 1).min(area.height + 1),
        height: 1,
        x: area.x.saturating_sub(1),
        width: area.width + 1,
    };
    let theme = view.theme;
    let edges = view.app.picture().edges();
    let chosen = view.app.selected_edge().and_then(|row| row.edge);
    let mut spans = vec![];
    for &back in &drawing.graph.back {
        let place = drawing.edges[back];
        let Some(edge) = edges.get(place) else {
            continue;
        };
        let names = [&edge.caller, &edge.callee].map(|s| fit(&text::service(s), 20).into_owned());
        let style = if Some(place) == chosen {
            theme.selected()
        } else {
            theme.plain()
        };
        spans.push(span("   ↩ ", theme.dim()));
        spans.push(span(format!("{} → {}", names[0], names[1]), style));
        spans.push(span(format!(" {}", figures(edge, 14)), theme.dim()));
    }
    if drawing.left_out > 0 {
        spans.push(span(
            format!("   + {} services not drawn   ", drawing.left_out),
            theme.dim(),
        ));
        spans.push(span("< >", theme.link()));
        spans.push(span(" how far   ", theme.dim()));
        spans.push(span("w", theme.link()));
        spans.push(span(" all as a tree", theme.dim()));
    }
    if let Some(rest) = after(view, false, view.app.tree().folded) {
        spans.extend(rest.spans);
    }
    put(Line::from(spans), at, buf);
}
