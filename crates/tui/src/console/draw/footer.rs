//! The last lines: the filter while there is one, and the keys that work here, made from the key table.

use super::{View, put, span};
use crate::console::app::{App, Body, Mode, Page};
use crate::console::keys::{Binding, Command, Scope, bindings};
use crate::console::layout::Regions;
use coral_report::text::{fit, width};
use ratatui::buffer::Buffer;
use ratatui::text::Line;

impl App {
    /// Whether the line of the filter is there.
    pub(in crate::console) fn shows_note(&self) -> bool {
        let filtered = self.mode == Mode::Filter || !self.filter.text().is_empty();
        filtered && self.body() == Body::Page
    }
}

pub(super) fn draw(view: View<'_>, regions: &Regions, buf: &mut Buffer) {
    if let Some(area) = regions.note {
        put(note(view, usize::from(area.width)), area, buf);
    }
    let (keys, ways_out) = keys(view, usize::from(regions.footer.width));
    put(keys, regions.footer, buf);
    put(ways_out.right_aligned(), regions.footer, buf);
}

fn note(view: View<'_>, columns: usize) -> Line<'static> {
    let (app, theme) = (view.app, view.theme.old(false));
    let typing = app.mode == Mode::Filter;
    let found = match app.page {
        Page::Services => {
            let list = app.service_list();
            format!("{} of {} services", list.rows.len(), list.total)
        }
        Page::Topology => {
            let hits = app.tree().0.iter().filter(|r| r.matches).count();
            format!("{hits} match")
        }
    };
    let rest = if typing { "" } else { "   Esc clears" };
    let room = columns.saturating_sub(width(&found) + width(rest) + 6);
    let text = app.filter.text();
    let skip = width(text).saturating_sub(room);
    let shown: String = text.chars().skip(skip).collect();
    let mut spans = vec![
        span(" / ", theme.link()),
        span(fit(&shown, room).into_owned(), theme.bold()),
    ];
    if typing {
        spans.push(span("█", theme.link()));
    }
    spans.push(span(format!("   {found}{rest}"), theme.dim()));
    Line::from(spans)
}

/// As many keys as fit, in the order of the table; each is a key that works now. The ways to help and out come first.
fn keys(view: View<'_>, columns: usize) -> (Line<'static>, Line<'static>) {
    let scopes = view.app.scopes();
    let shown = |pages: bool| {
        bindings(&scopes)
            .filter(move |line| !line.word.is_empty() && (line.scope == Scope::Pages) == pages)
    };
    let right = listed(view, shown(true), columns);
    let rest = columns.saturating_sub(right.width());
    (listed(view, shown(false), rest), right)
}

fn listed(
    view: View<'_>,
    lines: impl Iterator<Item = &'static Binding>,
    columns: usize,
) -> Line<'static> {
    let theme = view.theme.old(false);
    let mut spans = vec![span(" ", theme.plain())];
    let mut used = 1;
    for line in lines {
        let Some(chord) = line.chords.first() else {
            continue;
        };
        let (label, word) = (chord.label(), word(view.app, line.command, line.word));
        let needed = width(&label) + width(word) + 3;
        if used + needed > columns {
            continue;
        }
        used += needed;
        spans.push(span(label, theme.link()));
        spans.push(span(format!(" {word}  "), theme.dim()));
    }
    Line::from(spans)
}

/// Switches are named by what they do next.
fn word(app: &App, command: Command, word: &'static str) -> &'static str {
    match command {
        Command::Freeze if app.frozen.is_some() => "go on live",
        Command::Hidden if app.all => "fold system",
        Command::Zoom if app.pane.zoomed => "both panes",
        Command::Back if app.pane.zoomed || app.pane.focused => "back",
        _ => word,
    }
}
