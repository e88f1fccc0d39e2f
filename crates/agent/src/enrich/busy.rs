//! Processes that neither listen nor talk, but use much of a processor: a neighbour of that kind makes others slow, and
//! must not be nobody.

use crate::proc::stat;
use crate::proc::text::Reader;
use std::collections::HashMap;

/// A share of one processor that makes a process worth knowing.
const SHARE: f64 = 0.25;
/// Processes that are looked at; a host with more has other means.
const PROCESSES_MAX: usize = 8_192;

/// What processes had used at the last look.
#[derive(Debug, Default)]
pub struct Busy {
    before: HashMap<u32, (u64, u64)>,
    at_ns: u64,
}

impl Busy {
    /// Looks at all processes at boot time `now_ns`; the pids of those that used much since the last look.
    pub fn look(&mut self, reader: &mut Reader, now_ns: u64) -> Vec<u32> {
        let ticks = now_ns.saturating_sub(self.at_ns) as f64 / 1e9 * ticks_a_second();
        let first = self.at_ns == 0;
        self.at_ns = now_ns;
        let (mut now, mut busy) = (HashMap::with_capacity(self.before.len()), vec![]);
        for pid in pids().take(PROCESSES_MAX) {
            let text = reader.read(format!("/proc/{pid}/stat"));
            let Some(stat) = text.and_then(|text| stat::parse(&text)) else {
                continue;
            };
            let before = self.before.get(&pid).filter(|b| b.0 == stat.start_ticks);
            let used = stat.cpu_ticks.saturating_sub(before.map_or(0, |b| b.1));
            // Threads of the kernel have no memory of their own; they work for others.
            if !first && stat.rss_pages > 0 && used as f64 > SHARE * ticks {
                busy.push(pid);
            }
            now.insert(pid, (stat.start_ticks, stat.cpu_ticks));
        }
        self.before = now;
        busy
    }
}

fn pids() -> impl Iterator<Item = u32> {
    let folder = std::fs::read_dir("/proc").into_iter().flatten();
    folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn ticks_a_second() -> f64 {
    // SAFETY: asks for a constant.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::tests::spin;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn who_uses_much_is_found() {
        let (mut busy, mut reader) = (Busy::default(), Reader::default());
        let own = std::process::id();
        assert!(busy.look(&mut reader, SECOND).is_empty());
        spin(Duration::from_millis(400));
        assert!(busy.look(&mut reader, 2 * SECOND).contains(&own));
        assert!(!busy.look(&mut reader, 1000 * SECOND).contains(&own));
    }
}
