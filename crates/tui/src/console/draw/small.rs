//! A screen that is too small for pages: where and when, the worst services, and how to see more.

use super::diagnose::words;
use super::services::unhealthy;
use super::{View, clock, put, span};
use crate::console::app::{Body, LinkState};
use crate::console::theme::{LIVE, OLD, UNUSUAL};
use crate::console::trouble::{Trouble, figures, is_stale};
use coral_model::ServiceClass;
use coral_model::answer::ServiceRow;
use coral_report::figure::{millis, percent, rate};
use coral_report::text::{fit, left, right, service};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns of the three figures of a service.
const FIGURES: usize = 23;

pub(super) fn draw(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let mut lines = vec![first(view)];
    lines.extend(worst(
        view,
        usize::from(area.width),
        usize::from(area.height.saturating_sub(2)),
    ));
    for (i, line) in (0..).zip(lines) {
        if i + 1 < area.height || i == 0 {
            put(
                line,
                Rect {
                    y: area.y + i,
                    height: 1,
                    ..area
                },
                buf,
            );
        }
    }
    if area.height > 1 {
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        put(
            Line::styled(" 80x24 shows everything · q quit", view.theme.dim()),
            last,
            buf,
        );
    }
}

fn first(view: View<'_>) -> Line<'static> {
    let (app, theme) = (view.app, view.theme);
    let shown = app.time.end().unwrap_or(view.now.wall);
    let (time, _) = clock(shown, &app.config.zone);
    let (glyph, style) = match app.link {
        _ if !app.time.is_live() => ("◀", theme.inverse()),
        LinkState::Open => (LIVE, theme.good()),
        _ => (OLD, theme.dim()),
    };
    let mut spans = vec![
        span(format!(" {} ", app.config.colony), theme.bold()),
        span(glyph, style),
        span(format!(" {time}"), theme.plain()),
    ];
    if let Some(head) = app.picture().head() {
        let lost = head.loss.total();
        spans.push(match lost {
            0 => span("  loss 0", theme.dim()),
            lost => span(format!("  {UNUSUAL} loss {lost}"), theme.unusual()),
        });
    }
    Line::from(spans)
}

fn worst(view: View<'_>, width: usize, count: usize) -> Vec<Line<'static>> {
    let say = |text: &str| vec![Line::styled(format!(" {text}"), view.theme.dim())];
    if view.app.config.replay.is_some() {
        let columns = u16::try_from(width.saturating_sub(1)).unwrap_or(u16::MAX);
        let lines = view.app.diagnosis_lines(columns, view.now);
        return lines.iter().map(|line| words(view, line)).collect();
    }
    match view.app.body() {
        Body::Page | Body::OnlyDiagnosis => {}
        Body::Loading => return say("asking ..."),
        Body::NoAgent => return say("no agent has reported"),
        Body::NothingThen => return say("nothing is kept of this moment; 0 now"),
        Body::Refused(_) => return say("the colony does not show this; 0 now"),
        Body::Unreachable(_) => return say("the colony cannot be reached"),
        Body::NoColony => {
            return say(match view.app.can_start() {
                true => "no colony runs here; u starts one",
                false => "no colony runs here",
            });
        }
    }
    let shown = view.app.order.troubles(view.app.picture());
    let mut rows: Vec<(&ServiceRow, Trouble)> = shown
        .filter(|(row, _)| row.class == ServiceClass::App)
        .collect();
    let rate = |row: &ServiceRow| figures(row).and_then(|r| r.rate_per_s).unwrap_or(0.0);
    rows.sort_by(|(a, ta), (b, tb)| {
        let levels = tb.level().cmp(&ta.level());
        levels
            .then_with(|| rate(b).total_cmp(&rate(a)))
            .then_with(|| a.service.cmp(&b.service))
    });
    let mut lines: Vec<Line<'static>> = rows
        .into_iter()
        .take(count.max(3))
        .map(|(row, trouble)| line(view, row, trouble, width))
        .collect();
    if let LinkState::Away { .. } = &view.app.link {
        let text = match view.app.can_start() {
            true => "colony away; u starts it",
            false => "colony away",
        };
        lines.insert(0, Line::styled(format!(" {OLD} {text}"), view.theme.bold()));
    }
    lines
}

fn line(view: View<'_>, row: &ServiceRow, trouble: Trouble, width: usize) -> Line<'static> {
    let theme = view.theme.old(is_stale(row));
    let (glyph, style) = match is_stale(row) {
        true => (OLD, theme.dim()),
        false => view.theme.level(trouble.level()),
    };
    let red = figures(row).filter(|_| !is_stale(row));
    let figures = match red {
        _ if trouble == Trouble::Unhealthy => {
            let text = unhealthy(view, row).unwrap_or_default();
            right(&fit(&text, FIGURES), FIGURES)
        }
        None if is_stale(row) => right("old", FIGURES),
        None => right("no requests", FIGURES),
        Some(red) => format!(
            "{} {} {}",
            right(&format!("{}/s", rate(red.rate_per_s)), 8),
            right(&format!("{}%", percent(red.error_ratio)), 5),
            right(&format!("{}ms", millis(red.p95)), 8),
        ),
    };
    let name = left(
        &service(&row.service),
        width.saturating_sub(FIGURES + 4).max(6),
    );
    Line::from(vec![
        span(format!(" {glyph} "), style),
        span(name, theme.bold()),
        span(figures, theme.plain()),
    ])
}
