//! Requests by service and side since the colony started, as counters that only grow: from the exact summaries of the
//! batches that it stored. Bounded: beyond the bound services are counted together.

use coral_model::summary::Counts;
use coral_model::{Batch, Histogram, Item, Route, ServiceKey, Side};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// More services and sides than this are counted under [`OTHERS`].
const MAX_SERIES: usize = 4_000;
/// The name of what is counted together.
const OTHERS: &str = "(others)";
/// The upper bounds of the buckets in seconds, as Prometheus' own clients have them.
pub const BOUNDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The middle of each bucket of a histogram, in seconds.
static MIDDLES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut last = Histogram::default();
    last.add(u16::MAX, 1);
    let last = last.buckets().next().map_or(0, |(index, _)| index);
    let middle = |index| {
        let mut one = Histogram::default();
        one.add(index, 1);
        one.max().unwrap_or(0) as f64 / 1e9
    };
    (0..=last).map(middle).collect()
});

/// One service and side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Requests, errors, client errors.
    pub counts: Counts,
    /// Durations up to each of [`BOUNDS`], not added up.
    pub buckets: [u64; BOUNDS.len()],
    /// All durations.
    pub samples: u64,
    /// Their sum in seconds, to the histogram's error.
    pub sum: f64,
}

impl Series {
    fn add(&mut self, counts: Counts, durations: &Histogram) {
        self.counts.add(counts);
        for (index, count) in durations.buckets() {
            let seconds = MIDDLES.get(usize::from(index)).copied().unwrap_or(0.0);
            let bucket = BOUNDS.iter().position(|&bound| seconds <= bound);
            if let Some(bucket) = bucket {
                self.buckets[bucket] += count;
            }
            self.samples += count;
            self.sum += seconds * count as f64;
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Totals {
    series: BTreeMap<(ServiceKey, Side), Series>,
}

impl Totals {
    /// Counts what a batch says; each batch once.
    pub fn absorb(&mut self, batch: &Batch) {
        for item in &batch.items {
            let Item::Summary(summary) = item else {
                continue;
            };
            let instance = batch.instances.get(summary.instance as usize);
            if let (Route::All, Some(instance)) = (&summary.route, instance) {
                let mut key = (instance.service.clone(), summary.side);
                if !self.series.contains_key(&key) && self.series.len() >= MAX_SERIES {
                    key.0 = ServiceKey::plain(OTHERS);
                }
                let series = self.series.entry(key).or_default();
                series.add(summary.counts, &summary.durations);
            }
        }
    }

    /// By service and side.
    pub fn all(&self) -> Vec<((ServiceKey, Side), Series)> {
        let pairs = self.series.iter();
        pairs.map(|(k, s)| (k.clone(), s.clone())).collect()
    }
}
