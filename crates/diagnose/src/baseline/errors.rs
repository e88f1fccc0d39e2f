//! Which share of errors is usual, followed slowly.

use super::Calm;
use super::recent::{PIECES, Recent, Sums};
use super::state::Verdict;

/// Requests after which enough is known.
const KNOWN: f64 = 100.0;
/// How slowly the baseline follows, in requests and in seconds.
const SLOW: f64 = 20_000.0;
const SLOW_S: f64 = 1_800.0;
/// So many requests say something.
const REQUESTS: u32 = 10;
/// Unusual: so improbable, as a negative logarithm, and so much more of all requests.
const IMPROBABLE: f64 = 20.0;
const MORE: f64 = 0.03;
/// Fewer are not expected of anybody.
const EXPECTED: f64 = 0.02;
/// Usual again below so much more.
const USUAL: f64 = 0.01;

/// The usual share of errors.
#[derive(Debug, Clone, Default)]
pub struct Usual {
    requests: f64,
    errors: f64,
    /// So many pieces still hold an anomaly.
    skip: usize,
}

impl Usual {
    /// With few requests seen rather too high than too low.
    fn share(&self) -> f64 {
        (self.errors + 0.3) / (self.requests + 30.0)
    }

    /// What the last seconds look like.
    pub fn judge(&self, recent: &Recent) -> Verdict {
        let Some(sums) = recent.with(REQUESTS) else {
            return Verdict::Unknown;
        };
        if self.requests < KNOWN {
            return Verdict::Unknown;
        }
        let usual = self.share();
        // What the last of it does not show any more is over, whatever the minutes before hold.
        if share(&sums) < usual + USUAL {
            return Verdict::Usual;
        }
        match recent.stretches().find(|sums| is_unusual(sums, usual)) {
            Some(odd) => Verdict::Unusual {
                since: odd.from,
                usual,
                value: share(&odd),
            },
            None => Verdict::Odd,
        }
    }

    /// Takes in a piece that is some minutes old: what begins is not learned before it is judged.
    pub fn learn(&mut self, left: Option<Sums>, calm: Calm) {
        match calm {
            Calm::No => self.skip = PIECES,
            Calm::Adopt => *self = Self::default(),
            Calm::Yes => {}
        }
        let Some(piece) = left else {
            return;
        };
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let slow = f64::from(piece.seconds) / SLOW_S;
        let keep = (1.0 - slow)
            .clamp(0.0, 1.0)
            .min(SLOW / (self.requests + 1.0));
        self.requests = self.requests * keep + f64::from(piece.requests);
        self.errors = self.errors * keep + f64::from(piece.errors);
    }
}

fn share(sums: &Sums) -> f64 {
    f64::from(sums.errors) / f64::from(sums.requests.max(1))
}

/// Whether so many errors are improbable when `usual` is: the bound of Chernoff for counts.
fn is_unusual(sums: &Sums, usual: f64) -> bool {
    let expected = (usual * f64::from(sums.requests)).max(EXPECTED);
    let errors = f64::from(sums.errors);
    let improbable = errors * (errors / expected).ln() - (errors - expected);
    errors > expected && improbable >= IMPROBABLE && share(sums) >= usual + MORE
}
