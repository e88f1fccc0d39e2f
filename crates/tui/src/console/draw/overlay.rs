//! The help, made from the key table; the menus; the palette.

use super::{View, at, below, put, span};
use crate::console::filter::FIELDS;
use crate::console::keys::{Binding, Scope, TABLE};
use crate::console::layout;
use coral_report::text::{fit, width as text_width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget as _};

/// In the order of the help page.
const SCOPES: [Scope; 25] = [
    Scope::Pages,
    Scope::Leads,
    Scope::Rows,
    Scope::Time,
    Scope::Panes,
    Scope::Sorted,
    Scope::Services,
    Scope::Service,
    Scope::Topology,
    Scope::Events,
    Scope::Act,
    Scope::Subject,
    Scope::Profile,
    Scope::Diagnose,
    Scope::Probing,
    Scope::Probes,
    Scope::Detach,
    Scope::Typing,
    Scope::Palette,
    Scope::Attach,
    Scope::Confirm,
    Scope::Menu,
    Scope::Start,
    Scope::Help,
    Scope::Everywhere,
];
/// Two columns of help from this width on.
const TWO_COLUMNS: u16 = 150;

pub(super) fn help(view: View<'_>, body: Rect, buf: &mut Buffer) {
    let lines = help_lines(view);
    let columns = if body.width >= TWO_COLUMNS { 2 } else { 1 };
    let height = usize::from(body.height.saturating_sub(1));
    let last = lines.len().saturating_sub(height * columns);
    let offset = view.app.help_offset.min(last);
    let width = body.width / u16::try_from(columns).unwrap_or(1);
    for (i, line) in lines
        .into_iter()
        .skip(offset)
        .take(height * columns)
        .enumerate()
    {
        let (column, row) = (i / height.max(1), i % height.max(1));
        let at = Rect {
            x: body.x + width * u16::try_from(column).unwrap_or(0),
            y: body.y + 1 + u16::try_from(row).unwrap_or(0),
            width,
            height: 1,
        };
        put(line, at, buf);
    }
}

fn help_lines(view: View<'_>) -> Vec<Line<'static>> {
    let theme = view.theme.old(false);
    let mut lines = vec![];
    for scope in SCOPES {
        lines.push(Line::styled(format!("  {}", scope.title()), theme.bold()));
        for binding in TABLE.iter().filter(|b| b.scope == scope) {
            lines.push(Line::from(vec![
                span(format!("    {:<16}", labels(binding)), theme.link()),
                span(binding.help, theme.plain()),
            ]));
        }
        lines.push(Line::default());
    }
    let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    lines.push(Line::styled("  what is shown", theme.bold()));
    for text in [
        "✖ broken now   ▲ unusual, or something was lost   ⧗ old or no data   — unknown, never 0"
            .to_owned(),
        "dim with n=7: from so few requests that it proves little".to_owned(),
        "↑16x: p95 is so many times what was usual earlier in the window".to_owned(),
        format!(
            "columns of the filter: {}; p in ms, err in %",
            fields.join(" ")
        ),
        "◇ something changed, at its moment in charts; dotted lines: the time that is compared with".to_owned(),
        "a click selects, a second one opens; keys of the last line, tabs and pages can be clicked".to_owned(),
    ] {
        lines.push(Line::styled(format!("    {text}"), theme.plain()));
    }
    lines
}

fn labels(binding: &Binding) -> String {
    let labels: Vec<String> = binding.chords.iter().map(|c| c.label()).collect();
    labels.join(" ")
}

pub(super) fn menu(view: View<'_>, body: Rect, buf: &mut Buffer) {
    let theme = view.theme.old(false);
    let area = layout::menu(view.app, body);
    frame(view, view.app.menu_title(), area, buf);
    let inner = layout::inside(area);
    for (y, (mark, text)) in (0..inner.height).zip(view.app.menu_lines()) {
        let text = fit(&text, usize::from(inner.width).saturating_sub(4)).into_owned();
        let line = at(inner, y);
        put(
            Line::styled(format!(" {mark} {text}"), theme.plain()),
            line,
            buf,
        );
        if usize::from(y) == view.app.menu.index {
            buf.set_style(line, theme.selected());
        }
    }
}

/// An empty box with a title.
pub(super) fn frame(view: View<'_>, title: &str, area: Rect, buf: &mut Buffer) {
    Clear.render(area, buf);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(view.theme.old(false).link())
        .title(title.to_owned())
        .render(area, buf);
}

/// What is typed, a rule, and what was found.
pub(super) fn palette(view: View<'_>, body: Rect, buf: &mut Buffer) {
    let theme = view.theme.old(false);
    let area = layout::palette(body);
    frame(view, " go to anything ", area, buf);
    let (inner, palette) = (layout::inside(area), &view.app.palette);
    let width = usize::from(inner.width);
    let typed = Line::from(vec![
        span(" : ", theme.link()),
        span(
            fit(&palette.text, width.saturating_sub(5)).into_owned(),
            theme.bold(),
        ),
        span("█", theme.link()),
    ]);
    put(typed, inner, buf);
    let found = match palette.hits().len() {
        0 => " nothing is called that ".to_owned(),
        n => format!(" {n} "),
    };
    put(
        Line::styled("─".repeat(width), theme.rule()),
        at(inner, 1),
        buf,
    );
    put(
        Line::styled(found, theme.dim()).right_aligned(),
        at(inner, 1),
        buf,
    );
    let rows = below(inner, 2);
    let height = usize::from(rows.height);
    let first = (palette.index + 1).saturating_sub(height);
    let hits = palette.hits().enumerate().skip(first);
    for (y, (i, entry)) in (0..rows.height).zip(hits) {
        let note = fit(&entry.note, 24).into_owned();
        let room = width.saturating_sub(13 + text_width(&note));
        let line = at(rows, y);
        let spans = vec![
            span(format!(" {:<9}", entry.kind), theme.dim()),
            span(fit(&entry.label, room).into_owned(), theme.plain()),
        ];
        put(Line::from(spans), line, buf);
        put(
            Line::styled(format!("{note} "), theme.dim()).right_aligned(),
            line,
            buf,
        );
        if i == palette.index {
            buf.set_style(line, theme.selected());
        }
    }
}
