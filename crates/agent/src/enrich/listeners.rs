//! Who listens where. A server is named by its listening socket: forked workers, passed descriptors and SO_REUSEPORT need
//! nothing else.

use super::processes::{InstanceId, Processes};
use crate::clock::Clock;
use crate::proc::sockets::TcpSocket;
use crate::proc::{fds, netns, sockets};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

/// Listening sockets and their processes, of this network namespace and of others.
#[derive(Debug)]
pub struct Listeners {
    by_inode: HashMap<u64, InstanceId>,
    own: Table,
    own_netns: u32,
    others: HashMap<u32, Table>,
    own_addresses: HashSet<IpAddr>,
    looks: u32,
    /// Sockets that no visible process holds (those of another pid namespace): looks that are let pass, and how many
    /// will be next time.
    lost: HashMap<u64, (u32, u32)>,
}

/// The listening sockets of one namespace.
#[derive(Debug, Default)]
struct Table {
    sockets: Vec<TcpSocket>,
    /// Port -> (address, process); unspecified = every address.
    by_port: HashMap<u16, Vec<(IpAddr, InstanceId)>>,
}

/// A socket whose holder was not found is looked for again after ever more looks, at most this many.
const LOOKS_MAX: u32 = 20;
/// The host's addresses are read at each so many looks.
const ADDRESSES_LOOKS: u32 = 4;
/// Other namespaces are looked for at each so many looks, and whenever one is heard of that is not known.
const OTHERS_LOOKS: u32 = 20;

impl Listeners {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self {
            by_inode: HashMap::new(),
            own: Table::default(),
            own_netns: netns::own(),
            others: HashMap::new(),
            own_addresses: HashSet::new(),
            looks: 0,
            lost: HashMap::new(),
        }
    }

    /// Reads the sockets again. When the kernel does not answer, what was known stays.
    pub fn refresh(&mut self, processes: &mut Processes, clock: &Clock) {
        let Ok(found) =
            sockets::listening().inspect_err(|e| tracing::warn!("list listening sockets: {e}"))
        else {
            return;
        };
        self.own.sockets = found;
        if self.looks.is_multiple_of(ADDRESSES_LOOKS) {
            self.own_addresses = own_addresses();
        }
        if self.looks.is_multiple_of(OTHERS_LOOKS) {
            self.look_at_others();
        }
        self.looks = self.looks.wrapping_add(1);
        self.name(processes, clock);
    }

    /// Reads the sockets of other namespaces again.
    pub fn refresh_others(&mut self, processes: &mut Processes, clock: &Clock) {
        self.look_at_others();
        self.name(processes, clock);
    }

    fn look_at_others(&mut self) {
        let table = |(netns, pid)| {
            let sockets = netns::listening(pid);
            let by_port = HashMap::new();
            (netns, Table { sockets, by_port })
        };
        self.others = netns::others(self.own_netns)
            .into_iter()
            .map(table)
            .collect();
    }

    /// Finds the processes of all sockets that are known.
    fn name(&mut self, processes: &mut Processes, clock: &Clock) {
        let all = || self.others.values().chain([&self.own]);
        let inodes: HashSet<u64> = all().flat_map(|t| &t.sockets).map(|s| s.inode).collect();
        let stale = |inode: &u64| {
            self.by_inode
                .get(inode)
                .is_none_or(|&id| !processes.is_alive(id))
        };
        let mut wanted: HashSet<u64> = inodes.iter().copied().filter(stale).collect();
        wanted.retain(|inode| due(self.lost.get_mut(inode)));
        let holders = if wanted.is_empty() {
            HashMap::new()
        } else {
            fds::holders(&wanted)
        };
        for inode in wanted.iter().filter(|inode| !holders.contains_key(inode)) {
            later(self.lost.entry(*inode).or_insert((0, 1)));
        }
        for (inode, pids) in holders {
            self.lost.remove(&inode);
            if let Some(id) = processes.learn_oldest(&pids, clock) {
                self.by_inode.insert(inode, id);
            }
        }
        self.by_inode.retain(|inode, _| inodes.contains(inode));
        self.lost.retain(|inode, _| inodes.contains(inode));
        let mut ports: BTreeMap<InstanceId, BTreeSet<u16>> = BTreeMap::new();
        for table in self.others.values_mut().chain([&mut self.own]) {
            table.index(&self.by_inode, &mut ports);
        }
        processes.set_ports(&ports);
    }

    /// The process that listens at an address of this namespace (0 = not known which).
    pub fn find(&self, netns: u32, (ip, port): (IpAddr, u16)) -> Option<InstanceId> {
        if netns != 0 && netns != self.own_netns {
            return self.others.get(&netns)?.find(ip, port, true);
        }
        let here = self.own.find(ip, port, self.is_own(ip));
        // Data that came with a handshake is seen before its connection, whose namespace tells; only a listener that is
        // older than the programs and elsewhere has none of its own.
        let elsewhere = || self.others.values().find_map(|t| t.find(ip, port, true));
        here.or_else(|| (netns == 0).then(elsewhere).flatten())
    }

    /// The sockets that listen in this namespace, and its number.
    pub fn own(&self) -> (&[TcpSocket], u32) {
        (&self.own.sockets, self.own_netns)
    }

    /// Whether somebody listens on this port, at whatever address.
    pub fn listens_on(&self, port: u16) -> bool {
        self.own.by_port.contains_key(&port)
    }

    /// Whether an address is one of this host's.
    pub fn is_own(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || self.own_addresses.contains(&ip)
    }

    /// The processes that listen.
    pub fn instances(&self) -> HashSet<InstanceId> {
        self.by_inode.values().copied().collect()
    }
}

impl Table {
    fn index(
        &mut self,
        by_inode: &HashMap<u64, InstanceId>,
        ports: &mut BTreeMap<InstanceId, BTreeSet<u16>>,
    ) {
        self.by_port.clear();
        for socket in &self.sockets {
            if let Some(&id) = by_inode.get(&socket.inode) {
                let here = self.by_port.entry(socket.port).or_default();
                here.push((socket.local.to_canonical(), id));
                ports.entry(id).or_default().insert(socket.port);
            }
        }
    }

    fn find(&self, ip: IpAddr, port: u16, is_own: bool) -> Option<InstanceId> {
        let here = self.by_port.get(&port)?;
        let exact = here.iter().find(|(local, _)| *local == ip);
        let any = || {
            here.iter()
                .find(|(local, _)| local.is_unspecified() && is_own)
        };
        exact.or_else(any).map(|(_, id)| *id)
    }
}

/// Whether a socket is looked for now: the pass over all processes is dear.
fn due(lost: Option<&mut (u32, u32)>) -> bool {
    let Some((pass, _)) = lost else {
        return true;
    };
    *pass = pass.saturating_sub(1);
    *pass == 0
}

/// It was not found: twice as many looks pass until the next time.
fn later((pass, next): &mut (u32, u32)) {
    *pass = *next;
    *next = (*next * 2).min(LOOKS_MAX);
}

/// The addresses of this host's interfaces.
fn own_addresses() -> HashSet<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else {
        return HashSet::new();
    };
    let ip = |i: nix::ifaddrs::InterfaceAddress| {
        let address = i.address?;
        let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
    };
    interfaces.filter_map(ip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Reading;
    use crate::enrich::processes::tests::processes;
    use std::net::TcpListener;

    #[test]
    fn a_socket_that_nobody_holds_is_looked_for_ever_less() {
        let mut lost = HashMap::new();
        let mut looked = vec![];
        for look in 0..200 {
            if due(lost.get_mut(&1)) {
                looked.push(look);
                later(lost.entry(1).or_insert((0, 1)));
            }
        }
        assert_eq!(looked[..7], [0, 1, 3, 7, 15, 31, 51]);
        assert!(looked.len() < 16, "{looked:?}");
    }

    #[test]
    fn a_listener_is_found_by_its_address_and_by_any() {
        let (any, one) = (
            TcpListener::bind("0.0.0.0:0").unwrap(),
            TcpListener::bind("127.0.0.1:0").unwrap(),
        );
        let port = |l: &TcpListener| l.local_addr().unwrap().port();
        let (mut listeners, mut known) = (Listeners::new(), processes());
        listeners.refresh(&mut known, &Clock::new(Reading::now()));
        let id = listeners
            .find(0, ("127.0.0.1".parse().unwrap(), port(&any)))
            .unwrap();
        assert_eq!(known.get(id).unwrap().key.pid, std::process::id());
        assert_eq!(
            listeners.find(0, ("127.0.0.1".parse().unwrap(), port(&one))),
            Some(id)
        );
        assert_eq!(
            listeners.find(0, ("192.0.2.1".parse().unwrap(), port(&any))),
            None
        );
        assert!(known.get(id).unwrap().ports.contains(&port(&one)));
    }
}
