//! A mergeable histogram over the buckets of `coral_probes_abi::histogram`: durations in nanoseconds, sizes in bytes.
//!
//! Percentiles are the middle of the bucket that holds the nearest rank, so at most 1/128 away from the value itself.
//! They are never averaged: histograms are merged and asked again.

use coral_probes_abi::histogram::{BUCKETS, bucket_index, middle};
use std::collections::BTreeMap;

/// Counts by bucket, sparse.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    buckets: BTreeMap<u16, u64>,
    count: u64,
}

/// Why a blob is not a histogram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHistogram {
    /// The bytes end inside a number.
    #[error("histogram blob ends inside a number")]
    Truncated,
    /// A number is longer than 64 bits.
    #[error("histogram blob holds a number of more than 64 bits")]
    TooLong,
    /// A bucket index is past the last bucket.
    #[error("histogram blob names bucket {0}, past the last one")]
    Bucket(u64),
    /// The counts add up to more than 64 bits.
    #[error("histogram counts overflow")]
    Overflow,
}

impl Histogram {
    /// Adds one value.
    pub fn record(&mut self, value: u64) {
        self.add(bucket_index(value), 1);
    }

    /// Adds `count` values to bucket `index`; an index past the last bucket counts as the last.
    pub fn add(&mut self, index: u16, count: u64) {
        if count > 0 {
            *self.buckets.entry(index.min(BUCKETS - 1)).or_default() += count;
            self.count += count;
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&index, &count) in &other.buckets {
            self.add(index, count);
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

    /// The buckets that hold something, `(index, count)` in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.buckets.iter().map(|(&index, &count)| (index, count))
    }

    /// The value at rank `ceil(quantile * count)` (nearest rank), `None` when empty. `quantile` is clamped to 0..=1.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank =
            ((quantile.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        for (&index, &count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return Some(middle(index));
            }
        }
        None
    }

    /// The largest value, to the bucket.
    pub fn max(&self) -> Option<u64> {
        self.buckets
            .last_key_value()
            .map(|(&index, _)| middle(index))
    }

    /// The sparse form for wire and disk: pairs of LEB128 numbers, the step from the bucket before and the count.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::with_capacity(self.buckets.len() * 3);
        let mut before = 0;
        for (&index, &count) in &self.buckets {
            put_varint(&mut blob, u64::from(index - before));
            put_varint(&mut blob, count);
            before = index;
        }
        blob
    }

    /// Reads what [`Self::to_blob`] wrote.
    ///
    /// # Errors
    /// [`BadHistogram`] for anything else; the bytes may come from anywhere.
    pub fn from_blob(mut blob: &[u8]) -> Result<Self, BadHistogram> {
        let mut histogram = Self::default();
        let mut index = 0u64;
        while !blob.is_empty() {
            index = index
                .checked_add(take_varint(&mut blob)?)
                .ok_or(BadHistogram::Overflow)?;
            let count = take_varint(&mut blob)?;
            let bucket = u16::try_from(index)
                .ok()
                .filter(|&i| i < BUCKETS)
                .ok_or(BadHistogram::Bucket(index))?;
            histogram
                .count
                .checked_add(count)
                .ok_or(BadHistogram::Overflow)?;
            histogram.add(bucket, count);
        }
        Ok(histogram)
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(blob: &mut &[u8]) -> Result<u64, BadHistogram> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = blob.split_first().ok_or(BadHistogram::Truncated)?;
        *blob = rest;
        if shift == 63 && byte > 1 {
            return Err(BadHistogram::TooLong);
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(BadHistogram::TooLong)
}

/// Fuzz target: foreign bytes as a histogram blob; what is accepted must survive a round trip.
pub fn fuzz(data: &[u8]) {
    if let Ok(histogram) = Histogram::from_blob(data) {
        let again = Histogram::from_blob(&histogram.to_blob());
        assert_eq!(again.as_ref(), Ok(&histogram));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nearest_rank_of_known_values() {
        let mut h = Histogram::default();
        (1..=50).for_each(|v| h.record(v));
        assert_eq!(
            (h.quantile(0.5), h.quantile(0.99), h.quantile(0.0), h.max()),
            (Some(25), Some(50), Some(1), Some(50))
        );
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn hostile_blobs_are_refused() {
        for bad in [&[0x80][..], &[1], &[0xff; 11], &[0xff, 0xff, 0x7f, 1]] {
            assert!(Histogram::from_blob(bad).is_err(), "{bad:?}");
        }
        let mut huge = vec![];
        for _ in 0..2 {
            put_varint(&mut huge, 1);
            put_varint(&mut huge, u64::MAX);
        }
        assert_eq!(Histogram::from_blob(&huge), Err(BadHistogram::Overflow));
    }

    proptest! {
        #[test]
        fn blob_round_trip(values in prop::collection::vec((any::<u64>(), 0u32..64), 0..200)) {
            let mut h = Histogram::default();
            values.iter().for_each(|(v, s)| h.record(v >> s));
            prop_assert_eq!(Histogram::from_blob(&h.to_blob()), Ok(h));
        }

        #[test]
        fn merge_is_recording_both(a in prop::collection::vec(any::<u32>(), 0..50), b in prop::collection::vec(any::<u32>(), 0..50)) {
            let of = |values: &[u32]| {
                let mut h = Histogram::default();
                values.iter().for_each(|&v| h.record(u64::from(v)));
                h
            };
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let all: Vec<u32> = a.into_iter().chain(b).collect();
            prop_assert_eq!(merged, of(&all));
        }

        #[test]
        fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..64)) {
            fuzz(&data);
        }
    }
}
