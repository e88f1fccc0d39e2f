//! Disks, from `/proc/diskstats` (Documentation/admin-guide/iostats.rst). Whole devices only: partitions, loop devices and
//! disks in memory are left out, and so is what was never used.

use super::{Gauges, rate};
use std::collections::BTreeMap;

/// Sectors are of 512 bytes there, whatever the disk's own are.
const SECTOR: f64 = 512.0;
/// Devices that are kept.
const DEVICES_MAX: usize = 64;

/// What a disk did since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    reads: u64,
    read_sectors: u64,
    read_ms: u64,
    writes: u64,
    written_sectors: u64,
    write_ms: u64,
    busy_ms: u64,
}

/// Reads the devices that `whole` knows.
pub fn parse(text: &str, whole: impl Fn(&str) -> bool) -> BTreeMap<String, Counters> {
    let one = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(2);
        let name = words.next()?;
        let memory = ["loop", "ram", "zram", "sr", "fd"];
        let skip = |kind: &&str| {
            let rest = name.strip_prefix(*kind);
            rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
        };
        if memory.iter().any(skip) || !whole(name) {
            return None;
        }
        let n: Vec<u64> = words.map_while(|w| w.parse().ok()).collect();
        let counters = Counters {
            reads: *n.first()?,
            read_sectors: *n.get(2)?,
            read_ms: *n.get(3)?,
            writes: *n.get(4)?,
            written_sectors: *n.get(6)?,
            write_ms: *n.get(7)?,
            busy_ms: *n.get(9)?,
        };
        (counters != Counters::default()).then(|| (name.to_owned(), counters))
    };
    text.lines().filter_map(one).take(DEVICES_MAX).collect()
}

/// What one disk did between two readings.
pub fn gauges(name: &str, before: &Counters, after: &Counters, seconds: f64, out: &mut Gauges) {
    let per_s = |of: fn(&Counters) -> u64| rate(of(before), of(after), seconds);
    out.maybe("disk.reads_per_s", name, per_s(|c| c.reads));
    out.maybe("disk.writes_per_s", name, per_s(|c| c.writes));
    let bytes = |of| per_s(of).map(|sectors| sectors * SECTOR);
    out.maybe("disk.read_bytes_per_s", name, bytes(|c| c.read_sectors));
    out.maybe("disk.write_bytes_per_s", name, bytes(|c| c.written_sectors));
    let busy = per_s(|c| c.busy_ms).map(|ms| (ms / 1000.0).min(1.0));
    out.maybe("disk.busy_ratio", name, busy);
    // Without requests there is no mean of their times.
    let requests = per_s(|c| c.reads + c.writes).filter(|n| *n > 0.0);
    let waited = per_s(|c| c.read_ms + c.write_ms);
    let mean = requests.zip(waited).map(|(n, ms)| ms / n);
    out.maybe("disk.await_ms", name, mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "   7       0 loop0 9 0 0 0 0 0 0 0 0 0 0
 254       0 vda 100 5 2000 300 50 6 800 700 0 400 1000 47 36 18 63 22 33
 254       1 vda1 100 5 2000 300 50 6 800 700 0 400 1000
 253       0 zram0 5 0 0 0 0 0 0 0 0 0 0
   8       0 sda 0 0 0 0 0 0 0 0 0 0 0
   8      16 sdb 1 2
";

    #[test]
    fn whole_disks_that_were_used() {
        let disks = parse(TEXT, |name| name != "vda1");
        assert_eq!(disks.keys().collect::<Vec<_>>(), ["vda"]);
    }

    #[test]
    fn rates_and_the_mean_wait() {
        let before = parse(TEXT, |name| name == "vda")["vda"];
        let after = Counters {
            reads: 130,
            read_ms: 330,
            writes: 60,
            write_ms: 770,
            written_sectors: 1000,
            busy_ms: 2400,
            ..before
        };
        let mut out = Gauges::default();
        gauges("vda", &before, &after, 10.0, &mut out);
        assert_eq!(out.find("disk.reads_per_s", "vda"), Some(3.0));
        assert_eq!(out.find("disk.write_bytes_per_s", "vda"), Some(10_240.0));
        assert_eq!(out.find("disk.await_ms", "vda"), Some(2.5));
        assert_eq!(out.find("disk.busy_ratio", "vda"), Some(0.2));
    }

    #[test]
    fn an_idle_disk_has_no_wait_and_a_new_one_no_rate() {
        let disk = parse(TEXT, |name| name == "vda")["vda"];
        let mut out = Gauges::default();
        gauges("vda", &disk, &disk, 10.0, &mut out);
        assert_eq!(out.find("disk.await_ms", "vda"), None);
        assert_eq!(out.find("disk.reads_per_s", "vda"), Some(0.0));
        let mut out = Gauges::default();
        let replaced = Counters { reads: 1, ..disk };
        gauges("vda", &disk, &replaced, 10.0, &mut out);
        assert_eq!(out.find("disk.reads_per_s", "vda"), None);
    }
}
