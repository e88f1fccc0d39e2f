//! Lines over time, in dots: several in one chart, those of the compared time dotted. A gap in the data is a gap in the
//! line.

use super::{View, put, span};
use coral_report::text::right;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// Columns of the labels at the left.
pub(super) const LABEL: u16 = 8;
/// The dots of a cell by column and row, as Unicode numbers them.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
const EMPTY: u32 = 0x2800;

/// A line.
pub(super) struct Series {
    /// Its points, oldest first; `None` is a gap.
    pub points: Vec<Option<f64>>,
    /// Its colour.
    pub style: Style,
    /// Only every other dot.
    pub dotted: bool,
}

/// A canvas of dots.
struct Canvas {
    cells: Vec<(u32, Style)>,
    columns: usize,
    rows: usize,
}

impl Canvas {
    fn new(area: Rect) -> Self {
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        Self {
            cells: vec![(0, Style::new()); columns * rows],
            columns,
            rows,
        }
    }

    /// A dot counted from the lower left.
    fn dot(&mut self, x: usize, y: usize, style: Style) {
        let (column, row) = (x / 2, (self.rows * 4 - 1).saturating_sub(y));
        if column < self.columns && row / 4 < self.rows {
            let cell = &mut self.cells[row / 4 * self.columns + column];
            cell.0 |= DOTS[x % 2][row % 4];
            cell.1 = style;
        }
    }

    fn line(&mut self, series: &Series, top: f64) {
        let (width, height) = (self.columns * 2, self.rows * 4 - 1);
        let level = |value: f64| ((value / top).clamp(0.0, 1.0) * height as f64).round() as usize;
        let count = series.points.len();
        let mut last: Option<usize> = None;
        for x in 0..width {
            let place = x * count / width;
            let y = series.points.get(place).copied().flatten().map(level);
            let draws = !series.dotted || x % 3 == 0;
            if let Some(y) = y.filter(|_| draws) {
                // A jump is a vertical stretch, so that the line holds together.
                let from = last.filter(|_| !series.dotted).unwrap_or(y);
                for y in from.min(y)..=from.max(y) {
                    self.dot(x, y, series.style);
                }
            }
            if draws || y.is_none() {
                last = y;
            }
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer) {
        for (i, (dots, style)) in self.cells.iter().enumerate() {
            if *dots == 0 {
                continue;
            }
            let (x, y) = (i % self.columns, i / self.columns);
            let x = area.x + u16::try_from(x).unwrap_or(0);
            let y = area.y + u16::try_from(y).unwrap_or(0);
            let c = char::from_u32(EMPTY + dots).unwrap_or(' ');
            buf[(x, y)].set_char(c).set_style(*style);
        }
    }
}

/// The value at the top of the chart: the largest, with some air.
fn top(lines: &[Series], least: f64) -> f64 {
    let known = lines
        .iter()
        .flat_map(|s| s.points.iter().copied().flatten());
    known.fold(least, f64::max) * 1.05
}

/// Where the lines lie within the area of a chart.
pub(super) fn plot_area(area: Rect) -> Rect {
    Rect {
        x: area.x + LABEL + 2,
        width: area.width.saturating_sub(LABEL + 3),
        ..area
    }
}

/// A chart over the whole area; the last series lies on top. `least` is the least value that the axis reaches; `nothing`
/// says why there is no line.
pub(super) fn draw(
    view: View<'_>,
    lines: &[Series],
    least: f64,
    (figure, nothing): (impl Fn(f64) -> String, &str),
    area: Rect,
    buf: &mut Buffer,
) {
    let plot = plot_area(area);
    if plot.width < 8 || area.height == 0 {
        return;
    }
    let top = top(lines, least);
    let known = lines.iter().any(|s| s.points.iter().any(Option::is_some));
    if !known {
        let text = format!(" {nothing}");
        put(
            Line::styled(text, view.theme.dim()),
            super::at(plot, area.height / 2),
            buf,
        );
    }
    for y in 0..area.height {
        let label = match y {
            _ if !known => String::new(),
            0 => figure(top),
            y if y + 1 == area.height && area.height > 2 => figure(0.0),
            _ => String::new(),
        };
        let axis = Line::from(vec![
            span(
                format!("{} ", right(&label, usize::from(LABEL))),
                view.theme.dim(),
            ),
            span("▏", view.theme.rule()),
        ]);
        put(axis, super::at(area, y), buf);
    }
    let mut canvas = Canvas::new(plot);
    for series in lines {
        canvas.line(series, top);
    }
    canvas.render(plot, buf);
}
