//! `/proc/PID/stat` (proc_pid_stat(5)): the fields that are asked for often, without building the others.

/// One process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// `Z` is a process that ended and that its parent has not asked for.
    pub state: char,
    /// Processor time of all its threads in clock ticks.
    pub cpu_ticks: u64,
    /// Threads.
    pub threads: u32,
    /// Start after boot in clock ticks.
    pub start_ticks: u64,
    /// Resident memory in pages.
    pub rss_pages: u64,
    /// How it ended, as wait(2) writes it; 0 while it lives or when it may not be known.
    pub exit_status: i32,
}

/// Reads the text; the name in it may hold spaces and parentheses, so what counts begins after the last one.
pub fn parse(text: &str) -> Option<Stat> {
    let rest = text.rsplit_once(')')?.1;
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The state is field 3.
    let field = |n: usize| words.get(n - 3).copied();
    let number = |n: usize| field(n)?.parse::<u64>().ok();
    Some(Stat {
        state: field(3)?.chars().next()?,
        cpu_ticks: number(14)?.saturating_add(number(15)?),
        threads: u32::try_from(number(20)?).ok()?,
        start_ticks: number(22)?,
        rss_pages: number(24)?,
        exit_status: field(52).and_then(|n| n.parse().ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20 0 4 0 999 4096 25 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 9";
        let stat = parse(&format!("42 (a) R (x) y) {tail}\n")).unwrap();
        let want = Stat {
            state: 'S',
            cpu_ticks: 100,
            threads: 4,
            start_ticks: 999,
            rss_pages: 25,
            exit_status: 9,
        };
        assert_eq!(stat, want);
        assert_eq!(parse("42 (short) S 1 2"), None);
        assert_eq!(parse(""), None);
    }
}
