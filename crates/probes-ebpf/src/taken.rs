//! What the reader of a Unix socket has taken, and the connection that it belongs to.

use crate::buffer::{field, first_page};
use crate::maps::{Scratch, TALK, UNIX};
use aya_ebpf::bindings::BPF_ANY;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use coral_probes_abi::records::side::SERVER;
use coral_probes_abi::records::{Talk, UNIX as AF_UNIX, UnixEnd, layout};
use core::ffi::c_void;

const SOCK_STREAM: u16 = 1;

static NEW_TALK: Talk = Talk::EMPTY;

/// Whether it is what a stream's reader gives back.
#[inline(always)]
pub fn is_stream(buffer: *mut c_void) -> bool {
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
pub fn prepare(buffer: *mut c_void, scratch: *mut Scratch) -> u32 {
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
    talk.server_tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    talk.caller_tgid = match field::<*mut c_void>(peer, layout::SOCK_PEER_PID) {
        Some(pid) if !pid.is_null() => field(pid, layout::PID_NUMBER).unwrap_or(0),
        _ => 0,
    };
    key
}
