//! Network interfaces of the agent's own network namespace, from `/proc/net/dev`.

use super::{Gauges, rate};
use std::collections::BTreeMap;

/// Interfaces that are kept: those that moved most.
const INTERFACES_MAX: usize = 32;

/// What an interface moved since it came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    received: Direction,
    sent: Direction,
}

/// One direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Direction {
    bytes: u64,
    packets: u64,
    errors: u64,
    drops: u64,
}

/// Reads the interfaces that ever moved something.
pub fn parse(text: &str) -> BTreeMap<String, Counters> {
    let one = |line: &str| {
        let (name, rest) = line.rsplit_once(':')?;
        let n: Vec<u64> = rest
            .split_ascii_whitespace()
            .map_while(|w| w.parse().ok())
            .collect();
        let direction = |from: usize| {
            let n = n.get(from..from + 4)?;
            Some(Direction {
                bytes: n[0],
                packets: n[1],
                errors: n[2],
                drops: n[3],
            })
        };
        let counters = Counters {
            received: direction(0)?,
            sent: direction(8)?,
        };
        (counters != Counters::default()).then(|| (name.trim().to_owned(), counters))
    };
    let mut found: Vec<_> = text.lines().filter_map(one).collect();
    let moved = |c: &Counters| c.received.bytes.saturating_add(c.sent.bytes);
    found.sort_by_key(|(_, c)| std::cmp::Reverse(moved(c)));
    found.truncate(INTERFACES_MAX);
    found.into_iter().collect()
}

/// What one interface moved between two readings.
pub fn gauges(name: &str, before: &Counters, after: &Counters, seconds: f64, out: &mut Gauges) {
    let mut both = |names: [&str; 2], of: fn(&Direction) -> u64| {
        let ends = [
            (&before.received, &after.received),
            (&before.sent, &after.sent),
        ];
        for (gauge, (before, after)) in names.into_iter().zip(ends) {
            out.maybe(gauge, name, rate(of(before), of(after), seconds));
        }
    };
    both(["net.rx_bytes_per_s", "net.tx_bytes_per_s"], |d| d.bytes);
    both(["net.rx_packets_per_s", "net.tx_packets_per_s"], |d| {
        d.packets
    });
    both(["net.rx_errors_per_s", "net.tx_errors_per_s"], |d| d.errors);
    both(["net.rx_drops_per_s", "net.tx_drops_per_s"], |d| d.drops);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0
  ifb0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
eth0:1:9000 90 1 2 0 0 0 0 500 5 3 4 0 0 0 0
  bad: 1 2 3
";

    #[test]
    fn both_directions_of_what_moved() {
        let before = parse(TEXT);
        assert_eq!(before.keys().collect::<Vec<_>>(), ["eth0:1", "lo"]);
        let after = parse(&TEXT.replace("500 5 3 4", "1500 15 3 6"));
        let mut out = Gauges::default();
        gauges("eth0", &before["eth0:1"], &after["eth0:1"], 10.0, &mut out);
        assert_eq!(out.find("net.tx_bytes_per_s", "eth0"), Some(100.0));
        assert_eq!(out.find("net.tx_packets_per_s", "eth0"), Some(1.0));
        assert_eq!(out.find("net.tx_drops_per_s", "eth0"), Some(0.2));
        assert_eq!(out.find("net.rx_bytes_per_s", "eth0"), Some(0.0));
    }

    #[test]
    fn interfaces_are_bounded_by_what_they_moved() {
        let line = |i: u64| format!("veth{i}: {i} 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
        let text: String = (1..=100).map(line).collect();
        let kept = parse(&text);
        assert_eq!(kept.len(), INTERFACES_MAX);
        assert!(kept.contains_key("veth100") && !kept.contains_key("veth1"));
    }
}
