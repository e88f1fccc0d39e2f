//! What the framing engine asks of its surroundings where bytes come from Unix sockets.

use crate::env::{self, flush_traffic, queue};
use crate::maps::{Scratch, TALK, count};
use crate::series;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use coral_probes_abi::bounded;
use coral_probes_abi::http1::{Conn, Counter, Ended, Env, Request, Walk};

/// A connection's key; the buffer is in the scratch place.
pub struct Unix {
    pub key: u64,
    pub scratch: *mut Scratch,
}

/// Copies 1 to 512 bytes of kernel memory; the bound must be seen by the verifier.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, bytes: u32) -> bool {
    let bytes = bounded::<511>((bytes as u64).wrapping_sub(1)) as u32 + 1;
    // SAFETY: the caller's; the helper fails where there is no memory.
    unsafe { bpf_probe_read_kernel(to as *mut _, bytes, from as *const _) == 0 }
}

impl Env for Unix {
    #[inline(always)]
    fn load(&mut self, walk: &mut Walk, offset: u32, bytes: u32) -> bool {
        let to = walk.window.as_mut_ptr();
        // SAFETY: a map value; addresses that are only read by a helper that checks them; the window holds more than 512
        // bytes.
        unsafe {
            let taken = &(*self.scratch).taken;
            let (data, page) = (taken.data as *const u8, taken.page as *const u8);
            if offset.wrapping_add(bytes) <= taken.linear {
                return copy(to, data.add(offset as usize), bytes);
            }
            if offset >= taken.linear {
                let at = offset.wrapping_sub(taken.linear);
                return at.wrapping_add(bytes) <= taken.in_page
                    && copy(to, page.add(at as usize), bytes);
            }
            let near = bounded::<511>(taken.linear.wrapping_sub(offset) as u64) as u32;
            let far = bytes.wrapping_sub(near);
            // What lies behind the window in the scratch place takes what the verifier fears.
            near != 0
                && far <= taken.in_page
                && copy(to, data.add(offset as usize), near)
                && copy(to.add(near as usize), page, far)
        }
    }

    #[inline(always)]
    fn spare(&mut self) -> *mut Request {
        // SAFETY: a map value.
        unsafe { &raw mut (*self.scratch).request }
    }

    #[inline(always)]
    fn overflow_put(&mut self, request: &Request) -> bool {
        queue::put(self.key, request)
    }

    #[inline(always)]
    fn overflow_get(&mut self, index: u32) -> *const Request {
        queue::get(self.key, index)
    }

    #[inline(always)]
    fn overflow_drop(&mut self, index: u32) {
        queue::forget(self.key, index);
    }

    #[inline(always)]
    fn began(&mut self, conn: &mut Conn) {
        let series = match TALK.get_ptr(&self.key) {
            // SAFETY: a map value.
            Some(talk) => series::of_unix(self.scratch, unsafe { &*talk }, conn.protocol),
            None => 0,
        };
        conn.series = series;
        flush_traffic(conn, 1);
    }

    #[inline(always)]
    fn ended(&mut self, conn: &mut Conn, request: &Request, ended: &Ended) {
        env::unix_request_ended(conn, request, ended);
    }

    #[inline(always)]
    fn count(&mut self, counter: Counter) {
        count(counter);
    }
}
