//! The life of an anomaly of one signal: suspected, begun, ended. What is judged unusual for a moment is none yet.

use super::{Calm, Phase};

/// Judged unusual for so many pulses in a row, it has begun.
const PULSES: u32 = 3;
/// As usual for so many seconds, it is over.
const OVER_S: i64 = 30;
/// After so many seconds it is usual.
const ADOPT_S: i64 = 2_700;

/// What the last seconds look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// There is too little to say.
    Unknown,
    /// As usual.
    Usual,
    /// Between the two.
    Odd,
    /// Unusual.
    Unusual {
        /// Since when, in unix seconds.
        since: i64,
        /// What is usual.
        usual: f64,
        /// What it is.
        value: f64,
    },
}

/// When it began, what was usual, what it was.
type Begun = (i64, f64, f64);

/// Where an anomaly is in its life.
#[derive(Debug, Clone, Default)]
pub struct State {
    suspected: u32,
    begun: Option<Begun>,
    usual_since: Option<i64>,
}

impl State {
    /// Takes a verdict; what has changed, and how the baseline is to learn.
    pub fn step(&mut self, now: i64, verdict: Verdict) -> (Option<(Phase, Begun)>, Calm) {
        let Some(begun) = self.begun else {
            return self.suspect(verdict);
        };
        match verdict {
            Verdict::Usual => {
                let since = *self.usual_since.get_or_insert(now);
                if now.saturating_sub(since) >= OVER_S {
                    self.end();
                    return (Some((Phase::Recovered, begun)), Calm::Yes);
                }
            }
            Verdict::Unknown | Verdict::Odd => {}
            Verdict::Unusual { .. } => self.usual_since = None,
        }
        if now.saturating_sub(begun.0) >= ADOPT_S {
            self.end();
            return (Some((Phase::Adopted, begun)), Calm::Adopt);
        }
        (None, Calm::No)
    }

    fn suspect(&mut self, verdict: Verdict) -> (Option<(Phase, Begun)>, Calm) {
        let Verdict::Unusual {
            since,
            usual,
            value,
        } = verdict
        else {
            self.suspected = 0;
            return (None, Calm::Yes);
        };
        self.suspected += 1;
        if self.suspected < PULSES {
            return (None, Calm::No);
        }
        let begun = (since, usual, value);
        self.begun = Some(begun);
        (Some((Phase::Began, begun)), Calm::No)
    }

    /// Ends it, if it has begun.
    pub fn end(&mut self) -> Option<Begun> {
        let begun = self.begun.take();
        *self = Self::default();
        begun
    }
}
