//! When it began and what to compare with: the stretch of the axis that is in trouble, the normal points, and quiet points
//! near the trouble that tell a drift between then and now from the incident.

mod cut;
mod region;

use crate::change::{Scale, deviation};
use crate::family::{Direction, Family};
use crate::incident::{Incident, Series};
use crate::stats::{Usual, median, quantile};
use region::Region;
use std::ops::Range;

/// At most so many points of the baseline are looked at for each series; they are spread evenly.
const SAMPLE: usize = 300;
/// Points next to the trouble that belong to neither side.
const GUARD: usize = 2;
/// Fewer normal points are no baseline.
const FEW: usize = 3;
/// So many are enough to judge the trouble once more.
const MANY: usize = 20;
/// Deviations below this many spreads are noise.
const NOISE: f64 = 3.0;
/// No data where there always was some.
const MISSING: f64 = 0.5;
/// How a deviation becomes loudness: many small ones do not outshout a large one.
const LOUDNESS: f64 = 0.8;
/// One series cannot outshout all others.
const LOUD: f64 = 60.0;

/// The points that are compared.
#[derive(Debug, Clone)]
pub struct Period {
    /// Normal points.
    pub baseline: Vec<usize>,
    /// The trouble.
    pub segment: Range<usize>,
    /// Quiet points of the anomalous window, when the baseline lies far from it.
    pub control: Vec<usize>,
    /// Where the trouble was looked for.
    pub region: Range<usize>,
}

impl Period {
    /// The period of an incident; `None` when there is nothing to compare.
    pub fn find(incident: &Incident, scale: &Scale) -> Option<Self> {
        let step = step(&incident.times)?;
        let Region {
            baseline,
            range,
            apart,
        } = Region::of(incident, step)?;
        let place = cut::Place::new(incident, &range, step);
        let cut = |baseline: &[usize], clean: bool| {
            let (all, own) = profile(incident, scale, baseline, &range, clean);
            let found = cut::segment(&all, &own, &place, apart);
            found.start + range.start..found.end + range.start
        };
        let mut segment = cut(&baseline, apart);
        if !apart {
            // Now that it is known where the trouble is, what is usual can be told without it.
            let outside: Vec<usize> = baseline
                .iter()
                .copied()
                .filter(|at| !segment.contains(at))
                .collect();
            if outside.len() >= MANY {
                segment = cut(&outside, true);
            }
        }
        Some(Self::around(baseline, segment, range, apart))
    }

    fn around(
        baseline: Vec<usize>,
        segment: Range<usize>,
        region: Range<usize>,
        apart: bool,
    ) -> Self {
        let near = segment.start.saturating_sub(GUARD)..segment.end + GUARD;
        let outside = |at: &usize| !segment.contains(at);
        let control: Vec<usize> = match apart {
            true => region.clone().filter(outside).collect(),
            false => vec![],
        };
        let mut kept: Vec<usize> = baseline
            .iter()
            .copied()
            .filter(|at| !near.contains(at))
            .collect();
        if kept.len() < FEW {
            kept = baseline.into_iter().filter(outside).collect();
        }
        if kept.len() < FEW {
            kept = region.clone().filter(outside).collect();
        }
        Self {
            baseline: spread(&kept, SAMPLE),
            segment,
            control,
            region,
        }
    }

    /// Whether there is enough to compare with.
    pub fn has_history(&self) -> bool {
        self.baseline.len() >= FEW
    }
}

/// The usual distance of two points.
pub fn step(times: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    median(&mut steps).filter(|step| *step > 0.0)
}

/// At most `most` of these, spread evenly.
fn spread(points: &[usize], most: usize) -> Vec<usize> {
    let n = points.len();
    if n <= most {
        return points.to_vec();
    }
    (0..most).map(|i| points[i * n / most]).collect()
}

/// How much is unusual at each point of the region: over all series, and of the series that the symptom names.
fn profile(
    incident: &Incident,
    scale: &Scale,
    baseline: &[usize],
    region: &Range<usize>,
    clean: bool,
) -> (Vec<f64>, Vec<f64>) {
    let sample = spread(baseline, SAMPLE);
    let mut all = vec![0.0; region.len()];
    let mut own = vec![0.0; region.len()];
    let mut values = Vec::with_capacity(sample.len());
    let mut far = Vec::with_capacity(region.len());
    for series in &incident.series {
        values.clear();
        values.extend(
            sample
                .iter()
                .map(|&at| series.values[at])
                .filter(|v| !v.is_nan()),
        );
        let Some(level) = Level::of(series, scale, &mut values, clean) else {
            continue;
        };
        let weight = weight(series.family);
        let is_own = is_stated(incident, series.service, series.family);
        far.clear();
        let head = sample.len().div_ceil(3);
        let there = sample[..head]
            .iter()
            .filter(|at| !series.values[**at].is_nan())
            .count();
        let steady = there as f64 >= 0.95 * head as f64;
        far.extend(region.clone().map(|at| {
            if steady && series.values[at].is_nan() {
                return MISSING;
            }
            let far = deviation(series, series.values[at], level.usual) / level.spread - NOISE;
            if far > 0.0 { far.min(LOUD) } else { 0.0 }
        }));
        for place in (0..far.len()).filter(|place| far[*place] > 0.0) {
            let loud = lasting(&far, place).powf(LOUDNESS);
            all[place] += weight * loud;
            own[place] += if is_own { loud } else { 0.0 };
        }
    }
    (all, own)
}

/// The value at this place, less when its neighbours do not agree: a single spike does not last.
fn lasting(far: &[f64], place: usize) -> f64 {
    let reach = match far.len() {
        0..20 => return far[place],
        20..60 => 1,
        _ => 2,
    };
    let near = &far[place.saturating_sub(reach)..(place + reach + 1).min(far.len())];
    let mut room = [0.0; 5];
    room[..near.len()].copy_from_slice(near);
    let near = &mut room[..near.len()];
    near.sort_unstable_by(f64::total_cmp);
    near[near.len() / 2]
}

/// What a series usually is and varies by; when the values may hold the trouble, as far as the better half of them tells.
struct Level {
    usual: f64,
    spread: f64,
}

/// This quantile from the better end is usual whatever the rest is; in noise it lies so many deviations from the middle.
const BETTER: f64 = 0.04;
const FROM_MIDDLE: f64 = 1.75;

/// How much neighbours differ, as a standard deviation: a level that changes once does not show in it.
fn jitter(values: &[f64]) -> f64 {
    let steps = values.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    median(&mut steps.collect::<Vec<_>>()).unwrap_or(0.0) * 1.05
}

impl Level {
    fn of(series: &Series, scale: &Scale, values: &mut [f64], clean: bool) -> Option<Self> {
        let jitter = if clean { 0.0 } else { jitter(values) };
        let usual = Usual::of(values)?;
        if clean {
            return Some(Self {
                usual: usual.median,
                spread: scale.spread(series, &usual),
            });
        }
        let floor = scale.floor(series, &usual);
        let side = |q: f64| match series.family.direction() {
            Direction::Down => quantile(values, 1.0 - q),
            _ => quantile(values, q),
        };
        Some(match series.family.direction() {
            Direction::Either => Self {
                usual: usual.median,
                spread: usual.robust.max(floor),
            },
            _ => {
                let spread = jitter.max(floor);
                let worse = if series.family.direction() == Direction::Down {
                    -1.0
                } else {
                    1.0
                };
                Self {
                    usual: side(BETTER)? + worse * FROM_MIDDLE * spread,
                    spread,
                }
            }
        })
    }
}

const fn weight(family: Family) -> f64 {
    match family {
        Family::Load | Family::Other => 0.2,
        family if family.is_harm() => 1.0,
        _ => 0.7,
    }
}

/// Whether a series is what the symptom complains about.
pub fn is_stated(incident: &Incident, service: u32, family: Family) -> bool {
    let Some(stated) = &incident.stated else {
        return false;
    };
    let wanted = match Family::of(stated.signal.raw()) {
        Family::Other => None,
        Family::Errors => Some(Family::Availability),
        wanted => Some(wanted),
    };
    let same = |f: Family| {
        if f == Family::Errors {
            Family::Availability
        } else {
            f
        }
    };
    stated.index == Some(service) && wanted.map_or(family.is_harm(), |w| w == same(family))
}
