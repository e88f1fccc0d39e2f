//! Connections between Unix sockets, the second source of bytes of the same engine: what a reader has taken whole is seen
//! when its buffer is given back, once and in the order of the stream, whichever call read it. Nothing of a connection's
//! begin or end passes here; it is known from its first bytes on, and the agent looks which have ended.
//!
//! Of the bytes that lie in pages the first piece (up to 32 kB) can be read; a head beyond it is a loss that is counted.

use crate::buffer::{field, first_page};
use crate::maps::{CONN, Scratch, TALK, Taken, UNIX, count, give_back, scratch};
use crate::unix_env::Unix;
use crate::{atomic, env, series};
use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use aya_ebpf::helpers::{
    bpf_get_current_pid_tgid, bpf_ktime_get_boot_ns, bpf_loop, bpf_probe_read_kernel_buf,
};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use coral_probes_abi::http1::{
    Conn, Counter, Dir, Flags, Mode, Start, Walk, enter, start_of, step, steps_for,
};
use coral_probes_abi::looks::{LOOK_BYTES, looks_like, protocol};
use coral_probes_abi::records::{Talk, UNIX as AF_UNIX, UnixEnd, layout};
use core::ffi::c_void;

const SOCK_STREAM: u16 = 1;
const SERVER: u8 = 1;
const CALLER: u8 = 1;
const CALLEE: u8 = 2;
/// How far apart the bytes of a turn may be added to the series.
const FLUSH_NS: u64 = 1_000_000_000;

static NEW_CONN: Conn = Conn::EMPTY;
static NEW_TALK: Talk = Talk::EMPTY;

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

/// Whether it is what a stream's reader gives back.
#[inline(always)]
fn is_stream(buffer: *mut c_void) -> bool {
    let Some(socket) = field::<*mut c_void>(buffer, layout::SKB_SOCK) else {
        return false;
    };
    !socket.is_null()
        && field::<u16>(socket, layout::SOCK_FAMILY) == Some(AF_UNIX as u16)
        && field::<u16>(socket, layout::SOCK_TYPE) == Some(SOCK_STREAM)
}

/// Writes down what the buffer holds and whose it is; 0 when there is nothing to read. A call of its own whose result lies
/// in map memory: of all the ways through it the verifier keeps none.
#[inline(never)]
fn prepare(buffer: *mut c_void, scratch: *mut Scratch) -> u32 {
    // SAFETY: a map value of this program's own.
    let taken = unsafe { &mut (*scratch).taken };
    let Some(socket) = field::<*mut c_void>(buffer, layout::SKB_SOCK) else {
        return 0;
    };
    let bytes: u32 = field(buffer, layout::SKB_LEN).unwrap_or(0);
    let in_pages: u32 = field(buffer, layout::SKB_IN_PAGES).unwrap_or(0);
    if bytes == 0 {
        return 0;
    }
    taken.bytes = bytes;
    taken.linear = bytes.wrapping_sub(in_pages);
    taken.data = field(buffer, layout::SKB_DATA).unwrap_or(0);
    (taken.page, taken.in_page) = (0, 0);
    if in_pages != 0
        && let Some((page, in_page)) = first_page(buffer)
    {
        (taken.page, taken.in_page) = (page, in_page);
    }
    taken.socket = socket as u64;
    taken.key = connection(socket);
    (taken.key != 0) as u32
}

/// The socket's inode; 0 when its program has closed it.
#[inline(always)]
fn inode(socket: *mut c_void) -> u64 {
    match field::<*mut c_void>(socket, layout::SOCK_SOCKET) {
        Some(outer) if !outer.is_null() => field(outer, layout::SOCKET_INODE).unwrap_or(0),
        _ => 0,
    }
}

/// Under what the sender's connection is kept; 0 when it cannot be known any more.
#[inline(always)]
fn connection(socket: *mut c_void) -> u64 {
    let own = inode(socket);
    let address = socket as u64;
    if let Some(end) = UNIX.get_ptr(&address) {
        // SAFETY: a map value.
        let end = unsafe { *end };
        if own == 0 || own == end.inode {
            return end.key;
        }
        // The address belongs to another socket now; what was kept for the old one the agent finds and ends.
    }
    let peer: *mut c_void = match field(socket, layout::UNIX_PEER) {
        Some(peer) => peer,
        None => return 0,
    };
    if peer.is_null() {
        return 0;
    }
    let other = inode(peer);
    // No cookie has the highest bit, and no inode is used twice.
    let key = if own != 0 {
        own | 1 << 63
    } else {
        other | 3 << 62
    };
    if TALK.insert(&key, &NEW_TALK, BPF_ANY as u64).is_err() {
        return 0;
    }
    let (near, far) = (UnixEnd { key, inode: own }, UnixEnd { key, inode: other });
    let _ = UNIX.insert(&address, &near, 0);
    let _ = UNIX.insert(&(peer as u64), &far, 0);
    let Some(place) = TALK.get_ptr_mut(&key) else {
        return 0;
    };
    // SAFETY: a map value. Who speaks first is the caller.
    let talk = unsafe { &mut *place };
    talk.side = SERVER;
    talk.born = 1;
    talk.family = AF_UNIX;
    talk.opened_by = address;
    talk.tuple.local[..8].copy_from_slice(&other.to_ne_bytes());
    talk.tuple.remote[..8].copy_from_slice(&own.to_ne_bytes());
    // The reader is the server; its socket knows who connected.
    talk.netns = (bpf_get_current_pid_tgid() >> 32) as u32;
    talk.resent = match field::<*mut c_void>(peer, layout::SOCK_PEER_PID) {
        Some(pid) if !pid.is_null() => field(pid, layout::PID_NUMBER).unwrap_or(0),
        _ => 0,
    };
    key
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
    let mut turned = false;
    if from_caller {
        talk.seen[1] = talk.seen[1].wrapping_add(taken.bytes as u64);
        if talk.protocol == 0 {
            talk.protocol = protocol::UNIX;
        }
        if talk.series == 0 {
            place(talk, scratch);
        }
        if talk.turn_ns == 0 {
            talk.turn_ns = now_ns;
        }
        talk.spoke = CALLER;
    } else {
        talk.seen[0] = talk.seen[0].wrapping_add(taken.bytes as u64);
        if talk.spoke == CALLER && talk.turn_ns != 0 && talk.series != 0 {
            env::count_duration(talk.series, 0, now_ns.wrapping_sub(talk.turn_ns));
            turned = true;
        }
        talk.turn_ns = 0;
        talk.spoke = CALLEE;
        series::name_caller(talk.series);
    }
    let late = now_ns.wrapping_sub(talk.flushed_ns) > FLUSH_NS;
    if talk.series != 0 && (turned || late) {
        talk.flushed_ns = now_ns;
        crate::talk::flush(talk, 0);
    }
    atomic::give(&raw mut talk.busy);
}

#[inline(always)]
fn place(talk: &mut Talk, scratch: *mut Scratch) {
    talk.series = series::of_unix(scratch, talk, talk.protocol);
    if talk.series != 0 {
        crate::talk::flush(talk, 1);
    }
}
