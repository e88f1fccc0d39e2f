//! Conversations that are not read further: connections, bytes, turns, round-trip times, and what they look like. A turn
//! begins with the caller's first byte after the callee spoke, and ends with the callee's first byte after that.

use crate::env::{add_traffic, count_duration, tcp};
use crate::maps::{Scratch, TALK, count};
use crate::segment::{INGRESS, Segment, ends, load};
use crate::{atomic, series};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use coral_probes_abi::http1::Counter;
use coral_probes_abi::looks::{LOOK_BYTES, looks_like, protocol};
use coral_probes_abi::records::Talk;
use coral_probes_abi::records::side::SERVER;

const CALLER: u8 = 1;
const CALLEE: u8 = 2;
/// Packets of a caller that are looked at in a connection whose begin was not seen.
const LOOKS: u8 = 3;
/// Bytes that may wait before they are added to the series.
const FLUSH_BYTES: u64 = 256 << 10;
/// How long they may.
const FLUSH_NS: u64 = 1_000_000_000;

/// Takes a packet of a connection that no request is known of. A call of its own, so that its part of the stack is free
/// while other packets are walked over.
#[inline(never)]
pub fn packet(
    skb: *mut __sk_buff,
    cookie: u64,
    segment: &Segment,
    direction: u8,
    scratch: *mut Scratch,
) {
    if segment.bytes == 0 {
        return;
    }
    let Some(place) = TALK.get_ptr_mut(&cookie) else {
        return;
    };
    // SAFETY: a map value.
    let talk = unsafe { &mut *place };
    // Two packets at once: the bytes of this one are found with the next, by its sequence number.
    if !atomic::take(&raw mut talk.busy) {
        return;
    }
    if talk.family == 0 {
        ends(skb, segment, direction, &mut talk.tuple);
        talk.family = segment.family;
    }
    if advance(talk, segment, direction) {
        spoke(skb, cookie, talk, segment, direction, scratch);
    }
    atomic::give(&raw mut talk.busy);
}

/// Notes how far the direction has come; false for a packet that came before.
#[inline(always)]
fn advance(talk: &mut Talk, segment: &Segment, direction: u8) -> bool {
    let (seen, counted) = if direction == INGRESS {
        (&mut talk.seen[1], &mut talk.counted[1])
    } else {
        (&mut talk.seen[0], &mut talk.counted[0])
    };
    if *seen == 0 {
        // Far from zero, so that what comes before the first packet seen does not wrap.
        *seen = (1 << 32) | segment.seq as u64;
        *counted = *seen;
    }
    let end = segment.seq.wrapping_add(segment.bytes);
    let ahead = end.wrapping_sub(*seen as u32) as i32;
    if ahead <= 0 {
        return false;
    }
    *seen = seen.wrapping_add(ahead as u64);
    true
}

#[inline(always)]
fn spoke(
    skb: *mut __sk_buff,
    cookie: u64,
    talk: &mut Talk,
    segment: &Segment,
    direction: u8,
    scratch: *mut Scratch,
) {
    // SAFETY: a helper without arguments.
    let now_ns = unsafe { bpf_ktime_get_boot_ns() };
    let from_caller = (direction == INGRESS) == (talk.side == SERVER);
    if talk.series == 0 {
        settle(skb, cookie, talk, segment, from_caller, scratch);
    }
    let turned = turn(talk, from_caller, now_ns);
    if turned {
        tcp(skb, talk.series, &mut talk.resent);
    }
    flush_when_due(talk, turned, now_ns);
}

/// Notes who speaks; true when that ends a turn, whose time is then counted.
#[inline(always)]
pub fn turn(talk: &mut Talk, from_caller: bool, now_ns: u64) -> bool {
    if from_caller {
        if talk.turn_ns == 0 {
            talk.turn_ns = now_ns;
        }
        talk.spoke = CALLER;
        return false;
    }
    let turned = talk.spoke == CALLER && talk.turn_ns != 0 && talk.series != 0;
    if turned {
        count_duration(talk.series, 0, now_ns.wrapping_sub(talk.turn_ns));
    }
    talk.turn_ns = 0;
    talk.spoke = CALLEE;
    turned
}

/// Adds what was moved to the series at the end of a turn, each second, and when it is much.
#[inline(always)]
pub fn flush_when_due(talk: &mut Talk, turned: bool, now_ns: u64) {
    let waits =
        talk.seen[0].wrapping_sub(talk.counted[0]) + talk.seen[1].wrapping_sub(talk.counted[1]);
    let late = now_ns.wrapping_sub(talk.flushed_ns) > FLUSH_NS;
    if talk.series != 0 && (turned || late || waits > FLUSH_BYTES) {
        talk.flushed_ns = now_ns;
        flush(talk, 0);
    }
}

/// Finds what the conversation looks like, and its series once the caller has spoken: both ends of it on this host find
/// each other by that packet.
#[inline(always)]
fn settle(
    skb: *mut __sk_buff,
    cookie: u64,
    talk: &mut Talk,
    segment: &Segment,
    from_caller: bool,
    scratch: *mut Scratch,
) {
    if talk.protocol == 0 {
        let mut first = [0u8; LOOK_BYTES];
        look(skb, segment, &mut first);
        talk.protocol = looks_like(&first, segment.bytes, from_caller);
        match talk.protocol {
            protocol::TLS => count(Counter::Tls),
            protocol::HTTP2 => count(Counter::Http2),
            _ => {}
        }
    }
    if !from_caller {
        return;
    }
    talk.looked = talk.looked.saturating_add(1);
    if talk.protocol == 0 && (talk.born != 0 || talk.looked >= LOOKS) {
        talk.protocol = protocol::OTHER;
    }
    if talk.protocol != 0 {
        let pair = if talk.born != 0 && talk.looked == 1 {
            segment.pair()
        } else {
            0
        };
        place(talk, cookie, pair, scratch);
    }
}

/// Gives the conversation its series.
#[inline(always)]
pub fn place(talk: &mut Talk, cookie: u64, pair: u64, scratch: *mut Scratch) {
    // SAFETY: map values of this program's own scratch place.
    let (info, tuple) = unsafe { (&mut (*scratch).info, &mut (*scratch).tuple) };
    *tuple = talk.tuple;
    info.side = talk.side;
    info.family = talk.family;
    info.protocol = talk.protocol;
    info.netns = talk.netns;
    talk.series = series::described(scratch, cookie, pair);
    if talk.series != 0 {
        flush(talk, 1);
    }
}

/// The first bytes of the payload, as many as there are of sixteen, eight or four.
#[inline(always)]
fn look(skb: *mut __sk_buff, segment: &Segment, first: &mut [u8; LOOK_BYTES]) {
    if segment.bytes as usize >= LOOK_BYTES {
        let _ = load(skb, segment.payload, first);
    } else if segment.bytes >= 8 {
        let mut some = [0u8; 8];
        let _ = load(skb, segment.payload, &mut some);
        first[..8].copy_from_slice(&some);
    } else if segment.bytes >= 4 {
        let mut some = [0u8; 4];
        let _ = load(skb, segment.payload, &mut some);
        first[..4].copy_from_slice(&some);
    }
}

/// Adds to the series what the conversation moved since the last time.
#[inline(always)]
pub fn flush(talk: &mut Talk, connections: u64) {
    let bytes_out = talk.seen[0].wrapping_sub(talk.counted[0]);
    let bytes_in = talk.seen[1].wrapping_sub(talk.counted[1]);
    talk.counted = talk.seen;
    add_traffic(talk.series, connections, bytes_out, bytes_in);
}
