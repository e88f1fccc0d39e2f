//! Points and stretches of time, in unix nanoseconds. Nobody below `main` reads a clock: `now` is passed in.

use std::time::Duration;

/// A moment in unix nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TimeNs(pub i64);

impl TimeNs {
    /// This moment less `span`, not before the beginning of time.
    pub fn minus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment and `span` later.
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// How long ago `earlier` was; zero when it is later than this moment.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A stretch of time, `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Its first moment.
    pub from: TimeNs,
    /// The first moment after it.
    pub to: TimeNs,
}

impl Window {
    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// Whether `at` lies in it.
    pub fn contains(&self, at: TimeNs) -> bool {
        self.from <= at && at < self.to
    }
}
