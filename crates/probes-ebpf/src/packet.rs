//! Requests from the packets of every socket below the root control group. Both programs always let the packet pass: the
//! exit code is written once, in the two entry points.

use crate::env::Kernel;
use crate::maps::{PLACES, SCRATCH, Scratch, count};
use crate::segment::{EGRESS, FIN, INGRESS, RST, SYN, Segment, segment};
use crate::{atomic, connection};
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::{bpf_get_socket_cookie, bpf_ktime_get_boot_ns, bpf_loop};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use coral_probes_abi::http1::{Conn, Counter, Dir, Flags, Mode, Walk, enter, step, steps_for};
use core::ffi::c_void;

const PASS: i32 = 1;

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
        let conn = unsafe { &mut *conn };
        let dir = if direction == EGRESS {
            &raw mut conn.dir[0]
        } else {
            &raw mut conn.dir[1]
        };
        // SAFETY: a field of a map value.
        let busy = unsafe { &raw mut (*dir).busy };
        // Two packets of one direction at once: this one is left out; if a head was due, the next one finds the gap.
        if atomic::take(busy) {
            walk(skb, cookie, conn, dir, &segment, direction, scratch);
            atomic::give(busy);
        }
    }
    // SAFETY: a field of a map value.
    atomic::give(unsafe { &raw mut (*scratch).walk.busy });
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
