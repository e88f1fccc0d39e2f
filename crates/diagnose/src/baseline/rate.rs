//! Which rate is usual, followed slowly: a surge is unusual, and a service that is hardly called any more.

use super::recent::Recent;
use super::state::Verdict;
use super::{Calm, Pulse};

/// Seconds after which enough is known.
const KNOWN: u32 = 300;
/// How slowly the baseline follows, in seconds.
const SLOW: f64 = 900.0;
/// Lower rates come and go.
const LEAST: f64 = 2.0;
/// Unusual: by this factor, and by so many deviations of a count.
const FACTOR: f64 = 2.5;
const DEVIATIONS: f64 = 8.0;
/// Usual again within this factor.
const USUAL: f64 = 1.6;
/// Seconds that must be there to judge.
const SECONDS: u32 = 5;

/// The usual rate.
#[derive(Debug, Clone, Default)]
pub struct Usual {
    seen: u32,
    rate: f64,
    /// Mean square of what a second differs, over its expected count: 1 for independent requests.
    burst: f64,
}

impl Usual {
    /// What the last seconds look like.
    pub fn judge(&self, recent: &Recent) -> Verdict {
        let sums = recent.seconds();
        if self.seen < KNOWN || self.rate < LEAST || sums.seconds < SECONDS {
            return Verdict::Unknown;
        }
        let (count, seconds) = (f64::from(sums.requests), f64::from(sums.seconds));
        let (value, expected) = (count / seconds, self.rate * seconds);
        let deviation = (expected * self.burst.max(1.0)).sqrt();
        let factor = (value / self.rate).max(self.rate / value.max(1e-9));
        let far =
            (count - expected).abs() >= DEVIATIONS.min(0.95 * expected / deviation) * deviation;
        if factor >= FACTOR && far && (count - expected).abs() >= 4.0 * deviation {
            return Verdict::Unusual {
                since: sums.from,
                usual: self.rate,
                value,
            };
        }
        if factor < USUAL {
            Verdict::Usual
        } else {
            Verdict::Odd
        }
    }

    /// Takes in one second.
    pub fn learn(&mut self, pulse: &Pulse, calm: Calm) {
        match calm {
            Calm::No => return,
            Calm::Adopt => *self = Self::default(),
            Calm::Yes => {}
        }
        self.seen = self.seen.saturating_add(1);
        let weight = 1.0 / f64::from(self.seen).min(SLOW);
        let far = f64::from(pulse.requests) - self.rate;
        self.rate += weight * far;
        let square = far * far / self.rate.max(1.0);
        self.burst += weight * (square - self.burst);
    }
}
