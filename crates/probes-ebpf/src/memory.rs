//! Where the kernel sees memory: found once, while the agent begins, by a program that is attached for that alone.

use crate::buffer::{Fragment, field, fragment, memory_of, word};
use crate::maps::LAYOUT;
use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::{bpf_loop, bpf_probe_read_kernel};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use coral_probes_abi::records::{UNIX, layout};
use core::ffi::c_void;

#[btf_tracepoint(function = "consume_skb")]
pub fn coral_memory(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the context is an array of arguments; the first is the buffer.
    let buffer = unsafe { *(ctx.as_ptr() as *const *mut c_void) };
    if word(layout::MEMORY) == Some(0) {
        let _ = look(buffer);
    }
    0
}

/// Searches with a Unix socket's buffer that has pages.
#[inline(always)]
fn look(buffer: *mut c_void) -> Option<u64> {
    let socket: *mut c_void = field(buffer, layout::SKB_SOCK)?;
    if socket.is_null() || field::<u16>(socket, layout::SOCK_FAMILY)? != UNIX as u16 {
        return None;
    }
    if field::<u32>(buffer, layout::SKB_IN_PAGES)? == 0 {
        return None;
    }
    let (head, first) = fragment(buffer)?;
    search(head, &first)
}

/// Where the kernel sees memory is chosen at boot in steps of a gigabyte and told to nobody. The agent fills pages with a
/// number of its own; the step at which that number is found is the right one.
struct Search {
    /// The fragment's address at the step in the middle.
    middle: u64,
    magic: u64,
    found: u64,
}

/// Steps up and down from the memory that the buffer's other bytes are in.
const STEPS: u32 = 2_048;
const STEP: u64 = 1 << 30;

unsafe extern "C" fn one_place(index: u64, search: *mut Search) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the helper fails where there is no memory.
    let search = unsafe { &mut *search };
    let steps = index.wrapping_sub((STEPS / 2) as u64);
    let place = search.middle.wrapping_add(steps.wrapping_mul(STEP));
    // SAFETY: as above.
    let there = unsafe { bpf_probe_read_kernel(place as *const u64) };
    if there == Ok(search.magic) {
        search.found = place;
    }
    (search.found != 0) as i64
}

#[inline(always)]
fn search(head: u64, first: &Fragment) -> Option<u64> {
    let magic = word(layout::MAGIC)?;
    if magic == 0 {
        return None;
    }
    let mut search = Search {
        middle: (head & !(STEP - 1)) | (memory_of(first) & (STEP - 1)),
        magic,
        found: 0,
    };
    let callback = one_place as *mut c_void;
    // SAFETY: the callback has the signature that the helper calls.
    unsafe { bpf_loop(STEPS, callback, &raw mut search as *mut c_void, 0) };
    if search.found == 0 {
        return None;
    }
    let base = search.found.wrapping_sub(memory_of(first));
    let (low, high) = (
        LAYOUT.get_ptr_mut(layout::MEMORY)?,
        LAYOUT.get_ptr_mut(layout::MEMORY + 1)?,
    );
    // SAFETY: map values.
    unsafe {
        *low = base as u32;
        *high = (base >> 32) as u32;
    }
    Some(base)
}
