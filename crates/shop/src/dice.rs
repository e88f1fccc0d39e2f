//! Small varied numbers for delays and choices. Not a random source: quality does not matter here, a crate less does.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

thread_local! {
    static STATE: Cell<u64> = Cell::new(seed());
}

fn seed() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ (u64::from(std::process::id()) << 32)
}

/// The next 64 bits (splitmix64).
fn next() -> u64 {
    STATE.with(|state| {
        let seed = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(seed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// A number in `0..below`; 0 when `below` is 0.
pub fn below(below: u64) -> u64 {
    next().checked_rem(below).unwrap_or(0)
}

/// A delay between `low` and `high` milliseconds, nearer to `low` most of the time, as real services are.
pub fn delay(low: u64, high: u64) -> Duration {
    let span = (high.saturating_sub(low)) * 1000;
    let skewed = below(span + 1).min(below(span + 1));
    Duration::from_micros(low * 1000 + skewed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_within_their_bounds_and_vary() {
        let delays: Vec<_> = (0..1000).map(|_| delay(2, 40)).collect();
        assert!(delays.iter().all(|d| (2..=40).contains(&d.as_millis())));
        assert!(delays.iter().max() > delays.iter().min());
        assert_eq!(below(0), 0);
    }
}
