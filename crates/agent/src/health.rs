//! What the agent says of itself: memory, processor time, losses.

use coral_model::Loss;
use coral_probes::abi::http1::Counter;
use std::time::Duration;

/// Measures this process.
#[derive(Debug, Default)]
pub struct SelfMeter {
    before: Option<(u64, Duration)>,
    /// Processor time in percent of a core, over the last stretch of at least [`STRETCH`].
    pub cpu_percent: f64,
}

/// How long a stretch of the processor measurement is.
const STRETCH: Duration = Duration::from_secs(10);

impl SelfMeter {
    /// Takes a measurement at boot time `now_ns`.
    pub fn measure(&mut self, now_ns: u64) {
        let used = cpu_time();
        match self.before {
            None => self.before = Some((now_ns, used)),
            Some((then, before)) if now_ns.saturating_sub(then) >= STRETCH.as_nanos() as u64 => {
                let stretch = (now_ns - then) as f64;
                self.cpu_percent = used.saturating_sub(before).as_nanos() as f64 / stretch * 100.0;
                self.before = Some((now_ns, used));
            }
            Some(_) => {}
        }
    }
}

fn cpu_time() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF);
    usage.map_or(Duration::ZERO, |u| {
        let of = |t: nix::sys::time::TimeVal| {
            Duration::new(t.tv_sec() as u64, t.tv_usec() as u32 * 1000)
        };
        of(u.user_time()) + of(u.system_time())
    })
}

/// Gives freed memory back to the system, also from the middle of the heap: an interval's batch leaves holes there.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the allocator's own function; it may be called at any time.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Proportional set size of this process in bytes.
pub fn pss_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("Pss:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kb| kb * 1024)
}

/// The kernel's counters in the words that people read.
pub fn loss(counters: &[u64; Counter::COUNT as usize], missed: u64) -> Loss {
    let of = |counter: Counter| counters[counter as usize];
    Loss {
        records_dropped: of(Counter::DetailLost) + missed,
        unparsed: of(Counter::Gap)
            + of(Counter::Unmatched)
            + of(Counter::HeadTooLong)
            + of(Counter::Malformed)
            + of(Counter::QueueFull)
            + of(Counter::Bound)
            + of(Counter::Load)
            + of(Counter::Nested),
        unseen: of(Counter::Tls) + of(Counter::Http2),
        connections_untracked: of(Counter::ConnFull)
            + of(Counter::SeriesFull)
            + of(Counter::CountFull),
        ..Loss::default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Uses this much processor time; on a busy machine that takes longer.
    pub fn spin(long: Duration) {
        let own = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
        let used = || Duration::from(nix::time::clock_gettime(own).unwrap());
        let until = used() + long;
        while used() < until {}
    }

    #[test]
    fn own_figures_are_plausible() {
        assert!(pss_bytes() > 100_000);
        let mut meter = SelfMeter::default();
        meter.measure(0);
        spin(Duration::from_millis(30));
        meter.measure(STRETCH.as_nanos() as u64);
        assert!(meter.cpu_percent > 0.1 && meter.cpu_percent < 100.0);
    }
}
