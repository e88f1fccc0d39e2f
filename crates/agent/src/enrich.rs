//! Names for what the kernel counted: which process a series belongs to, and which service that process is of.
//!
//! Processes are learned when they listen or when a series names them, never by scanning all of them each second. A
//! series whose owner cannot be found yet is asked again for a few ticks; its counts wait meanwhile and are never lost.

mod busy;
mod connected;
mod listeners;
mod processes;
mod unix;

#[cfg(test)]
pub use processes::tests::processes as processes_for_tests;
pub use processes::{Begun, Gone, InstanceId, Processes};

use crate::clock::Clock;
use crate::proc::sockets::TcpSocket;
use crate::proc::text::Reader;
use crate::proc::{fds, sockets};
use busy::Busy;
use connected::Connected;
use coral_model::{Connect, Protocol, ServiceClass, Side, TimeNs};
use coral_probes::Drained;
use coral_probes::abi::records::{SeriesInfo, UNIX};
use listeners::Listeners;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ticks that a series may wait for its owner before it is named after what little is known.
const PATIENCE: u8 = 3;

/// Ticks that a client's series waits for its server's end to show up on this host.
const HEARING: u8 = 2;

/// The two ends of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The process whose requests they are.
    pub own: InstanceId,
    /// Which side it is on.
    pub side: Side,
    /// What is spoken.
    pub protocol: Protocol,
    /// The other end.
    pub other: Other,
}

/// The end that is not the series' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Other {
    /// A process of this host.
    Instance(InstanceId),
    /// An address that no process here answers to; port 0 for callers.
    Address(IpAddr, u16),
    /// A caller on this host that is not known: its own side of the edge says more.
    Nobody,
}

#[derive(Debug)]
struct Known {
    info: SeriesInfo,
    waited: u8,
    owner: Option<InstanceId>,
    /// Ticks since it last counted something.
    idle: u32,
}

/// Series, processes and listeners of this host.
#[derive(Debug)]
pub struct Enrich {
    /// The processes that were learned.
    pub processes: Processes,
    listeners: Listeners,
    series: HashMap<u64, Known>,
    /// Client series -> who answers it, as its server's end on this host tells; through address translation nothing else
    /// does.
    answered_by: HashMap<u64, InstanceId>,
    busy: Busy,
    reader: Reader,
}

impl Enrich {
    /// Knows nothing yet.
    pub fn new(processes: Processes) -> Self {
        Self {
            processes,
            listeners: Listeners::new(),
            series: HashMap::new(),
            answered_by: HashMap::new(),
            busy: Busy::default(),
            reader: Reader::default(),
        }
    }

    /// From now on processes have these names, where one fits.
    pub fn connect(&mut self, connects: &[Connect]) {
        self.processes.connect(Connected::new(connects));
    }

    /// Whether something listens on this port.
    pub fn listens_on(&self, port: u16) -> bool {
        self.listeners.listens_on(port)
    }

    /// Learns the processes that use much of a processor, whether or not they talk.
    pub fn learn_busy(&mut self, boot_ns: u64, clock: &Clock) {
        for pid in self.busy.look(&mut self.reader, boot_ns) {
            self.processes.learn_client(pid, &[0; 16], clock);
        }
    }

    /// How many processes listen.
    pub fn listening(&self) -> u32 {
        self.listeners.instances().len() as u32
    }

    /// Looks at the listening sockets again; a new one costs a pass over `/proc`.
    pub fn refresh(&mut self, clock: &Clock) {
        self.listeners.refresh(&mut self.processes, clock);
    }

    /// Processes that are worth an event by now.
    pub fn begun(&mut self, now: TimeNs) -> Vec<Begun> {
        let listening = self.listeners.instances();
        self.processes.begun(now, &listening)
    }

    /// Takes in new series and looks for the owners that are still unknown.
    pub fn learn(&mut self, new: &[(u64, SeriesInfo)], clock: &Clock) {
        for (id, info) in new.iter().copied().chain(unix::callers(new)) {
            let known = self.series.entry(id).or_insert(Known {
                info,
                waited: 0,
                owner: None,
                idle: 0,
            });
            known.info = info;
        }
        self.look_for_orphans(clock);
        self.join_ends();
        self.own_clients(clock);
        for known in self.series.values_mut() {
            known.waited = known.waited.saturating_add(1);
        }
    }

    /// Looks at the listening sockets again when one is asked for that is not known.
    fn look_for_orphans(&mut self, clock: &Clock) {
        let waits = |known: &&Known| {
            known.waited < PATIENCE
                && known.info.side == Side::Server.code()
                && known.info.family != UNIX
        };
        let orphan = |known: &Known| {
            let found = self.listeners.find(known.info.netns, local(&known.info));
            found.is_none()
        };
        let orphans = || self.series.values().filter(waits).filter(|k| orphan(k));
        let elsewhere =
            |known: &Known| known.info.netns != 0 && known.info.netns != self.listeners.own().1;
        let (here, others) = (orphans().any(|k| !elsewhere(k)), orphans().any(elsewhere));
        if here {
            self.listeners.refresh(&mut self.processes, clock);
        }
        if others {
            self.listeners.refresh_others(&mut self.processes, clock);
        }
    }

    /// Notes who answers the clients of this host.
    fn join_ends(&mut self) {
        for known in self.series.values().filter(|k| k.waited < PATIENCE) {
            let info = &known.info;
            if info.side == Side::Server.code()
                && info.peer != 0
                && let Some(own) = self.listeners.find(info.netns, local(info))
            {
                self.answered_by.insert(info.peer, own);
            }
        }
    }

    /// Looks for no owner any longer: what is still unknown is named so. For the agent's last second.
    pub fn give_up(&mut self) {
        for known in self.series.values_mut() {
            known.waited = PATIENCE;
            if known.info.side == Side::Client.code() && known.owner.is_none() {
                known.owner = Some(self.processes.unknown_client());
            }
        }
    }

    /// Gives client series their processes: by the owner noted at connect, else by the socket's cookie.
    fn own_clients(&mut self, clock: &Clock) {
        let mut strays = vec![];
        for (id, known) in &mut self.series {
            if known.owner.is_some() {
                continue;
            }
            if known.info.family == UNIX {
                let nameless = unix::is_nameless(&self.processes, &known.info);
                if nameless && known.waited < PATIENCE {
                    continue;
                }
                known.owner = Some(unix::owner(&mut self.processes, &known.info, clock));
                continue;
            }
            if known.info.side != Side::Client.code() {
                continue;
            }
            let owner = known.info.owner;
            if owner.tgid != 0 {
                known.owner = Some(self.processes.learn_client(owner.tgid, &owner.comm, clock));
            } else if known.waited < PATIENCE {
                strays.push((*id, known.info.cookie));
            } else {
                known.owner = Some(self.processes.unknown_client());
            }
        }
        if strays.is_empty() {
            return;
        }
        let by_cookie: HashMap<u64, u64> = sockets::connected()
            .unwrap_or_default()
            .into_iter()
            .map(|s| (s.cookie, s.inode))
            .collect();
        let inodes: HashMap<u64, u64> = strays
            .into_iter()
            .filter_map(|(id, cookie)| Some((id, *by_cookie.get(&cookie)?)))
            .collect();
        let holders = fds::holders(&inodes.values().copied().collect::<HashSet<_>>());
        for (id, inode) in inodes {
            let pid = holders.get(&inode).and_then(|pids| pids.first());
            if let (Some(&pid), Some(known)) = (pid, self.series.get_mut(&id)) {
                known.owner = Some(self.processes.learn_client(pid, &[0; 16], clock));
            }
        }
    }

    /// The ends of a series; `None` while its owner is still looked for.
    pub fn ends(&mut self, series: u64) -> Option<Ends> {
        let Some(known) = self.series.get_mut(&series) else {
            let own = self.processes.unknown_client();
            return Some(Ends {
                own,
                side: Side::Client,
                protocol: Protocol::Http1,
                other: Other::Nobody,
            });
        };
        known.idle = 0;
        let (info, waited, owner) = (known.info, known.waited, known.owner);
        let protocol = Protocol::from_code(info.protocol).unwrap_or(Protocol::Other);
        if info.family == UNIX {
            let other = self.series.get(&unix::other_end(series))?.owner?;
            return Some(Ends {
                own: owner?,
                side: Side::from_code(info.side)?,
                protocol,
                other: Other::Instance(other),
            });
        }
        match Side::from_code(info.side)? {
            Side::Client => {
                let (ip, port) = remote(&info);
                let here = || self.listeners.find(info.netns, (ip, port));
                let callee = self.answered_by.get(&series).copied().or_else(here);
                if callee.is_none() && waited < HEARING && self.may_be_here(ip) {
                    return None;
                }
                Some(Ends {
                    own: owner?,
                    side: Side::Client,
                    protocol,
                    other: callee.map_or(Other::Address(ip, port), Other::Instance),
                })
            }
            Side::Server => {
                let own = match self.listeners.find(info.netns, local(&info)) {
                    Some(own) => own,
                    None if waited < PATIENCE => return None,
                    None => self.processes.unknown_server(info.local_port),
                };
                Some(Ends {
                    own,
                    side: Side::Server,
                    protocol,
                    other: self.caller(&info),
                })
            }
        }
    }

    /// Whether somebody on this host may answer at an address: its own, and those that are given out inside of networks.
    fn may_be_here(&self, ip: IpAddr) -> bool {
        self.listeners.is_own(ip)
            || match ip {
                IpAddr::V4(ip) => ip.is_private(),
                IpAddr::V6(ip) => ip.is_unique_local(),
            }
    }

    fn caller(&self, info: &SeriesInfo) -> Other {
        let peer = self.series.get(&info.peer).and_then(|peer| peer.owner);
        match (peer, remote(info).0) {
            (Some(peer), _) => Other::Instance(peer),
            (None, ip) if self.listeners.is_own(ip) || ip.is_unspecified() => Other::Nobody,
            (None, ip) => Other::Address(ip, 0),
        }
    }

    /// Connections of this network namespace that are older than the programs: cookie, side and namespace of each.
    pub fn older_connections(&self) -> Vec<(u64, Side, u32)> {
        let (listening, netns) = self.listeners.own();
        let ports: HashSet<u16> = listening.iter().map(|s| s.port).collect();
        let open = sockets::connected().unwrap_or_default();
        let side = |s: &TcpSocket| match ports.contains(&s.port) {
            true => Side::Server,
            false => Side::Client,
        };
        let open = open.iter().map(|s| (s.cookie, side(s), netns));
        let listening = listening.iter().map(|s| (s.cookie, Side::Server, netns));
        open.chain(listening).collect()
    }

    /// Adds to what was drained the callers' ends of Unix sockets.
    pub fn add_callers(&self, drained: &mut Drained) {
        let of_unix = self.series.iter().filter(|(_, known)| {
            known.info.family == UNIX && known.info.side == Side::Server.code()
        });
        unix::add_callers(drained, &of_unix.map(|(id, _)| *id).collect());
    }

    /// Whether requests of this process are left out: Coral's own.
    pub fn is_coral(&self, instance: InstanceId) -> bool {
        self.processes
            .get(instance)
            .is_some_and(|i| i.class == ServiceClass::Coral)
    }

    /// Forgets processes that ended and that neither `used` nor a series speaks of.
    pub fn forget_processes(&mut self, used: &HashSet<InstanceId>) {
        let mut used = used.clone();
        used.extend(self.series.values().filter_map(|known| known.owner));
        self.processes.forget_ended(&used);
    }

    /// Client series whose process is gone and that have counted nothing for `ticks`: their places can be given back.
    pub fn finished(&mut self, ticks: u32) -> Vec<u64> {
        let mut finished = vec![];
        for (id, known) in &mut self.series {
            known.idle += 1;
            let gone = known.info.side == Side::Client.code()
                && known
                    .owner
                    .is_some_and(|owner| !self.processes.is_alive(owner));
            if known.idle > ticks && gone {
                finished.push(*id);
            }
        }
        for id in &mut finished {
            let known = self.series.remove(id);
            self.answered_by.remove(id);
            if known.is_some_and(|known| known.info.family == UNIX) {
                *id = unix::other_end(*id);
                self.series.remove(id);
            }
        }
        finished
    }
}

fn local(info: &SeriesInfo) -> (IpAddr, u16) {
    (address(info.family, &info.local), info.local_port)
}

fn remote(info: &SeriesInfo) -> (IpAddr, u16) {
    (address(info.family, &info.remote), info.remote_port)
}

/// An address as the kernel programs write it; IPv4 inside IPv6 becomes IPv4.
fn address(family: u8, bytes: &[u8; 16]) -> IpAddr {
    if family == 4 {
        IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]))
    } else {
        Ipv6Addr::from(*bytes).to_canonical()
    }
}
