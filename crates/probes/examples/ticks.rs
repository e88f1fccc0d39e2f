//! Measures what an empty clock interrupt costs: the same work with and without many of them, in turns; prints the
//! nanoseconds of one as JSON, the median of the rounds, and the least and the most.

use coral_probes::sampler::empty_ticks;
use std::hint::black_box;
use std::time::Instant;

/// Many, so that they can be seen; each processor gives as many as it can.
const HZ: u32 = 20_000;
const ROUNDS: usize = 15;
const WORK: u64 = 200_000_000;

fn main() -> std::io::Result<()> {
    work();
    let mut costs = vec![];
    for _ in 0..ROUNDS {
        let without = work();
        let events = empty_ticks(HZ)?;
        let with = work();
        drop(events);
        // Of the work without and with: so many more seconds, for so many ticks in the longer one.
        costs.push((with - without) / (with * f64::from(HZ)) * 1e9);
    }
    costs.sort_by(f64::total_cmp);
    let (least, median, most) = (costs[0], costs[ROUNDS / 2], costs[ROUNDS - 1]);
    println!("{{\"ns\":{median:.1},\"least\":{least:.1},\"most\":{most:.1}}}");
    Ok(())
}

/// Seconds that the same work takes.
fn work() -> f64 {
    let begun = Instant::now();
    let mut x = 1_u64;
    for n in 0..WORK {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n));
    }
    black_box(x);
    begun.elapsed().as_secs_f64()
}
