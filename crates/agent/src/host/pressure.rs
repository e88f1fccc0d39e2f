//! Pressure stall information, from `/proc/pressure` (Documentation/accounting/psi.rst). The files give running averages
//! and a total; the share of the interval is taken from the total, so that it is the interval's own.

use super::{Gauges, rate};

/// Microseconds since boot in which some, or all, tasks waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    some_us: Option<u64>,
    full_us: Option<u64>,
}

/// Reads one of the three files.
pub fn parse(text: &str) -> Stalled {
    let of = |kind: &str| {
        let line = text.lines().find(|l| l.starts_with(kind))?;
        let total = line.rsplit_once("total=")?.1;
        total.trim().parse().ok()
    };
    Stalled {
        some_us: of("some"),
        full_us: of("full"),
    }
}

/// The shares of the time between two readings; `full` of the host's processors means nothing and is left out.
pub fn gauges(resource: Resource, before: &Stalled, after: &Stalled, seconds: f64, g: &mut Gauges) {
    let share = |before: Option<u64>, after: Option<u64>| {
        rate(before?, after?, seconds).map(|us_per_s| (us_per_s / 1e6).min(1.0))
    };
    let (some, full) = resource.names();
    g.maybe(some, "", share(before.some_us, after.some_us));
    if let Some(full) = full {
        g.maybe(full, "", share(before.full_us, after.full_us));
    }
}

/// What tasks wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A processor.
    Cpu,
    /// Memory that must be freed first.
    Memory,
    /// A disk.
    Io,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Io];

    /// Its file in `/proc/pressure`.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Cpu => "/proc/pressure/cpu",
            Self::Memory => "/proc/pressure/memory",
            Self::Io => "/proc/pressure/io",
        }
    }

    const fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Cpu => ("pressure.cpu_some_ratio", None),
            Self::Memory => (
                "pressure.memory_some_ratio",
                Some("pressure.memory_full_ratio"),
            ),
            Self::Io => ("pressure.io_some_ratio", Some("pressure.io_full_ratio")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_the_interval() {
        let before = parse(
            "some avg10=2.28 avg60=2.88 avg300=8.19 total=1000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        );
        let after = parse("some avg10=9.0 avg60=1 avg300=1 total=3500000\nfull total=1000000\n");
        let mut out = Gauges::default();
        gauges(Resource::Io, &before, &after, 10.0, &mut out);
        assert_eq!(out.find("pressure.io_some_ratio", ""), Some(0.25));
        assert_eq!(out.find("pressure.io_full_ratio", ""), Some(0.1));
        gauges(Resource::Cpu, &before, &after, 10.0, &mut out);
        assert_eq!(out.find("pressure.cpu_some_ratio", ""), Some(0.25));
    }

    #[test]
    fn a_kernel_without_it_says_nothing() {
        let none = parse("");
        let mut out = Gauges::default();
        gauges(Resource::Memory, &none, &none, 10.0, &mut out);
        assert_eq!(out.find("pressure.memory_some_ratio", ""), None);
    }
}
