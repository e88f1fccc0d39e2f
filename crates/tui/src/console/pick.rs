//! A moment as a person types it into the console: `14:32`, `-2h`, `yesterday 03:00`, `2026-11-20 14:32`.

use coral_model::TimeNs;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::time::Duration;

/// The forms, as they are shown while one is typed.
pub const FORMS: &str = "14:32   -2h   yesterday 03:00   2026-11-20 14:32";

/// The moment that the text means at `now`; `None` while it means none.
pub fn moment(text: &str, now: TimeNs, zone: &TimeZone) -> Option<TimeNs> {
    let text = text.trim().to_lowercase();
    if let Some(ago) = text.strip_prefix('-') {
        return Some(now.minus(length(ago.trim())?));
    }
    if matches!(text.as_str(), "now" | "0") {
        return Some(now);
    }
    if let Ok(at) = text.to_uppercase().parse::<Timestamp>() {
        return nanos(at);
    }
    let today = Timestamp::from_nanosecond(now.0.into())
        .ok()?
        .to_zoned(zone.clone())
        .date();
    let (day, clock) = match text.rsplit_once(' ') {
        None => (None, text.as_str()),
        Some((day, clock)) => (Some(date(day.trim(), today)?), clock),
    };
    let time = ["%H:%M:%S", "%H:%M"]
        .iter()
        .find_map(|form| Time::strptime(form, clock).ok())?;
    let at = |day: Date| nanos(zone.to_zoned(day.to_datetime(time)).ok()?.timestamp());
    match day {
        Some(day) => at(day),
        // The last time that the clock showed this.
        None => at(today)
            .filter(|at| *at <= now)
            .or_else(|| at(today.yesterday().ok()?)),
    }
}

fn date(text: &str, today: Date) -> Option<Date> {
    match text {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        _ => Date::strptime("%Y-%m-%d", text).ok(),
    }
}

/// `90s`, `15m`, `2h`, `1d`.
fn length(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].trim().parse().ok()?;
    number.checked_mul(unit).map(Duration::from_secs)
}

fn nanos(at: Timestamp) -> Option<TimeNs> {
    i64::try_from(at.as_nanosecond()).ok().map(TimeNs)
}

/// A moment in the person's zone.
pub fn zoned(at: TimeNs, zone: &TimeZone) -> Zoned {
    Timestamp::from_nanosecond(at.0.into())
        .unwrap_or(Timestamp::MAX)
        .to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20 13:36:30 UTC.
    const NOW: TimeNs = TimeNs(1_795_181_790_000_000_000);

    fn ago(text: &str) -> Option<i64> {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        moment(text, NOW, &zone).map(|at| (NOW.0 - at.0) / 1_000_000_000)
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(ago("-2h"), Some(7200));
        assert_eq!(ago("- 90s"), Some(90));
        assert_eq!(ago("14:36"), Some(30));
        assert_eq!(ago("14:37"), Some(86_400 - 30));
        assert_eq!(ago("14:36:29"), Some(1));
        assert_eq!(ago("Yesterday 14:36:30"), Some(86_400));
        assert_eq!(ago("2026-11-19 14:36:30"), Some(86_400));
        assert_eq!(ago("today 14:36:30"), Some(0));
        assert_eq!(ago("2026-11-20T13:36:00Z"), Some(30));
        assert_eq!(ago("now"), Some(0));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "-",
            "-2",
            "-xh",
            "25:00",
            "12",
            "tomorrow 03:00",
            "1.5h",
            "é",
        ] {
            assert_eq!(ago(text), None, "{text}");
        }
    }
}
