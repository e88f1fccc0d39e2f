//! Which series a connection's requests belong to: found once a connection, at its first request.
//!
//! A client's series is its process and the address it asks. A server's is its listening port and address, and its
//! caller: by the caller's own series when that is on this host (so that both ends make one edge), else by address.

use crate::env;
use crate::maps::{OWNER, SERIES, Scratch, TUPLE, count};
use aya_ebpf::bindings::BPF_NOEXIST;
use coral_probes_abi::http1::{Conn, Counter};
use coral_probes_abi::records::{Owner, SeriesInfo, Tuple};

const SERVER: u8 = 1;
const NOBODY: Owner = Owner {
    tgid: 0,
    unused: 0,
    cgroup: 0,
    comm: [0; 16],
};

/// The series of a connection; 0 when there is no room for it.
#[inline(never)]
pub fn of(conn: &mut Conn, cookie: u64, scratch: *mut Scratch) -> u64 {
    // SAFETY: map values of this program's own scratch place.
    let (info, tuple) = unsafe { (&mut (*scratch).info, &mut (*scratch).tuple) };
    info.owner = NOBODY;
    info.cookie = 0;
    info.peer = 0;
    info.local = conn.local;
    info.remote = conn.remote;
    info.local_port = 0;
    info.remote_port = 0;
    info.side = conn.side;
    info.family = conn.family;
    info.protocol = conn.protocol;
    info.unused = 0;
    let series = if conn.side == SERVER {
        server(conn, info, tuple)
    } else {
        client(conn, cookie, info, tuple)
    };
    if series == 0 {
        count(Counter::SeriesFull);
    }
    conn.series = series;
    env::flush_traffic(conn, 1);
    series
}

#[inline(always)]
fn server(conn: &Conn, info: &mut SeriesInfo, tuple: &mut Tuple) -> u64 {
    info.local_port = conn.local_port;
    let mut base = mix(SERVER as u64, conn.local_port as u64);
    base = mix_address(base, &conn.local);
    // As the caller's own socket has it.
    tuple.local = conn.remote;
    tuple.remote = conn.local;
    tuple.local_port = conn.remote_port;
    tuple.remote_port = conn.local_port;
    tuple.unused = 0;
    let caller = match TUPLE.get_ptr(&*tuple) {
        // SAFETY: a map value.
        Some(peer) => {
            info.peer = unsafe { *peer };
            mix(base, info.peer)
        }
        None => mix_address(base, &conn.remote),
    };
    if insert(caller, info) {
        return caller;
    }
    // Too many callers to tell apart: they share one series, made while there was room.
    info.peer = 0;
    info.remote = [0; 16];
    if insert(base, info) { base } else { 0 }
}

#[inline(always)]
fn client(conn: &mut Conn, cookie: u64, info: &mut SeriesInfo, tuple: &mut Tuple) -> u64 {
    info.remote_port = conn.remote_port;
    let mut id = mix(2, conn.remote_port as u64);
    id = mix_address(id, &conn.remote);
    match OWNER.get_ptr(&cookie) {
        Some(owner) => {
            // SAFETY: a map value.
            info.owner = unsafe { *owner };
            conn.born = 1;
            id = mix(id, info.owner.tgid as u64);
        }
        None => {
            info.cookie = cookie;
            id = mix(id, cookie);
        }
    }
    if !insert(id, info) {
        return 0;
    }
    tuple.local = conn.local;
    tuple.remote = conn.remote;
    tuple.local_port = conn.local_port;
    tuple.remote_port = conn.remote_port;
    tuple.unused = 0;
    let _ = TUPLE.insert(&*tuple, &id, 0);
    id
}

/// True when the series is there afterwards. Another CPU may put it there between the look and the insertion.
#[inline(always)]
fn insert(id: u64, info: &SeriesInfo) -> bool {
    SERIES.get_ptr(&id).is_some()
        || SERIES.insert(&id, info, BPF_NOEXIST as u64).is_ok()
        || SERIES.get_ptr(&id).is_some()
}

#[inline(always)]
fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[inline(always)]
fn mix_address(hash: u64, address: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *address;
    let high = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
    let low = u64::from_ne_bytes([i, j, k, l, m, n, o, p]);
    mix(mix(hash, high), low)
}
