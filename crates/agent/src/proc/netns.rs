//! Network namespaces other than the agent's own: which there are, and who listens in them. Read from `/proc/PID/net` of
//! any process that is in one, so that the agent need not enter it.

use super::sockets::TcpSocket;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `TCP_LISTEN` as `/proc/net/tcp` writes it (proc_net_tcp.rst).
const LISTEN: &str = "0A";
/// Sockets of one namespace that are taken in.
const SOCKETS_MAX: usize = 4_096;

/// The number of this process's own namespace; 0 when it cannot be read.
pub fn own() -> u32 {
    of("self").unwrap_or(0)
}

/// The number of a process's namespace.
fn of(pid: &str) -> Option<u32> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
    let text = link.to_str()?;
    text.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

/// One process of each namespace but `own`.
pub fn others(own: u32) -> HashMap<u32, u32> {
    let mut found = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|n| n.parse::<u32>().is_ok()) else {
            continue;
        };
        if let (Some(netns), Ok(pid)) = (of(pid), pid.parse())
            && netns != own
        {
            found.entry(netns).or_insert(pid);
        }
    }
    found
}

/// The sockets that listen in the namespace of this process; without cookies.
pub fn listening(pid: u32) -> Vec<TcpSocket> {
    let read = |file| std::fs::read_to_string(format!("/proc/{pid}/net/{file}"));
    let mut sockets = vec![];
    for text in ["tcp", "tcp6"].map(read).into_iter().flatten() {
        sockets.extend(text.lines().skip(1).filter_map(line).take(SOCKETS_MAX));
    }
    sockets
}

/// One line of `/proc/net/tcp`: number, own end, other end, state, queues, timer, retransmits, uid, timeout, inode.
fn line(line: &str) -> Option<TcpSocket> {
    let mut fields = line.split_ascii_whitespace();
    let (own, state) = (fields.nth(1)?, fields.nth(1)?);
    if state != LISTEN {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    let (address, port) = own.split_once(':')?;
    Some(TcpSocket {
        local: address_of(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        inode,
        cookie: 0,
    })
}

/// Words of eight hexadecimal digits, each in the order of this machine's bytes.
fn address_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = text.get(at..at + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// The inodes of all Unix sockets in the namespace of this process (`self` = the own one): proc_net_unix, last but the
/// path.
fn unix_inodes(pid: &str, found: &mut HashSet<u64>) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap_or_default();
    let inode = |line: &str| line.split_ascii_whitespace().nth(6)?.parse::<u64>().ok();
    found.extend(text.lines().skip(1).filter_map(inode));
}

/// The inodes of all Unix sockets of this host.
pub fn unix_sockets() -> HashSet<u64> {
    let mut found = HashSet::new();
    unix_inodes("self", &mut found);
    for pid in others(own()).values() {
        unix_inodes(&pid.to_string(), &mut found);
    }
    found
}

/// Fuzz target: any text instead of the kernel's.
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _: Vec<_> = text.lines().filter_map(line).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn listeners_are_read_as_the_kernel_writes_them() {
        let listeners = ["127.0.0.1:0", "[::1]:0"].map(|a| TcpListener::bind(a).unwrap());
        let found = listening(std::process::id());
        for listener in listeners {
            let own = listener.local_addr().unwrap();
            let is_it = |s: &&TcpSocket| s.local == own.ip() && s.port == own.port();
            assert!(found.iter().find(is_it).is_some_and(|s| s.inode > 0));
        }
    }

    #[test]
    fn own_is_none_of_the_others() {
        let own = own();
        assert!(own > 0 && !others(own).contains_key(&own));
    }
}
