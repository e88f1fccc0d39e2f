//! The processors of the host, from `/proc/stat` (proc_stat(5)).

use super::Gauges;

/// Time since boot in clock ticks, summed over the processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    user: u64,
    system: u64,
    idle: u64,
    iowait: u64,
    steal: u64,
    cores: u64,
}

impl Times {
    fn total(&self) -> u64 {
        self.user + self.system + self.idle + self.iowait + self.steal
    }
}

/// Reads the line of all processors, and counts the others.
pub fn parse(text: &str) -> Option<Times> {
    let all = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = all
        .split_ascii_whitespace()
        .map_while(|n| n.parse().ok())
        .collect();
    let at = |i: usize| ticks.get(i).copied();
    let single = |line: &&str| {
        line.strip_prefix("cpu")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    // user nice system idle iowait irq softirq steal; guest time is in user and nice already.
    Some(Times {
        user: at(0)?.saturating_add(at(1)?),
        system: at(2)?
            .saturating_add(at(5).unwrap_or(0))
            .saturating_add(at(6).unwrap_or(0)),
        idle: at(3)?,
        iowait: at(4).unwrap_or(0),
        steal: at(7).unwrap_or(0),
        cores: text.lines().filter(single).count() as u64,
    })
}

/// Shares of the time between two readings.
pub fn gauges(before: &Times, after: &Times, out: &mut Gauges) {
    let total = after.total().saturating_sub(before.total()) as f64;
    if total > 0.0 {
        // The kernel lets iowait and idle go back now and then.
        let share = |of: fn(&Times) -> u64| of(after).saturating_sub(of(before)) as f64 / total;
        let (idle, iowait) = (share(|t| t.idle), share(|t| t.iowait));
        out.push("cpu.busy_ratio", "", (1.0 - idle - iowait).clamp(0.0, 1.0));
        out.push("cpu.user_ratio", "", share(|t| t.user).min(1.0));
        out.push("cpu.system_ratio", "", share(|t| t.system).min(1.0));
        out.push("cpu.iowait_ratio", "", iowait.min(1.0));
        out.push("cpu.steal_ratio", "", share(|t| t.steal).min(1.0));
    }
    if after.cores > 0 {
        out.push("cpu.cores", "", after.cores as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 50 0 25 400 25 0 0 0 0 0\ncpu1 50 0 25 400 25 0 0 0 0 0\nintr 1 2\n";
    const AFTER: &str = "cpu  200 100 100 1200 150 10 40 100 50 0\ncpu0 1\ncpu1 1\nintr 1 2\n";

    #[test]
    fn shares_are_of_the_time_between() {
        let mut out = Gauges::default();
        gauges(&parse(BEFORE).unwrap(), &parse(AFTER).unwrap(), &mut out);
        let total = 900.0;
        let near = |name: &str, want: f64| {
            let found = out.find(name, "").unwrap();
            assert!((found - want).abs() < 1e-9, "{name} {found} {want}");
        };
        near("cpu.user_ratio", 200.0 / total);
        near("cpu.system_ratio", 100.0 / total);
        near("cpu.iowait_ratio", 100.0 / total);
        near("cpu.steal_ratio", 100.0 / total);
        near("cpu.busy_ratio", 400.0 / total);
        near("cpu.cores", 2.0);
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("cpu  1 2\n"), None);
        let same = parse(BEFORE).unwrap();
        let mut out = Gauges::default();
        gauges(&same, &same, &mut out);
        assert_eq!(out.find("cpu.busy_ratio", ""), None);
    }
}
