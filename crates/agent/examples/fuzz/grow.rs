//! The driver: inputs are grown from seeds by cutting, joining, flipping and by words of the formats. A panic ends the
//! run with the input printed.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Seeds, which also serve as words.
pub type Words<const N: usize> = [&'static [u8]; N];
/// Real files, from which inputs of targets that read files are grown as well.
pub type Files = Vec<Vec<u8>>;

/// Inputs that are kept to grow others from.
const KEPT: usize = 256;

/// A parser, and what its inputs are like.
pub struct Target {
    name: &'static str,
    run: fn(&[u8]),
    words: &'static [&'static [u8]],
    reads_programs: bool,
}

impl Target {
    /// One that reads texts or messages.
    pub const fn of_text(
        name: &'static str,
        run: fn(&[u8]),
        words: &'static [&'static [u8]],
    ) -> Self {
        Self {
            name,
            run,
            words,
            reads_programs: false,
        }
    }

    /// One that reads files of programs.
    pub const fn of_programs(
        name: &'static str,
        run: fn(&[u8]),
        words: &'static [&'static [u8]],
    ) -> Self {
        Self {
            reads_programs: true,
            ..Self::of_text(name, run, words)
        }
    }

    /// Longest input.
    const fn most_bytes(&self) -> usize {
        if self.reads_programs { 64 << 10 } else { 4096 }
    }
}

/// Runs each target for so many seconds, one a processor at a time.
pub fn run(targets: &[Target], files: &Files, seconds: u64) -> Result<(), Box<dyn Error>> {
    let (next, length) = (AtomicUsize::new(0), Duration::from_secs(seconds));
    let work = || {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let runs = run_one(target, files, length)?;
            println!("{}: {runs} inputs in {seconds} s", target.name);
        }
        Ok::<_, String>(())
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let mut ended = workers.into_iter().map(|worker| worker.join());
        ended.try_for_each(|end| Ok(end.map_err(|_| "a worker of the fuzzer panicked")??))
    })
}

/// How many inputs the target took.
fn run_one(target: &Target, files: &Files, length: Duration) -> Result<u64, String> {
    let until = Instant::now() + length;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut corpus: Files = target.words.iter().map(|word| word.to_vec()).collect();
    if target.reads_programs {
        let short = files.iter().filter(|f| f.len() <= target.most_bytes());
        corpus.extend(short.cloned());
    }
    let mut runs = 0u64;
    while Instant::now() < until {
        let input = grow(&mut random, &corpus, target);
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            return Err(format!("{} panicked on {input:?}", target.name));
        }
        if runs.is_multiple_of(64) && corpus.len() < KEPT {
            corpus.push(input);
        }
        runs += 1;
    }
    Ok(runs)
}

/// A new input from an old one.
fn grow(random: &mut Random, corpus: &Files, target: &Target) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let word = target.words[random.below(target.words.len())];
        match random.below(9) {
            0 => input.truncate(at),
            1 => drop(input.splice(at..at, word.iter().copied())),
            2 => input.extend_from_slice(word),
            3 => input.extend_from_slice(&corpus[random.below(corpus.len())]),
            4 => drop(input.splice(at..at, random.next().to_le_bytes().into_iter().take(3))),
            5 if at < input.len() => input[at] ^= 1 << random.below(8),
            6 if at < input.len() => input[at] = 0xff,
            _ if at < input.len() => input[at] = random.next() as u8,
            _ => {}
        }
        input.truncate(target.most_bytes());
    }
    input
}

/// xorshift64* (Vigna, 2016): the same seed makes the same run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
