//! What is wrong with a service, from its own figures: broken, unusual, or fine. "Usual" is what `usual` knows of an hour or
//! a day before, else the median of the earlier part of the window.

use coral_model::answer::{Red, STALE_AFTER, ServiceRow};
use std::time::Duration;

/// Fewer errors than this prove nothing.
const ERRORS_MIN: u64 = 3;
/// From this share of errors a service is broken.
const BROKEN_RATIO: f64 = 0.05;
/// From this share it is unusual.
const UNUSUAL_RATIO: f64 = 0.01;
/// A request in flight for longer than this is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(10);
/// p95 so many times its usual is unusual.
const SLOWER_TIMES: f64 = 2.0;
/// A slowdown by less than this is noise.
const SLOWER_MIN: Duration = Duration::from_millis(5);
/// The newest points of the trend, which are compared.
const RECENT: usize = 3;
/// So many earlier points make a usual.
const EARLIER_MIN: usize = 8;

/// How bad it is, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing stands out.
    Fine,
    /// It differs from its usual.
    Unusual,
    /// It fails its callers now.
    Broken,
}

/// What is wrong, the worst of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Its health check fails.
    Unhealthy,
    /// This share of the requests fails.
    Errors(Level, f64),
    /// Requests in flight do not end; the oldest is this old.
    Stuck(Level, Duration),
    /// p95 is so many times its usual.
    Slower(f64),
}

impl Trouble {
    /// What is wrong with this service.
    pub fn of(row: &ServiceRow, usual: Option<Duration>) -> Self {
        if row.health.as_ref().is_some_and(|health| !health.healthy) {
            return Self::Unhealthy;
        }
        if is_stale(row) {
            return Self::None;
        }
        let red = figures(row);
        let ratio = red.and_then(|r| r.error_ratio).unwrap_or(0.0);
        let proven = red.is_some_and(|r| r.counts.errors >= ERRORS_MIN);
        let level = error_level(ratio);
        let stuck = row
            .oldest_in_flight
            .filter(|&age| row.in_flight > 0 && age >= STUCK_AFTER);
        let idle = red.and_then(|r| r.rate_per_s).unwrap_or(0.0) == 0.0;
        match stuck {
            _ if proven && level == Level::Broken => Self::Errors(level, ratio),
            Some(age) if idle => Self::Stuck(Level::Broken, age),
            Some(age) => Self::Stuck(Level::Unusual, age),
            None if proven && level == Level::Unusual => Self::Errors(level, ratio),
            None => slower_than(&row.trend, usual).map_or(Self::None, Self::Slower),
        }
    }

    /// How bad it is.
    pub fn level(&self) -> Level {
        match self {
            Self::None => Level::Fine,
            Self::Unhealthy => Level::Broken,
            Self::Errors(level, _) | Self::Stuck(level, _) => *level,
            Self::Slower(_) => Level::Unusual,
        }
    }
}

/// How bad this share of errors is.
pub fn error_level(ratio: f64) -> Level {
    match ratio {
        r if r >= BROKEN_RATIO => Level::Broken,
        r if r >= UNUSUAL_RATIO => Level::Unusual,
        _ => Level::Fine,
    }
}

/// What a service is judged by: what it served, else what it sent.
pub fn figures(row: &ServiceRow) -> Option<&Red> {
    row.server.as_ref().or(row.client.as_ref())
}

/// Whether its newest data is old.
pub fn is_stale(row: &ServiceRow) -> bool {
    row.stale.is_some_and(|stale| stale > STALE_AFTER)
}

/// How many times its usual the newest p95 is, when that is unusual; without a usual the window itself says it.
pub fn slower_than(trend: &[Option<Duration>], usual: Option<Duration>) -> Option<f64> {
    let Some(usual) = usual else {
        return slower(trend);
    };
    unusual(usual, recent(trend)?)
}

/// What the newest points say together; one alone may be chance.
pub fn recent(trend: &[Option<Duration>]) -> Option<Duration> {
    let newest = trend.iter().rev().copied().flatten().take(RECENT);
    let mut newest: Vec<Duration> = newest.collect();
    (newest.len() == RECENT).then(|| middle(&mut newest))
}

/// The same, with the median of the earlier part of the window as what is usual.
pub fn slower(trend: &[Option<Duration>]) -> Option<f64> {
    let mut known: Vec<Duration> = trend.iter().copied().flatten().collect();
    let split = known.len().checked_sub(RECENT)?;
    let (earlier, recent) = known.split_at_mut(split);
    if earlier.len() < EARLIER_MIN {
        return None;
    }
    unusual(middle(earlier), middle(recent))
}

/// How many times as long, when that is no noise.
fn unusual(usual: Duration, now: Duration) -> Option<f64> {
    let times = now.as_secs_f64() / usual.as_secs_f64().max(1e-9);
    (times >= SLOWER_TIMES && now.saturating_sub(usual) >= SLOWER_MIN).then_some(times)
}

/// The middle value, the lower of two; zero of nothing.
pub fn median(values: &[Duration]) -> Duration {
    middle(&mut values.to_vec())
}

/// The same; the values change their places.
fn middle(values: &mut [Duration]) -> Duration {
    match values.len().checked_sub(1) {
        None => Duration::ZERO,
        Some(last) => *values.select_nth_unstable(last / 2).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::summary::Counts;
    use coral_model::{ServiceClass, ServiceKey};

    fn row(requests: u64, errors: u64) -> ServiceRow {
        let red = Red {
            counts: Counts {
                requests,
                errors,
                client_errors: 0,
            },
            rate_per_s: Some(requests as f64 / 900.0),
            error_ratio: Some(errors as f64 / requests.max(1) as f64),
            ..Red::default()
        };
        ServiceRow {
            service: ServiceKey::plain("a"),
            class: ServiceClass::App,
            instances: 1,
            hosts: 1,
            ports: vec![],
            server: Some(red),
            client: None,
            in_flight: 0,
            oldest_in_flight: None,
            trend: vec![],
            stale: Some(Duration::from_secs(1)),
            protocols: vec![],
            cpu_cores: None,
            rss_bytes: None,
            unread: None,
            health: None,
        }
    }

    #[test]
    fn errors_count_when_they_are_proven() {
        let level = |requests, errors| Trouble::of(&row(requests, errors), None).level();
        assert_eq!(level(1000, 60), Level::Broken);
        assert_eq!(level(1000, 15), Level::Unusual);
        assert_eq!(level(1000, 5), Level::Fine);
        assert_eq!(level(2, 2), Level::Fine);
    }

    #[test]
    fn what_fails_its_health_check_is_broken_also_when_it_is_gone() {
        let mut gone = row(0, 0);
        (gone.server, gone.stale) = (None, None);
        let mut health = coral_model::answer::HealthState {
            healthy: false,
            since: coral_model::TimeNs(0),
            text: "503".into(),
        };
        gone.health = Some(health.clone());
        assert_eq!(Trouble::of(&gone, None), Trouble::Unhealthy);
        health.healthy = true;
        gone.health = Some(health);
        assert_eq!(Trouble::of(&gone, None), Trouble::None);
    }

    #[test]
    fn a_stuck_service_does_not_look_idle() {
        let mut stuck = row(0, 0);
        (stuck.in_flight, stuck.oldest_in_flight) = (4, Some(Duration::from_secs(40)));
        assert_eq!(Trouble::of(&stuck, None).level(), Level::Broken);
        stuck.stale = Some(Duration::from_secs(60));
        assert_eq!(Trouble::of(&stuck, None).level(), Level::Fine);
    }

    #[test]
    fn a_jump_of_the_trend_is_unusual_and_noise_is_not() {
        let trend = |usual: u64, now: u64| -> Vec<Option<Duration>> {
            let ms = |ms| Some(Duration::from_millis(ms));
            let mut points = vec![ms(usual); 20];
            points.extend([None, ms(now), ms(now), ms(now)]);
            points
        };
        assert_eq!(slower(&trend(100, 1600)).map(f64::round), Some(16.0));
        assert_eq!(slower(&trend(100, 180)), None);
        assert_eq!(slower(&trend(1, 4)), None);
        assert_eq!(slower(&trend(100, 1600)[18..]), None);
    }

    #[test]
    fn what_is_known_of_before_decides() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let slow_all_along = vec![ms(900); 20];
        assert_eq!(slower_than(&slow_all_along, None), None);
        let times = slower_than(&slow_all_along, ms(100)).map(f64::round);
        assert_eq!(times, Some(9.0));
        let rising: Vec<_> = [vec![ms(100); 17], vec![ms(900); 3]].concat();
        assert!(slower_than(&rising, None).is_some());
        assert_eq!(slower_than(&rising, ms(850)), None, "it is so at this time");
        assert_eq!(
            slower_than(&rising[18..], ms(100)),
            None,
            "too little to say"
        );
    }
}
