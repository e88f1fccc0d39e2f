//! Which functions' share changed by more than chance explains.

use super::{Totals, totals};
use coral_model::profile::Flame;

/// How many standard errors a change must have: with a thousand functions looked at, chance alone shows none in most
/// profiles (two-sided, 1 in 16,000 each).
const ERRORS: f64 = 4.0;
/// Changes of less than this share of all samples are no news.
const LEAST: f64 = 0.002;

/// What explains so much of a growth explains it.
const MOST_OF: f64 = 0.8;

/// A function whose share of the samples changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Index into the profile's functions.
    pub function: u32,
    /// Its share now, 0 to 1.
    pub now: f64,
    /// Its share before.
    pub before: f64,
    /// How much of a change of the share chance would explain, one standard error.
    pub error: f64,
}

impl Difference {
    /// How much the share grew.
    pub fn grown(&self) -> f64 {
        self.now - self.before
    }
}

/// The functions whose own share changed beyond sampling error, those that grew most first.
pub fn differences(flame: &Flame) -> Vec<Difference> {
    changed(flame, |t| (t.own, t.own_before))
}

/// The functions that grew, with all that they call: of those that call one another the one that says most, those that grew
/// most first.
pub fn grown(flame: &Flame) -> Vec<Difference> {
    let mut all = changed(flame, |t| (t.total, t.total_before));
    all.retain(|d| d.grown() > 0.0);
    // A caller has grown with what it calls, and has more around it.
    let says_more = |one: &Difference, other: &Difference| {
        one.grown() >= MOST_OF * other.grown() && one.now < other.now
    };
    let says_most = |d: &&Difference| !all.iter().any(|other| says_more(other, d));
    all.iter().filter(says_most).copied().collect()
}

/// Two proportions are compared by their pooled standard error (Fleiss, Statistical Methods for Rates and Proportions, 2.1),
/// with one sample added on either side so that what was never met has an error too.
fn changed(flame: &Flame, counts: impl Fn(&Totals) -> (u64, u64)) -> Vec<Difference> {
    let (now, before) = (
        flame.samples as f64,
        flame.before_samples.unwrap_or(0) as f64,
    );
    if now == 0.0 || before == 0.0 {
        return vec![];
    }
    let of = |t: &Totals| {
        let (met, met_before) = counts(t);
        let pooled = (met + met_before + 1) as f64 / (now + before + 1.0);
        let error = (pooled * (1.0 - pooled) * (1.0 / now + 1.0 / before)).max(0.0);
        Difference {
            function: t.function,
            now: met as f64 / now,
            before: met_before as f64 / before,
            error: error.sqrt(),
        }
    };
    let beyond = |d: &Difference| d.grown().abs() > (ERRORS * d.error).max(LEAST);
    let mut all: Vec<_> = totals(flame).iter().map(of).filter(beyond).collect();
    all.sort_by(|a, b| b.grown().total_cmp(&a.grown()));
    all
}
