//! When a role that died is started again: at once, then after ever longer pauses; five deaths in a minute are too many.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
const TOO_MANY: usize = 5;
/// A death is forgotten after so long, unless the supervisor was told otherwise.
pub const WITHIN: Duration = Duration::from_secs(60);

/// The recent deaths of one role.
#[derive(Debug)]
pub struct Backoff {
    deaths: VecDeque<Instant>,
    within: Duration,
}

impl Backoff {
    /// Knows of no death; one is forgotten after `within`.
    pub fn new(within: Duration) -> Self {
        Self {
            deaths: VecDeque::new(),
            within,
        }
    }

    /// Notes a death; the pause before the next start, or `None` when it is given up.
    pub fn died(&mut self, now: Instant) -> Option<Duration> {
        self.deaths.push_back(now);
        while self
            .deaths
            .front()
            .is_some_and(|&then| now.duration_since(then) > self.within)
        {
            self.deaths.pop_front();
        }
        if self.deaths.len() >= TOO_MANY {
            return None;
        }
        let doublings = u32::try_from(self.deaths.len() - 1).unwrap_or(0);
        Some((FIRST * 2u32.pow(doublings)).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_five_in_a_minute_are_too_many() {
        let (mut backoff, now) = (Backoff::new(Duration::from_secs(60)), Instant::now());
        let pauses: Vec<Option<Duration>> = (0..5)
            .map(|i| backoff.died(now + Duration::from_secs(i)))
            .collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(500), ms(1000), ms(2000), ms(4000), None]);
        assert_eq!(backoff.died(now + Duration::from_secs(120)), ms(500));
    }
}
