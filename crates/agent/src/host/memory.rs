//! Memory, swap and load, from `/proc/meminfo`, `/proc/vmstat` and `/proc/loadavg` (proc_meminfo(5), proc_loadavg(5)).

use super::{Gauges, rate};
use crate::proc::text::value;

/// What is in use, from `/proc/meminfo`.
pub fn gauges(text: &str, out: &mut Gauges) {
    let bytes = |key: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(key))?;
        let kb: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kb as f64 * 1024.0)
    };
    let used = |total: Option<f64>, free: Option<f64>| Some((total?, (total? - free?).max(0.0)));
    let (total, available) = (bytes("MemTotal:"), bytes("MemAvailable:"));
    out.maybe("mem.total_bytes", "", total);
    out.maybe("mem.available_bytes", "", available);
    if let Some((total, used)) = used(total, available) {
        out.push("mem.used_ratio", "", used / total);
    }
    out.maybe("swap.total_bytes", "", bytes("SwapTotal:"));
    if let Some((total, used)) = used(bytes("SwapTotal:"), bytes("SwapFree:")) {
        out.push("swap.used_bytes", "", used);
        // Without swap there is no ratio.
        out.push("swap.used_ratio", "", used / total);
    }
}

/// Pages that went to swap and came back since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swapped {
    pages_in: u64,
    pages_out: u64,
}

/// Reads `/proc/vmstat`.
pub fn swapped(text: &str) -> Option<Swapped> {
    Some(Swapped {
        pages_in: value(text, "pswpin")?,
        pages_out: value(text, "pswpout")?,
    })
}

/// How fast memory goes to swap and comes back.
pub fn swap_rates(
    before: &Swapped,
    after: &Swapped,
    seconds: f64,
    page_bytes: f64,
    out: &mut Gauges,
) {
    let bytes = |before, after| rate(before, after, seconds).map(|pages| pages * page_bytes);
    let came = bytes(before.pages_in, after.pages_in);
    out.maybe("swap.in_bytes_per_s", "", came);
    let went = bytes(before.pages_out, after.pages_out);
    out.maybe("swap.out_bytes_per_s", "", went);
}

/// The three averages of `/proc/loadavg`.
pub fn load(text: &str, out: &mut Gauges) {
    let names = ["load.1m_tasks", "load.5m_tasks", "load.15m_tasks"];
    for (name, word) in names.into_iter().zip(text.split_ascii_whitespace()) {
        out.maybe(name, "", word.parse().ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_use_is_what_is_not_available() {
        let mut out = Gauges::default();
        gauges(
            "MemTotal:       1000 kB\nMemFree: 100 kB\nMemAvailable:    250 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
            &mut out,
        );
        assert_eq!(out.find("mem.total_bytes", ""), Some(1_024_000.0));
        assert_eq!(out.find("mem.used_ratio", ""), Some(0.75));
        assert_eq!(out.find("swap.used_bytes", ""), Some(0.0));
        assert_eq!(out.find("swap.used_ratio", ""), None);
    }

    #[test]
    fn an_old_kernel_without_available_has_no_ratio() {
        let mut out = Gauges::default();
        gauges("MemTotal: 1000 kB\nMemFree: 100 kB\n", &mut out);
        assert_eq!(out.find("mem.used_ratio", ""), None);
        assert_eq!(out.find("mem.available_bytes", ""), None);
    }

    #[test]
    fn swapping_and_load() {
        let of = |text: &str| swapped(text).unwrap();
        let mut out = Gauges::default();
        let (before, after) = (
            of("pswpin 10\npswpout 5\n"),
            of("pswpin 30\npswpout 5\noom_kill 0\n"),
        );
        swap_rates(&before, &after, 10.0, 4096.0, &mut out);
        assert_eq!(out.find("swap.in_bytes_per_s", ""), Some(8192.0));
        assert_eq!(out.find("swap.out_bytes_per_s", ""), Some(0.0));
        load("0.93 1.06 1.13 2/123 456\n", &mut out);
        assert_eq!(out.find("load.5m_tasks", ""), Some(1.06));
        load("garbage", &mut out);
    }
}
