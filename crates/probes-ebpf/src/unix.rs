//! Connections between Unix sockets, the second source of bytes of the same engine: what a reader has taken whole is seen
//! when its buffer is given back, once and in the order of the stream, whichever call read it. Nothing of a connection's
//! begin or end passes here; it is known from its first bytes on, and the agent looks which have ended.
//!
//! Of the bytes that lie in pages the first piece (up to 32 kB) can be read; a head beyond it is a loss that is counted.

use crate::maps::{CONN, Scratch, TALK, Taken, count, give_back, scratch};
use crate::taken::{is_stream, prepare};
use crate::talk::{flush, flush_when_due, turn};
use crate::unix_env::Unix;
use crate::{atomic, series};
use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::{bpf_ktime_get_boot_ns, bpf_loop, bpf_probe_read_kernel_buf};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use coral_probes_abi::http1::{
    Conn, Counter, Dir, Flags, Mode, Start, Walk, enter, start_of, step, steps_for,
};
use coral_probes_abi::looks::{LOOK_BYTES, looks_like, protocol};
use coral_probes_abi::records::{Talk, UNIX as AF_UNIX};
use core::ffi::c_void;

static NEW_CONN: Conn = Conn::EMPTY;

#[btf_tracepoint(function = "consume_skb")]
pub fn coral_unix(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the context is an array of arguments; the first is the buffer.
    let buffer = unsafe { *(ctx.as_ptr() as *const *mut c_void) };
    if is_stream(buffer)
        && let Some(scratch) = scratch()
    {
        if prepare(buffer, scratch) != 0 {
            read(scratch);
        }
        give_back(scratch);
    }
    0
}

#[inline(always)]
fn read(scratch: *mut Scratch) {
    // SAFETY: a map value of this program's own.
    let taken = unsafe { &(*scratch).taken };
    let key = taken.key;
    let Some(place) = TALK.get_ptr_mut(&key) else {
        return;
    };
    // SAFETY: a map value.
    let talk = unsafe { &mut *place };
    // Seen from the server: what the caller sent comes in.
    let direction = (talk.opened_by == taken.socket) as u8;
    if let Some(conn) = http1(key, scratch, talk) {
        if direction == 0 {
            // SAFETY: a field of a map value.
            series::name_caller(unsafe { (*conn).series });
        }
        walk(key, conn, direction, scratch);
    } else {
        converse(talk, direction, scratch);
    }
}

/// The first bytes, as many as there are of sixteen, eight or four.
#[inline(always)]
fn look(taken: &Taken, first: &mut [u8; LOOK_BYTES]) {
    let (from, there) = if taken.linear > 0 {
        (taken.data, taken.linear)
    } else {
        (taken.page, taken.in_page)
    };
    let from = from as *const u8;
    // SAFETY: the helper reads kernel memory and fails where there is none.
    unsafe {
        if there as usize >= LOOK_BYTES {
            let _ = bpf_probe_read_kernel_buf(from, first);
        } else if there >= 8 {
            let _ = bpf_probe_read_kernel_buf(from, &mut first[..8]);
        } else if there >= 4 {
            let _ = bpf_probe_read_kernel_buf(from, &mut first[..4]);
        }
    }
}

/// The connection's state in the engine, when requests pass on it.
#[inline(always)]
fn http1(key: u64, scratch: *mut Scratch, talk: &Talk) -> Option<*mut Conn> {
    if let Some(conn) = CONN.get_ptr_mut(&key) {
        return Some(conn);
    }
    // SAFETY: a map value of this program's own.
    let taken = unsafe { &(*scratch).taken };
    if !matches!(talk.protocol, 0 | protocol::UNIX) || taken.bytes < 4 {
        return None;
    }
    let mut first = [0u8; LOOK_BYTES];
    look(taken, &mut first);
    let start = u32::from_le_bytes([first[0], first[1], first[2], first[3]]);
    if start_of(start, 4) != Start::Request {
        return None;
    }
    let _ = CONN.insert(&key, &NEW_CONN, BPF_NOEXIST as u64);
    let Some(place) = CONN.get_ptr_mut(&key) else {
        count(Counter::ConnFull);
        return None;
    };
    // SAFETY: a map value.
    let conn = unsafe { &mut *place };
    conn.family = AF_UNIX;
    conn.born = 1;
    conn.queue = key;
    conn.local = talk.tuple.local;
    conn.remote = talk.tuple.remote;
    Some(place)
}

struct Steps {
    unix: Unix,
    walk: *mut Walk,
    conn: *mut Conn,
    dir: *mut Dir,
}

unsafe extern "C" fn one_step(_: u64, steps: *mut Steps) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the others are map values.
    let steps = unsafe { &mut *steps };
    // SAFETY: as above.
    let (walk, conn, dir) = unsafe { (&mut *steps.walk, &mut *steps.conn, &mut *steps.dir) };
    if step(&mut steps.unix, walk, conn, dir) {
        0
    } else {
        1
    }
}

#[inline(always)]
fn walk(key: u64, conn: *mut Conn, direction: u8, scratch: *mut Scratch) {
    // SAFETY: map values.
    let (conn, walk, bytes) = unsafe { (&mut *conn, &mut (*scratch).walk, (*scratch).taken.bytes) };
    let dir = if direction == 0 {
        &raw mut conn.dir[0]
    } else {
        &raw mut conn.dir[1]
    };
    // SAFETY: a field of a map value.
    let dir = unsafe { &mut *dir };
    if !atomic::take(&raw mut dir.busy) {
        return count(Counter::Met);
    }
    let mut steps = Steps {
        unix: Unix { key, scratch },
        walk,
        conn,
        dir,
    };
    // SAFETY: a helper without arguments.
    walk.now_ns = unsafe { bpf_ktime_get_boot_ns() };
    walk.direction = direction;
    // There are no sequence numbers, and nothing comes twice or out of order.
    let seq = dir.seen as u32;
    if enter(&mut steps.unix, walk, conn, dir, seq, bytes) {
        let callback = one_step as *mut c_void;
        let bound = steps_for(bytes);
        // SAFETY: the callback has the signature that the helper calls.
        unsafe { bpf_loop(bound, callback, &raw mut steps as *mut c_void, 0) };
        if walk.at < walk.end {
            count(Counter::Bound);
            dir.mode = Mode::UNKNOWN;
            dir.next = walk.end;
        }
    }
    walk.leave(&mut steps.unix, conn, dir, Flags::default());
    atomic::give(&raw mut dir.busy);
}

/// Bytes and turns of what is not read. A call of its own: its part of the stack is not the engine's.
#[inline(never)]
fn converse(talk: &mut Talk, direction: u8, scratch: *mut Scratch) {
    if !atomic::take(&raw mut talk.busy) {
        return;
    }
    // SAFETY: a map value of this program's own.
    let taken = unsafe { &(*scratch).taken };
    let mut first = [0u8; LOOK_BYTES];
    look(taken, &mut first);
    // SAFETY: a helper without arguments.
    let now_ns = unsafe { bpf_ktime_get_boot_ns() };
    let from_caller = direction == 1;
    if talk.protocol == 0 {
        talk.protocol = looks_like(&first, taken.bytes, from_caller);
    }
    let way = if from_caller { 1 } else { 0 };
    talk.seen[way] = talk.seen[way].wrapping_add(taken.bytes as u64);
    if from_caller {
        if talk.protocol == 0 {
            talk.protocol = protocol::UNIX;
        }
        if talk.series == 0 {
            place(talk, scratch);
        }
    } else {
        series::name_caller(talk.series);
    }
    let turned = turn(talk, from_caller, now_ns);
    flush_when_due(talk, turned, now_ns);
    atomic::give(&raw mut talk.busy);
}

#[inline(always)]
fn place(talk: &mut Talk, scratch: *mut Scratch) {
    talk.series = series::of_unix(scratch, talk, talk.protocol);
    if talk.series != 0 {
        flush(talk, 1);
    }
}
