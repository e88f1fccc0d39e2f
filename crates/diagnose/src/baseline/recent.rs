//! The last seconds of a series, and the last minutes in coarser pieces for those with few requests.

use super::Pulse;

/// So many seconds are looked at first.
const SECONDS: usize = 6;
/// So many pieces of so many seconds are looked at when the seconds hold too few requests.
pub const PIECES: usize = 15;
const PIECE_S: i64 = 20;

/// Sums over a stretch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// When it began, in unix seconds.
    pub from: i64,
    /// Its seconds.
    pub seconds: u32,
    /// Seconds with requests.
    pub busy: u32,
    /// Requests.
    pub requests: u32,
    /// Errors.
    pub errors: u32,
    /// Sum of the logarithms of the latencies of the busy seconds.
    pub logs: f64,
    /// The largest of them.
    pub top: f64,
}

impl Sums {
    fn of(now: i64, pulse: &Pulse) -> Self {
        let latency = pulse.latency.filter(|l| l.is_finite() && *l > 0.0);
        Self {
            from: now,
            seconds: 1,
            busy: u32::from(latency.is_some()),
            requests: pulse.requests,
            errors: pulse.errors.min(pulse.requests),
            logs: latency.map_or(0.0, f64::ln),
            top: latency.map_or(f64::NEG_INFINITY, f64::ln),
        }
    }

    /// Of some seconds together that ended at `now`.
    pub fn past(now: i64, pulse: &Pulse, seconds: u32) -> Self {
        Self {
            from: now.saturating_sub(seconds.into()),
            seconds,
            ..Self::of(now, pulse)
        }
    }

    /// The mean logarithm without the largest, so that a single slow second says nothing; `None` from fewer than two.
    pub fn typical(&self) -> Option<f64> {
        (self.busy >= 2).then(|| (self.logs - self.top) / f64::from(self.busy - 1))
    }

    fn add(&mut self, other: &Self) {
        if other.seconds == 0 {
            return;
        }
        if self.seconds == 0 || other.from < self.from {
            self.from = other.from;
        }
        self.top = if self.seconds == 0 {
            other.top
        } else {
            self.top.max(other.top)
        };
        self.seconds = self.seconds.saturating_add(other.seconds);
        self.busy = self.busy.saturating_add(other.busy);
        self.requests = self.requests.saturating_add(other.requests);
        self.errors = self.errors.saturating_add(other.errors);
        self.logs += other.logs;
    }
}

/// The last seconds and pieces, both as rings.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    seconds: [Sums; SECONDS],
    at: usize,
    pieces: [Sums; PIECES],
    piece: usize,
}

impl Recent {
    /// Takes a pulse; the oldest piece when it makes room.
    pub fn push(&mut self, now: i64, pulse: &Pulse) -> Option<Sums> {
        let sums = Sums::of(now, pulse);
        self.at = (self.at + 1) % SECONDS;
        self.seconds[self.at] = sums;
        let current = &self.pieces[self.piece];
        let mut left = None;
        if current.seconds > 0 && now.saturating_sub(current.from) >= PIECE_S {
            self.piece = (self.piece + 1) % PIECES;
            let oldest = std::mem::take(&mut self.pieces[self.piece]);
            left = Some(oldest).filter(|oldest| oldest.seconds > 0);
        }
        self.pieces[self.piece].add(&sums);
        left
    }

    /// The kept stretches, shortest first.
    pub fn stretches(&self) -> impl Iterator<Item = Sums> + '_ {
        let pieces = (0..PIECES).scan(Sums::default(), |sums, back| {
            sums.add(&self.pieces[(self.piece + PIECES - back) % PIECES]);
            Some(*sums)
        });
        std::iter::once(self.seconds()).chain(pieces)
    }

    /// The shortest of the kept stretches that holds so many requests; `None` when even the longest does not.
    pub fn with(&self, requests: u32) -> Option<Sums> {
        self.stretches().find(|sums| sums.requests >= requests)
    }

    /// All that the seconds hold.
    pub fn seconds(&self) -> Sums {
        let mut sums = Sums::default();
        for second in &self.seconds {
            sums.add(second);
        }
        sums
    }
}
