//! Which series a connection's requests belong to: found once a connection, at its first request.
//!
//! A client's series is its process and the address it asks. A server's is its network namespace, its listening port and
//! address, and its caller: by the caller's own series when that is on this host (so that both ends make one edge), else
//! by address. Both ends find each other by the first packet with data, whose sequence number and acknowledgement they
//! see alike, also through address translation; a connection that is older than the programs by its addresses.

use crate::maps::{CALLERS, OWNER, PAIR, SERIES, Scratch, TALK, TUPLE, count};
use crate::{atomic, env};
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid};
use coral_probes_abi::http1::{Conn, Counter};
use coral_probes_abi::records::side::SERVER;
use coral_probes_abi::records::{Owner, SeriesInfo, Talk, Tuple, UNIX};

/// Callers from outside that are told apart; a quarter of all series.
const CALLERS_MAX: u64 = 4_096;
const NOBODY: Owner = Owner {
    tgid: 0,
    remote_port: 0,
    family: 0,
    unused: 0,
    cgroup: 0,
    comm: [0; 16],
    remote: [0; 16],
};

/// The series of a connection whose requests are counted; 0 when there is no room for it.
#[inline(never)]
pub fn of(conn: &mut Conn, cookie: u64, scratch: *mut Scratch) -> u64 {
    // SAFETY: map values of this program's own scratch place.
    let (info, tuple) = unsafe { (&mut (*scratch).info, &mut (*scratch).tuple) };
    tuple.local = conn.local;
    tuple.remote = conn.remote;
    tuple.local_port = conn.local_port;
    tuple.remote_port = conn.remote_port;
    tuple.unused = 0;
    info.side = conn.side;
    info.family = conn.family;
    info.protocol = conn.protocol;
    info.netns = match TALK.get_ptr(&cookie) {
        // SAFETY: a map value.
        Some(talk) => unsafe { (*talk).netns },
        None => 0,
    };
    let (series, owned) = find(info, tuple, cookie, conn.pair);
    if owned {
        conn.born = 1;
    }
    conn.series = series;
    env::flush_traffic(conn, 1);
    series
}

/// The series of what the scratch place describes (`side`, `family`, `protocol`, `netns` of the info; the tuple), for a
/// conversation that is not read.
#[inline(always)]
pub fn described(scratch: *mut Scratch, cookie: u64, pair: u64) -> u64 {
    // SAFETY: map values of this program's own scratch place.
    let (info, tuple) = unsafe { (&mut (*scratch).info, &mut (*scratch).tuple) };
    find(info, tuple, cookie, pair).0
}

/// The series of a connection between Unix sockets: its server, its caller and what is spoken. The server's process is in
/// `cookie`, the caller's is the owner; both sides of it are in this one series.
#[inline(always)]
pub fn of_unix(scratch: *mut Scratch, talk: &Talk, protocol: u8) -> u64 {
    // SAFETY: map values of this program's own scratch place.
    let info = unsafe { &mut (*scratch).info };
    info.owner = NOBODY;
    info.owner.tgid = talk.caller_tgid;
    info.cookie = talk.server_tgid as u64;
    info.peer = 0;
    info.local = [0; 16];
    info.remote = [0; 16];
    info.local_port = 0;
    info.remote_port = 0;
    info.side = SERVER;
    info.family = UNIX;
    info.protocol = protocol;
    info.unused = 0;
    info.netns = 0;
    info.unused2 = 0;
    let id = mix(
        mix(
            mix(UNIX as u64 | (protocol as u64) << 8, info.cookie),
            talk.caller_tgid as u64,
        ),
        7,
    );
    if insert(id, info) {
        return id;
    }
    count(Counter::SeriesFull);
    0
}

/// The caller reads what it was answered: now its name is at hand, for the case that it is gone before anybody looks.
#[inline(always)]
pub fn name_caller(series: u64) {
    if let Some(info) = SERIES.get_ptr_mut(&series) {
        // SAFETY: a map value.
        let owner = unsafe { &mut (*info).owner };
        if owner.comm[0] == 0 {
            owner.tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
            owner.comm = bpf_get_current_comm().unwrap_or([0; 16]);
        }
    }
}

/// The series, 0 without room; and whether the process that opened the connection is known.
#[inline(always)]
fn find(info: &mut SeriesInfo, tuple: &mut Tuple, cookie: u64, pair: u64) -> (u64, bool) {
    info.owner = NOBODY;
    info.cookie = 0;
    info.peer = 0;
    info.local = tuple.local;
    info.remote = tuple.remote;
    info.local_port = 0;
    info.remote_port = 0;
    info.unused = 0;
    info.unused2 = 0;
    let found = if info.side == SERVER {
        (server(info, tuple, pair), false)
    } else {
        client(info, tuple, cookie, pair)
    };
    if found.0 == 0 {
        count(Counter::SeriesFull);
    }
    found
}

#[inline(always)]
fn server(info: &mut SeriesInfo, tuple: &mut Tuple, pair: u64) -> u64 {
    info.local_port = tuple.local_port;
    let kind = SERVER as u64 | (info.protocol as u64) << 8 | (info.netns as u64) << 32;
    let mut base = mix(kind, tuple.local_port as u64);
    base = mix_address(base, &tuple.local);
    let peer = if pair != 0 {
        PAIR.get_ptr(&pair)
    } else {
        // As the caller's own socket has it.
        tuple.local = info.remote;
        tuple.remote = info.local;
        let own = tuple.local_port;
        tuple.local_port = tuple.remote_port;
        tuple.remote_port = own;
        TUPLE.get_ptr(&*tuple)
    };
    let mut by_address = false;
    let caller = match peer {
        // SAFETY: a map value.
        Some(peer) => {
            info.peer = unsafe { *peer };
            mix(base, info.peer)
        }
        None => {
            by_address = true;
            mix_address(base, &info.remote)
        }
    };
    if SERIES.get_ptr(&caller).is_some() {
        return caller;
    }
    if (!by_address || room_for_caller()) && insert(caller, info) {
        return caller;
    }
    // Too many callers to tell apart: they share one series, made while there was room.
    info.peer = 0;
    info.remote = [0; 16];
    if insert(base, info) { base } else { 0 }
}

/// Whether one more caller from outside may have a series of its own: the whole world may call.
#[inline(always)]
fn room_for_caller() -> bool {
    let Some(callers) = CALLERS.get_ptr_mut(0) else {
        return false;
    };
    atomic::add(callers, 1);
    // SAFETY: a map value.
    unsafe { *callers <= CALLERS_MAX }
}

#[inline(always)]
fn client(info: &mut SeriesInfo, tuple: &Tuple, cookie: u64, pair: u64) -> (u64, bool) {
    info.remote_port = tuple.remote_port;
    let kind = 2 | (info.protocol as u64) << 8;
    let mut id = mix(kind, tuple.remote_port as u64);
    id = mix_address(id, &tuple.remote);
    let owned = match OWNER.get_ptr(&cookie) {
        // SAFETY: a map value.
        Some(owner) if unsafe { (*owner).tgid } != 0 => {
            info.owner = unsafe { *owner };
            id = mix(id, info.owner.tgid as u64);
            true
        }
        _ => {
            info.cookie = cookie;
            id = mix(id, cookie);
            false
        }
    };
    if !insert(id, info) {
        return (0, owned);
    }
    if pair != 0 {
        let _ = PAIR.insert(&pair, &id, 0);
    } else {
        let _ = TUPLE.insert(tuple, &id, 0);
    }
    (id, owned)
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
