//! The lines below a flame graph: the whole name of the box under the cursor or the mouse, its figures, where it stands.

use super::functions::place;
use crate::console::draw::{View, at, put, span};
use crate::console::flame::{Key, Place, Tree, middle};
use crate::console::layout::ProfileAreas;
use coral_report::text::{fit, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// No name is longer.
const LONGEST: usize = 1024;

pub(super) fn draw(view: View<'_>, areas: ProfileAreas, buf: &mut Buffer) {
    let (area, tree) = (areas.detail, view.app.flame_tree());
    let (place, key) = view.app.flame_focus();
    let rows = rows(view, areas.graph);
    let name = match (key, place) {
        (Some(key), _) => key.name().visible().into_owned(),
        (None, Place::Rest { parent, from }) => {
            let count = tree.children(parent).len() - from as usize;
            format!("{count} functions that are too narrow here; Enter spreads them")
        }
        (None, Place::Node(_)) => "all".to_owned(),
    };
    let columns = usize::from(area.width).saturating_sub(2);
    let lines = usize::from(area.height).saturating_sub(1);
    let name = fit(&name, LONGEST).into_owned();
    for (y, part) in (0..area.height).zip(wrapped(&name, columns, lines)) {
        put(
            Line::styled(format!(" {part}"), view.theme.bold()),
            at(area, y),
            buf,
        );
    }
    let last = at(area, area.height.saturating_sub(1));
    let room = columns.saturating_sub(width(&rows) + 2);
    let figures = fit(&figures(view, tree, place, key), room).into_owned();
    put(
        Line::from(span(format!(" {figures}"), view.theme.plain())),
        last,
        buf,
    );
    let rows = Line::from(span(format!("{rows} "), view.theme.dim()));
    put(rows.right_aligned(), last, buf);
}

/// Which rows of the graph are on the screen, unless all are.
fn rows(view: View<'_>, area: Option<Rect>) -> String {
    let (graph, tree) = (&view.app.graph, view.app.flame_tree());
    let depth = graph.depth(tree);
    match area.map(|area| usize::from(area.height)) {
        Some(height) if depth > height => {
            let last = (graph.top + height).min(depth);
            format!("rows {}-{last} of {depth}", graph.top + 1)
        }
        _ => String::new(),
    }
}

/// A name over some lines; in too few its middle is cut out.
fn wrapped(name: &str, columns: usize, lines: usize) -> Vec<String> {
    let (mut out, mut used) = (vec![String::new()], 0);
    for c in middle(name, columns * lines.max(1)).chars() {
        let own = width(c.encode_utf8(&mut [0; 4]));
        if used + own > columns && out.len() < lines {
            out.push(String::new());
            used = 0;
        }
        used += own;
        if let Some(line) = out.last_mut() {
            line.push(c);
        }
    }
    out
}

fn figures(view: View<'_>, tree: &Tree, at: Place, key: Option<&Key>) -> String {
    let share = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
    let now = |part: u64| format!("{:.1} %", share(part, tree.samples()));
    let mut parts = vec![];
    if !view.app.pane.focused {
        let (samples, before) = crate::console::flame::samples(tree, at);
        parts.push(match tree.before() {
            None => format!("here {} · {samples} samples", now(samples)),
            Some(all) => {
                let then = share(before, all);
                format!("here {} · before {then:.1} %", now(samples))
            }
        });
    }
    let function = key.and_then(Key::function);
    let number = match at {
        _ if view.app.pane.focused => {
            let keys = tree.keys().iter();
            key.and_then(|key| keys.clone().position(|k| k == key))
                .map(|n| n as u32)
        }
        Place::Node(node) => Some(tree.node(node).key),
        Place::Rest { .. } => None,
    };
    let totals = number.and_then(|number| view.app.totals_of(number));
    if let (Some(totals), Some(_)) = (totals, function) {
        parts.push(
            match (tree.before(), number.and_then(|n| view.app.grown(n))) {
                (None, _) => format!("self {} · total {}", now(totals.own), now(totals.total)),
                (Some(all), grown) => {
                    let then = share(totals.own_before, all);
                    let chance = if grown.is_some() {
                        "beyond chance"
                    } else {
                        "no more than chance"
                    };
                    format!("self {}, was {then:.1} %, {chance}", now(totals.own))
                }
            },
        );
    }
    if let Some(function) = function {
        let place = place(function);
        let binary = function.binary.visible().into_owned();
        parts.push(place.clone());
        parts.extend((binary != place).then_some(binary));
        parts.extend(function.inlined.then(|| "inlined".to_owned()));
    }
    parts.join(" · ")
}
