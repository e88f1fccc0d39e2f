//! Requests from the packets of every socket below the root control group. Both programs always let the packet pass: the
//! exit code is written once, in the two entry points.

use crate::atomic;
use crate::env::Kernel;
use crate::maps::{CONN, PLACES, SCRATCH, Scratch, count};
use aya_ebpf::bindings::{__sk_buff, BPF_NOEXIST};
use aya_ebpf::helpers::{
    bpf_get_socket_cookie, bpf_ktime_get_boot_ns, bpf_loop, bpf_skb_load_bytes,
};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use coral_probes_abi::http1::{
    Conn, Counter, Dir, Flags, Mode, Start, Walk, enter, start_of, step, steps_for,
};
use core::ffi::c_void;

const PASS: i32 = 1;
const EGRESS: u8 = 0;
const INGRESS: u8 = 1;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const TCP: u8 = 6;
/// `coral_model::Protocol` codes.
const TLS: u8 = 2;
const HTTP2: u8 = 3;

static UNKNOWN: Conn = Conn::EMPTY;

#[cgroup_skb]
pub fn coral_egress(ctx: SkBuffContext) -> i32 {
    packet(ctx.skb.skb, EGRESS);
    PASS
}

#[cgroup_skb]
pub fn coral_ingress(ctx: SkBuffContext) -> i32 {
    packet(ctx.skb.skb, INGRESS);
    PASS
}

/// What the headers say.
struct Segment {
    family: u8,
    flags: u8,
    payload: u32,
    bytes: u32,
    seq: u32,
    source_port: u16,
    target_port: u16,
}

#[inline(always)]
fn packet(skb: *mut __sk_buff, direction: u8) {
    let Some(segment) = segment(skb) else { return };
    if segment.flags & SYN != 0 || (segment.bytes == 0 && segment.flags & (FIN | RST) == 0) {
        return;
    }
    // SAFETY: the helper takes the program's context.
    let cookie = unsafe { bpf_get_socket_cookie(skb as *mut c_void) };
    let Some(conn) = connection(skb, cookie, &segment, direction) else {
        return;
    };
    // SAFETY: a map value; both directions may work on it at once and touch fields of their own.
    let conn = unsafe { &mut *conn };
    let dir = if direction == EGRESS {
        &raw mut conn.dir[0]
    } else {
        &raw mut conn.dir[1]
    };
    // SAFETY: a field of a map value.
    let busy = unsafe { &raw mut (*dir).busy };
    // Two packets of one direction at once: this one is left out; if a head was due, the next one finds the gap.
    if !atomic::take(busy) {
        return;
    }
    walk(skb, cookie, conn, dir, &segment, direction);
    atomic::give(busy);
}

#[inline(always)]
fn segment(skb: *mut __sk_buff) -> Option<Segment> {
    let mut ip = [0u8; 40];
    load(skb, 0, &mut ip)?;
    let (family, header) = if ip[0] >> 4 == 4 {
        if ip[9] != TCP {
            return None;
        }
        (4, ((ip[0] & 15) as u32) * 4)
    } else {
        if ip[6] != TCP {
            return None;
        }
        (6, 40)
    };
    let mut tcp = [0u8; 20];
    load(skb, header, &mut tcp)?;
    let payload = header + ((tcp[12] >> 4) as u32) * 4;
    // SAFETY: a field of the program's context.
    let total = unsafe { (*skb).len };
    Some(Segment {
        family,
        flags: tcp[13],
        payload,
        bytes: total.saturating_sub(payload),
        seq: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
        source_port: u16::from_be_bytes([tcp[0], tcp[1]]),
        target_port: u16::from_be_bytes([tcp[2], tcp[3]]),
    })
}

#[inline(always)]
fn load<const N: usize>(skb: *mut __sk_buff, offset: u32, to: &mut [u8; N]) -> Option<()> {
    // SAFETY: the helper writes N bytes or none.
    let failed = unsafe {
        bpf_skb_load_bytes(
            skb as *const c_void,
            offset,
            to.as_mut_ptr() as *mut c_void,
            N as u32,
        )
    };
    if failed == 0 { Some(()) } else { None }
}

/// The connection of this packet; a new one only when its first bytes begin a head, TLS or HTTP/2.
#[inline(always)]
fn connection(
    skb: *mut __sk_buff,
    cookie: u64,
    segment: &Segment,
    direction: u8,
) -> Option<*mut Conn> {
    if let Some(conn) = CONN.get_ptr_mut(&cookie) {
        return Some(conn);
    }
    if segment.bytes == 0 {
        return None;
    }
    let mut first = [0u8; 4];
    let start = if segment.bytes >= 4 {
        load(skb, segment.payload, &mut first)?;
        start_of(u32::from_le_bytes(first), 4)
    } else {
        let mut byte = [0u8; 1];
        load(skb, segment.payload, &mut byte)?;
        start_of(byte[0] as u32, 1)
    };
    if start == Start::No {
        return None;
    }
    let _ = CONN.insert(&cookie, &UNKNOWN, BPF_NOEXIST as u64);
    let Some(place) = CONN.get_ptr_mut(&cookie) else {
        count(Counter::ConnFull);
        return None;
    };
    // SAFETY: a map value.
    fill(skb, unsafe { &mut *place }, segment, direction, start);
    Some(place)
}

#[inline(always)]
fn fill(skb: *mut __sk_buff, conn: &mut Conn, segment: &Segment, direction: u8, start: Start) {
    conn.family = segment.family;
    let own_first = direction == EGRESS;
    let (source, target) = if own_first {
        (conn.local.as_mut_ptr(), conn.remote.as_mut_ptr())
    } else {
        (conn.remote.as_mut_ptr(), conn.local.as_mut_ptr())
    };
    let (at, bytes) = if segment.family == 4 {
        (12, 4)
    } else {
        (8, 16)
    };
    // SAFETY: each address has 16 bytes; the header was read before, so these loads do not fail.
    unsafe {
        bpf_skb_load_bytes(skb as *const c_void, at, source as *mut c_void, bytes);
        bpf_skb_load_bytes(
            skb as *const c_void,
            at + bytes,
            target as *mut c_void,
            bytes,
        );
    }
    (conn.local_port, conn.remote_port) = if own_first {
        (segment.source_port, segment.target_port)
    } else {
        (segment.target_port, segment.source_port)
    };
    let unread = match start {
        Start::Tls => Some((TLS, Counter::Tls)),
        Start::Http2 => Some((HTTP2, Counter::Http2)),
        _ => None,
    };
    if let Some((protocol, counter)) = unread {
        conn.protocol = protocol;
        conn.dir[0].mode = Mode::OTHER;
        conn.dir[1].mode = Mode::OTHER;
        count(counter);
    }
}

/// What the loop's callback works with; all state that changes lies in map memory.
struct Steps {
    kernel: Kernel,
    walk: *mut Walk,
    conn: *mut Conn,
    dir: *mut Dir,
}

unsafe extern "C" fn one_step(_: u64, steps: *mut Steps) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the others are map values.
    let steps = unsafe { &mut *steps };
    // SAFETY: as above.
    let (walk, conn, dir) = unsafe { (&mut *steps.walk, &mut *steps.conn, &mut *steps.dir) };
    if step(&mut steps.kernel, walk, conn, dir) {
        0
    } else {
        1
    }
}

#[inline(always)]
fn walk(
    skb: *mut __sk_buff,
    cookie: u64,
    conn: &mut Conn,
    dir: *mut Dir,
    segment: &Segment,
    direction: u8,
) {
    let Some(scratch) = scratch() else {
        return count(Counter::Nested);
    };
    // SAFETY: map values.
    let (walk, dir) = unsafe { (&mut (*scratch).walk, &mut *dir) };
    let mut kernel = Kernel {
        skb,
        cookie,
        payload: segment.payload,
        scratch,
    };
    // SAFETY: a helper without arguments.
    walk.now_ns = unsafe { bpf_ktime_get_boot_ns() };
    walk.direction = direction;
    if segment.bytes > 0 && enter(&mut kernel, walk, conn, dir, segment.seq, segment.bytes) {
        let mut steps = Steps {
            kernel,
            walk,
            conn,
            dir,
        };
        let callback = one_step as *mut c_void;
        // SAFETY: the callback has the signature that the helper calls.
        let bound = steps_for(segment.bytes);
        unsafe { bpf_loop(bound, callback, &raw mut steps as *mut c_void, 0) };
        if walk.at < walk.end {
            count(Counter::Bound);
            dir.mode = Mode::UNKNOWN;
            dir.next = walk.end;
        }
    }
    let flags = Flags {
        fin: segment.flags & FIN != 0,
        reset: segment.flags & RST != 0,
    };
    let mut kernel = Kernel {
        skb,
        cookie,
        payload: segment.payload,
        scratch,
    };
    walk.leave(&mut kernel, conn, dir, flags);
    atomic::give(&raw mut walk.busy);
}

/// A free scratch place of this CPU: a softirq or another process may have interrupted one that is at work.
#[inline(always)]
fn scratch() -> Option<*mut Scratch> {
    let mut index = 0;
    while index < PLACES {
        let scratch = SCRATCH.get_ptr_mut(index)?;
        // SAFETY: a field of a map value.
        if atomic::take(unsafe { &raw mut (*scratch).walk.busy }) {
            return Some(scratch);
        }
        index += 1;
    }
    None
}
