//! The levels that figures are kept at, and which of them answers for which part of a window.
//!
//! An interval belongs to the bucket that holds its end, so a bucket of a coarser level holds exactly the intervals of the
//! finer one that end in it, and a window that begins and ends at buckets' edges has the same sums at every level.

use coral_model::{TimeNs, Window};
use std::time::Duration;

/// How wide the intervals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// As agents ship them.
    TenSeconds,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Level {
    /// From fine to coarse.
    pub const ALL: [Self; 3] = [Self::TenSeconds, Self::Minute, Self::Hour];

    /// How wide a bucket is.
    pub const fn width(self) -> Duration {
        Duration::from_secs(match self {
            Self::TenSeconds => 10,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TenSeconds => "10s",
            Self::Minute => "1m",
            Self::Hour => "1h",
        }
    }

    /// Its table of this kind.
    pub(crate) fn table(self, kind: &str) -> String {
        match self {
            Self::TenSeconds => kind.to_owned(),
            Self::Minute | Self::Hour => format!("{kind}_{}", self.name()),
        }
    }

    /// The level that it is made from.
    pub(crate) const fn finer(self) -> Self {
        match self {
            Self::TenSeconds | Self::Minute => Self::TenSeconds,
            Self::Hour => Self::Minute,
        }
    }

    const fn ns(self) -> i64 {
        self.width().as_nanos() as i64
    }

    /// The last edge of a bucket up to `at`.
    pub fn floor(self, at: TimeNs) -> TimeNs {
        TimeNs(at.0 - at.0.rem_euclid(self.ns()))
    }

    /// The first edge of a bucket from `at` on.
    pub fn ceil(self, at: TimeNs) -> TimeNs {
        let floor = self.floor(at);
        if floor == at {
            at
        } else {
            floor.plus(self.width())
        }
    }

    /// The bucket that an interval with this end belongs to.
    pub(crate) fn bucket(self, end: TimeNs) -> Window {
        let to = self.ceil(end);
        Window {
            from: to.minus(self.width()),
            to,
        }
    }
    /// The interval of a row that stands for this one at the level.
    pub(crate) fn interval(self, window: Window) -> Window {
        match self {
            Self::TenSeconds => window,
            Self::Minute | Self::Hour => self.bucket(window.to),
        }
    }
}

/// What a level holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// All intervals that end up to here are in it; of no meaning for the finest.
    pub rolled_to: TimeNs,
    /// Intervals that end up to here are no longer in it. At an edge of the next coarser level.
    pub kept_from: TimeNs,
}

/// How much of a window is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This much of it, at whose edges figures are exact.
    Kept(Window),
    /// Nothing: what is kept begins here.
    Gone(TimeNs),
    /// Nothing so fine: that long ago there are only buckets of this level.
    Coarse(Level),
}

/// What the levels hold, from fine to coarse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks(pub [Mark; 3]);

impl Marks {
    pub fn of(&self, level: Level) -> Mark {
        self.0[level as usize]
    }

    pub fn of_mut(&mut self, level: Level) -> &mut Mark {
        &mut self.0[level as usize]
    }

    /// The finest level that holds the interval after `at`; `None` when none does.
    fn finest(&self, at: TimeNs) -> Option<Level> {
        Level::ALL.into_iter().find(|&l| at >= self.of(l).kept_from)
    }

    /// As much of the window as is kept, cut to edges where figures are exact.
    pub fn reach(&self, window: Window) -> Reach {
        let begin = self.of(Level::Hour).kept_from;
        if window.from < begin && window.to <= begin {
            return Reach::Gone(begin);
        }
        let first = window.from.max(begin);
        let last = window.to.minus(Duration::from_nanos(1)).max(first);
        let (Some(finest), Some(at_end)) = (self.finest(first), self.finest(last)) else {
            return Reach::Gone(begin);
        };
        let from = finest.inner_ceil(first);
        let to = at_end.inner_floor(window.to);
        if from < to || at_end == Level::TenSeconds {
            Reach::Kept(Window {
                from,
                to: to.max(from),
            })
        } else {
            Reach::Coarse(at_end)
        }
    }

    /// Which level answers for which part of the window, none coarser than `widest` where there is a finer one. The parts
    /// are ascending, apart, and all of the window.
    pub fn segments(&self, window: Window, widest: Level) -> Vec<(Level, Window)> {
        let mut parts = vec![];
        let mut from = window.from;
        let starts = [Level::Hour, Level::Minute].map(|l| (l, self.of(l.finer()).kept_from));
        for (least, until) in starts.into_iter().chain([(Level::TenSeconds, window.to)]) {
            let to = until.clamp(from, window.to.max(from));
            self.cut(widest.max(least), least, Window { from, to }, &mut parts);
            from = to;
        }
        parts
    }

    /// Cuts a window into buckets of `level` and, at its edges, of finer ones down to `least`.
    fn cut(&self, level: Level, least: Level, window: Window, out: &mut Vec<(Level, Window)>) {
        if window.from >= window.to {
            return;
        }
        if level == least {
            out.push((level, window));
            return;
        }
        let from = level.ceil(window.from);
        let to = level.floor(window.to.min(self.of(level).rolled_to));
        if from >= to {
            return self.cut(level.finer(), least, window, out);
        }
        let before = Window {
            from: window.from,
            to: from,
        };
        self.cut(level.finer(), least, before, out);
        out.push((level, Window { from, to }));
        let after = Window {
            from: to,
            to: window.to,
        };
        self.cut(level.finer(), least, after, out);
    }
}

impl Level {
    /// [`Self::ceil`], but moments stay as they are at the finest level, whose intervals need not be aligned.
    fn inner_ceil(self, at: TimeNs) -> TimeNs {
        match self {
            Self::TenSeconds => at,
            Self::Minute | Self::Hour => self.ceil(at),
        }
    }

    fn inner_floor(self, at: TimeNs) -> TimeNs {
        match self {
            Self::TenSeconds => at,
            Self::Minute | Self::Hour => self.floor(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn s(at: i64) -> TimeNs {
        TimeNs(at * 1_000_000_000)
    }

    fn w(from: i64, to: i64) -> Window {
        Window {
            from: s(from),
            to: s(to),
        }
    }

    /// Rolled up to these seconds, kept from these.
    fn marks(rolled: [i64; 2], kept: [i64; 3]) -> Marks {
        let rolled = [0, rolled[0], rolled[1]];
        let mark = |i: usize| Mark {
            rolled_to: s(rolled[i]),
            kept_from: s(kept[i]),
        };
        Marks([mark(0), mark(1), mark(2)])
    }

    #[test]
    fn the_edges_of_a_window_come_from_finer_levels() {
        use Level::{Hour, Minute, TenSeconds};
        let marks = marks([14_340, 10_800], [0, 0, 0]);
        assert_eq!(
            marks.segments(w(3_555, 14_395), Hour),
            [
                (TenSeconds, w(3_555, 3_600)),
                (Hour, w(3_600, 10_800)),
                (Minute, w(10_800, 14_340)),
                (TenSeconds, w(14_340, 14_395)),
            ]
        );
        assert_eq!(
            marks.segments(w(3_555, 7_205), Minute),
            [
                (TenSeconds, w(3_555, 3_600)),
                (Minute, w(3_600, 7_200)),
                (TenSeconds, w(7_200, 7_205)),
            ]
        );
        assert_eq!(marks.segments(w(5, 5), Hour), []);
        assert_eq!(marks.segments(w(61, 119), Hour), [(TenSeconds, w(61, 119))]);
    }

    #[test]
    fn what_is_gone_is_read_from_coarser_levels_and_said() {
        use Level::{Hour, Minute, TenSeconds};
        let marks = marks([50_040, 46_800], [36_000, 14_400, 3_600]);
        assert_eq!(
            marks.segments(w(7_200, 40_000), TenSeconds),
            [
                (Hour, w(7_200, 14_400)),
                (Minute, w(14_400, 36_000)),
                (TenSeconds, w(36_000, 40_000)),
            ]
        );
        let reach = |from, to| marks.reach(w(from, to));
        assert_eq!(reach(36_001, 40_001), Reach::Kept(w(36_001, 40_001)));
        assert_eq!(reach(14_401, 40_001), Reach::Kept(w(14_460, 40_001)));
        assert_eq!(reach(14_401, 20_001), Reach::Kept(w(14_460, 19_980)));
        assert_eq!(reach(0, 9_000), Reach::Kept(w(3_600, 7_200)));
        assert_eq!(reach(0, 3_600), Reach::Gone(s(3_600)));
        assert_eq!(reach(3_601, 7_199), Reach::Coarse(Hour));
        assert_eq!(reach(14_401, 14_459), Reach::Coarse(Minute));
    }

    proptest! {
        #[test]
        fn parts_are_the_window(from in 0i64..90_000, length in 0i64..90_000,
            minute in 0i64..1_500, kept in [0i64..600, 0i64..10, 0i64..10]) {
            let rolled = minute * 60;
            let hour = rolled / 3600;
            let kept_1h = kept[2].min(hour) * 3600;
            let kept_1m = (kept[1].min(hour) * 3600).max(kept_1h);
            let kept_10s = (kept[0].min(minute) * 60).max(kept_1m);
            let marks = marks([rolled, hour * 3600], [kept_10s, kept_1m, kept_1h]);
            for widest in Level::ALL {
                if let Reach::Kept(window) = marks.reach(w(from, from + length)) {
                    let mut at = window.from;
                    for (level, part) in marks.segments(window, widest) {
                        prop_assert_eq!(part.from, at);
                        prop_assert!(part.from < part.to);
                        prop_assert!(part.from >= marks.of(level).kept_from);
                        if level != Level::TenSeconds {
                            prop_assert_eq!(level.floor(part.from), part.from);
                            prop_assert_eq!(level.floor(part.to), part.to);
                            prop_assert!(part.to <= marks.of(level).rolled_to);
                        }
                        at = part.to;
                    }
                    prop_assert_eq!(at, window.to.max(window.from));
                }
            }
        }
    }
}
