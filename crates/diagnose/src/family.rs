//! What a metric measures and which way is worse, read from the words of its name.

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Family {
    Latency,
    Errors,
    Availability,
    Cpu,
    Memory,
    Disk,
    Network,
    Lock,
    Queue,
    Throttling,
    Steal,
    Restarts,
    Load,
    Other,
}

/// Which way is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is worse.
    Up,
    /// Less is worse.
    Down,
    /// Both may be.
    Either,
}

/// The words of each family, in the order in which they decide.
const WORDS: [(Family, &[&str]); 13] = [
    (
        Family::Availability,
        &["availability", "success", "successful", "healthy", "uptime"],
    ),
    (
        Family::Errors,
        &[
            "error",
            "errors",
            "err",
            "failure",
            "failures",
            "failed",
            "fail",
            "fault",
            "faults",
            "exception",
            "exceptions",
            "timeouts",
            "5xx",
            "4xx",
        ],
    ),
    (
        Family::Throttling,
        &["throttled", "throttling", "throttle", "throttles"],
    ),
    (Family::Steal, &["steal", "stolen"]),
    (
        Family::Restarts,
        &["restarts", "restart", "crashes", "crash", "oom"],
    ),
    (
        Family::Lock,
        &["lock", "locks", "futex", "mutex", "contention"],
    ),
    (
        Family::Latency,
        &[
            "latency",
            "duration",
            "durations",
            "delay",
            "rt",
            "responsetime",
            "elapsed",
            "p50",
            "p75",
            "p90",
            "p95",
            "p99",
            "p999",
        ],
    ),
    (
        Family::Queue,
        &[
            "queue",
            "queued",
            "backlog",
            "pool",
            "waiting",
            "pending",
            "connections",
            "conns",
            "inflight",
            "threads",
        ],
    ),
    (Family::Cpu, &["cpu", "processor"]),
    (
        Family::Memory,
        &["mem", "memory", "rss", "heap", "swap", "gc"],
    ),
    (
        Family::Disk,
        &[
            "disk",
            "diskio",
            "disks",
            "io",
            "iowait",
            "filesystem",
            "fs",
            "iops",
            "blkio",
        ],
    ),
    (
        Family::Network,
        &[
            "net",
            "network",
            "socket",
            "sockets",
            "tcp",
            "packet",
            "packets",
            "retransmits",
            "retransmit",
            "rtt",
            "rx",
            "tx",
            "drops",
            "loss",
        ],
    ),
    (
        Family::Load,
        &[
            "requests",
            "request",
            "rate",
            "load",
            "workload",
            "throughput",
            "qps",
            "rps",
            "traffic",
            "calls",
            "hits",
            "count",
        ],
    ),
];

impl Family {
    /// The family of a metric, by the words of its name.
    pub fn of(metric: &str) -> Self {
        let words = words(metric);
        let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
        let response_time = has(&["response", "service"]) && has(&["time", "ms", "seconds"]);
        let found = WORDS.iter().find(|(_, known)| has(known)).map(|(f, _)| *f);
        match found {
            // A hung request is counted as one too; its time is what is measured.
            Some(Self::Load) | None if response_time => Self::Latency,
            Some(family) => family,
            None => Self::Other,
        }
    }

    /// Which way is worse.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Availability => Direction::Down,
            Self::Load | Self::Other => Direction::Either,
            _ => Direction::Up,
        }
    }

    /// Whether it measures the service's own machinery, so that a change does not come from a callee by itself.
    pub const fn is_inner(self) -> bool {
        matches!(
            self,
            Self::Cpu
                | Self::Memory
                | Self::Disk
                | Self::Network
                | Self::Lock
                | Self::Queue
                | Self::Throttling
                | Self::Steal
                | Self::Restarts
        )
    }

    /// Whether users feel it.
    pub const fn is_harm(self) -> bool {
        matches!(self, Self::Latency | Self::Errors | Self::Availability)
    }
}

/// The words of a name, in lower case: parted at what is no letter or digit, and at a capital after a small letter.
fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![String::new()];
    let mut before = ' ';
    for c in name.chars().take(256) {
        let hump = c.is_uppercase() && before.is_lowercase();
        if (hump || !c.is_alphanumeric()) && out.last().is_some_and(|w| !w.is_empty()) {
            out.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = out.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    out.retain(|word| !word.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_the_family_in_any_case() {
        for (metric, family) in [
            ("latency_Average", Family::Latency),
            ("latency-90", Family::Latency),
            ("P99", Family::Latency),
            ("RequestDuration", Family::Latency),
            ("response_time_ms", Family::Latency),
            ("error_rate", Family::Errors),
            ("requests_failed", Family::Errors),
            ("success_rate", Family::Availability),
            ("availability_Average", Family::Availability),
            ("requests_Sum", Family::Load),
            ("workload", Family::Load),
            ("cpu", Family::Cpu),
            ("mem", Family::Memory),
            ("diskio", Family::Disk),
            ("container-cpu-throttled", Family::Throttling),
            ("tcp_retransmits", Family::Network),
            ("pool_waiting", Family::Queue),
            ("restarts", Family::Restarts),
            ("temperature", Family::Other),
            ("", Family::Other),
        ] {
            assert_eq!(Family::of(metric), family, "{metric}");
        }
    }
}
