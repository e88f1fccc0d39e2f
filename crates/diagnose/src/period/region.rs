//! Where to look for the trouble and what is normal at first, from what was stated: windows, a moment, or nothing.

use crate::incident::{Incident, Range as Times};
use std::ops::Range;

/// Points further apart than this many steps are two recordings.
const GAP: f64 = 20.0;
/// A stated begin may be late by this share of what lies before it.
const LATE_SHARE: f64 = 0.34;
/// What somebody chose to look at may have begun before it by this part of its length.
const CHOSEN: usize = 4;
/// A recording must be this many times longer to be what the other is compared with.
const LONGER: usize = 3;

/// What is normal at first, and where to look.
pub struct Region {
    pub baseline: Vec<usize>,
    pub range: Range<usize>,
    /// The baseline is another recording, so that things may have drifted in between.
    pub apart: bool,
}

impl Region {
    pub fn of(incident: &Incident, step: f64) -> Option<Self> {
        let blocks = blocks(&incident.times, step);
        let stated_at = incident.stated.as_ref().and_then(|s| s.at);
        let anomalous = incident.anomalous.and_then(|w| points(&incident.times, &w));
        let normal = incident.normal.and_then(|w| points(&incident.times, &w));
        let region = match (anomalous, normal) {
            (Some(range), normal) => Self::stated(range, normal, &blocks, incident.chosen),
            (None, Some(normal)) => Self::after(normal, &blocks, incident.times.len()),
            (None, None) => Self::unstated(stated_at, &incident.times, &blocks, step),
        };
        let usable = !region.range.is_empty() && !region.baseline.is_empty();
        usable.then_some(region)
    }

    fn stated(
        range: Range<usize>,
        normal: Option<Range<usize>>,
        blocks: &[Range<usize>],
        chosen: bool,
    ) -> Self {
        let n = blocks.last().map_or(0, |block| block.end);
        let baseline: Vec<usize> = match normal {
            Some(normal) => normal.filter(|at| !range.contains(at)).collect(),
            None => (0..n).filter(|at| !range.contains(at)).collect(),
        };
        let block = block_of(blocks, range.start);
        let same = |at: &&usize| block.contains(at);
        let before = baseline
            .iter()
            .filter(same)
            .filter(|at| **at < range.start)
            .count();
        let apart = baseline.iter().filter(same).count() == 0;
        // Told late, the trouble has begun before the stated window.
        let most = if chosen { range.len() / CHOSEN } else { before };
        let early = if apart {
            0
        } else {
            ((before as f64 * LATE_SHARE) as usize).min(most)
        };
        let start = range.start.saturating_sub(early).max(block.start);
        let range = start..range.end;
        Self {
            baseline,
            range,
            apart,
        }
    }

    fn after(normal: Range<usize>, blocks: &[Range<usize>], n: usize) -> Self {
        let rest: Vec<Range<usize>> = blocks
            .iter()
            .filter(|block| block.start >= normal.end || block.end <= normal.start)
            .cloned()
            .collect();
        let (range, apart) = match rest.first() {
            Some(block) => (block.clone(), true),
            None => (normal.end..n, false),
        };
        Self {
            baseline: normal.collect(),
            range,
            apart,
        }
    }

    fn unstated(at: Option<f64>, times: &[f64], blocks: &[Range<usize>], step: f64) -> Self {
        let n = times.len();
        let longest = blocks
            .iter()
            .max_by_key(|b| (b.len(), usize::MAX - b.start));
        let longest = longest.cloned().unwrap_or(0..n);
        let at = at.filter(|at| {
            let (first, last) = (times.first().copied(), times.last().copied());
            first.is_some_and(|t| *at >= t - step) && last.is_some_and(|t| *at <= t + GAP * step)
        });
        let named = at.map(|at| {
            block_of(
                blocks,
                times.partition_point(|t| *t <= at).saturating_sub(1),
            )
        });
        let block = named.unwrap_or_else(|| {
            let other = |b: &&Range<usize>| **b != longest && b.len() * LONGER <= longest.len();
            blocks
                .iter()
                .filter(other)
                .max_by_key(|b| b.len())
                .cloned()
                .unwrap_or(longest.clone())
        });
        if block != longest {
            return Self {
                baseline: longest.collect(),
                range: block,
                apart: true,
            };
        }
        Self {
            baseline: block.clone().collect(),
            range: block,
            apart: false,
        }
    }
}

/// The points within a window of time; `None` when there is none.
fn points(times: &[f64], window: &Times) -> Option<Range<usize>> {
    let start = times.partition_point(|t| *t < window.from);
    let end = times.partition_point(|t| *t <= window.to);
    (start < end).then_some(start..end)
}

/// The recordings: stretches without a long gap.
fn blocks(times: &[f64], step: f64) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for at in 1..=times.len() {
        if at == times.len() || times[at] - times[at - 1] > GAP * step {
            blocks.push(start..at);
            start = at;
        }
    }
    blocks
}

fn block_of(blocks: &[Range<usize>], at: usize) -> Range<usize> {
    let found = blocks.iter().find(|block| block.contains(&at));
    found.or(blocks.last()).cloned().unwrap_or(0..0)
}
