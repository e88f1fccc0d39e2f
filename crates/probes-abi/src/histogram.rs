//! The one bucket law that kernel, agent, colony and console share: log-linear, 64 buckets per power of two.
//!
//! Values below 64 have a bucket each and are exact; above, an octave `[2^e, 2^(e+1))` is cut into 64 equal buckets, so
//! the middle of a bucket is at most 1/128 away from any value in it. Integer only, no division, no loop: the kernel
//! side calls it for each request.

/// Buckets per power of two.
pub const LINEAR: u16 = 64;
const LINEAR_BITS: u32 = 6;
/// How many octaves a `u64` needs: one for the values below 64, then one for each exponent 6 to 63.
pub const OCTAVES: u16 = 59;
/// How many buckets there are in all.
pub const BUCKETS: u16 = OCTAVES * LINEAR;

/// The bucket that `value` falls in, `0..BUCKETS`.
#[inline(always)]
pub const fn bucket_index(value: u64) -> u16 {
    (octave(value) as u16) * LINEAR + slot(value) as u16
}

/// The octave of `value`: 0 for values below 64, else its binary exponent less 5.
#[inline(always)]
pub const fn octave(value: u64) -> u8 {
    if value < LINEAR as u64 {
        0
    } else {
        (63 - value.leading_zeros() - LINEAR_BITS + 1) as u8
    }
}

/// The place of `value` inside its octave, `0..64`.
#[inline(always)]
pub const fn slot(value: u64) -> u8 {
    let octave = octave(value) as u32;
    let shift = if octave == 0 { 0 } else { octave - 1 };
    ((value >> shift) & (LINEAR as u64 - 1)) as u8
}

/// The smallest value that falls in bucket `index`.
pub const fn lower_bound(index: u16) -> u64 {
    let (octave, slot) = ((index / LINEAR) as u32, (index % LINEAR) as u64);
    if octave == 0 {
        slot
    } else {
        (LINEAR as u64 + slot) << (octave - 1)
    }
}

/// The largest value that falls in bucket `index`.
pub const fn upper_bound(index: u16) -> u64 {
    let octave = (index / LINEAR) as u32;
    let width = if octave == 0 { 1 } else { 1u64 << (octave - 1) };
    lower_bound(index) + (width - 1)
}

/// The value that stands for bucket `index`: its middle.
pub const fn middle(index: u16) -> u64 {
    let (low, high) = (lower_bound(index), upper_bound(index));
    low + (high - low) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_values_are_exact() {
        for value in 0..64 {
            assert_eq!(middle(bucket_index(value)), value);
        }
        assert_eq!(bucket_index(u64::MAX), BUCKETS - 1);
        assert_eq!(upper_bound(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn buckets_tile_the_range() {
        for index in 1..BUCKETS {
            assert_eq!(
                lower_bound(index),
                upper_bound(index - 1) + 1,
                "bucket {index}"
            );
        }
    }

    proptest! {
        #[test]
        fn relative_error_is_bounded(value in any::<u64>(), shift in 0u32..64) {
            let value = value >> shift;
            let index = bucket_index(value);
            prop_assert!(lower_bound(index) <= value && value <= upper_bound(index));
            let error = middle(index).abs_diff(value);
            prop_assert!(error as u128 * 128 <= value as u128, "{value} in bucket {index} is off by {error}");
        }

        #[test]
        fn order_is_kept(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(a <= b, bucket_index(a) <= bucket_index(b) && a <= b);
        }
    }
}
