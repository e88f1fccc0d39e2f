//! What `coral query requests` takes: whose requests, and which of them.

use coral_model::{Question, Span, StatusClass};
use std::time::Duration;

/// Which single requests.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Requests {
    /// Which service
    pub service: String,
    /// Only those whose path holds this text
    #[arg(long, value_name = "TEXT")]
    pub path: Option<String>,
    /// Only those with such a status: 1xx to 5xx
    #[arg(long, value_name = "CLASS", value_parser = status_class)]
    pub status: Option<StatusClass>,
    /// Only those that took at least so long: 100ms, 1.5s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub min_duration: Option<Duration>,
    /// At most so many
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

impl Requests {
    /// The question about this stretch.
    pub fn question(self, span: Span) -> Question {
        Question::Requests {
            span,
            service: self.service,
            path: self.path,
            status_class: self.status,
            min_duration: self.min_duration,
            limit: self.limit,
        }
    }
}

fn status_class(text: &str) -> Result<StatusClass, String> {
    let digit = text
        .to_ascii_lowercase()
        .strip_suffix("xx")
        .and_then(|digit| digit.parse().ok());
    digit
        .filter(|digit| (1..=5).contains(digit))
        .and_then(StatusClass::from_code)
        .ok_or_else(|| "a status class is 1xx, 2xx, 3xx, 4xx or 5xx".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration is a number with us, ms, s or m, such as 100ms".to_owned();
    let unit = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_durations_are_read() {
        assert_eq!(status_class("5xx"), Ok(StatusClass::ServerError));
        assert_eq!(status_class("2XX"), Ok(StatusClass::Success));
        for wrong in ["6xx", "500", "xx", ""] {
            assert!(status_class(wrong).is_err(), "{wrong}");
        }
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        for wrong in ["100", "ms", "-1s", "1h", "1e300s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
