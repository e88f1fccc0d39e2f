//! Samples of the processors, taken by the real kernel.

use coral_probes::abi::profile::{StackKey, tally};
use coral_probes::sampler::{NewStack, Sampled, Sampler};
use std::collections::HashMap;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Everything that was sampled in a while.
#[derive(Default)]
struct Seen {
    counts: HashMap<StackKey, u64>,
    stacks: HashMap<StackKey, NewStack>,
    last: Sampled,
}

impl Seen {
    fn drain(&mut self, sampler: &mut Sampler) {
        self.last.stacks.clear();
        sampler.drain(&mut self.last).unwrap();
        for (key, count) in &self.last.counts {
            *self.counts.entry(*key).or_default() += count;
        }
        for stack in self.last.stacks.drain(..) {
            self.stacks.insert(stack.head.key, stack);
        }
    }

    fn of(&self, pid: u32, session: u32) -> u64 {
        let own = |key: &&StackKey| key.tgid == pid && key.session == session;
        let keys = self.counts.keys().filter(own);
        keys.map(|key| self.counts[key]).sum()
    }
}

/// A process that does nothing but burn a processor.
struct Burner(Child);

impl Burner {
    fn start() -> Self {
        Self(
            Command::new("sh")
                .args(["-c", "while :; do :; done"])
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sampler() -> Sampler {
    Sampler::take(&mut coral_probes::load().unwrap()).unwrap()
}

fn during(sampler: &mut Sampler, length: Duration) -> Seen {
    let (mut seen, start) = (Seen::default(), Instant::now());
    while start.elapsed() < length {
        std::thread::sleep(Duration::from_millis(100));
        seen.drain(sampler);
    }
    seen
}

#[test]
fn a_busy_process_is_sampled_as_often_as_it_runs() {
    let burner = Burner::start();
    let mut sampler = sampler();
    sampler.sample_always(199).unwrap();
    let before = cpu_ticks(burner.0.id());
    let seen = during(&mut sampler, Duration::from_secs(3));
    let ran_s = (cpu_ticks(burner.0.id()) - before) as f64 / 100.0;
    let samples = seen.of(burner.0.id(), 0) as f64;
    let expected = ran_s * 199.0;
    // The account is kept in hundredths of a second, of which few are left beside others.
    assert!(
        (samples - expected).abs() < expected * 0.1 + 6.0,
        "{samples} samples in {ran_s} s of processor time"
    );
    assert_eq!(seen.last.tally[tally::NO_ROOM as usize], 0);
    assert_eq!(seen.last.tally[tally::UNKNOWN as usize], 0);
    for key in seen.counts.keys() {
        let stack = &seen.stacks[key];
        assert!(!stack.frames.is_empty(), "{stack:?}");
    }
}

#[test]
fn a_session_samples_whom_it_is_about_and_nobody_else() {
    let (about, other) = (Burner::start(), Burner::start());
    let mut sampler = sampler();
    sampler.aim(7, about.0.id(), true).unwrap();
    sampler.begin(7, 499).unwrap();
    let before = cpu_ticks(about.0.id());
    let seen = during(&mut sampler, Duration::from_secs(2));
    let ran_s = (cpu_ticks(about.0.id()) - before) as f64 / 100.0;
    let samples = seen.of(about.0.id(), 7) as f64;
    // A processor that others use as well leaves few of them; the account is kept in hundredths of a second.
    assert!(
        samples > 0.0 && (samples - ran_s * 499.0).abs() < ran_s * 50.0 + 10.0,
        "{samples} samples in {ran_s} s of processor time"
    );
    assert_eq!(seen.of(other.0.id(), 7), 0);
    sampler.end(7);
    let mut after = Seen::default();
    after.drain(&mut sampler);
    let after = during(&mut sampler, Duration::from_millis(300));
    assert_eq!(after.of(about.0.id(), 7), 0);
}

/// Processor time in hundredths of a second: `utime` and `stime` of `/proc/PID/stat`.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    rest[11].parse::<u64>().unwrap() + rest[12].parse::<u64>().unwrap()
}
