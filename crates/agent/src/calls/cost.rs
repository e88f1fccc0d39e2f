//! What probes may cost, and what they do: hits times what each is expected to cost, against a share of the host.

use std::time::{Duration, Instant};

/// The share of the host that all probes of a session may take.
const BUDGET: f64 = 0.01;
/// A hit's work in the programs, beside what the kernel does for it, ns: begin or end, with its maps.
const PROGRAM_NS: u64 = 350;
/// The kernel side ends it by itself when a tenth of a second is so many times above the budget: calls come in bursts.
const AT_ONCE: f64 = 20.0;
/// Nothing is judged by fewer hits a second.
const HITS_MIN: u64 = 1_000;
/// So long is looked back.
const LOOK_BACK: Duration = Duration::from_secs(1);

/// What a session may cost, in time of processors a second.
fn budget() -> Duration {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Duration::from_secs_f64(BUDGET * processors as f64)
}

/// What a hit is expected to cost: a call's share of begin and end, and the program's work.
pub fn of_hit(call_ns: u64, has_end: bool) -> u64 {
    let hits = if has_end { 2 } else { 1 };
    call_ns / hits + PROGRAM_NS
}

/// How many hits a tenth of a second may have before the kernel side ends it.
pub fn most_in_tenth(hit_ns: u64) -> u64 {
    let budget_ns = budget().as_nanos() as f64 * AT_ONCE / 10.0;
    (budget_ns / hit_ns.max(1) as f64).max(HITS_MIN as f64) as u64
}

/// Hits of a session over the last while.
#[derive(Debug)]
pub struct Meter {
    since: Instant,
    hits: u64,
}

/// What a session costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Hits a second.
    pub hits_per_s: f64,
    /// Of the host.
    pub share: f64,
}

impl Meter {
    /// Begins to look, at so many hits.
    pub fn new(hits: u64, now: Instant) -> Self {
        Self { since: now, hits }
    }

    /// What it has cost since the last time that was asked and long enough ago; `None` until then.
    pub fn measure(&mut self, hits: u64, hit_ns: u64, now: Instant) -> Option<Cost> {
        self.measure_after(LOOK_BACK, hits, hit_ns, now)
    }

    /// As [`Self::measure`], after another while.
    pub fn measure_after(
        &mut self,
        least: Duration,
        hits: u64,
        hit_ns: u64,
        now: Instant,
    ) -> Option<Cost> {
        let passed = now.duration_since(self.since);
        if passed < least {
            return None;
        }
        let grown = hits.saturating_sub(self.hits);
        *self = Self::new(hits, now);
        let hits_per_s = grown as f64 / passed.as_secs_f64();
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Some(Cost {
            hits_per_s,
            share: hits_per_s * hit_ns as f64 / 1e9 / processors as f64,
        })
    }
}

impl Cost {
    /// Whether it is too much.
    pub fn is_too_much(&self) -> bool {
        self.share > BUDGET && self.hits_per_s > HITS_MIN as f64
    }

    /// Why it is refused or withdrawn.
    pub fn text(&self, hit_ns: u64) -> String {
        format!(
            "{:.0} hits a second of {:.2} us each are {:.1} % of this host, more than the {:.0} % that a probe may take; probe \
             a function that is called less often",
            self.hits_per_s,
            hit_ns as f64 / 1e3,
            self.share * 100.0,
            BUDGET * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_known_after_a_while_and_judged_by_its_share() {
        let begun = Instant::now();
        let mut meter = Meter::new(100, begun);
        assert_eq!(meter.measure(900_000, 1_000, begun + LOOK_BACK / 2), None);
        let cost = meter.measure(10_000_100, 1_000, begun + LOOK_BACK).unwrap();
        assert_eq!(cost.hits_per_s, 10_000_000.0);
        assert!(cost.is_too_much());
        let cost = meter
            .measure(10_000_600, 7_000, begun + LOOK_BACK * 2)
            .unwrap();
        assert_eq!(cost.hits_per_s, 500.0);
        assert!(!cost.is_too_much());
    }
}
