//! p95 over the window: a sparkline in a cell, and a chart with axes. A gap in the data is a gap in the line.

use super::{View, clock, put, span};
use crate::console::trouble::{median, slower};
use coral_report::figure::millis;
use coral_report::text::right;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::time::Duration;

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// What is steady stands at this part of the height, so that what rises has room to rise.
const STEADY_PART: f64 = 4.0;
/// The same for a chart, whose axis has labels.
const CHART_PART: f64 = 2.5;
/// Columns of the labels at the left of a chart.
const LABEL: u16 = 8;

/// The value at the top: the largest, or so many times the median when nothing rises that high.
fn top(points: &[Option<Duration>], times: f64) -> f64 {
    let known: Vec<Duration> = points.iter().copied().flatten().collect();
    let largest = known
        .iter()
        .max()
        .copied()
        .unwrap_or_default()
        .as_secs_f64();
    largest.max(median(&known).as_secs_f64() * times)
}

/// The points in so many columns; the largest of those that share a column.
fn columns(points: &[Option<Duration>], width: usize) -> Vec<Option<Duration>> {
    let count = points.len();
    (0..width)
        .map(|x| {
            let from = x * count / width;
            let to = ((x + 1) * count).div_ceil(width).clamp(from, count);
            points[from..to].iter().copied().flatten().max()
        })
        .collect()
}

/// A sparkline of so many columns: each bar, and whether it is far above what is usual.
pub(super) fn sparkline(points: &[Option<Duration>], width: usize) -> Vec<(&'static str, bool)> {
    let (top, high) = (top(points, STEADY_PART), high(points));
    let bar = |point: Option<Duration>| match point {
        None => (" ", false),
        Some(value) => {
            let bar = BARS[eighths(value, top, 1).saturating_sub(1).min(7)];
            (bar, value >= high)
        }
    };
    columns(points, width).into_iter().map(bar).collect()
}

/// From this value on a point is far above what is usual; beyond all values when nothing is unusual.
fn high(points: &[Option<Duration>]) -> Duration {
    match slower(points) {
        None => Duration::MAX,
        Some(_) => {
            let known: Vec<Duration> = points.iter().copied().flatten().collect();
            median(&known) * 2
        }
    }
}

/// The height of a value in eighths of a line, at least one.
fn eighths(value: Duration, top: f64, lines: usize) -> usize {
    let part = value.as_secs_f64() / top.max(1e-12);
    ((part * lines as f64 * 8.0).round() as usize).clamp(1, lines * 8)
}

/// A chart over the whole area: the last line is the time.
pub(super) fn draw(view: View<'_>, points: &[Option<Duration>], area: Rect, buf: &mut Buffer) {
    let (theme, top, high) = (view.theme, top(points, CHART_PART), high(points));
    if area.height < 3 || area.width <= LABEL + 10 || top == 0.0 {
        return;
    }
    let lines = usize::from(area.height - 1);
    let plot = Rect {
        x: area.x + LABEL + 2,
        width: area.width - LABEL - 3,
        ..area
    };
    let columns = columns(points, usize::from(plot.width));
    for line in 0..lines {
        let y = area.y + u16::try_from(line).unwrap_or(0);
        let floor = (lines - 1 - line) * 8;
        let bar = |point: &Option<Duration>| match point {
            None => " ",
            Some(value) => match eighths(*value, top, lines).saturating_sub(floor) {
                0 => " ",
                n => BARS[n.min(8) - 1],
            },
        };
        let spans: Vec<_> = columns
            .iter()
            .map(|point| {
                let unusual = point.is_some_and(|value| value >= high);
                let style = if unusual {
                    theme.unusual()
                } else {
                    theme.chart()
                };
                span(bar(point), style)
            })
            .collect();
        put(
            Line::from(spans),
            Rect {
                y,
                height: 1,
                ..plot
            },
            buf,
        );
        let label = match line {
            0 => millis(Some(Duration::from_secs_f64(top))),
            _ if line == lines / 2 && lines >= 5 => {
                let part = (lines - line) as f64 / lines as f64;
                millis(Some(Duration::from_secs_f64(top * part)))
            }
            _ => String::new(),
        };
        let axis = format!("{} ", right(&label, usize::from(LABEL)));
        let left = Rect {
            y,
            height: 1,
            width: LABEL + 2,
            ..area
        };
        put(
            Line::from(vec![span(axis, theme.dim()), span("▏", theme.rule())]),
            left,
            buf,
        );
    }
    time_axis(
        view,
        Rect {
            y: area.bottom() - 1,
            height: 1,
            ..plot
        },
        buf,
    );
}

pub(super) fn time_axis(view: View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(head) = view.app.picture().head() else {
        return;
    };
    let zone = &view.app.config.zone;
    let (from, to) = (head.window.from, head.window.to);
    let middle = from.plus(head.window.length() / 2);
    let style = view.theme.dim();
    put(Line::styled(clock(from, zone).0, style), area, buf);
    put(
        Line::styled(clock(middle, zone).0, style).centered(),
        area,
        buf,
    );
    put(
        Line::styled(clock(to, zone).0, style).right_aligned(),
        area,
        buf,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(ms: &[u64]) -> Vec<Option<Duration>> {
        let point = |&ms: &u64| (ms > 0).then(|| Duration::from_millis(ms));
        ms.iter().map(point).collect()
    }

    #[test]
    fn steady_is_low_a_rise_is_high_and_a_gap_is_blank() {
        let drawn = |ms: &[u64], width| -> String {
            let bars = sparkline(&points(ms), width);
            bars.into_iter().map(|(bar, _)| bar).collect()
        };
        assert_eq!(drawn(&[10, 10, 10, 10], 4), "▂▂▂▂");
        assert_eq!(drawn(&[10, 10, 0, 160], 4), "▁▁ █");
        assert_eq!(drawn(&[], 3), "   ");
        assert_eq!(drawn(&[1, 2], 4), "▂▂▄▄");
    }

    #[test]
    fn points_that_share_a_column_show_the_largest() {
        let squeezed = columns(&points(&[1, 9, 1, 1, 0, 0]), 3);
        assert_eq!(squeezed, points(&[9, 1, 0]));
    }
}
