//! Histograms added up: counts in one stretch of buckets, so that a stored blob is added without being a map first.

use crate::StoreError;
use coral_model::Histogram;
use std::sync::LazyLock;

/// Buckets that are made room for at a time.
const BLOCK: u16 = 64;

/// The last bucket that a histogram has.
static LAST: LazyLock<u16> = LazyLock::new(|| {
    let mut histogram = Histogram::default();
    histogram.add(u16::MAX, 1);
    histogram.buckets().next().map_or(0, |(index, _)| index)
});

/// The value that stands for each bucket.
static MIDDLES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let all = (0..=*LAST).map(|index| middle(index).unwrap_or(0) as f64);
    all.collect()
});

/// Durations as a row carries them.
#[derive(Debug, Clone, Copy)]
pub enum Durations<'a> {
    /// The model's blob.
    Blob(&'a [u8]),
    /// Whole.
    Histogram(&'a Histogram),
}

impl Durations<'_> {
    /// As a histogram of its own.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn to_histogram(&self) -> Result<Histogram, StoreError> {
        match self {
            Self::Blob(blob) => Histogram::from_blob(blob).map_err(StoreError::corrupt),
            Self::Histogram(histogram) => Ok((*histogram).clone()),
        }
    }

    /// Whether there is no duration.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Blob(blob) => blob.is_empty(),
            Self::Histogram(histogram) => histogram.is_empty(),
        }
    }
}

/// A sum of histograms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    first: u16,
    counts: Vec<u64>,
    count: u64,
}

impl Tally {
    /// Adds all of these.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a blob that is none.
    pub fn add(&mut self, durations: Durations<'_>) -> Result<(), StoreError> {
        match durations {
            Durations::Blob(blob) => self.add_blob(blob),
            Durations::Histogram(histogram) => {
                for (index, count) in histogram.buckets() {
                    self.add_to(index, count)?;
                }
                Ok(())
            }
        }
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// As a histogram.
    pub fn histogram(&self) -> Histogram {
        let mut histogram = Histogram::default();
        for (index, &count) in (self.first..).zip(&self.counts) {
            histogram.add(index, count);
        }
        histogram
    }

    /// As the model's blob.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = vec![];
        let mut before = 0;
        for (i, &count) in self.counts.iter().enumerate() {
            if count > 0 {
                let index = u64::from(self.first) + i as u64;
                put(&mut blob, index - before);
                put(&mut blob, count);
                before = index;
            }
        }
        blob
    }

    /// The value at rank `ceil(quantile * count)`, as the histogram has it; `None` when empty.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count as f64).ceil() as u64;
        let rank = rank.clamp(1, self.count.max(1));
        let mut seen = 0;
        for (i, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle(self.first + i as u16);
            }
        }
        None
    }

    /// The mean, to the buckets; `None` when empty.
    pub fn mean(&self) -> Option<f64> {
        let middles = MIDDLES.get(usize::from(self.first)..)?;
        let parts = middles.iter().zip(&self.counts);
        let sum: f64 = parts.map(|(middle, &count)| middle * count as f64).sum();
        (self.count > 0).then(|| sum / self.count as f64)
    }

    /// The largest value, to the bucket.
    pub fn max(&self) -> Option<u64> {
        let last = self.counts.iter().rposition(|&count| count > 0)?;
        middle(self.first + u16::try_from(last).ok()?)
    }

    // Plain loops and comparisons here: this is most of what a question costs, also in builds that are not optimised.
    fn add_blob(&mut self, blob: &[u8]) -> Result<(), StoreError> {
        let (mut at, mut index, last) = (0, 0u64, u64::from(*LAST));
        while at < blob.len() {
            index = index.saturating_add(take(blob, &mut at)?);
            if index > last {
                return Err(StoreError::corrupt("a bucket past the last"));
            }
            let count = take(blob, &mut at)?;
            self.add_to(index as u16, count)?;
        }
        Ok(())
    }

    fn add_to(&mut self, index: u16, count: u64) -> Result<(), StoreError> {
        if count == 0 {
            return Ok(());
        }
        match self.count.checked_add(count) {
            Some(sum) => self.count = sum,
            None => return Err(StoreError::corrupt("durations without number")),
        }
        let place = self.place(index);
        self.counts[place] += count;
        Ok(())
    }

    /// Where the bucket is, after making room for it.
    fn place(&mut self, index: u16) -> usize {
        if index >= self.first {
            let place = usize::from(index - self.first);
            if place < self.counts.len() {
                return place;
            }
        }
        self.make_room(index);
        usize::from(index - self.first)
    }

    fn make_room(&mut self, index: u16) {
        let block = index - index % BLOCK;
        if self.counts.is_empty() {
            self.first = block;
        } else if block < self.first {
            let more = usize::from(self.first - block);
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = block;
        }
        let end = usize::from(block - self.first) + usize::from(BLOCK);
        if end > self.counts.len() {
            self.counts.resize(end, 0);
        }
    }
}

/// The value that stands for a bucket.
fn middle(index: u16) -> Option<u64> {
    let mut one = Histogram::default();
    one.add(index, 1);
    one.max()
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The next LEB128 number.
fn take(blob: &[u8], at: &mut usize) -> Result<u64, StoreError> {
    let (mut value, mut shift) = (0u64, 0);
    while *at < blob.len() {
        let byte = blob[*at];
        *at += 1;
        if shift == 63 && byte > 1 {
            return Err(StoreError::corrupt(
                "durations with a number that is too long",
            ));
        }
        value |= ((byte & 0x7f) as u64) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
        shift += 7;
    }
    Err(StoreError::corrupt("durations end inside a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(values: &[(u64, u32)]) -> Histogram {
        let mut histogram = Histogram::default();
        values
            .iter()
            .for_each(|(v, shift)| histogram.record(v >> shift));
        histogram
    }

    proptest! {
        #[test]
        fn adding_blobs_is_merging_histograms(parts in prop::collection::vec(
            prop::collection::vec((any::<u64>(), 0u32..64), 0..40), 0..6)) {
            let (mut tally, mut merged) = (Tally::default(), Histogram::default());
            for (i, part) in parts.iter().enumerate() {
                let part = histogram(part);
                let blob = part.to_blob();
                let durations = if i % 2 == 0 { Durations::Blob(&blob) } else { Durations::Histogram(&part) };
                tally.add(durations).unwrap();
                merged.merge(&part);
            }
            prop_assert_eq!(tally.count(), merged.count());
            for q in [0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0] {
                prop_assert_eq!(tally.quantile(q), merged.quantile(q));
            }
            prop_assert_eq!(tally.max(), merged.max());
            prop_assert_eq!(tally.to_blob(), merged.to_blob());
            prop_assert_eq!(tally.histogram(), merged);
        }

        #[test]
        fn it_accepts_what_the_model_accepts(blob in prop::collection::vec(any::<u8>(), 0..40)) {
            let model = Histogram::from_blob(&blob);
            let mut tally = Tally::default();
            prop_assert_eq!(tally.add(Durations::Blob(&blob)).is_ok(), model.is_ok());
            if let Ok(model) = model {
                prop_assert_eq!(tally.histogram(), model);
            }
        }
    }
}
