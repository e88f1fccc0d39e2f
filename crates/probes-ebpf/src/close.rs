//! The end of a connection: what is still in flight ends with it, and its places are given back.

use crate::env::{Kernel, flush_traffic};
use crate::maps::{CONN, OWNER, TUPLE};
use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::{bpf_get_socket_cookie, bpf_ktime_get_boot_ns, bpf_loop};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use coral_probes_abi::http1::{Conn, close};
use coral_probes_abi::records::Tuple;
use core::ffi::c_void;

const TCP_CLOSE: u32 = 7;
const CLIENT: u8 = 2;
/// More than a connection can have in flight: the queue's own size.
const AT_MOST: u32 = 65_536;

struct Closing {
    kernel: Kernel,
    conn: *mut Conn,
    now_ns: u64,
}

unsafe extern "C" fn one_request(_: u64, closing: *mut Closing) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; `conn` is a map value.
    let closing = unsafe { &mut *closing };
    // SAFETY: as above.
    let conn = unsafe { &mut *closing.conn };
    if close(&mut closing.kernel, conn, closing.now_ns) {
        0
    } else {
        1
    }
}

#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn coral_close(ctx: BtfTracePointContext) -> i32 {
    // The tracepoint's arguments are (sk, old state, new state).
    let state: u32 = ctx.arg(2);
    if state == TCP_CLOSE {
        closed(&ctx);
    }
    0
}

#[inline(always)]
fn closed(ctx: &BtfTracePointContext) {
    // SAFETY: the context is an array of arguments; the first is the socket.
    let socket = unsafe { *(ctx.as_ptr() as *const *mut c_void) };
    // SAFETY: the helper takes a socket in tracing programs.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    let _ = OWNER.remove(&cookie);
    let Some(place) = CONN.get_ptr_mut(&cookie) else {
        return;
    };
    // SAFETY: a map value.
    let conn = unsafe { &mut *place };
    if conn.in_flight() > 0 {
        // SAFETY: a helper without arguments.
        let now_ns = unsafe { bpf_ktime_get_boot_ns() };
        let kernel = Kernel {
            skb: core::ptr::null_mut(),
            cookie,
            queue: conn.queue,
            payload: 0,
            scratch: core::ptr::null_mut(),
        };
        let mut closing = Closing {
            kernel,
            conn: place,
            now_ns,
        };
        let callback = one_request as *mut c_void;
        // SAFETY: the callback has the signature that the helper calls.
        unsafe { bpf_loop(AT_MOST, callback, &raw mut closing as *mut c_void, 0) };
    }
    if conn.series != 0 {
        flush_traffic(conn, 0);
    }
    if conn.side == CLIENT {
        let own = Tuple {
            local: conn.local,
            remote: conn.remote,
            local_port: conn.local_port,
            remote_port: conn.remote_port,
            unused: 0,
        };
        let _ = TUPLE.remove(&own);
    }
    let _ = CONN.remove(&cookie);
}
