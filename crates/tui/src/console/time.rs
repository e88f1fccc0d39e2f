//! The one moment that the whole console shows: live, frozen, or any past one; the window before it; what it is compared
//! with.

use coral_model::{Span, TimeNs, Window};
use std::time::Duration;

/// Windows are not shorter or longer.
const WINDOW_MIN: Duration = Duration::from_secs(60);
const WINDOW_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Which moment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Now, as it changes.
    Live,
    /// What was shown when it was frozen.
    Frozen(TimeNs),
    /// A moment that was picked.
    At(TimeNs),
}

/// What is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    Off,
    /// The same length an hour before.
    Hour,
    /// A day before.
    Day,
}

impl Compare {
    /// How far back, and how it is called.
    pub const fn back(self) -> Option<(Duration, &'static str)> {
        match self {
            Self::Off => None,
            Self::Hour => Some((Duration::from_secs(3600), "1 h before")),
            Self::Day => Some((Duration::from_secs(86_400), "1 d before")),
        }
    }

    /// The next of them, round the end.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Off => Self::Hour,
            Self::Hour => Self::Day,
            Self::Day => Self::Off,
        }
    }
}

/// The time of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// How long the window is.
    pub window: Duration,
    /// Where it ends.
    pub shown: Shown,
    /// What it is compared with.
    pub compare: Compare,
}

impl Time {
    /// Live, over this window.
    pub fn live(window: Duration) -> Self {
        Self {
            window,
            shown: Shown::Live,
            compare: Compare::Off,
        }
    }

    /// Whether the picture changes by itself.
    pub fn is_live(&self) -> bool {
        self.shown == Shown::Live
    }

    /// The end of the window, when it is not now.
    pub fn end(&self) -> Option<TimeNs> {
        match self.shown {
            Shown::Live => None,
            Shown::Frozen(to) | Shown::At(to) => Some(to),
        }
    }

    /// The stretch that questions are about.
    pub fn span(&self) -> Span {
        match self.end() {
            None => Span::Last(self.window),
            Some(to) => Span::Between(self.before(to)),
        }
    }

    /// The window that is shown at `now`.
    pub fn window_at(&self, now: TimeNs) -> Window {
        self.before(self.end().unwrap_or(now))
    }

    fn before(&self, to: TimeNs) -> Window {
        Window {
            from: to.minus(self.window),
            to,
        }
    }

    /// The stretch that is compared with. Live it moves in steps, so that it is not asked for each second.
    pub fn compared(&self, now: TimeNs) -> Option<Window> {
        let (back, _) = self.compare.back()?;
        let to = self.end().unwrap_or_else(|| {
            let step = i64::try_from((self.window / 60).as_nanos())
                .unwrap_or(i64::MAX)
                .max(1);
            TimeNs(now.0 - now.0.rem_euclid(step))
        });
        Some(self.before(to.minus(back)))
    }

    /// One tenth of the window back, or on; on beyond now is live again.
    pub fn step(&mut self, back: bool, now: TimeNs) {
        let end = self.end().unwrap_or(now);
        let tenth = self.window / 10;
        match back {
            true => self.shown = Shown::At(end.minus(tenth)),
            false if self.is_live() => {}
            false => self.go(end.plus(tenth), now),
        }
    }

    /// To a moment; not before now is live.
    pub fn go(&mut self, to: TimeNs, now: TimeNs) {
        self.shown = match to < now {
            true => Shown::At(to),
            false => Shown::Live,
        };
    }

    /// Half the window, or the double.
    pub fn resize(&mut self, double: bool) {
        let window = match double {
            true => self.window.saturating_mul(2),
            false => self.window / 2,
        };
        let whole = Duration::from_secs(window.as_secs());
        self.window = whole.clamp(WINDOW_MIN, WINDOW_MAX);
        // What was frozen must be asked for again.
        if let Shown::Frozen(to) = self.shown {
            self.shown = Shown::At(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimeNs = TimeNs(10_000_000_000_000);

    fn time() -> Time {
        Time::live(Duration::from_secs(900))
    }

    #[test]
    fn steps_lead_back_and_on_to_live() {
        let mut time = time();
        time.step(false, NOW);
        assert!(time.is_live());
        time.step(true, NOW);
        time.step(true, NOW);
        assert_eq!(time.end(), Some(NOW.minus(Duration::from_secs(180))));
        time.step(false, NOW);
        assert!(!time.is_live());
        time.step(false, NOW);
        assert!(time.is_live());
    }

    #[test]
    fn windows_have_ends() {
        let mut time = time();
        for _ in 0..9 {
            time.resize(false);
        }
        assert_eq!(time.window, WINDOW_MIN);
        for _ in 0..30 {
            time.resize(true);
        }
        assert_eq!(time.window, WINDOW_MAX);
    }

    #[test]
    fn the_compared_stretch_moves_in_steps() {
        let mut time = time();
        assert_eq!(time.compared(NOW), None);
        time.compare = time.compare.next();
        let first = time.compared(NOW).unwrap();
        assert_eq!(first.length(), time.window);
        assert_eq!(time.compared(NOW.plus(Duration::from_secs(4))), Some(first));
        assert_ne!(
            time.compared(NOW.plus(Duration::from_secs(15))),
            Some(first)
        );
    }
}
