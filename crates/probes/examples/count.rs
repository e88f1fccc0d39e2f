//! Attaches, waits, and prints what was counted as one JSON line: `count --seconds 3`. For kernels in small machines,
//! where nothing else of Coral runs.

use coral_probes::{Drained, Live, Source as _, load};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args()
        .nth(2)
        .and_then(|s| s.parse().ok())
        .unwrap_or(3);
    let mut live = Live::attach(load()?)?;
    eprintln!("ready");
    std::thread::sleep(Duration::from_secs(seconds));
    let mut drained = Drained::default();
    live.drain(&mut drained)?;
    let side_of = |series: u64| {
        drained
            .series
            .iter()
            .find(|(id, _)| *id == series)
            .map_or(0, |(_, info)| info.side)
    };
    let mut sides = [[0u64; 2]; 3];
    for (key, count) in &drained.counts {
        let side = &mut sides[usize::from(side_of(key.series).min(2))];
        side[0] += count;
        side[1] += if key.class == 5 || key.ending != 0 {
            *count
        } else {
            0
        };
    }
    let durations: u64 = drained
        .durations
        .iter()
        .flat_map(|(_, b)| b)
        .map(|(_, n)| n)
        .sum();
    let line = serde_json::json!({
        "server": { "requests": sides[1][0], "errors": sides[1][1] },
        "client": { "requests": sides[2][0], "errors": sides[2][1] },
        "unnamed": sides[0][0],
        "durations": durations,
        "details": drained.details.len(),
        "in_flight": drained.in_flight.len(),
        "lost": drained.lost.iter().sum::<u64>(),
        "lost_by": drained.lost,
    });
    println!("{line}");
    Ok(())
}
