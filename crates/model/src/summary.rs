//! What the agent folds requests into: a pulse each second, a summary each ten.

use crate::{Histogram, Method, Protocol, Route, Side, StatusClass, TimeNs, Window};
use std::time::Duration;

/// How often a pulse is made.
pub const PULSE: Duration = Duration::from_secs(1);
/// How long a summary's interval is; intervals begin at multiples of it.
pub const SUMMARY: Duration = Duration::from_secs(10);

/// Requests, errors and the answers with a 4xx, which are no errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests that ended.
    pub requests: u64,
    /// Those with a 5xx, and those whose connection ended before the answer did.
    pub errors: u64,
    /// Complete answers with a 4xx.
    pub client_errors: u64,
}

impl Counts {
    /// Adds `other`.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.client_errors += other.client_errors;
    }
}

/// One second of an instance and side that had traffic or requests in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// The end of the second.
    pub at: TimeNs,
    /// Index into the batch's instances.
    pub instance: u32,
    /// Which side.
    pub side: Side,
    /// What was spoken.
    pub protocol: Protocol,
    /// What ended in this second.
    pub counts: Counts,
    /// Begun and not ended at `at`.
    pub in_flight: u64,
    /// Age of the oldest request in flight.
    pub oldest_in_flight: Option<Duration>,
    /// Durations in nanoseconds of the requests that completed.
    pub durations: Histogram,
}

/// Requests of one instance, side, protocol, route, method and status class in one interval.
///
/// With [`Route::All`] the row is exact and holds every completed request's duration (method is `Other` then, since the
/// kernel keeps durations per class); the rows of the other routes split the same requests and add up to it in counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The interval.
    pub window: Window,
    /// Index into the batch's instances.
    pub instance: u32,
    /// Which side.
    pub side: Side,
    /// What was spoken.
    pub protocol: Protocol,
    /// Which requests.
    pub route: Route,
    /// Their method.
    pub method: Method,
    /// Their status class.
    pub status_class: StatusClass,
    /// How many.
    pub counts: Counts,
    /// Durations in nanoseconds; for routes those of the records that arrived.
    pub durations: Histogram,
}
