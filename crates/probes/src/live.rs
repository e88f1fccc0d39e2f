//! The live source: attached programs and their maps, drained on the agent's tick.

use crate::maps::{Before, Map};
use crate::source::{Drained, InFlight, Source};
use crate::{Loaded, ProbesError, links, sys, unix};
use aya::maps::{MapData, RingBuf};
use coral_probes_abi::http1::{Conn, SLOTS};
use coral_probes_abi::records::{
    CountKey, Detail, HistogramKey, SeriesInfo, Talk, Traffic, UNIX, names,
};
use std::collections::HashSet;
use std::os::fd::{AsFd as _, OwnedFd};

/// Records that the kernel may write between two drains: what the ring of 256 KiB holds, with room to spare.
const DETAIL_BUDGET: u64 = 1400;

/// Attached programs. Dropping it detaches them.
pub struct Live {
    conn: Map<u64, Conn>,
    talk: Map<u64, Talk>,
    series: Map<u64, SeriesInfo>,
    count: Map<CountKey, u64>,
    histogram: Map<HistogramKey, [u64; 64]>,
    traffic: Map<u64, Traffic>,
    counter: Map<u32, u64>,
    budget: Map<u32, u64>,
    detail: RingBuf<MapData>,
    known: Before<u64, ()>,
    /// Series of Unix sockets whose caller has not read anything yet: only then the kernel knows its name.
    nameless: HashSet<u64>,
    counted: Before<CountKey, u64>,
    measured: Before<HistogramKey, Box<[u64; 64]>>,
    moved: Before<u64, Traffic>,
    #[expect(dead_code, reason = "held: a link lasts as long as its descriptor")]
    links: Vec<OwnedFd>,
    programs: Vec<OwnedFd>,
}

impl Live {
    /// Attaches what was loaded.
    ///
    /// # Errors
    /// [`ProbesError`] with the kernel's words; nothing stays attached then.
    pub fn attach(mut loaded: Loaded) -> Result<Self, ProbesError> {
        let ring = Map::<u32, u32>::take_fd(&mut loaded, names::DETAIL)?;
        let budget = Map::take(&mut loaded, names::BUDGET)?;
        budget.set(&0, &DETAIL_BUDGET)?;
        unix::find_memory(&mut loaded)?;
        Ok(Self {
            conn: Map::take(&mut loaded, names::CONN)?,
            talk: Map::take(&mut loaded, names::TALK)?,
            series: Map::take(&mut loaded, names::SERIES)?,
            count: Map::take(&mut loaded, names::COUNT)?,
            histogram: Map::take(&mut loaded, names::HISTOGRAM)?,
            traffic: Map::take(&mut loaded, names::TRAFFIC)?,
            counter: Map::take(&mut loaded, names::COUNTER)?,
            budget,
            detail: open_ring(ring)?,
            known: Before::new(),
            nameless: HashSet::new(),
            counted: Before::new(),
            measured: Before::new(),
            moved: Before::new(),
            links: links::attach(&loaded)?,
            programs: counted(loaded),
        })
    }

    fn drain_counts(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        let counted = &mut self.counted;
        self.count.read(|key, &now| {
            let before = counted.insert(*key, now).unwrap_or(0);
            if now > before {
                out.counts.push((*key, now - before));
            }
        })
    }

    fn drain_durations(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        let measured = &mut self.measured;
        self.histogram.read(|key, now| {
            let before = measured.entry(*key).or_insert_with(|| Box::new([0; 64]));
            let grown = (0u8..64).zip(now.iter().zip(before.iter()));
            let grown: Vec<(u8, u64)> = grown
                .filter(|(_, (now, before))| now > before)
                .map(|(i, (now, before))| (i, now - before))
                .collect();
            if !grown.is_empty() {
                **before = *now;
                out.durations.push((*key, grown));
            }
        })
    }

    fn drain_traffic(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        let moved = &mut self.moved;
        self.traffic.read(|&series, now| {
            let before = moved.insert(series, *now).unwrap_or_default();
            let grown = Traffic {
                connections: now.connections.saturating_sub(before.connections),
                bytes_out: now.bytes_out.saturating_sub(before.bytes_out),
                bytes_in: now.bytes_in.saturating_sub(before.bytes_in),
                resent: now.resent.saturating_sub(before.resent),
                failures: now.failures.saturating_sub(before.failures),
                rtt_ns: now.rtt_ns,
            };
            if grown
                != (Traffic {
                    rtt_ns: now.rtt_ns,
                    ..Traffic::default()
                })
            {
                out.traffic.push((series, grown));
            }
        })
    }

    fn drain_series(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        let (known, nameless) = (&mut self.known, &mut self.nameless);
        self.series.read(|&series, info| {
            let named = info.family != UNIX || info.owner.comm[0] != 0;
            if known.insert(series, ()).is_none() {
                out.series.push((series, *info));
                if !named {
                    nameless.insert(series);
                }
            } else if named && !nameless.is_empty() && nameless.remove(&series) {
                out.series.push((series, *info));
            }
        })
    }

    fn drain_in_flight(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        self.conn.read(|_, conn| {
            let requests = conn.in_flight();
            if requests > 0 && conn.series != 0 {
                let slot = &conn.slots[conn.ended as usize % SLOTS];
                let oldest_ns = if slot.index == conn.ended {
                    slot.began_ns
                } else {
                    0
                };
                out.in_flight.push(InFlight {
                    series: conn.series,
                    requests,
                    oldest_ns,
                });
            }
        })
    }

    fn drain_details(&mut self, out: &mut Drained) {
        while let Some(item) = self.detail.next() {
            if item.len() == std::mem::size_of::<Detail>() {
                // SAFETY: the kernel wrote a whole record; any bytes are one, and the read needs no alignment.
                out.details
                    .push(unsafe { std::ptr::read_unaligned(item.as_ptr().cast()) });
            }
        }
    }
}

impl<K, V> Map<K, V>
where
    K: crate::sys::Plain,
    V: crate::sys::Plain,
{
    fn take_fd(loaded: &mut Loaded, name: &'static str) -> Result<OwnedFd, ProbesError> {
        loaded
            .maps
            .remove(name)
            .ok_or_else(|| ProbesError::Handover(format!("map {name} is missing")))
    }
}

/// The programs whose left-out runs are a loss. That of Unix sockets works for processes alone, and what is left out there
/// are buffers of the network that come meanwhile.
fn counted(loaded: Loaded) -> Vec<OwnedFd> {
    let lossy =
        |(name, _): &(String, OwnedFd)| !matches!(name.as_str(), "coral_unix" | "coral_memory");
    let programs = loaded.programs.into_iter().filter(lossy);
    programs.map(|(_, program)| program).collect()
}

pub(crate) fn open_ring(fd: OwnedFd) -> Result<RingBuf<MapData>, ProbesError> {
    let failed = |e: aya::maps::MapError| ProbesError::Handover(format!("ring: {e}"));
    let data = MapData::from_fd(fd).map_err(failed)?;
    RingBuf::try_from(aya::maps::Map::RingBuf(data)).map_err(failed)
}

impl Source for Live {
    fn drain(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        *out = Drained {
            at_ns: boot_ns(),
            ..Drained::default()
        };
        // Counts before series: a count whose series is missing here would wait for the next tick.
        self.drain_counts(out)?;
        self.drain_durations(out)?;
        self.drain_traffic(out)?;
        self.drain_in_flight(out)?;
        self.drain_details(out);
        self.drain_series(out)?;
        for (index, lost) in out.lost.iter_mut().enumerate() {
            *lost = self.counter.get(&(index as u32))?.unwrap_or(0);
        }
        for program in &self.programs {
            out.missed += sys::missed(program.as_fd()).unwrap_or(0);
        }
        self.budget.set(&0, &DETAIL_BUDGET)
    }

    fn details(&mut self, out: &mut Drained) -> Result<(), ProbesError> {
        self.drain_details(out);
        self.budget.set(&0, &DETAIL_BUDGET)
    }

    fn end_unix(&mut self, alive: &HashSet<u64>, out: &mut Drained) -> Result<(), ProbesError> {
        let mut dead = vec![];
        self.conn.read(|key, conn| {
            if conn.family == UNIX && !unix::both_live(&conn.local, &conn.remote, alive) {
                dead.push(*key);
                unix::left_behind(conn, out);
            }
        })?;
        for key in dead.drain(..) {
            self.conn.delete(&key)?;
        }
        self.talk.read(|key, talk| {
            let (own, other) = (&talk.tuple.local, &talk.tuple.remote);
            if talk.family == UNIX && !unix::both_live(own, other, alive) {
                dead.push(*key);
                out.traffic.extend(unix::not_added(talk));
            }
        })?;
        for key in dead {
            self.talk.delete(&key)?;
        }
        Ok(())
    }

    fn introduce(&mut self, cookie: u64, side: u8, netns: u32) -> Result<(), ProbesError> {
        let talk = Talk {
            side,
            netns,
            ..Talk::EMPTY
        };
        // One whose handshake was seen meanwhile is better known than that.
        match self.talk.get(&cookie)? {
            Some(_) => Ok(()),
            None => self.talk.set(&cookie, &talk),
        }
    }

    fn forget(&mut self, series: u64) -> Result<(), ProbesError> {
        self.series.delete(&series)?;
        self.traffic.delete(&series)?;
        let counts: Vec<CountKey> = self
            .counted
            .keys()
            .filter(|k| k.series == series)
            .copied()
            .collect();
        for key in counts {
            self.count.delete(&key)?;
            self.counted.remove(&key);
        }
        let histograms: Vec<HistogramKey> = self
            .measured
            .keys()
            .filter(|k| k.series == series)
            .copied()
            .collect();
        for key in histograms {
            self.histogram.delete(&key)?;
            self.measured.remove(&key);
        }
        self.moved.remove(&series);
        self.known.remove(&series);
        self.nameless.remove(&series);
        Ok(())
    }
}

/// Nanoseconds since boot, suspended time included: the clock of the kernel programs.
pub(crate) fn boot_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call fills the structure.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
