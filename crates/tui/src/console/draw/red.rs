//! The charts of a service: rate, errors, durations over the window, with the compared time dotted and marks where
//! something happened.

use super::chart::{sparkline, time_axis};
use super::plot::{LABEL, Series, plot_area};
use super::{View, at, below, plot, put, span};
use crate::console::trouble::{Level, error_level};
use coral_model::answer::Red;
use coral_model::{Event, ServiceKey, Window};
use coral_report::figure::{UNKNOWN, millis, percent, rate};
use coral_report::text::{left, right};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::time::Duration;

/// From this height on the three charts have lines of dots; below it each figure has one line of bars.
const DOTS_MIN: u16 = 12;
/// Columns of the name and the figure before a line of bars.
const NAME: usize = 11;
const FIGURE: usize = 10;

type Points = Vec<Option<Red>>;

/// The figures over the window, and over the time that is compared with.
struct Past {
    now: Points,
    before: Option<Points>,
}

pub(super) fn draw(view: View<'_>, service: &ServiceKey, area: Rect, buf: &mut Buffer) {
    let window = view.app.window(view.now);
    let points = |window: Window| -> Points {
        let slices = view.app.slices(service, window);
        slices.into_iter().map(|slice| slice.1).collect()
    };
    let compared = view.app.time.compared(view.app.newest(view.now));
    let past = Past {
        now: points(window),
        before: compared.map(points),
    };
    let (events, _) = view.app.page_events();
    match area.height >= DOTS_MIN {
        true => charts(view, service, &past, events, area, buf),
        false => bars(view, service, &past, area, buf),
    }
}

fn ms(duration: Option<Duration>) -> Option<f64> {
    duration.map(|d| d.as_secs_f64() * 1e3)
}

fn of(points: &Points, pick: impl Fn(&Red) -> Option<f64>) -> Vec<Option<f64>> {
    points.iter().map(|p| p.as_ref().and_then(&pick)).collect()
}

/// Three charts above each other, one time axis.
fn charts(
    view: View<'_>,
    service: &ServiceKey,
    past: &Past,
    events: &[Event],
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = view.theme;
    let room = area.height - 2;
    let rates = room * 3 / 10;
    let errors = (room * 2 / 10).max(2);
    let durations = room - rates - errors;
    let part = |y: u16, height: u16| Rect {
        height,
        ..below(area, y)
    };
    let red = view
        .app
        .row_of(service)
        .and_then(crate::console::trouble::figures);
    let series = |pick: fn(&Red) -> Option<f64>, style: Style| {
        let mut lines = vec![];
        if let Some(before) = &past.before {
            lines.push(Series {
                points: of(before, pick),
                style: theme.dim(),
                dotted: true,
            });
        }
        lines.push(Series {
            points: of(&past.now, pick),
            style,
            dotted: false,
        });
        lines
    };
    let now = red.map_or(UNKNOWN.to_owned(), |r| rate(r.rate_per_s));
    title(view, "rate/s", &[(now, theme.plain())], part(0, 1), buf);
    let lines = series(|r| r.rate_per_s, theme.chart());
    plot::draw(
        view,
        &lines,
        1.0,
        |v| rate(Some(v)),
        part(1, rates - 1),
        buf,
    );

    let share = red.and_then(|r| r.error_ratio);
    let style = match share {
        Some(ratio) if ratio > 0.0 => theme.level(error_level(ratio)).1,
        _ => theme.dim(),
    };
    title(
        view,
        "errors %",
        &[(percent(share), style)],
        part(rates, 1),
        buf,
    );
    let worst = past.now.iter().flatten().filter_map(|r| r.error_ratio);
    let line = match error_level(worst.fold(0.0, f64::max)) {
        Level::Fine => theme.chart(),
        level => theme.level(level).1,
    };
    let lines = series(|r| r.error_ratio, line);
    plot::draw(
        view,
        &lines,
        0.01,
        |v| percent(Some(v)),
        part(rates + 1, errors - 1),
        buf,
    );

    let start = rates + errors;
    let lines = [
        series(|r| ms(r.p99), theme.dim()),
        series(|r| ms(r.p50), theme.chart()),
        series(|r| ms(r.p95), theme.bold()),
    ];
    // Only p95 is compared: three dotted lines would say nothing.
    let [p99, p50, p95] = lines.map(|mut l| l.split_off(l.len() - 1));
    let before = series(|r| ms(r.p95), theme.dim())
        .into_iter()
        .filter(|s| s.dotted);
    let words = [
        (
            format!("p50 {}", millis(red.and_then(|r| r.p50))),
            theme.chart(),
        ),
        (
            format!("p95 {}", millis(red.and_then(|r| r.p95))),
            theme.bold(),
        ),
        (
            format!("p99 {}", millis(red.and_then(|r| r.p99))),
            theme.dim(),
        ),
    ];
    title(view, "duration ms", &words, part(start, 1), buf);
    let lines: Vec<Series> = p99
        .into_iter()
        .chain(before)
        .chain(p50)
        .chain(p95)
        .collect();
    let figure = |v: f64| millis(Some(Duration::from_secs_f64(v / 1e3)));
    plot::draw(
        view,
        &lines,
        1.0,
        figure,
        part(start + 1, durations - 1),
        buf,
    );

    let axis = plot_area(area);
    marks(view, events, at(axis, area.height - 2), buf);
    time_axis(view, at(axis, area.height - 1), buf);
}

fn title(view: View<'_>, name: &str, words: &[(String, Style)], area: Rect, buf: &mut Buffer) {
    let mut spans = vec![span(
        format!("{}  ", right(name, usize::from(LABEL) + 3)),
        view.theme.bold(),
    )];
    for (word, style) in words {
        spans.push(span(format!("{word}   "), *style));
    }
    put(Line::from(spans), area, buf);
}

/// Where something happened, each by its glyph; on a full column the worst.
pub(super) fn marks(view: View<'_>, events: &[Event], area: Rect, buf: &mut Buffer) {
    let window = view.app.window(view.now);
    let length = window.length().as_secs_f64();
    if area.width == 0 || length <= 0.0 {
        return;
    }
    let mut worst: Vec<Option<&Event>> = vec![None; usize::from(area.width)];
    for event in events.iter().filter(|e| window.contains(e.at)) {
        let part = event.at.since(window.from).as_secs_f64() / length;
        let x = ((part * f64::from(area.width)) as usize).min(worst.len() - 1);
        let rank = super::events::rank(event);
        if worst[x].is_none_or(|known| super::events::rank(known) < rank) {
            worst[x] = Some(event);
        }
    }
    for (x, event) in (0..).zip(worst) {
        if let Some(event) = event {
            let (glyph, style) = super::events::glyph(view, event);
            buf[(area.x + x, area.y)].set_symbol(glyph).set_style(style);
        }
    }
}

/// One line of bars for each figure.
fn bars(view: View<'_>, service: &ServiceKey, past: &Past, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let row = view.app.row_of(service);
    let red = row.and_then(crate::console::trouble::figures);
    let as_time = |value: Option<f64>| value.map(|v| Duration::from_secs_f64(v / 1e3));
    type Line5 = (&'static str, fn(&Red) -> Option<f64>, String);
    let lines: [Line5; 5] = [
        (
            "rate/s",
            |r| r.rate_per_s,
            rate(red.and_then(|r| r.rate_per_s)),
        ),
        (
            "errors %",
            |r| r.error_ratio,
            percent(red.and_then(|r| r.error_ratio)),
        ),
        ("p50 ms", |r| ms(r.p50), millis(red.and_then(|r| r.p50))),
        ("p95 ms", |r| ms(r.p95), millis(red.and_then(|r| r.p95))),
        ("p99 ms", |r| ms(r.p99), millis(red.and_then(|r| r.p99))),
    ];
    let width = usize::from(area.width).saturating_sub(NAME + FIGURE + 4);
    for (y, (name, pick, figure)) in (0..).zip(lines) {
        let points: Vec<Option<Duration>> = of(&past.now, pick).into_iter().map(as_time).collect();
        let mut spans = vec![
            span(format!("   {}", left(name, NAME - 3)), theme.dim()),
            span(format!("{}  ", right(&figure, FIGURE)), theme.bold()),
        ];
        spans.extend(
            sparkline(&points, width)
                .into_iter()
                .map(|(bar, high)| span(bar, if high { theme.unusual() } else { theme.chart() })),
        );
        put(Line::from(spans), at(area, y), buf);
    }
    let axis = Rect {
        x: area.x + u16::try_from(NAME + FIGURE + 2).unwrap_or(0),
        width: u16::try_from(width).unwrap_or(0),
        ..at(area, 5)
    };
    time_axis(view, axis, buf);
}
