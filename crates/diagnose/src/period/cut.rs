//! Cuts the trouble out of the course of the unusual: the stretch that stands out most against the rest of the region.

use crate::incident::Incident;
use std::ops::Range;

/// A longer course is averaged to this many bins first.
const BINS: usize = 600;
/// The symptom's own series count this many times.
const OWN: f64 = 6.0;
/// A stretch that stands out less than one clear series does does not stand out.
const CLEAR: f64 = 3.0;
/// A stated moment is trusted within this many seconds or steps, whichever is more.
const TRUST_S: f64 = 600.0;
const TRUST_STEPS: f64 = 4.0;

/// How well a begin agrees with what was stated.
pub struct Place {
    times: Vec<f64>,
    at: Option<f64>,
    from: Option<f64>,
    trust: f64,
}

impl Place {
    pub fn new(incident: &Incident, region: &Range<usize>, step: f64) -> Self {
        Self {
            times: incident.times[region.clone()].to_vec(),
            at: incident.stated.as_ref().and_then(|s| s.at),
            from: incident.anomalous.map(|w| w.from),
            trust: TRUST_S.max(TRUST_STEPS * step),
        }
    }

    /// 1 for a stretch at the stated moment, less for one far from it.
    fn agrees(&self, start: usize, end: usize) -> f64 {
        let (Some(begin), Some(last)) = (self.times.get(start), self.times.get(end - 1)) else {
            return 0.0;
        };
        let far = |at: f64| {
            let off = (begin - at).max(at - last).max(0.0);
            1.0 / (1.0 + (off / self.trust).powi(2))
        };
        let stated = self.at.map_or(1.0, far);
        match self.from {
            Some(from) if *last < from => 0.5 * stated,
            _ => stated,
        }
    }
}

/// The stretch that stands out most; the whole when the region is a recording of its own and nothing in it does.
pub fn segment(all: &[f64], own: &[f64], place: &Place, apart: bool) -> Range<usize> {
    let n = all.len();
    let course: Vec<f64> = all.iter().zip(own).map(|(a, o)| a + OWN * o).collect();
    let width = n.div_ceil(BINS).max(1);
    let bins: Vec<f64> = course
        .chunks(width)
        .map(|bin| bin.iter().sum::<f64>() / bin.len() as f64)
        .collect();
    let least = if bins.len() <= 12 { 1 } else { 3 };
    let Some((found, above)) = best(&bins, least, width, place, n) else {
        // Nothing is unusual anywhere; the end is compared with what was before.
        return if apart { 0..n } else { n - n.div_ceil(4)..n };
    };
    if apart && above < CLEAR {
        return 0..n;
    }
    found.start * width..(found.end * width).min(n)
}

/// The bins whose mean differs most from the rest by a t statistic, and by how much.
fn best(
    bins: &[f64],
    least: usize,
    width: usize,
    place: &Place,
    n: usize,
) -> Option<(Range<usize>, f64)> {
    let total = bins.len();
    let mut sums = vec![0.0];
    for bin in bins {
        sums.push(sums[sums.len() - 1] + bin);
    }
    let mut best: Option<(f64, Range<usize>, f64)> = None;
    for start in 0..total {
        for end in start + least..=total {
            let inside = end - start;
            if inside == total {
                continue;
            }
            let sum = sums[end] - sums[start];
            let outside = (sums[total] - sum) / (total - inside) as f64;
            let above = sum / inside as f64 - outside;
            let size = (inside * (total - inside)) as f64 / total as f64;
            let score = above * size.sqrt();
            if score <= best.as_ref().map_or(0.0, |b| b.0) {
                continue;
            }
            let score = score * place.agrees(start * width, (end * width).min(n));
            if score > best.as_ref().map_or(0.0, |b| b.0) {
                best = Some((score, start..end, above));
            }
        }
    }
    best.map(|(_, range, above)| (range, above))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere(n: usize) -> Place {
        Place {
            times: (0..n).map(|t| t as f64).collect(),
            at: None,
            from: None,
            trust: 600.0,
        }
    }

    #[test]
    fn the_raised_stretch_is_cut_out() {
        let mut course = vec![0.1; 40];
        course[25..33].fill(4.0);
        let none = vec![0.0; 40];
        assert_eq!(segment(&course, &none, &nowhere(40), false), 25..33);
        assert_eq!(segment(&[5.0; 6], &[0.0; 6], &nowhere(6), true), 0..6);
    }
}
