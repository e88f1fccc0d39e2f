//! The sockets of one process, from the links in /proc/PID/fd and the socket tables of its network namespace.

use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Socket {
    pub kind: &'static str,
    /// Its ends, or its path.
    pub what: String,
    /// Whether nothing that goes through it can leave this machine.
    pub stays: bool,
}

/// State of a TCP socket that listens.
const LISTEN: &str = "0A";
/// A socket may come or go between two reads; only what is found in no table twice is unknown.
const LOOKS: usize = 3;

/// All of them.
///
/// # Errors
/// Why they cannot be looked at, in words.
pub(super) fn of(pid: u32) -> Result<Vec<Socket>, String> {
    let mut known: HashMap<u64, Socket> = HashMap::new();
    let mut unknown = HashSet::new();
    for _ in 0..LOOKS {
        let Some(inodes) = inodes(pid)? else {
            return Ok(vec![]);
        };
        known.extend(tables(pid));
        unknown = inodes
            .difference(&known.keys().copied().collect())
            .copied()
            .collect();
        known.retain(|inode, _| inodes.contains(inode));
        if unknown.is_empty() {
            break;
        }
    }
    let of_no_table = unknown.into_iter().map(|inode| Socket {
        kind: "socket",
        what: format!("of a kind that no table lists (inode {inode})"),
        stays: false,
    });
    Ok(known.into_values().chain(of_no_table).collect())
}

/// The numbers of its sockets; `None` when the process is gone.
fn inodes(pid: u32) -> Result<Option<HashSet<u64>>, String> {
    let folder = format!("/proc/{pid}/fd");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{folder}: {error}")),
    };
    let inode = |entry: std::fs::DirEntry| {
        let link = std::fs::read_link(entry.path()).ok()?;
        let number = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        number.parse().ok()
    };
    Ok(Some(entries.flatten().filter_map(inode).collect()))
}

/// Every socket of its network namespace, by number.
fn tables(pid: u32) -> HashMap<u64, Socket> {
    let read =
        |name: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    let own = own_addresses(&read("fib_trie"), &read("if_inet6"));
    let mut found = HashMap::new();
    for (file, kind) in [
        ("tcp", "tcp"),
        ("tcp6", "tcp"),
        ("udp", "udp"),
        ("udp6", "udp"),
    ] {
        found.extend(
            read(file)
                .lines()
                .skip(1)
                .filter_map(|line| internet(line, kind, &own)),
        );
    }
    for file in ["raw", "raw6", "icmp", "icmp6", "packet"] {
        found.extend(read(file).lines().skip(1).filter_map(raw));
    }
    found.extend(read("unix").lines().skip(1).filter_map(unix));
    found.extend(read("netlink").lines().skip(1).filter_map(netlink));
    found
}

/// `sl local remote state queues tr when retransmits uid timeout inode`
fn internet(line: &str, kind: &'static str, own: &HashSet<IpAddr>) -> Option<(u64, Socket)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, remote) = (address(fields.get(1)?)?, address(fields.get(2)?)?);
    let inode = fields.get(9)?.parse().ok()?;
    let here = |at: SocketAddr| at.ip().is_loopback() || own.contains(&at.ip());
    let connected = !remote.ip().is_unspecified();
    let (what, stays) = match (connected, *fields.get(3)?) {
        // There may be hundreds of them, and their ports say nothing.
        (true, _) if here(remote) => ("between addresses of this machine".to_owned(), true),
        (true, _) => (format!("{local} -> {remote}"), false),
        (false, LISTEN) => (format!("{local} listens"), local.ip().is_loopback()),
        // A TCP socket without a peer sends nothing; one of UDP may send to anybody that its own address can reach.
        (false, _) => (
            format!("{local} not connected"),
            kind == "tcp" || local.ip().is_loopback(),
        ),
    };
    Some((inode, Socket { kind, what, stays }))
}

/// Sockets below TCP and UDP reach the wire by themselves. The number is the last or the tenth field.
fn raw(line: &str) -> Option<(u64, Socket)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = if fields.len() > 10 {
        fields.get(9)
    } else {
        fields.last()
    };
    let socket = Socket {
        kind: "raw",
        what: "sends and receives packets of its own".to_owned(),
        stays: false,
    };
    Some((number?.parse().ok()?, socket))
}

/// `num refs protocol flags type state inode [path]`
fn unix(line: &str) -> Option<(u64, Socket)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let path = fields
        .get(7..)
        .map(|parts| parts.join(" "))
        .unwrap_or_default();
    let what = if path.is_empty() {
        "without a name".to_owned()
    } else {
        path
    };
    let inode = fields.get(6)?.parse().ok()?;
    Some((
        inode,
        Socket {
            kind: "unix",
            what,
            stays: true,
        },
    ))
}

fn netlink(line: &str) -> Option<(u64, Socket)> {
    let inode = line.split_whitespace().next_back()?.parse().ok()?;
    let what = "asks the kernel".to_owned();
    Some((
        inode,
        Socket {
            kind: "netlink",
            what,
            stays: true,
        },
    ))
}

/// `0100007F:1E61`: words of the host's byte order in hexadecimal.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        Some(
            u32::from_str_radix(ip.get(at..at + 8)?, 16)
                .ok()?
                .to_ne_bytes(),
        )
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: Vec<u8> = words.concat();
            Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The addresses of the host itself: those of IPv4 stand above a line that says so.
fn own_addresses(trie: &str, inet6: &str) -> HashSet<IpAddr> {
    let (mut own, mut last) = (HashSet::new(), None);
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            own.extend(last.map(IpAddr::V4));
        }
    }
    let v6 = |line: &str| {
        let number = u128::from_str_radix(line.split_whitespace().next()?, 16).ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(number)))
    };
    own.extend(inet6.lines().filter_map(v6));
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str, kind: &'static str) -> (String, bool) {
        let own = HashSet::from(["10.0.0.5".parse().unwrap()]);
        let (_, socket) = internet(line, kind, &own).unwrap();
        (socket.what, socket.stays)
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn ends_on_this_machine_stay_and_all_others_leave() {
        let rest = "00000000:00000000 00:00000000 00000000 0 0 4711 1 0";
        for (ends, kind, what, stays) in [
            (
                "0: 0100007F:1E61 00000000:0000 0A",
                "tcp",
                "127.0.0.1:7777 listens",
                true,
            ),
            (
                "0: 00000000:1E61 00000000:0000 0A",
                "tcp",
                "0.0.0.0:7777 listens",
                false,
            ),
            (
                "0: 0500000A:1E61 0500000A:0050 01",
                "tcp",
                "between addresses of this machine",
                true,
            ),
            (
                "0: 0500000A:1E61 010200C0:01BB 01",
                "tcp",
                "10.0.0.5:7777 -> 192.0.2.1:443",
                false,
            ),
            (
                "0: 00000000:1E61 00000000:0000 07",
                "tcp",
                "0.0.0.0:7777 not connected",
                true,
            ),
            (
                "0: 00000000:1E61 00000000:0000 07",
                "udp",
                "0.0.0.0:7777 not connected",
                false,
            ),
            (
                "0: 0100007F:1E61 0100007F:0035 01",
                "udp",
                "between addresses of this machine",
                true,
            ),
            (
                "0: 0000000000000000FFFF00000100007F:1E61 00000000000000000000000000000000:0000 0A",
                "tcp",
                "127.0.0.1:7777 listens",
                true,
            ),
        ] {
            assert_eq!(
                told(&format!("{ends} {rest}"), kind),
                (what.to_owned(), stays)
            );
        }
    }

    #[test]
    fn the_hosts_own_addresses_are_known() {
        let trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\n     |-- 10.0.0.5\n        /32 host LOCAL\n";
        let inet6 = "fe80000000000000000000fffe000001 02 40 20 80 eth0\n";
        let own = own_addresses(trie, inet6);
        assert_eq!(own.len(), 2);
        assert!(own.contains(&"10.0.0.5".parse().unwrap()));
        assert!(own.contains(&"fe80::ff:fe00:1".parse().unwrap()));
    }

    #[test]
    fn the_sockets_of_a_process_are_found_in_its_tables() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let found = of(std::process::id()).unwrap();
        let has = |kind: &str, what: &str| {
            found
                .iter()
                .any(|s| s.kind == kind && s.what.contains(what) && s.stays)
        };
        assert!(
            has("tcp", &tcp.local_addr().unwrap().to_string()),
            "{found:?}"
        );
        assert!(
            has("udp", &udp.local_addr().unwrap().to_string()),
            "{found:?}"
        );
        assert!(has("unix", "without a name"), "{found:?}");
        drop(one);
        assert_eq!(of(u32::MAX - 1), Ok(vec![]));
    }
}
