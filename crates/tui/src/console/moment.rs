//! What time it is, passed into everything: the wall for people, a steady clock for ages.

use coral_model::TimeNs;
use std::time::{Duration, Instant};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: TimeNs,
    /// Time since the console opened; never jumps.
    pub up: Duration,
}

/// Reads the clocks; only the loop has one.
#[derive(Debug)]
pub(super) struct Clock {
    opened: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            opened: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        let wall = jiff::Timestamp::now().as_nanosecond();
        Moment {
            wall: TimeNs(i64::try_from(wall).unwrap_or(i64::MAX)),
            up: self.opened.elapsed(),
        }
    }
}
