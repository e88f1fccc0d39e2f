//! Probed functions: what is attached where, and what the kernel side counted there. Which places are meant, and what their
//! values are, others know.

use crate::live::open_ring;
use crate::maps::Map;
use crate::sys::{self, Plain};
use crate::{Loaded, ProbesError, perf};
use aya::maps::{MapData, RingBuf};
use coral_probes_abi::calls::{
    Call, Cookie, HeldKey, Hits, Node, NodeKey, ON_STACK, PLACE_OF, Probe, Session, Take, Thread,
    ThreadKey, TimesKey, names,
};
use coral_probes_abi::profile::target;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

// SAFETY: integers and arrays of integers, `repr(C)`.
unsafe impl Plain for Probe {}
// SAFETY: as above.
unsafe impl Plain for Hits {}
// SAFETY: as above.
unsafe impl Plain for Session {}
// SAFETY: as above.
unsafe impl Plain for Thread {}
// SAFETY: as above.
unsafe impl Plain for ThreadKey {}
// SAFETY: as above.
unsafe impl Plain for TimesKey {}
// SAFETY: as above.
unsafe impl Plain for NodeKey {}
// SAFETY: as above.
unsafe impl Plain for Node {}
// SAFETY: as above.
unsafe impl Plain for HeldKey {}
// SAFETY: as above.
unsafe impl Plain for Call {}

const PROGRAM: &str = "coral_call";

/// A place of a file, and what the programs are told there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where in the file.
    pub offset: u64,
    /// What it is.
    pub cookie: Cookie,
}

/// Places that are attached to one by one, at most: to undo each takes a tenth of a second.
const ONE_BY_ONE: usize = 32;

/// What is attached; detached when it is dropped.
#[derive(Debug)]
pub enum Links {
    /// All places at once.
    Many(OwnedFd),
    /// An event and a link for each.
    OneByOne(Vec<[OwnedFd; 2]>),
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Self::OneByOne(links) = self {
            let links = std::mem::take(links);
            // Nobody waits for it; where there is no thread to be had, it is done here.
            let _ = std::thread::Builder::new().spawn(move || drop(links));
        }
    }
}

/// Whether this kernel attaches to many places at once.
fn knows_many() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|n| n.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (6, 6)
}

/// The kernel side of all probes of this process.
pub struct Calls {
    program: OwnedFd,
    probes: Map<u32, Probe>,
    hits: Map<u32, Hits>,
    sessions: Map<u32, Session>,
    probed: Map<u64, u32>,
    threads: Map<ThreadKey, Thread>,
    held: Map<HeldKey, Call>,
    times: Map<TimesKey, [u64; 64]>,
    nodes: Map<NodeKey, Node>,
    ring_fd: OwnedFd,
    /// Mapped while there is a session: it is memory of this process.
    ring: Option<RingBuf<MapData>>,
}

/// What was counted since the sessions began.
#[derive(Debug, Default)]
pub struct Counted {
    /// Durations, by part of the histogram.
    pub times: Vec<(TimesKey, [u64; 64])>,
    /// Ways of calls.
    pub nodes: Vec<(NodeKey, Node)>,
}

impl Calls {
    /// Takes what it needs out of what was loaded; nothing is attached yet.
    ///
    /// # Errors
    /// [`ProbesError`] when the program or a map is not among it.
    pub fn take(loaded: &mut Loaded) -> Result<Self, ProbesError> {
        let missing = |what: &str| ProbesError::Handover(format!("{what} is missing"));
        let program = loaded.programs.remove(PROGRAM);
        let ring = loaded.maps.remove(names::CALLS);
        Ok(Self {
            program: program.ok_or_else(|| missing(PROGRAM))?,
            probes: Map::take(loaded, names::PROBES)?,
            hits: Map::take(loaded, names::HITS)?,
            sessions: Map::take(loaded, names::SESSIONS)?,
            probed: Map::take(loaded, names::PROBED)?,
            threads: Map::take(loaded, names::THREADS)?,
            held: Map::take(loaded, names::HELD)?,
            times: Map::take(loaded, names::TIMES)?,
            nodes: Map::take(loaded, names::NODES)?,
            ring_fd: ring.ok_or_else(|| missing(names::CALLS))?,
            ring: None,
        })
    }

    /// Says what the probe with this index is; its counts begin at nothing.
    ///
    /// # Errors
    /// The system's words.
    pub fn set(&self, index: u32, probe: &Probe) -> Result<(), ProbesError> {
        let mut probe = *probe;
        let words = probe
            .condition
            .iter_mut()
            .map(|condition| &mut condition.word);
        let takes = probe.take.iter_mut().chain(&mut probe.give).chain(words);
        takes.for_each(by_place);
        self.hits.set(&index, &Hits::default())?;
        self.probes.set(&index, &probe)
    }

    /// Begins a session in this place: so many hits in a tenth of a second, so many single calls a second.
    ///
    /// # Errors
    /// The system's words.
    pub fn open(&mut self, place: u32, hits_max: u64, calls_max: u64) -> Result<(), ProbesError> {
        if self.ring.is_none() {
            let fd = self
                .ring_fd
                .try_clone()
                .map_err(|source| ProbesError::Call {
                    call: "dup",
                    what: names::CALLS.to_owned(),
                    source,
                })?;
            self.ring = Some(open_ring(fd)?);
        }
        self.bound(place, hits_max, calls_max)
    }

    /// Bounds a session anew.
    ///
    /// # Errors
    /// The system's words.
    pub fn bound(&self, place: u32, hits_max: u64, calls_max: u64) -> Result<(), ProbesError> {
        let session = Session {
            hits_max,
            calls_max,
            ..Session::default()
        };
        self.sessions.set(&place, &session)
    }

    /// Whether there were more hits of a session than it may have; nothing is counted from then on.
    ///
    /// # Errors
    /// The system's words.
    pub fn is_off(&self, place: u32) -> Result<bool, ProbesError> {
        let session = self.sessions.get(&place)?;
        Ok(session.is_some_and(|session| session.is_off != 0))
    }

    /// Has a session be about a process, or no longer.
    ///
    /// # Errors
    /// The system's words.
    pub fn admit(&self, number: u32, tgid: u32, is_meant: bool) -> Result<(), ProbesError> {
        match is_meant {
            true => self.probed.set(&target(number, tgid), &1),
            false => self.probed.delete(&target(number, tgid)),
        }
    }

    /// Attaches to places of a file, in every process that has it mapped; as long as what is returned is there. A kernel
    /// that cannot do that with many places at once (before 6.6) takes some, one by one.
    ///
    /// # Errors
    /// The system's words; [`ProbesError::Refused`] when there are too many places for this kernel.
    pub fn attach(
        &self,
        file: BorrowedFd<'_>,
        places: &[Place],
        on_return: bool,
    ) -> Result<Links, ProbesError> {
        let offsets: Vec<u64> = places.iter().map(|place| place.offset).collect();
        let cookies: Vec<u64> = places.iter().map(|place| place.cookie.pack()).collect();
        let program = self.program.as_fd();
        let failed = |source| ProbesError::Call {
            call: "attach",
            what: format!("{} places", places.len()),
            source,
        };
        match sys::link_places(program, file, &offsets, &cookies, on_return) {
            Ok(link) => Ok(Links::Many(link)),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && !knows_many() => {
                self.one_by_one(file, places, on_return)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn one_by_one(
        &self,
        file: BorrowedFd<'_>,
        places: &[Place],
        on_return: bool,
    ) -> Result<Links, ProbesError> {
        if places.len() > ONE_BY_ONE {
            return Err(ProbesError::Refused {
                what: format!("{} places at once", places.len()),
                message: format!(
                    "before Linux 6.6 a probe has at most {ONE_BY_ONE} places, where functions begin and end; name fewer functions"
                ),
            });
        }
        let link = |place: &Place| {
            let event = perf::place(file, place.offset, on_return)?;
            let link = sys::link_perf(self.program.as_fd(), event.as_fd(), place.cookie.pack())?;
            Ok([event, link])
        };
        let links: std::io::Result<Vec<_>> = places.iter().map(link).collect();
        let links = links.map_err(|source| ProbesError::Call {
            call: "attach",
            what: "a place of a file".to_owned(),
            source,
        })?;
        Ok(Links::OneByOne(links))
    }

    /// What was counted of a probe since it was set.
    ///
    /// # Errors
    /// The system's words.
    pub fn hits(&self, index: u32) -> Result<Hits, ProbesError> {
        Ok(self.hits.get(&index)?.unwrap_or_default())
    }

    /// What was counted of all sessions.
    ///
    /// # Errors
    /// The system's words.
    pub fn counted(&mut self) -> Result<Counted, ProbesError> {
        let mut counted = Counted::default();
        let (times, nodes) = (&mut counted.times, &mut counted.nodes);
        self.times.read(|key, part| times.push((*key, *part)))?;
        self.nodes.read(|key, node| nodes.push((*key, *node)))?;
        Ok(counted)
    }

    /// Single calls that ended since the last time, at most so many.
    pub fn single(&mut self, most: usize) -> Vec<Call> {
        let Some(ring) = &mut self.ring else {
            return vec![];
        };
        let mut calls = vec![];
        while let Some(record) = (calls.len() < most).then(|| ring.next()).flatten() {
            if record.len() == std::mem::size_of::<Call>() {
                // SAFETY: as many bytes as a call has, any bytes are one, and the read needs no alignment.
                calls.push(unsafe { std::ptr::read_unaligned(record.as_ptr().cast::<Call>()) });
            }
        }
        calls
    }

    /// Forgets a session, whose links are gone.
    ///
    /// # Errors
    /// The system's words.
    pub fn close(&mut self, number: u32, processes: &[u32]) -> Result<(), ProbesError> {
        for tgid in processes {
            self.admit(number, *tgid, false)?;
        }
        forget(&mut self.threads, |key| key.number == number)?;
        forget(&mut self.held, |key| key.thread.number == number)?;
        forget(&mut self.times, |key| key.number == number)?;
        forget(&mut self.nodes, |key| key.number == number)
    }

    /// There is no session any more: gives memory back.
    pub fn rest(&mut self) {
        self.ring = None;
    }

    /// Forgets the threads of sessions that nobody saw since then, ns since the boot, of those that `is_gone` says are gone.
    ///
    /// # Errors
    /// The system's words.
    pub fn forget_threads(
        &mut self,
        mut is_gone: impl FnMut(&ThreadKey, u64) -> bool,
    ) -> Result<(), ProbesError> {
        let mut gone = vec![];
        self.threads.read(|key, thread| {
            if is_gone(key, thread.seen_ns) {
                gone.push(*key);
            }
        })?;
        gone.iter().try_for_each(|key| self.threads.delete(key))
    }
}

fn forget<K: Plain, V: Plain>(
    map: &mut Map<K, V>,
    is_meant: impl Fn(&K) -> bool,
) -> Result<(), ProbesError> {
    let mut keys = vec![];
    map.read(|key, _| keys.extend(is_meant(key).then_some(*key)))?;
    keys.iter().try_for_each(|key| map.delete(key))
}

/// Registers by their place in `struct pt_regs` instead of their number in DWARF.
fn by_place(take: &mut Take) {
    for register in [&mut take.register, &mut take.length_register] {
        if *register != ON_STACK {
            *register = PLACE_OF[usize::from(*register & 15)];
        }
    }
}
