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

/// What the charts of a service are made of.
struct Charts<'a> {
    view: View<'a>,
    past: &'a Past,
    /// The figures of now, for the titles.
    red: Option<&'a Red>,
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
    let room = area.height - 2;
    let rates = room * 3 / 10;
    let errors = (room * 2 / 10).max(2);
    let part = |y: u16, height: u16| Rect {
        height,
        ..below(area, y)
    };
    let red = view
        .app
        .row_of(service)
        .and_then(crate::console::trouble::figures);
    let charts = Charts { view, past, red };
    charts.rate(part(0, rates), buf);
    charts.errors(part(rates, errors), buf);
    charts.durations(part(rates + errors, room - rates - errors), buf);
    let axis = plot_area(area);
    marks(view, events, at(axis, area.height - 2), buf);
    time_axis(view, at(axis, area.height - 1), buf);
}

/// A chart's first line is its title, the rest its plot.
fn title_and_plot(area: Rect) -> (Rect, Rect) {
    let plot = Rect {
        height: area.height - 1,
        ..below(area, 1)
    };
    (Rect { height: 1, ..area }, plot)
}

impl Charts<'_> {
    /// A figure over the window, after the same of the compared time.
    fn series(&self, pick: fn(&Red) -> Option<f64>, style: Style) -> Vec<Series> {
        let before = self.past.before.iter().map(|points| Series {
            points: of(points, pick),
            style: self.view.theme.dim(),
            dotted: true,
        });
        let now = Series {
            points: of(&self.past.now, pick),
            style,
            dotted: false,
        };
        before.chain([now]).collect()
    }

    fn rate(&self, area: Rect, buf: &mut Buffer) {
        let (head, body) = title_and_plot(area);
        let theme = self.view.theme;
        let now = self.red.map_or(UNKNOWN.to_owned(), |r| rate(r.rate_per_s));
        title(self.view, "rate/s", &[(now, theme.plain())], head, buf);
        let lines = self.series(|r| r.rate_per_s, theme.chart());
        plot::draw(self.view, &lines, 1.0, |v| rate(Some(v)), body, buf);
    }

    fn errors(&self, area: Rect, buf: &mut Buffer) {
        let (head, body) = title_and_plot(area);
        let theme = self.view.theme;
        let share = self.red.and_then(|r| r.error_ratio);
        let style = match share {
            Some(ratio) if ratio > 0.0 => theme.level(error_level(ratio)).1,
            _ => theme.dim(),
        };
        title(self.view, "errors %", &[(percent(share), style)], head, buf);
        let ratios = self.past.now.iter().flatten().filter_map(|r| r.error_ratio);
        let line = match error_level(ratios.fold(0.0, f64::max)) {
            Level::Fine => theme.chart(),
            level => theme.level(level).1,
        };
        let lines = self.series(|r| r.error_ratio, line);
        plot::draw(self.view, &lines, 0.01, |v| percent(Some(v)), body, buf);
    }

    fn durations(&self, area: Rect, buf: &mut Buffer) {
        let (head, body) = title_and_plot(area);
        let theme = self.view.theme;
        let word = |name: &str, of: fn(&Red) -> Option<Duration>, style: Style| {
            (format!("{name} {}", millis(self.red.and_then(of))), style)
        };
        let words = [
            word("p50", |r| r.p50, theme.chart()),
            word("p95", |r| r.p95, theme.bold()),
            word("p99", |r| r.p99, theme.dim()),
        ];
        title(self.view, "duration ms", &words, head, buf);
        let [p99, p50, p95] = [
            self.series(|r| ms(r.p99), theme.dim()),
            self.series(|r| ms(r.p50), theme.chart()),
            self.series(|r| ms(r.p95), theme.bold()),
        ];
        // Only p95 is compared: three dotted lines would say nothing.
        let (before, p95): (Vec<_>, Vec<_>) = p95.into_iter().partition(|line| line.dotted);
        let lines = p99.into_iter().filter(|line| !line.dotted).chain(before);
        let lines = lines.chain(p50.into_iter().filter(|line| !line.dotted));
        let lines: Vec<Series> = lines.chain(p95).collect();
        let figure = |v: f64| millis(Some(Duration::from_secs_f64(v / 1e3)));
        plot::draw(self.view, &lines, 1.0, figure, body, buf);
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
