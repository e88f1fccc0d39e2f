//! Figures as people read them: three or four digits that matter, unknown as `—`.

use coral_model::TimeNs;
use coral_model::answer::{FEW_SAMPLES, HealthState};
use std::time::Duration;

/// What stands for a figure that nobody knows.
pub const UNKNOWN: &str = "—";

/// A rate per second: `0.05`, `84.1`, `1234`; what is more than nothing never looks like nothing.
pub fn rate(per_s: Option<f64>) -> String {
    per_s.map_or_else(
        || UNKNOWN.to_owned(),
        |r| match r {
            r if r > 0.0 && r < 0.005 => "<0.01".to_owned(),
            r if r > 0.0 && r < 0.095 => format!("{r:.2}"),
            r if r < 999.95 => format!("{r:.1}"),
            r => format!("{r:.0}"),
        },
    )
}

/// A ratio in percent; what is more than nothing never looks like nothing.
pub fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(
        || UNKNOWN.to_owned(),
        |r| match r * 100.0 {
            p if p > 0.0 && p < 0.05 => "<0.1".to_owned(),
            p if p > 99.95 => "100".to_owned(),
            p => format!("{p:.1}"),
        },
    )
}

/// A duration in milliseconds, without its unit: `0.34`, `4.1`, `2190`.
pub fn millis(duration: Option<Duration>) -> String {
    duration.map_or_else(
        || UNKNOWN.to_owned(),
        |d| match d.as_secs_f64() * 1e3 {
            ms if ms > 0.0 && ms < 0.0995 => format!("{ms:.3}"),
            ms if ms > 0.0 && ms < 0.995 => format!("{ms:.2}"),
            ms if ms < 99.95 => format!("{ms:.1}"),
            ms => format!("{ms:.0}"),
        },
    )
}

/// A percentile in milliseconds; from few samples it says from how many.
pub fn percentile(duration: Option<Duration>, samples: u64) -> String {
    match duration {
        Some(_) if samples < FEW_SAMPLES => format!("{} n={samples}", millis(duration)),
        _ => millis(duration),
    }
}

/// A duration with its unit, from nanoseconds to seconds.
pub fn length(duration: Option<Duration>) -> String {
    let Some(duration) = duration else {
        return UNKNOWN.to_owned();
    };
    let ns = duration.as_nanos() as f64;
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match value {
        value if value < 9.95 => format!("{value:.2} {unit}"),
        value if value < 99.5 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

/// How a figure has changed: `↑16x`, `↑2.3x`, `↓40%`; empty for less than a twentieth, and when one of the two is unknown.
pub fn change(now: Option<f64>, before: Option<f64>) -> String {
    let (Some(now), Some(before)) = (now, before) else {
        return String::new();
    };
    let (sign, ratio) = match (now, before) {
        (now, before) if now <= 0.0 && before <= 0.0 => return String::new(),
        (_, before) if before <= 0.0 => return "↑ from 0".to_owned(),
        (now, _) if now <= 0.0 => return "↓ to 0".to_owned(),
        (now, before) if now >= before => ("↑", now / before),
        (now, before) => ("↓", before / now),
    };
    match ratio {
        same if same < 1.05 => String::new(),
        large if large >= 9.95 => format!("{sign}{large:.0}x"),
        large if large >= 1.95 => format!("{sign}{large:.1}x"),
        small if sign == "↑" => format!("{sign}{:.0}%", (small - 1.0) * 100.0),
        small => format!("{sign}{:.0}%", (1.0 - 1.0 / small) * 100.0),
    }
}

/// A stretch of time in its two largest units: `440 ms`, `2.3 s`, `43 s`, `4 m 20 s`, `2 d 4 h`.
pub fn age(span: Duration) -> String {
    let (ms, s) = (span.as_millis(), span.as_secs());
    let two = |big: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {unit}"),
        small => format!("{big} {unit} {small} {small_unit}"),
    };
    match s {
        _ if ms < 1_000 => format!("{ms} ms"),
        _ if ms < 9_950 => format!("{:.1} s", span.as_secs_f64()),
        _ if s < 60 => format!("{s} s"),
        _ if s < 3_600 => two(s / 60, "m", s % 60, "s"),
        _ if s < 86_400 => two(s / 3_600, "h", s % 3_600 / 60, "m"),
        _ => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// An amount of bytes in decimal units: `512 B`, `3.1 MB`.
pub fn bytes(amount: f64) -> String {
    let mut value = amount;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{value:.0} B"),
        _ if value < 9.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// What a health check says at this moment: `health: 503 for 2 m`, `healthy for 5 m`.
pub fn health(state: &HealthState, now: TimeNs) -> String {
    let length = age(now.since(state.since));
    match state.healthy {
        true => format!("healthy for {length}"),
        false => format!("health: {} for {length}", state.text.visible()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_the_digits_that_matter() {
        let ms = |us: u64| millis(Some(Duration::from_micros(us)));
        assert_eq!(
            [ms(0), ms(34), ms(340), ms(4_100), ms(99_960), ms(2_190_400)],
            ["0.0", "0.034", "0.34", "4.1", "100", "2190"]
        );
        assert_eq!(
            [0.0, 0.001, 0.04, 84.12, 999.96, 12345.6].map(|r| rate(Some(r))),
            ["0.0", "<0.01", "0.04", "84.1", "1000", "12346"]
        );
        assert_eq!(
            [0.0, 0.0001, 0.0231, 0.9999].map(|r| percent(Some(r))),
            ["0.0", "<0.1", "2.3", "100"]
        );
        assert_eq!([rate(None), percent(None), millis(None)], ["—"; 3]);
    }

    #[test]
    fn ages_and_bytes_name_their_units() {
        let at = |s: f64| age(Duration::from_secs_f64(s));
        assert_eq!(
            [at(0.44), at(43.2), at(260.0), at(7200.0), at(187_200.0)],
            ["440 ms", "43 s", "4 m 20 s", "2 h", "2 d 4 h"]
        );
        assert_eq!(
            [512.0, 999.7, 3_140_000.0, 12e9].map(bytes),
            ["512 B", "1.0 kB", "3.1 MB", "12 GB"]
        );
    }

    #[test]
    fn changes_are_ratios_when_large_and_percent_when_small() {
        let of = |now, before| change(Some(now), Some(before));
        assert_eq!(
            [(160.0, 10.0), (23.0, 10.0), (13.0, 10.0), (10.4, 10.0)].map(|(n, b)| of(n, b)),
            ["↑16x", "↑2.3x", "↑30%", ""]
        );
        assert_eq!(
            [(6.0, 10.0), (1.0, 4.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)].map(|(n, b)| of(n, b)),
            ["↓40%", "↓4.0x", "↓ to 0", "↑ from 0", ""]
        );
        assert_eq!(change(None, Some(1.0)) + &change(Some(1.0), None), "");
    }

    #[test]
    fn few_samples_are_named() {
        let d = Some(Duration::from_millis(7));
        assert_eq!(percentile(d, 19), "7.0 n=19");
        assert_eq!(percentile(d, 20), "7.0");
        assert_eq!(percentile(None, 3), "—");
    }
}
