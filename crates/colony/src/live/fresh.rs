//! How old an agent's newest second was when it could first be asked for; the worst of the last minute is kept.

use coral_model::TimeNs;
use std::collections::VecDeque;
use std::time::Duration;

/// What is looked back on.
const KEPT: Duration = Duration::from_secs(60);

/// The greatest age in each of the last seconds in which something came.
#[derive(Debug, Clone, Default)]
pub struct Fresh(VecDeque<(TimeNs, Duration)>);

impl Fresh {
    /// What happened up to `newest` can be asked for from `now` on.
    pub fn note(&mut self, newest: TimeNs, now: TimeNs) {
        let age = now.since(newest);
        let second = Duration::from_secs(1);
        match self.0.back_mut() {
            Some((begun, worst)) if now.0.abs_diff(begun.0) < second.as_nanos() as u64 => {
                *worst = age.max(*worst);
            }
            _ => self.0.push_back((now, age)),
        }
        // A clock that went back leaves seconds that are yet to come.
        self.0
            .retain(|(at, _)| at.0.abs_diff(now.0) <= KEPT.as_nanos() as u64);
    }

    /// The worst of the minute before `now`; `None` when nothing came.
    pub fn worst(&self, now: TimeNs) -> Option<Duration> {
        let recent = self.0.iter().filter(|(at, _)| now.since(*at) <= KEPT);
        recent.map(|(_, worst)| *worst).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> TimeNs {
        TimeNs(1_800_000_000_000_000_000 + ms * 1_000_000)
    }

    #[test]
    fn the_worst_of_the_last_minute_counts() {
        let mut fresh = Fresh::default();
        assert_eq!(fresh.worst(at(0)), None);
        fresh.note(at(0), at(5_000));
        for second in 6..=120 {
            fresh.note(at(second * 1000), at(second * 1000 + 200));
            fresh.note(at(second * 1000), at(second * 1000 + 300));
            assert!(fresh.0.len() <= 61);
        }
        let worst = |ms| fresh.worst(at(ms)).map(|age| age.as_millis());
        assert_eq!(worst(121_000), Some(300));
        assert_eq!(worst(300_000), None);
        fresh.note(at(-7_200_000), at(-7_199_000));
        assert_eq!(fresh.worst(at(-7_198_000)), Some(Duration::from_secs(1)));
    }
}
