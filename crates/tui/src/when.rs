//! Moments as people type them, and the span that two of them mean.

use crate::failure::Failure;
use coral_model::question::DEFAULT_SPAN;
use coral_model::{Span, TimeNs, Window};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::str::FromStr;
use std::time::Duration;

/// A moment as it was typed; what it means depends on now and on the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long before now.
    Ago(Duration),
    /// This moment.
    At(Timestamp),
    /// The last time that the clock showed this.
    Clock(Time),
}

/// Why a text is not a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a moment: write 90s, 15m, 2h or 1d ago, HH:MM[:SS], or RFC 3339 such as 2026-11-20T14:32:10Z"
)]
pub struct BadWhen;

impl FromStr for When {
    type Err = BadWhen;

    fn from_str(text: &str) -> Result<Self, BadWhen> {
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::At(at));
        }
        let clock = ["%H:%M:%S", "%H:%M"]
            .iter()
            .find_map(|form| Time::strptime(form, text).ok());
        clock.map(Self::Clock).ok_or(BadWhen)
    }
}

/// A length of time as an argument.
///
/// # Errors
/// A sentence that says the form.
pub fn length(text: &str) -> Result<Duration, &'static str> {
    ago(text).ok_or("write a length such as 30s or 2m")
}

/// `90s`, `15m`, `2h`, `1d`; more than nothing.
pub(crate) fn ago(text: &str) -> Option<Duration> {
    let seconds = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    let length = number.checked_mul(seconds).filter(|&s| s > 0)?;
    Some(Duration::from_secs(length))
}

impl When {
    /// The moment that is meant.
    ///
    /// # Errors
    /// [`Failure`] when it is none of the calendar's.
    pub fn moment(self, now: TimeNs, zone: &TimeZone) -> Result<TimeNs, Failure> {
        let out_of_range = || Failure::usage("a moment lies outside of the calendar", "");
        self.resolve(now, zone).ok_or_else(out_of_range)
    }

    fn resolve(self, now: TimeNs, zone: &TimeZone) -> Option<TimeNs> {
        match self {
            Self::Ago(length) => Some(now.minus(length)),
            Self::At(at) => i64::try_from(at.as_nanosecond()).ok().map(TimeNs),
            Self::Clock(time) => {
                let now = Timestamp::from_nanosecond(now.0.into()).ok()?;
                let today = now.to_zoned(zone.clone()).date();
                let at = |day: jiff::civil::Date| -> Option<Zoned> {
                    zone.to_zoned(day.to_datetime(time)).ok()
                };
                let mut at_today = at(today)?;
                if at_today.timestamp() > now {
                    at_today = at(today.yesterday().ok()?)?;
                }
                i64::try_from(at_today.timestamp().as_nanosecond())
                    .ok()
                    .map(TimeNs)
            }
        }
    }
}

/// The span between `--since` and `--until`.
///
/// # Errors
/// [`Failure`] when it ends before it begins.
pub fn span(
    since: Option<When>,
    until: Option<When>,
    now: TimeNs,
    zone: &TimeZone,
) -> Result<Span, Failure> {
    match (since, until) {
        (None, None) => return Ok(DEFAULT_SPAN),
        (Some(When::Ago(length)), None) => return Ok(Span::Last(length)),
        _ => {}
    }
    let out_of_range = || Failure::usage("a moment lies outside of the calendar", "");
    let to = match until {
        Some(until) => until.resolve(now, zone).ok_or_else(out_of_range)?,
        None => now,
    };
    let from = match since {
        Some(since) => since.resolve(now, zone).ok_or_else(out_of_range)?,
        None => DEFAULT_SPAN.resolve(to).from,
    };
    if from >= to {
        return Err(Failure::usage(
            "--since is not before --until",
            "a length such as 2h counts back from now, in both options",
        ));
    }
    Ok(Span::Between(Window { from, to }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20 13:36:30 UTC.
    const NOW: TimeNs = TimeNs(1_795_181_790_000_000_000);

    fn between(since: &str, until: &str) -> Result<Span, Failure> {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let parse = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        span(parse(since), parse(until), NOW, &zone)
    }

    fn window(from_s: i64, to_s: i64) -> Span {
        let at = |s: i64| TimeNs(NOW.0 + s * 1_000_000_000);
        Span::Between(Window {
            from: at(from_s),
            to: at(to_s),
        })
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(between("", "").unwrap(), DEFAULT_SPAN);
        assert_eq!(
            between("2h", "").unwrap(),
            Span::Last(Duration::from_secs(7200))
        );
        assert_eq!(between("2h", "90s").unwrap(), window(-7200, -90));
        assert_eq!(between("", "1d").unwrap(), window(-87_300, -86_400));
        // 14:36:30 in the zone is now; 14:37 was yesterday.
        assert_eq!(between("14:36", "").unwrap(), window(-30, 0));
        assert_eq!(between("14:37", "").unwrap(), window(30 - 86_400, 0));
        assert_eq!(between("14:36:29", "").unwrap(), window(-1, 0));
        assert_eq!(
            between("2026-11-20T13:30:00Z", "2026-11-20T14:31:00+01:00").unwrap(),
            window(-390, -330)
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "s",
            "0s",
            "-5m",
            "1w",
            "25:00",
            "12",
            "1.5h",
            "é",
            "99999999999999999999s",
        ] {
            assert!(bad.parse::<When>().is_err(), "{bad:?}");
        }
        assert!(between("1m", "1h").is_err());
    }
}
