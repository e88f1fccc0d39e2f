//! Attaches, waits, and prints what was counted as one JSON line: `count --seconds 3`. For kernels in small machines,
//! where nothing else of Coral runs.

use coral_probes::abi::calls::{Cookie, Probe, at, end};
use coral_probes::calls::{Calls, Place};
use coral_probes::{Drained, Live, Loaded, Source as _, load};
use std::os::fd::AsFd as _;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args()
        .nth(2)
        .and_then(|s| s.parse().ok())
        .unwrap_or(3);
    let mut loaded = load()?;
    let probed = probed(&mut loaded)?;
    let mut live = Live::attach(loaded)?;
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
        "probed": probed,
    });
    println!("{line}");
    Ok(())
}

/// Called so often while it is probed.
const CALLS: u64 = 100;

#[inline(never)]
extern "C" fn called(n: u64) -> u64 {
    std::hint::black_box(n)
}

/// Probes a function of this program: how often it was called, and returned, by the kernel's count.
fn probed(loaded: &mut Loaded) -> Result<[u64; 2], Box<dyn std::error::Error>> {
    let mut calls = Calls::take(loaded)?;
    calls.open(0, u64::MAX, 0)?;
    let probe = Probe {
        number: 1,
        end: end::RETURN,
        ..Probe::NOTHING
    };
    calls.set(0, &probe)?;
    calls.admit(1, std::process::id(), true)?;
    let place = |at, to_base| Place {
        offset: offset_of(called as *const () as u64),
        cookie: Cookie {
            probe: 0,
            at,
            to_base,
        },
    };
    let own = std::fs::File::open("/proc/self/exe")?;
    let ends = calls.attach(own.as_fd(), &[place(at::EXIT | at::RETURNED, -8)], true)?;
    let begins = calls.attach(own.as_fd(), &[place(0, 0)], false)?;
    for n in 0..CALLS {
        called(n);
    }
    drop((begins, ends));
    let hits = calls.hits(0)?;
    Ok([hits.hits, hits.returned])
}

/// Where in its file code of this program lies.
fn offset_of(address: u64) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
    let found = maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let begins = hex(words.nth(1)?);
        let inside = (hex(from)..hex(to)).contains(&address);
        inside.then(|| address - hex(from) + begins)
    });
    found.unwrap_or(0)
}
