//! The help, made from the key table, and the sort menu.

use super::{View, put, span};
use crate::console::filter::FIELDS;
use crate::console::keys::{Binding, Scope, TABLE};
use crate::console::sort::COLUMNS;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget as _};

/// In the order of the help page.
const SCOPES: [Scope; 9] = [
    Scope::Pages,
    Scope::Rows,
    Scope::Services,
    Scope::Topology,
    Scope::Filter,
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
                span(format!("    {:<14}", labels(binding)), theme.link()),
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
        "a click selects a row or a page, the wheel scrolls".to_owned(),
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
    let height = u16::try_from(COLUMNS.len()).unwrap_or(8) + 2;
    let area = Rect {
        x: body.x + 4,
        y: body.y + 1,
        width: 28.min(body.width),
        height: height.min(body.height),
    };
    Clear.render(area, buf);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.link())
        .title(" sort by ");
    let inner = block.inner(area);
    block.render(area, buf);
    for (i, column) in COLUMNS.iter().enumerate() {
        let current = *column == view.app.sort.column;
        let mark = match (current, view.app.sort.reversed) {
            (false, _) => " ",
            (true, false) => "↓",
            (true, true) => "↑",
        };
        let y = inner.y + u16::try_from(i).unwrap_or(0);
        if y >= inner.bottom() {
            break;
        }
        let at = Rect {
            y,
            height: 1,
            ..inner
        };
        put(
            Line::styled(format!(" {mark} {}", column.name()), theme.plain()),
            at,
            buf,
        );
        if i == view.app.menu {
            buf.set_style(at, theme.selected());
        }
    }
}
