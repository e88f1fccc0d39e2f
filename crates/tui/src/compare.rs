//! What `--compare` may be: so long ago, or a stretch of its own.

use crate::failure::Failure;
use crate::when::{self, When};
use coral_model::{Compare as Asked, Span, TimeNs};
use jiff::tz::TimeZone;
use std::str::FromStr;
use std::time::Duration;

/// The stretch to compare with, as it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The same length, so long ago.
    Back(Duration),
    /// From a moment to another.
    Between(When, When),
    /// The build before the one that runs.
    PreviousBuild,
    /// The process with this number.
    Process(u32),
}

/// Why a text is no stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing to compare with: write 1h or 1d for so long ago, FROM..TO such as 13:00..13:15, previous-build, or pid:4121"
)]
pub struct BadCompare;

impl FromStr for Compare {
    type Err = BadCompare;

    fn from_str(text: &str) -> Result<Self, BadCompare> {
        if text == "previous-build" {
            return Ok(Self::PreviousBuild);
        }
        if let Some(pid) = text.strip_prefix("pid:") {
            return pid.parse().map(Self::Process).map_err(|_| BadCompare);
        }
        match text.split_once("..") {
            None => when::ago(text).map(Self::Back).ok_or(BadCompare),
            Some((from, to)) => {
                let moment = |text: &str| text.parse().map_err(|_| BadCompare);
                Ok(Self::Between(moment(from)?, moment(to)?))
            }
        }
    }
}

impl Compare {
    /// What it means now.
    ///
    /// # Errors
    /// [`Failure`] when it ends before it begins.
    pub fn resolve(self, now: TimeNs, zone: &TimeZone) -> Result<Asked, Failure> {
        match self {
            Self::Back(ago) => Ok(Asked::Back(ago)),
            Self::Between(from, to) => match when::span(Some(from), Some(to), now, zone)? {
                Span::Between(window) => Ok(Asked::With(window)),
                Span::Last(ago) => Ok(Asked::Back(ago)),
            },
            Self::PreviousBuild => Ok(Asked::PreviousBuild),
            Self::Process(pid) => Ok(Asked::Process(pid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::Window;

    const NOW: TimeNs = TimeNs(1_795_181_790_000_000_000);

    fn asked(text: &str) -> Result<Asked, Failure> {
        let typed: Compare = text.parse().unwrap();
        typed.resolve(NOW, &TimeZone::UTC)
    }

    #[test]
    fn lengths_and_stretches_are_understood() {
        assert_eq!(asked("1h").unwrap(), Asked::Back(Duration::from_secs(3600)));
        let at = |s: i64| TimeNs(NOW.0 - s * 1_000_000_000);
        let window = Window {
            from: at(7200),
            to: at(3600),
        };
        assert_eq!(asked("2h..1h").unwrap(), Asked::With(window));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "..", "1h..", "1w", "previous", "1h..2h..3h", "pid:x"] {
            assert!(bad.parse::<Compare>().is_err(), "{bad:?}");
        }
        assert!(asked("1h..2h").unwrap_err().message.contains("--since"));
        assert_eq!(asked("previous-build").unwrap(), Asked::PreviousBuild);
        assert_eq!(asked("pid:7").unwrap(), Asked::Process(7));
    }
}
