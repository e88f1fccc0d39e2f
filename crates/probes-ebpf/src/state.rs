//! Begin and end of connections, from the kernel's own changes of state: which side an end is on, in which network
//! namespace, what could not be opened; at the end what is still in flight ends too, and places are given back.

use crate::env::{Kernel, flush_traffic, traffic_of};
use crate::maps::{CONN, LAYOUT, OWNER, Scratch, TALK, TUPLE, count, give_back, scratch};
use crate::{atomic, series, talk};
use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::BPF_ANY;
use aya_ebpf::helpers::{
    bpf_get_socket_cookie, bpf_ktime_get_boot_ns, bpf_loop, bpf_probe_read_kernel,
};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use coral_probes_abi::http1::{Conn, Counter, close};
use coral_probes_abi::looks::protocol;
use coral_probes_abi::records::side::{CLIENT, SERVER};
use coral_probes_abi::records::{Talk, Tuple, layout};
use core::ffi::c_void;

/// `enum` of include/net/tcp_states.h.
const ESTABLISHED: u32 = 1;
const SYN_SENT: u32 = 2;
const SYN_RECV: u32 = 3;
const CLOSE: u32 = 7;
const LISTEN: u32 = 10;
/// More than a connection can have in flight: the queue's own size.
const AT_MOST: u32 = 65_536;

static NEW: Talk = Talk::EMPTY;

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
pub fn coral_state(ctx: BtfTracePointContext) -> i32 {
    // The tracepoint's arguments are (sk, old state, new state).
    let (old, new): (u32, u32) = (ctx.arg(1), ctx.arg(2));
    // SAFETY: the context is an array of arguments; the first is the socket.
    let socket = unsafe { *(ctx.as_ptr() as *const *mut c_void) };
    match new {
        ESTABLISHED if old == SYN_SENT => begun(socket, CLIENT),
        ESTABLISHED if old == SYN_RECV => begun(socket, SERVER),
        LISTEN => begun(socket, SERVER),
        CLOSE => ended(socket, old),
        _ => {}
    }
    0
}

/// A connection's handshake is over, or a socket listens.
#[inline(always)]
fn begun(socket: *mut c_void, side: u8) {
    // SAFETY: the helper takes a socket in tracing programs.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    if TALK.insert(&cookie, &NEW, BPF_ANY as u64).is_err() {
        return count(Counter::ConnFull);
    }
    let Some(place) = TALK.get_ptr_mut(&cookie) else {
        return;
    };
    let netns = namespace(socket);
    // SAFETY: fields of a map value.
    unsafe {
        (*place).side = side;
        (*place).born = 1;
        (*place).netns = netns;
    }
}

/// The number of the socket's network namespace; 0 when it cannot be read.
#[inline(always)]
fn namespace(socket: *mut c_void) -> u32 {
    let (Some(to_net), Some(to_number)) = (offset(layout::SOCK_NET), offset(layout::NET_INUM))
    else {
        return 0;
    };
    // SAFETY: the helper reads kernel memory and fails where there is none.
    unsafe {
        let net = bpf_probe_read_kernel(socket.byte_add(to_net) as *const *mut c_void);
        let number =
            net.and_then(|net| bpf_probe_read_kernel(net.byte_add(to_number) as *const u32));
        number.unwrap_or(0)
    }
}

#[inline(always)]
fn offset(which: u32) -> Option<usize> {
    // SAFETY: a map value.
    match LAYOUT.get_ptr(which).map(|place| unsafe { *place }) {
        None | Some(0) => None,
        Some(offset) => Some(offset as usize),
    }
}

#[inline(always)]
fn ended(socket: *mut c_void, old: u32) {
    // SAFETY: the helper takes a socket in tracing programs.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    if let Some(scratch) = scratch() {
        if old == SYN_SENT {
            failed(socket, cookie, scratch);
        }
        talk_ended(cookie, scratch);
        give_back(scratch);
    } else {
        count(Counter::Nested);
    }
    let _ = OWNER.remove(&cookie);
    if let Some(conn) = CONN.get_ptr_mut(&cookie) {
        // SAFETY: a map value.
        conn_ended(cookie, unsafe { &mut *conn });
    }
}

/// The connection could not be made: refused, unreachable or timed out. One that its program gave up has no error.
#[inline(always)]
fn failed(socket: *mut c_void, cookie: u64, scratch: *mut Scratch) {
    let Some(to_error) = offset(layout::SOCK_ERR) else {
        return;
    };
    // SAFETY: as in `namespace`.
    let error = unsafe { bpf_probe_read_kernel(socket.byte_add(to_error) as *const i32) };
    let Some(owner) = OWNER.get_ptr(&cookie) else {
        return;
    };
    if error.unwrap_or(0) == 0 {
        return;
    }
    // SAFETY: map values.
    let (info, tuple, owner) = unsafe { (&mut (*scratch).info, &mut (*scratch).tuple, &*owner) };
    tuple.local = [0; 16];
    tuple.remote = owner.remote;
    tuple.local_port = 0;
    tuple.remote_port = owner.remote_port;
    tuple.unused = 0;
    info.side = CLIENT;
    info.family = owner.family;
    info.protocol = protocol::OTHER;
    info.netns = 0;
    // A pair that is no packet's: nobody is to find this end.
    let series = series::described(scratch, cookie, u64::MAX);
    if let Some(traffic) = traffic_of(series) {
        // SAFETY: a field of a map value.
        atomic::add(unsafe { &raw mut (*traffic).failures }, 1);
    }
}

/// Adds what a conversation still had, and forgets it.
#[inline(never)]
fn talk_ended(cookie: u64, scratch: *mut Scratch) {
    let Some(place) = TALK.get_ptr_mut(&cookie) else {
        return;
    };
    // SAFETY: a map value.
    let known = unsafe { &mut *place };
    let http1 = CONN
        .get_ptr(&cookie)
        // SAFETY: a map value.
        .is_some_and(|conn| unsafe { (*conn).series } != 0);
    if known.series != 0 {
        talk::flush(known, 0);
    } else if known.family != 0 && !http1 {
        // One end alone spoke, or little.
        if known.protocol == 0 {
            known.protocol = protocol::OTHER;
        }
        talk::place(known, cookie, 0, scratch);
    }
    if known.side == CLIENT && known.born == 0 {
        let _ = TUPLE.remove(&known.tuple);
    }
    let _ = TALK.remove(&cookie);
}

#[inline(always)]
fn conn_ended(cookie: u64, conn: &mut Conn) {
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
            conn,
            now_ns,
        };
        let callback = one_request as *mut c_void;
        // SAFETY: the callback has the signature that the helper calls.
        unsafe { bpf_loop(AT_MOST, callback, &raw mut closing as *mut c_void, 0) };
    }
    if conn.series != 0 {
        flush_traffic(conn, 0);
    }
    if conn.side == CLIENT && conn.pair == 0 {
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
