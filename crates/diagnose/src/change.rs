//! How much a series has changed, with direction: robust and classical scores together, with floors for what hardly varies.

use crate::family::{Direction, Family};
use crate::incident::{Incident, Series};
use crate::period::Period;
use crate::stats::{Usual, mean, median};
use coral_model::Observed;
use std::collections::BTreeMap;

/// Spreads below this share of the usual value are the same value.
const RELATIVE: f64 = 0.04;
/// And below this share of what the metric usually is elsewhere: a tiny figure that doubles is still tiny.
const ELSEWHERE: f64 = 0.005;
/// A share of requests that differs by less than this is the same share.
const SHARE: f64 = 0.005;
/// A ratio of errors that differs by this has another one.
const ERRORS: f64 = 0.01;
/// Fewer values are too few to know what is usual.
const SPARSE: usize = 8;
/// How far an outage of data counts, in spreads.
const GONE: f64 = 8.0;

/// What each metric usually is over all services: the floor of what matters.
pub struct Scale {
    unit: BTreeMap<Observed, f64>,
}

impl Scale {
    /// Of all series of an incident.
    pub fn of(incident: &Incident) -> Self {
        let mut sizes: BTreeMap<&Observed, Vec<f64>> = BTreeMap::new();
        for series in &incident.series {
            let stride = series.values.len() / 64 + 1;
            let known = series.values.iter().step_by(stride).filter(|v| !v.is_nan());
            let mut known: Vec<f64> = known.map(|v| v.abs()).collect();
            if let Some(middle) = median(&mut known) {
                let most = known.last().copied().unwrap_or(0.0);
                sizes
                    .entry(&series.metric)
                    .or_default()
                    .push(middle.max(0.1 * most));
            }
        }
        let unit = |mut sizes: Vec<f64>| {
            sizes.retain(|size| *size > 0.0);
            median(&mut sizes).unwrap_or(1.0)
        };
        let unit = sizes
            .into_iter()
            .map(|(m, s)| (m.clone(), unit(s)))
            .collect();
        Self { unit }
    }

    fn unit(&self, series: &Series) -> f64 {
        self.unit.get(&series.metric).copied().unwrap_or(1.0)
    }

    /// The least spread that a series is given.
    pub fn floor(&self, series: &Series, usual: &Usual) -> f64 {
        let size = match series.family {
            // What counts of an availability is how far it is from all.
            Family::Availability => (whole(usual) - usual.median).abs(),
            _ => usual.median.abs(),
        };
        let least = match series.family {
            Family::Availability => SHARE * whole(usual),
            // One in a hundred counts, also where others fail all the time.
            Family::Errors if is_ratio(series) => (0.1 * self.unit(series)).min(ERRORS),
            // Where there is hardly ever one, a tenth of what is usual elsewhere is the first that counts.
            Family::Errors | Family::Restarts | Family::Throttling | Family::Queue => {
                0.1 * self.unit(series)
            }
            _ => ELSEWHERE * self.unit(series),
        };
        (RELATIVE * size).max(least)
    }

    /// The spread that deviations are measured in when a value is judged by itself.
    pub fn spread(&self, series: &Series, usual: &Usual) -> f64 {
        let middle = 0.5 * (usual.robust + usual.classical);
        middle.max(self.floor(series, usual))
    }
}

/// Errors of all requests, from 0 to 1, and not their number.
fn is_ratio(series: &Series) -> bool {
    series.metric.raw().to_lowercase().contains("ratio")
}

/// What stands for everything in an availability: 1, or 100 percent.
fn whole(usual: &Usual) -> f64 {
    if usual.high > 1.5 { 100.0 } else { 1.0 }
}

/// How much worse `value` is than `usual`, in the unit of the series.
pub fn deviation(series: &Series, value: f64, usual: f64) -> f64 {
    match series.family.direction() {
        Direction::Up => value - usual,
        Direction::Down => usual - value,
        Direction::Either => (value - usual).abs(),
    }
}

/// The change of one series from the normal time to the trouble.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which series.
    pub series: usize,
    /// How unusual, as a logarithm of spreads; 0 is usual.
    pub strength: f64,
    /// How many spreads.
    pub z: f64,
    /// Usual mean.
    pub before: f64,
    /// Mean in the trouble; NaN when the data has gone.
    pub after: f64,
    /// Where on the axis it began.
    pub onset: Option<usize>,
    /// There was data before, and there is none now.
    pub gone: bool,
    /// There was none before, and there is now.
    pub new: bool,
}

impl Change {
    /// Now over before; infinite from nothing.
    pub fn ratio(&self) -> f64 {
        match (self.before, self.after) {
            (before, after) if before == after => 1.0,
            (before, after) => after / before,
        }
    }
}

/// The change of every series, in their order.
pub fn changes(incident: &Incident, period: &Period, scale: &Scale) -> Vec<Change> {
    let mut room = Room::default();
    let each = incident.series.iter().enumerate();
    each.map(|(at, series)| change(at, series, period, scale, &mut room))
        .collect()
}

/// Buffers that all series share.
#[derive(Default)]
struct Room {
    normal: Vec<f64>,
    control: Vec<f64>,
    trouble: Vec<f64>,
}

fn known(series: &Series, points: impl Iterator<Item = usize>, into: &mut Vec<f64>) {
    into.clear();
    into.extend(points.map(|at| series.values[at]).filter(|v| !v.is_nan()));
}

fn change(at: usize, series: &Series, period: &Period, scale: &Scale, room: &mut Room) -> Change {
    known(series, period.baseline.iter().copied(), &mut room.normal);
    known(series, period.control.iter().copied(), &mut room.control);
    known(series, period.segment.clone(), &mut room.trouble);
    let mut change = Change {
        series: at,
        strength: 0.0,
        z: 0.0,
        before: mean(&room.normal).unwrap_or(f64::NAN),
        after: mean(&room.trouble).unwrap_or(f64::NAN),
        onset: None,
        gone: false,
        new: false,
    };
    let Some(usual) = Usual::of(&mut room.normal) else {
        change.new = is_new(room);
        return change;
    };
    change.new = series.family == Family::Load && is_new(room);
    let covered = usual.n as f64 / period.baseline.len().max(1) as f64;
    let Some(middle) = median(&mut room.trouble) else {
        let quiet = period.control.is_empty() || !room.control.is_empty();
        change.gone = covered > 0.8 && quiet && period.segment.len() > 1;
        change.z = if change.gone { GONE } else { 0.0 };
        return change;
    };
    let floor = scale.floor(series, &usual);
    let (robust, classical) = (usual.robust.max(floor), usual.classical.max(floor));
    let from = |center: f64, average: f64| {
        let robust = deviation(series, middle, center).max(0.0) / robust;
        let classical = deviation(series, change.after, average).max(0.0) / classical;
        (robust, classical)
    };
    let (mut robust, mut classical) = from(usual.median, usual.mean);
    if let (Some(center), Some(average)) = (median(&mut room.control), mean(&room.control)) {
        let (r, c) = from(center, average);
        (robust, classical) = (robust.min(r), classical.min(c));
        if (change.after - average).abs() < (change.after - change.before).abs() {
            change.before = average;
        }
    }
    change.z = (robust * classical).sqrt();
    let strength = 0.5 * (robust.ln_1p() + classical.ln_1p());
    change.strength = strength * weight(series, &change, &usual, room, period);
    change.onset = onset(series, period, &usual, scale);
    change
}

/// Whether there was nothing before, and is something now.
fn is_new(room: &Room) -> bool {
    let nothing = |values: &[f64]| values.iter().all(|v| *v == 0.0);
    nothing(&room.normal) && nothing(&room.control) && !nothing(&room.trouble)
}

/// How much of a score remains after what speaks against the series.
fn weight(series: &Series, change: &Change, usual: &Usual, room: &Room, period: &Period) -> f64 {
    let least = match series.family {
        Family::Load | Family::Other => 0.3,
        Family::Memory => 0.05,
        _ => 0.1,
    };
    let relative = match series.family {
        Family::Availability => 1.0,
        _ => (change.after - usual.median).abs() / usual.median.abs().max(f64::MIN_POSITIVE),
    };
    let material = (relative / least).min(1.0).powi(2);
    let beyond = room
        .trouble
        .iter()
        .filter(|v| match series.family.direction() {
            Direction::Up => **v > usual.high,
            Direction::Down => **v < usual.low,
            Direction::Either => **v > usual.high || **v < usual.low,
        });
    let beyond = beyond.count() as f64 / room.trouble.len().max(1) as f64;
    let covered = room.trouble.len() as f64 / period.segment.len().max(1) as f64;
    let thin = usual.n < SPARSE || covered < 0.3;
    material * (0.5 + 0.5 * beyond) * if thin { 0.6 } else { 1.0 }
}

/// The first point from a little before the trouble at which the series is unusual twice in a row.
fn onset(series: &Series, period: &Period, usual: &Usual, scale: &Scale) -> Option<usize> {
    let spread = scale.spread(series, usual);
    let early = (period.segment.len() / 4).clamp(1, 120);
    let from = period
        .segment
        .start
        .saturating_sub(early)
        .max(period.region.start);
    let far = |at: &usize| deviation(series, series.values[*at], usual.median) > 3.0 * spread;
    let mut points = (from..period.segment.end).filter(|at| !series.values[*at].is_nan());
    let last = period.segment.end.saturating_sub(1);
    points.find(|at| far(at) && (*at == last || far(&(at + 1)) || period.segment.len() < 4))
}
