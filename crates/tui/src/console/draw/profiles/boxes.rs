//! The boxes of a flame graph. The first column of a box says its kind by a sign, so that it needs no colour; the rest is
//! its name, and its share where there is room.

use crate::console::draw::{View, put, span};
use crate::console::flame::{Key, Kind, Place, Slot, Tree, short};
use coral_report::text::width;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

/// Columns of a share behind a name.
const SHARE: usize = 8;

/// The sign of a kind.
pub(super) fn glyph(kind: Kind) -> &'static str {
    match kind {
        Kind::Program => "│",
        Kind::Inlined => "◦",
        Kind::Library => "┊",
        Kind::Kernel => "▓",
        Kind::Unnamed => "?",
        Kind::Thread => "▸",
    }
}

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let (graph, tree) = (&view.app.graph, view.app.flame_tree());
    let rows = graph.rows(tree, area.width, usize::from(area.height));
    for (y, row) in (0..area.height).zip(rows.iter().skip(graph.top)) {
        for slot in row {
            let place = Rect {
                x: area.x + slot.x,
                y: area.y + y,
                width: slot.width,
                height: 1,
            };
            let mut style = style(view, tree, slot.place);
            if view.app.is_on_graph() && graph.at == slot.place {
                style = view.theme.selected();
            } else if graph.hover == Some(slot.place) {
                style = style.add_modifier(Modifier::UNDERLINED);
            }
            put(Line::from(span(text(view, tree, slot), style)), place, buf);
        }
    }
}

fn style(view: View<'_>, tree: &Tree, place: Place) -> Style {
    let (theme, app) = (view.theme, view.app);
    let Place::Node(node) = place else {
        return theme.faint();
    };
    let (number, searched) = (tree.node(node).key, !app.filter().is_empty());
    match tree.key(node) {
        _ if searched && app.found().has(number) => theme.hit(),
        _ if searched => theme.faint(),
        _ if tree.before().is_some() => theme.changed(app.grown(number)),
        Some(key) => theme.kind(key.kind()),
        None => theme.kind(Kind::Thread),
    }
}

/// The sign, the name, the share; the rest filled, so that a box is seen where there are no colours.
fn text(view: View<'_>, tree: &Tree, slot: &Slot) -> String {
    let columns = usize::from(slot.width);
    let (sign, name, share) = match slot.place {
        Place::Rest { parent, from } => {
            let count = tree.children(parent).len() - from as usize;
            ("…", count.to_string(), String::new())
        }
        Place::Node(node) => named(view, tree, node),
    };
    let room = columns.saturating_sub(1);
    let mut text = match slot.place {
        Place::Rest { .. } if room < name.len() => String::new(),
        _ => short(&name, room),
    };
    if !share.is_empty() && width(&text) + SHARE < room && text == name {
        text = format!("{text} {share}");
    }
    let left = room.saturating_sub(width(&text));
    let rest = match view.theme.fills() {
        true => " ".repeat(left),
        false if text.is_empty() => "─".repeat(left),
        false => format!("{:─>left$}", if left > 0 { " " } else { "" }),
    };
    let rest: String = match view.theme.fills() || text.is_empty() {
        true => rest,
        // A blank after the name.
        false => rest.chars().rev().collect(),
    };
    format!("{sign}{text}{rest}")
}

/// The sign, the visible name and the share of a node.
fn named(view: View<'_>, tree: &Tree, node: u32) -> (&'static str, String, String) {
    let here = tree.node(node);
    let share = match tree.samples() {
        0 => String::new(),
        all => format!("{:.1}%", here.samples as f64 * 100.0 / all as f64),
    };
    let Some(key) = tree.key(node) else {
        return ("│", "all".to_owned(), share);
    };
    let name = key.name().visible();
    let name = coral_report::text::fit(&name, 1024).into_owned();
    match (tree.before(), view.app.grown(here.key)) {
        (Some(_), Some(by)) => {
            let sign = if by > 0.0 { "+" } else { "-" };
            (sign, name, format!("{:+.1}%", by * 100.0))
        }
        (Some(_), None) => ("│", name, String::new()),
        (None, _) => (glyph(Key::kind(key)), name, share),
    }
}
