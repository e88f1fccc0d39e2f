//! The agent's time: the boot clock, anchored to the wall once. When the wall jumps, the anchor moves at the next
//! interval's edge, so that no interval is torn.

use coral_model::TimeNs;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A wall clock that moves further than this against the boot clock has jumped.
const JUMP: i64 = 500_000_000;

/// Boot clock plus anchor.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    anchor_ns: i64,
}

/// Both clocks, read together by whoever runs the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// `CLOCK_REALTIME`.
    pub wall_ns: i64,
}

/// What the agent reads its clocks from: the system, or a test that lets them jump.
#[derive(Clone)]
pub struct Clocks(Arc<dyn Fn() -> Reading + Send + Sync>);

impl Clocks {
    /// The system's.
    pub fn system() -> Self {
        Self(Arc::new(Reading::now))
    }

    /// The system's, with a wall clock that is off by so many nanoseconds.
    pub fn off_by(nanoseconds: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        let read = move || {
            let now = Reading::now();
            Reading {
                wall_ns: now.wall_ns + nanoseconds(),
                ..now
            }
        };
        Self(Arc::new(read))
    }

    /// Reads them.
    pub fn read(&self) -> Reading {
        (self.0)()
    }
}

impl fmt::Debug for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clocks")
    }
}

impl Reading {
    /// Reads the system's clocks.
    pub(crate) fn now() -> Self {
        let read = |clock| nix::time::clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
        let boot = read(nix::time::ClockId::CLOCK_BOOTTIME).as_nanos() as u64;
        let wall = read(nix::time::ClockId::CLOCK_REALTIME).as_nanos() as i64;
        Self {
            boot_ns: boot,
            wall_ns: wall,
        }
    }
}

impl Clock {
    /// Anchors the boot clock to the wall.
    pub fn new(now: Reading) -> Self {
        Self {
            anchor_ns: now.wall_ns - now.boot_ns as i64,
        }
    }

    /// A boot time on this clock.
    pub fn at(&self, boot_ns: u64) -> TimeNs {
        TimeNs(boot_ns as i64 + self.anchor_ns)
    }

    /// At an interval's edge: follows the wall when it jumped, and says by how much in nanoseconds.
    pub fn follow(&mut self, now: Reading) -> Option<i64> {
        let off = now.wall_ns - now.boot_ns as i64 - self.anchor_ns;
        if off.abs() < JUMP {
            return None;
        }
        self.anchor_ns += off;
        Some(off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_moves_the_anchor_and_a_drift_does_not() {
        let mut clock = Clock::new(Reading {
            boot_ns: 1_000,
            wall_ns: 5_000_000_000,
        });
        assert_eq!(clock.at(2_000), TimeNs(5_000_001_000));
        assert_eq!(
            clock.follow(Reading {
                boot_ns: 1_000_000_000,
                wall_ns: 6_000_000_000
            }),
            None
        );
        let jumped = clock.follow(Reading {
            boot_ns: 1_000_000_000,
            wall_ns: 99_000_000_000,
        });
        assert_eq!(jumped, Some(93_000_001_000));
        assert_eq!(clock.at(1_000_000_000), TimeNs(99_000_000_000));
    }
}
