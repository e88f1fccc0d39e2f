//! What connections of Unix sockets leave behind. The kernel programs see their bytes, not their end; who drains looks
//! which sockets are still there.

use crate::maps::Map;
use crate::{Drained, Loaded, ProbesError, links};
use coral_probes_abi::http1::{Conn, Mode, SLOTS};
use coral_probes_abi::records::{CountKey, Talk, Traffic, layout, names};
use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// More than a Unix socket's buffer keeps outside of pages, many times.
const FILLING_BYTES: usize = 64 * 1024;

/// Has the kernel program find where the kernel sees memory ([`layout::MEMORY`]): a connection of our own carries pages
/// that are full of a number which it knows. Where that fails, heads that lie in pages are counted as lost.
pub(crate) fn find_memory(loaded: &mut Loaded) -> Result<(), ProbesError> {
    let layout: Map<u32, u32> = Map::take(loaded, names::LAYOUT)?;
    let _attached = links::attach_search(loaded)?;
    let magic = random().unwrap_or(0);
    if magic == 0 {
        return Ok(());
    }
    let say = |word: u64| {
        layout.set(&layout::MAGIC, &(word as u32))?;
        layout.set(&(layout::MAGIC + 1), &((word >> 32) as u32))
    };
    say(magic)?;
    if let Err(error) = carry(&magic.to_ne_bytes().repeat(FILLING_BYTES / 8)) {
        tracing::debug!("fill pages: {error}");
    }
    say(0)?;
    let found = layout.get(&(layout::MEMORY + 1))?.unwrap_or(0) != 0;
    if !found {
        tracing::info!("heads in pages of Unix sockets cannot be read on this kernel");
    }
    Ok(())
}

fn random() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Sends bytes to ourselves.
fn carry(bytes: &[u8]) -> std::io::Result<()> {
    let (mut out, mut into) = UnixStream::pair()?;
    out.set_nonblocking(true)?;
    let sent = out.write(bytes)?;
    into.read_exact(&mut vec![0; sent])
}

/// `coral_model::Ending` codes.
const COMPLETE: u8 = 0;
const CUT: u8 = 1;
const UNANSWERED: u8 = 2;

/// Whether both sockets, by the inodes in place of addresses, are among those that live.
pub(crate) fn both_live(own: &[u8; 16], other: &[u8; 16], alive: &HashSet<u64>) -> bool {
    [own, other].iter().all(|end| alive.contains(&inode(end)))
}

fn inode(end: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *end;
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// Counts the requests that were under way: the first may be inside of its answer, the others have none.
pub(crate) fn left_behind(conn: &Conn, out: &mut Drained) {
    let answer = &conn.dir[0];
    for index in (0..conn.in_flight()).map(|i| conn.ended.wrapping_add(i)) {
        let slot = &conn.slots[index as usize % SLOTS];
        let begun = index == conn.ended && answer.status != 0;
        let ending = match answer.mode {
            // Only the end of the connection says that the answer has ended.
            Mode::UNTIL_CLOSE if begun => COMPLETE,
            _ if begun => CUT,
            _ => UNANSWERED,
        };
        let key = CountKey {
            series: conn.series,
            method: if slot.index == index { slot.method } else { 0 },
            class: if begun {
                (answer.status / 100) as u8
            } else {
                0
            },
            ending,
            stream: 0,
            unused: 0,
        };
        out.counts.push((key, 1));
    }
}

/// Bytes that the kernel has not added to the series yet.
pub(crate) fn not_added(talk: &Talk) -> Option<(u64, Traffic)> {
    let left = |i: usize| talk.seen[i].wrapping_sub(talk.counted[i]);
    let traffic = Traffic {
        bytes_out: left(0),
        bytes_in: left(1),
        ..Traffic::default()
    };
    (talk.series != 0 && traffic != Traffic::default()).then_some((talk.series, traffic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_under_way_is_cut_or_unanswered() {
        let mut conn = Conn::EMPTY;
        (conn.pushed, conn.ended, conn.series) = (12, 10, 7);
        for index in [10u32, 11] {
            let slot = &mut conn.slots[index as usize % SLOTS];
            (slot.index, slot.method) = (index, 1);
        }
        conn.dir[0].status = 200;
        conn.dir[0].mode = Mode::BODY;
        let mut out = Drained::default();
        left_behind(&conn, &mut out);
        let seen = |out: &Drained| {
            let row = |(key, n): &(CountKey, u64)| (key.method, key.class, key.ending, *n);
            out.counts.iter().map(row).collect::<Vec<_>>()
        };
        assert_eq!(seen(&out), [(1, 2, CUT, 1), (1, 0, UNANSWERED, 1)]);
        conn.dir[0].mode = Mode::UNTIL_CLOSE;
        let mut out = Drained::default();
        left_behind(&conn, &mut out);
        assert_eq!(seen(&out)[0], (1, 2, COMPLETE, 1));
    }
}
