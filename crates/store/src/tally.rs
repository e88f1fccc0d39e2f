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

    fn add_blob(&mut self, mut blob: &[u8]) -> Result<(), StoreError> {
        let mut index = 0u64;
        while !blob.is_empty() {
            index = index.saturating_add(take(&mut blob)?);
            let count = take(&mut blob)?;
            let bucket = u16::try_from(index).ok().filter(|&i| i <= *LAST);
            let bucket = bucket.ok_or_else(|| StoreError::corrupt("a bucket past the last"))?;
            self.add_to(bucket, count)?;
        }
        Ok(())
    }

    fn add_to(&mut self, index: u16, count: u64) -> Result<(), StoreError> {
        if count == 0 {
            return Ok(());
        }
        let sum = self.count.checked_add(count);
        self.count = sum.ok_or_else(|| StoreError::corrupt("durations without number"))?;
        let place = self.place(index);
        if let Some(held) = self.counts.get_mut(place) {
            *held += count;
        }
        Ok(())
    }

    /// Where the bucket is, after making room for it.
    fn place(&mut self, index: u16) -> usize {
        let block = index - index % BLOCK;
        if self.counts.is_empty() {
            self.first = block;
        } else if block < self.first {
            let more = usize::from(self.first - block);
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = block;
        }
        let place = usize::from(index - self.first);
        if place >= self.counts.len() {
            let end = usize::from(block - self.first) + usize::from(BLOCK);
            self.counts.resize(end, 0);
        }
        place
    }
}

/// The next LEB128 number.
fn take(blob: &mut &[u8]) -> Result<u64, StoreError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = blob.split_first() else {
            return Err(StoreError::corrupt("durations end inside a number"));
        };
        *blob = rest;
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(StoreError::corrupt(
        "durations with a number that is too long",
    ))
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
