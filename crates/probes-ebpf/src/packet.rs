//! Requests from the packets of every socket below the root control group. Both programs always let the packet pass: the
//! exit code is written once, in the two entry points.

use crate::env::Kernel;
use crate::maps::{Scratch, count, give_back, scratch};
use crate::segment::{EGRESS, FIN, INGRESS, RST, SYN, Segment, segment};
use crate::{atomic, connection, talk};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::{bpf_get_socket_cookie, bpf_ktime_get_boot_ns, bpf_loop};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use coral_probes_abi::http1::{Conn, Counter, Dir, Flags, Mode, Walk, enter, step, steps_for};
use core::ffi::c_void;

const PASS: i32 = 1;
/// How often a flag is tried that another CPU has.
const TRIES: u32 = 1_024;

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

#[inline(always)]
fn packet(skb: *mut __sk_buff, direction: u8) {
    let Some(segment) = segment(skb) else { return };
    if segment.flags & SYN != 0 || (segment.bytes == 0 && segment.flags & (FIN | RST) == 0) {
        return;
    }
    let Some(scratch) = scratch() else {
        return count(Counter::Nested);
    };
    // SAFETY: the helper takes the program's context.
    let cookie = unsafe { bpf_get_socket_cookie(skb as *mut c_void) };
    let conn = connection::of(skb, cookie, &segment, direction, scratch);
    if !conn.is_null() {
        // SAFETY: a map value; both directions may work on it at once and touch fields of their own.
        let known = unsafe { &mut *conn };
        let dir = if direction == EGRESS {
            &raw mut known.dir[0]
        } else {
            &raw mut known.dir[1]
        };
        // SAFETY: a field of a map value.
        let busy = unsafe { &raw mut (*dir).busy };
        // Packets of one direction may come in on two CPUs at once, when some were lost and are sent again.
        if atomic::take(busy) || wait_for(busy) {
            walk(skb, cookie, known, dir, &segment, direction, scratch);
            atomic::give(busy);
        } else {
            // If a head was due, the next packet finds the gap.
            count(Counter::Met);
        }
    }
    if conn.is_null() || !is_http1(conn) {
        talk::packet(skb, cookie, &segment, direction, scratch);
    }
    give_back(scratch);
}

/// Takes a flag that another CPU has, within some ten microseconds.
#[inline(always)]
fn wait_for(busy: *mut u64) -> bool {
    let mut wait = Wait { busy, taken: false };
    let callback = one_try as *mut c_void;
    // SAFETY: the callback has the signature that the helper calls.
    unsafe { bpf_loop(TRIES, callback, &raw mut wait as *mut c_void, 0) };
    wait.taken
}

/// A flag that is waited for.
struct Wait {
    busy: *mut u64,
    taken: bool,
}

unsafe extern "C" fn one_try(_: u64, wait: *mut Wait) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; `busy` is a field of a map value.
    let wait = unsafe { &mut *wait };
    wait.taken = atomic::take(wait.busy);
    wait.taken as i64
}

/// Whether the connection has had a request: until then it is a conversation like any other.
#[inline(always)]
fn is_http1(conn: *mut Conn) -> bool {
    // SAFETY: a field of a map value.
    unsafe { (*conn).series != 0 || (*conn).in_flight() != 0 || (*conn).pushed != 0 }
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
    scratch: *mut Scratch,
) {
    // SAFETY: map values.
    let (walk, dir) = unsafe { (&mut (*scratch).walk, &mut *dir) };
    let queue = conn.queue;
    let kernel = Kernel {
        skb,
        cookie,
        queue,
        payload: segment.payload,
        scratch,
    };
    // One copy: the stack has 512 bytes for all calls together.
    let mut steps = Steps {
        kernel,
        walk,
        conn,
        dir,
    };
    // SAFETY: a helper without arguments.
    walk.now_ns = unsafe { bpf_ktime_get_boot_ns() };
    walk.direction = direction;
    let kernel = &mut steps.kernel;
    if segment.bytes > 0 && enter(kernel, walk, conn, dir, segment.seq, segment.bytes) {
        let callback = one_step as *mut c_void;
        let bound = steps_for(segment.bytes);
        // SAFETY: the callback has the signature that the helper calls.
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
    walk.leave(&mut steps.kernel, conn, dir, flags);
}
