//! When it began and what to compare with: the stretch of the axis that is in trouble, the normal points, and quiet points
//! near the trouble that tell a drift between then and now from the incident.

mod cut;
mod region;

use crate::change::{Scale, deviation};
use crate::family::Family;
use crate::incident::Incident;
use crate::stats::{Usual, median};
use region::Region;
use std::ops::Range;

/// At most so many points of the baseline are looked at for each series; they are spread evenly.
const SAMPLE: usize = 400;
/// Points next to the trouble that belong to neither side.
const GUARD: usize = 2;
/// Fewer normal points are no baseline.
const FEW: usize = 3;
/// Deviations below this many spreads are noise.
const NOISE: f64 = 3.0;
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
        let (profile, own) = profile(incident, scale, &baseline, &range);
        let place = cut::Place::new(incident, &range, step);
        let mut segment = cut::segment(&profile, &own, &place, apart);
        segment.start += range.start;
        segment.end += range.start;
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
) -> (Vec<f64>, Vec<f64>) {
    let sample = spread(baseline, SAMPLE);
    let mut all = vec![0.0; region.len()];
    let mut own = vec![0.0; region.len()];
    let mut values = Vec::with_capacity(sample.len());
    for series in &incident.series {
        values.clear();
        values.extend(
            sample
                .iter()
                .map(|&at| series.values[at])
                .filter(|v| !v.is_nan()),
        );
        let Some(usual) = Usual::of(&mut values) else {
            continue;
        };
        let spread = scale.spread(series, &usual);
        let weight = weight(series.family);
        let is_own = is_stated(incident, series.service, series.family);
        for (place, at) in region.clone().enumerate() {
            let far = deviation(series, series.values[at], usual.median) / spread - NOISE;
            if far > 0.0 {
                let loud = far.min(LOUD).ln_1p();
                all[place] += weight * loud;
                own[place] += if is_own { loud } else { 0.0 };
            }
        }
    }
    (all, own)
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
