//! Continuously learned baselines, and the anomalies that stand out against them: a state machine fed with pulses of one second.
//! No clock: `now` is passed in. Memory is bounded for each series and in their number.
//!
//! Each series (a service, a route, an edge; the caller's key) has three signals: latency, errors, rate. What is usual follows
//! slowly, so that the daily rhythm is usual, and stands still while an anomaly lasts. A signal is unusual when the last
//! seconds differ from it by many standard errors *and* by a factor that matters. With few requests the last seconds
//! become the last minutes.

mod errors;
mod latency;
mod rate;
mod recent;
mod state;

use recent::{Recent, Sums};
use state::{State, Verdict};
use std::collections::BTreeMap;

/// What one series did in one second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Requests that ended.
    pub requests: u32,
    /// Of these, errors.
    pub errors: u32,
    /// A typical duration of them in any unit, such as their median; `None` without requests.
    pub latency: Option<f64>,
}

/// Which figure of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Signal {
    Latency,
    Errors,
    Rate,
}

impl Signal {
    /// Every signal.
    pub const ALL: &'static [Self] = &[Self::Latency, Self::Errors, Self::Rate];

    /// The word of a symptom.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Rate => "rate",
        }
    }
}

/// What became of an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has begun.
    Began,
    /// It is as before again.
    Recovered,
    /// It has lasted so long that it is usual now.
    Adopted,
    /// There is no more data.
    Gone,
}

/// An anomaly that has begun or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly<K> {
    /// Of which series.
    pub key: K,
    /// Which figure.
    pub signal: Signal,
    /// What became of it.
    pub phase: Phase,
    /// When it began, in unix seconds.
    pub began: i64,
    /// When this was noticed, in unix seconds.
    pub at: i64,
    /// What was usual: latency in the unit of the pulses, errors per request, requests per second.
    pub usual: f64,
    /// What it was when it began, in the same unit.
    pub value: f64,
}

/// A series is forgotten after so many seconds without a pulse.
const FORGET_S: i64 = 2 * 86_400;
/// An anomaly without data ends after so many seconds.
const GONE_S: i64 = 300;

/// All series.
#[derive(Debug, Clone)]
pub struct Baselines<K> {
    tracks: BTreeMap<K, Track>,
    most: usize,
    refused: u64,
    swept: i64,
}

impl<K: Ord + Clone> Baselines<K> {
    /// For at most so many series.
    pub fn new(most: usize) -> Self {
        Self {
            tracks: BTreeMap::new(),
            most,
            refused: 0,
            swept: i64::MIN,
        }
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Pulses of series for which there was no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes the pulse of one series that ended at `now`, in unix seconds; what has begun or ended with it. Pulses of one
    /// series come in order; one that is late is left out.
    pub fn observe(&mut self, now: i64, key: &K, pulse: &Pulse) -> Vec<Anomaly<K>> {
        if !self.tracks.contains_key(key) {
            if self.tracks.len() >= self.most {
                self.refused += 1;
                return vec![];
            }
            self.tracks.insert(key.clone(), Track::new(now));
        }
        let Some(track) = self.tracks.get_mut(key) else {
            return vec![];
        };
        let mut out = Vec::new();
        track.observe(now, pulse, &mut |told| out.push(told.of(key, now)));
        out
    }

    /// Takes in what one series did in some seconds that are past and were calm: latency and errors are known then. The rate
    /// is not, since sums of some seconds do not say how much single ones differ.
    pub fn relearn(&mut self, now: i64, key: &K, past: &Pulse, seconds: u32) {
        if !self.tracks.contains_key(key) && self.tracks.len() >= self.most {
            return;
        }
        let track = self.tracks.entry(key.clone());
        track
            .or_insert_with(|| Track::new(now))
            .relearn(now, past, seconds);
    }

    /// Ends anomalies without data and forgets series that are long gone; to be called once in some seconds.
    pub fn sweep(&mut self, now: i64) -> Vec<Anomaly<K>> {
        if now == self.swept {
            return vec![];
        }
        self.swept = now;
        let mut out = Vec::new();
        for (key, track) in &mut self.tracks {
            if now.saturating_sub(track.seen) >= GONE_S {
                track.end(Phase::Gone, &mut |told| out.push(told.of(key, now)));
            }
        }
        self.tracks
            .retain(|_, track| now.saturating_sub(track.seen) < FORGET_S);
        out
    }
}

/// What a signal has to tell.
struct Told {
    signal: Signal,
    phase: Phase,
    began: i64,
    usual: f64,
    value: f64,
}

impl Told {
    fn of<K: Clone>(&self, key: &K, at: i64) -> Anomaly<K> {
        Anomaly {
            key: key.clone(),
            signal: self.signal,
            phase: self.phase,
            began: self.began,
            at,
            usual: self.usual,
            value: self.value,
        }
    }
}

/// One series.
#[derive(Debug, Clone)]
struct Track {
    seen: i64,
    recent: Recent,
    latency: (latency::Usual, State),
    errors: (errors::Usual, State),
    rate: (rate::Usual, State),
}

impl Track {
    fn new(now: i64) -> Self {
        Self {
            seen: now.saturating_sub(1),
            recent: Recent::default(),
            latency: Default::default(),
            errors: Default::default(),
            rate: Default::default(),
        }
    }

    fn observe(&mut self, now: i64, pulse: &Pulse, tell: &mut impl FnMut(Told)) {
        if now <= self.seen {
            return;
        }
        self.seen = now;
        let left = self.recent.push(now, pulse);
        let verdict = self.latency.0.judge(&self.recent);
        let calm = step(&mut self.latency.1, Signal::Latency, now, verdict, tell);
        self.latency.0.learn(pulse, calm);
        let verdict = self.errors.0.judge(&self.recent);
        let calm = step(&mut self.errors.1, Signal::Errors, now, verdict, tell);
        self.errors.0.learn(left, calm);
        let verdict = self.rate.0.judge(&self.recent);
        let calm = step(&mut self.rate.1, Signal::Rate, now, verdict, tell);
        self.rate.0.learn(pulse, calm);
    }

    fn relearn(&mut self, now: i64, past: &Pulse, seconds: u32) {
        if now < self.seen {
            return;
        }
        self.seen = now;
        self.latency.0.relearn(past, seconds);
        let piece = Sums::past(now, past, seconds);
        self.errors.0.learn(Some(piece), Calm::Yes);
    }

    fn end(&mut self, phase: Phase, tell: &mut impl FnMut(Told)) {
        let states = [
            (Signal::Latency, &mut self.latency.1),
            (Signal::Errors, &mut self.errors.1),
            (Signal::Rate, &mut self.rate.1),
        ];
        for (signal, state) in states {
            if let Some((began, usual, value)) = state.end() {
                tell(Told {
                    signal,
                    phase,
                    began,
                    usual,
                    value,
                });
            }
        }
    }
}

/// How a baseline is to take what it learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calm {
    /// Nothing is unusual: follow.
    Yes,
    /// Something may be beginning, or lasts: stand still.
    No,
    /// What is now is usual from here on.
    Adopt,
}

fn step(
    state: &mut State,
    signal: Signal,
    now: i64,
    verdict: Verdict,
    tell: &mut impl FnMut(Told),
) -> Calm {
    let (phase, calm) = state.step(now, verdict);
    if let Some((phase, (began, usual, value))) = phase {
        tell(Told {
            signal,
            phase,
            began,
            usual,
            value,
        });
    }
    calm
}
