//! What latency is usual: the mean and the spread of its logarithm, followed slowly.

use super::recent::Recent;
use super::state::Verdict;
use super::{Calm, Pulse};

/// Busy seconds after which enough is known.
const KNOWN: u32 = 90;
/// How slowly the baseline follows, in busy seconds.
const SLOW: f64 = 900.0;
/// What is learned of one second is at most so many spreads from the usual.
const CLIP: f64 = 3.0;
/// The least spread: durations are never the same.
const LEAST: f64 = 0.05;
/// So many requests say something.
const REQUESTS: u32 = 5;
/// Neighbouring seconds are alike: so much larger is the error of their mean.
const ALIKE: f64 = 1.6;
/// Unusual: so many errors of the mean, and this factor.
const ERRORS: f64 = 6.0;
const FACTOR: f64 = 1.5;
/// Usual again below this factor.
const USUAL: f64 = 1.2;

/// The usual latency.
#[derive(Debug, Clone, Default)]
pub struct Usual {
    seen: u32,
    mean: f64,
    spread: f64,
}

impl Usual {
    /// What the last seconds look like.
    pub fn judge(&self, recent: &Recent) -> Verdict {
        let Some(sums) = recent.with(REQUESTS) else {
            return Verdict::Unknown;
        };
        let Some(typical) = sums.typical() else {
            return Verdict::Unknown;
        };
        if self.seen < KNOWN {
            return Verdict::Unknown;
        }
        let far = typical - self.mean;
        let error = ALIKE * self.spread.max(LEAST) / f64::from(sums.busy).sqrt();
        match far {
            far if far >= FACTOR.ln() && far >= ERRORS * error => Verdict::Unusual {
                since: sums.from,
                usual: self.mean.exp(),
                value: (self.mean + far).exp(),
            },
            far if far < USUAL.ln() => Verdict::Usual,
            _ => Verdict::Odd,
        }
    }

    /// Takes in the latency of some seconds together: it differs less from the usual than theirs do, by the root of their
    /// number.
    pub fn relearn(&mut self, past: &Pulse, seconds: u32) {
        let busy = seconds.min(past.requests).max(1);
        let Some(latency) = past.latency.filter(|l| l.is_finite() && *l > 0.0) else {
            return;
        };
        let value = latency.ln();
        let far = match self.seen {
            0 => 0.0,
            _ => (value - self.mean).abs() * f64::from(busy).sqrt(),
        };
        // As often above as below: the mean is that of all, the spread that of seconds.
        for _ in 0..busy / 2 {
            self.take(value + far);
            self.take(value - far);
        }
        if busy % 2 == 1 {
            self.take(value);
        }
    }

    /// Takes in one second.
    pub fn learn(&mut self, pulse: &Pulse, calm: Calm) {
        if calm == Calm::Adopt {
            *self = Self::default();
        }
        let Some(latency) = pulse.latency.filter(|l| l.is_finite() && *l > 0.0) else {
            return;
        };
        if calm == Calm::No {
            return;
        }
        self.take(latency.ln());
    }

    fn take(&mut self, value: f64) {
        self.seen = self.seen.saturating_add(1);
        if self.seen == 1 {
            (self.mean, self.spread) = (value, 0.3);
            return;
        }
        // The first seconds weigh more, or the first of all would last for ever.
        let weight = 1.0 / f64::from(self.seen).min(SLOW);
        let most = CLIP * self.spread.max(LEAST);
        let far = (value - self.mean).clamp(-most, most);
        self.mean += weight * far;
        // 1.25 mean deviations are a standard deviation.
        self.spread += weight * (1.25 * far.abs() - self.spread);
    }
}
