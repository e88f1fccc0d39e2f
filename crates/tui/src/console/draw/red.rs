//! The charts of a service: rate, errors, durations over the window, with the compared time dotted and marks where
//! something happened.

use super::chart::{sparkline, time_axis};
use super::plot::{LABEL, Series, plot_area};
use super::{View, at, below, plot, put, span};
use crate::console::app::LinkState;
use crate::console::trouble::{Level, error_level, figures};
use coral_model::answer::Red;
use coral_model::{Event, ServiceKey, Window};
use coral_report::figure::{millis, percent, rate};
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

impl Past {
    /// The line of a figure on top of that of the time that is compared with.
    fn lines(&self, view: View<'_>, pick: fn(&Red) -> Option<f64>, style: Style) -> Vec<Series> {
        let before = self.before.iter().map(|before| Series {
            points: of(before, pick),
            style: view.theme.dim(),
            dotted: true,
        });
        let now = Series {
            points: of(&self.now, pick),
            style,
            dotted: false,
        };
        before.chain([now]).collect()
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
    let heights = [room * 3 / 10, (room * 2 / 10).max(2)];
    let part = |y: u16, height: u16| Rect {
        height,
        ..below(area, y)
    };
    let [rates, errors, durations] = [
        part(0, heights[0]),
        part(heights[0], heights[1]),
        part(heights[0] + heights[1], room - heights[0] - heights[1]),
    ];
    let nothing = why_blank(view, service);
    let red = view.app.row_of(service).and_then(figures);
    let words = [(rate(red.and_then(|r| r.rate_per_s)), theme.plain())];
    let lines = past.lines(view, |r| r.rate_per_s, theme.chart());
    title(view, "rate/s", &words, rates, buf);
    let figure = |v| rate(Some(v));
    plot::draw(view, &lines, 1.0, (figure, nothing), below(rates, 1), buf);

    let style = |ratio: f64| match error_level(ratio) {
        Level::Fine => theme.chart(),
        level => theme.level(level).1,
    };
    let share = red.and_then(|r| r.error_ratio);
    let words = [(percent(share), style(share.unwrap_or(0.0)))];
    let worst = past.now.iter().flatten().filter_map(|r| r.error_ratio);
    let lines = past.lines(view, |r| r.error_ratio, style(worst.fold(0.0, f64::max)));
    title(view, "errors %", &words, errors, buf);
    let figure = |v| percent(Some(v));
    plot::draw(view, &lines, 0.01, (figure, nothing), below(errors, 1), buf);

    duration_chart(view, past, red, nothing, durations, buf);
    let axis = plot_area(area);
    marks(view, events, at(axis, area.height - 2), buf);
    time_axis(view, at(axis, area.height - 1), buf);
}

/// Three percentiles; only p95 is compared, for three dotted lines would say nothing.
fn duration_chart(
    view: View<'_>,
    past: &Past,
    red: Option<&Red>,
    nothing: &str,
    area: Rect,
    buf: &mut Buffer,
) {
    let theme = view.theme;
    let word = |name: &str, pick: fn(&Red) -> Option<Duration>, style: Style| {
        (format!("{name} {}", millis(red.and_then(pick))), style)
    };
    let words = [
        word("p50", |r| r.p50, theme.chart()),
        word("p95", |r| r.p95, theme.bold()),
        word("p99", |r| r.p99, theme.dim()),
    ];
    title(view, "duration ms", &words, area, buf);
    let one = |pick, style| {
        past.lines(view, pick, style)
            .into_iter()
            .filter(|s: &Series| !s.dotted)
    };
    let mut lines: Vec<Series> = one(|r| ms(r.p99), theme.dim()).collect();
    lines.extend(one(|r| ms(r.p50), theme.chart()));
    lines.extend(past.lines(view, |r| ms(r.p95), theme.bold()));
    let figure = |v: f64| millis(Some(Duration::from_secs_f64(v / 1e3)));
    plot::draw(view, &lines, 1.0, (figure, nothing), below(area, 1), buf);
}

/// Why a chart has no line.
fn why_blank(view: View<'_>, service: &ServiceKey) -> &'static str {
    let slices = crate::console::questions::slices(view.app.window(view.now));
    let newest = slices.last().map(|&slice| {
        let span = coral_model::Span::Between(slice);
        crate::console::questions::summary(span, service)
    });
    match newest.and_then(|question| view.app.asked.get(&question)) {
        Some(_) => "no request in this window",
        None if view.app.link != LinkState::Open => "not known while the colony is away",
        None => "asking ...",
    }
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
    let red = row.and_then(figures);
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
    if past.now.iter().all(Option::is_none) {
        let blank = Rect {
            x: area.x + u16::try_from(NAME + FIGURE + 2).unwrap_or(0),
            width: u16::try_from(width).unwrap_or(0),
            ..at(area, 2)
        };
        put(
            Line::styled(why_blank(view, service), theme.dim()),
            blank,
            buf,
        );
    }
    let axis = Rect {
        x: area.x + u16::try_from(NAME + FIGURE + 2).unwrap_or(0),
        width: u16::try_from(width).unwrap_or(0),
        ..at(area, 5)
    };
    time_axis(view, axis, buf);
}
