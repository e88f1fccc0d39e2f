//! The kernel's buffers (`sk_buff`): their fields, and the memory of their pages.

use crate::maps::LAYOUT;
use aya_ebpf::helpers::bpf_probe_read_kernel;
use coral_probes_abi::records::layout;
use core::ffi::c_void;

/// A field of a kernel structure; `None` where this kernel has none or the memory is not there.
#[inline(always)]
pub fn field<T>(of: *mut c_void, which: u32) -> Option<T> {
    // SAFETY: a map value; the helper reads kernel memory and fails where there is none.
    unsafe {
        let offset = *LAYOUT.get_ptr(which)?;
        if offset == 0 {
            return None;
        }
        bpf_probe_read_kernel(of.byte_add(offset as usize) as *const T).ok()
    }
}

/// `skb_frag_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Fragment {
    pub page: u64,
    pub bytes: u32,
    pub offset: u32,
}

/// A buffer's own memory, and the first piece of its pages.
#[inline(always)]
pub fn fragment(buffer: *mut c_void) -> Option<(u64, Fragment)> {
    let head: *mut c_void = field(buffer, layout::SKB_HEAD)?;
    let end: u32 = field(buffer, layout::SKB_END)?;
    // SAFETY: an address that is only read by a helper that checks it.
    let shared = unsafe { head.byte_add(end as usize) };
    Some((head as u64, field(shared, layout::FRAGMENTS)?))
}

/// Where the first piece of a buffer's pages can be read, and its length.
#[inline(always)]
pub fn first_page(buffer: *mut c_void) -> Option<(u64, u32)> {
    let (_, first) = fragment(buffer)?;
    let base = word(layout::MEMORY)?;
    if base == 0 {
        return None;
    }
    let address = memory_of(&first).wrapping_add(base);
    Some((address, first.bytes))
}

/// The address of a fragment's memory less what [`layout::MEMORY`] holds: page structures have 64 bytes and pages 4096
/// (include/asm-generic/memory_model.h), so both grow alike.
#[inline(always)]
pub fn memory_of(first: &Fragment) -> u64 {
    (first.page << 6).wrapping_add(first.offset as u64)
}

/// A word of the layout.
#[inline(always)]
pub fn word(which: u32) -> Option<u64> {
    // SAFETY: map values.
    unsafe { Some((*LAYOUT.get_ptr(which + 1)? as u64) << 32 | *LAYOUT.get_ptr(which)? as u64) }
}
