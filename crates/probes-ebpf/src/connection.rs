//! The connection that a packet belongs to: known, taken over from its handshake, or new when its first bytes begin
//! a request or an answer of HTTP/1. The others are conversations ([`crate::talk`]).

use crate::maps::{CONN, EARLY, HANDSHAKE, Scratch, TALK, count};
use crate::segment::{Segment, ends, load};
use aya_ebpf::bindings::{__sk_buff, BPF_NOEXIST};
use coral_probes_abi::http1::{Conn, Counter, Start, start_of};
use coral_probes_abi::looks::protocol;
use coral_probes_abi::records::Talk;

/// `enum` of include/net/tcp_states.h.
const LISTEN: u32 = 10;

static UNKNOWN: Conn = Conn::EMPTY;

/// The connection of this packet, null when it has none. `scratch` is this program's own place. A call of its own, so
/// that its part of the stack is free again when the packet is walked over.
#[inline(never)]
pub fn of(
    skb: *mut __sk_buff,
    cookie: u64,
    segment: &Segment,
    direction: u8,
    scratch: *mut Scratch,
) -> *mut Conn {
    match find(skb, cookie, segment, direction, scratch) {
        Some(conn) => conn,
        None => core::ptr::null_mut(),
    }
}

#[inline(always)]
fn find(
    skb: *mut __sk_buff,
    cookie: u64,
    segment: &Segment,
    direction: u8,
    scratch: *mut Scratch,
) -> Option<*mut Conn> {
    if is_listening(skb) {
        return handshake(skb, segment, direction, scratch);
    }
    if let Some(conn) = CONN.get_ptr_mut(&cookie) {
        return Some(conn);
    }
    if let Some(conn) = adopt(skb, cookie, segment, direction, scratch) {
        return Some(conn);
    }
    let talk = TALK.get_ptr(&cookie);
    if is_known_other(talk) || !is_http1(start(skb, segment)) {
        return None;
    }
    let _ = CONN.insert(&cookie, &UNKNOWN, BPF_NOEXIST as u64);
    let Some(place) = CONN.get_ptr_mut(&cookie) else {
        count(Counter::ConnFull);
        return None;
    };
    // SAFETY: map values.
    unsafe { fill(skb, &mut *place, segment, direction, &mut *scratch) };
    // SAFETY: as above.
    unsafe {
        (*place).queue = cookie;
        if let Some(talk) = talk {
            (*place).born = (*talk).born;
        }
        // One that was met in the middle has its ends found by their addresses.
        if (*place).born == 0 {
            (*place).pair = 0;
        }
    }
    Some(place)
}

/// Whether the conversation was recognised as another protocol, so that what looks like a request is none.
#[inline(always)]
fn is_known_other(talk: Option<*const Talk>) -> bool {
    match talk {
        // SAFETY: a map value.
        Some(talk) => !matches!(unsafe { (*talk).protocol }, 0 | protocol::OTHER),
        None => false,
    }
}

#[inline(always)]
fn is_http1(start: Start) -> bool {
    matches!(start, Start::Request | Start::Response | Start::Maybe)
}

/// What the first bytes of a packet begin.
#[inline(always)]
fn start(skb: *mut __sk_buff, segment: &Segment) -> Start {
    if segment.bytes >= 4 {
        let mut first = [0u8; 4];
        return match load(skb, segment.payload, &mut first) {
            Some(()) => start_of(u32::from_le_bytes(first), 4),
            None => Start::No,
        };
    }
    let mut byte = [0u8; 1];
    if segment.bytes == 0 || load(skb, segment.payload, &mut byte).is_none() {
        return Start::No;
    }
    start_of(byte[0] as u32, 1)
}

/// Whether the packet is filtered under a listening socket: the last one of a handshake is, data and all (tcp_v4_rcv,
/// TCP_NEW_SYN_RECV).
#[inline(always)]
fn is_listening(skb: *mut __sk_buff) -> bool {
    // SAFETY: a field of the program's context, checked before it is followed.
    unsafe {
        let socket = (*skb).__bindgen_anon_2.sk;
        !socket.is_null() && (*socket).state == LISTEN
    }
}

/// The connection of data that came with the handshake.
#[inline(always)]
fn handshake(
    skb: *mut __sk_buff,
    segment: &Segment,
    direction: u8,
    scratch: *mut Scratch,
) -> Option<*mut Conn> {
    if !is_http1(start(skb, segment)) {
        return None;
    }
    // SAFETY: a map value of this program's own.
    let scratch = unsafe { &mut *scratch };
    ends(skb, segment, direction, &mut scratch.tuple);
    let _ = HANDSHAKE.insert(&scratch.tuple, &UNKNOWN, BPF_NOEXIST as u64);
    let place = HANDSHAKE.get_ptr_mut(&scratch.tuple)?;
    // SAFETY: a map value.
    let conn = unsafe { &mut *place };
    fill(skb, conn, segment, direction, scratch);
    conn.born = 1;
    // The top bit tells it from a cookie, which counts up from 1.
    conn.queue = (1 << 63) | ((segment.seq as u64) << 16) | segment.source_port as u64;
    if let Some(flag) = EARLY.get_ptr_mut(0) {
        // SAFETY: a map value.
        unsafe { *flag = 1 };
    }
    Some(place)
}

/// Takes over what came with the handshake of this connection.
#[inline(always)]
fn adopt(
    skb: *mut __sk_buff,
    cookie: u64,
    segment: &Segment,
    direction: u8,
    scratch: *mut Scratch,
) -> Option<*mut Conn> {
    let flag = EARLY.get_ptr(0)?;
    // SAFETY: a map value.
    if unsafe { *flag } == 0 {
        return None;
    }
    // SAFETY: a map value of this program's own.
    let tuple = unsafe { &mut (*scratch).tuple };
    ends(skb, segment, direction, tuple);
    let early = HANDSHAKE.get_ptr(&*tuple)?;
    // SAFETY: a map value, copied by the helper.
    if CONN
        .insert(&cookie, unsafe { &*early }, BPF_NOEXIST as u64)
        .is_err()
    {
        count(Counter::ConnFull);
    }
    let _ = HANDSHAKE.remove(&*tuple);
    CONN.get_ptr_mut(&cookie)
}

#[inline(always)]
fn fill(
    skb: *mut __sk_buff,
    conn: &mut Conn,
    segment: &Segment,
    direction: u8,
    scratch: &mut Scratch,
) {
    ends(skb, segment, direction, &mut scratch.tuple);
    conn.family = segment.family;
    conn.local = scratch.tuple.local;
    conn.remote = scratch.tuple.remote;
    conn.local_port = scratch.tuple.local_port;
    conn.remote_port = scratch.tuple.remote_port;
    conn.pair = segment.pair();
}
