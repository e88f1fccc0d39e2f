//! Calls of probed functions: where one begins and where one ends. Exact counts, a histogram of durations and the ways of
//! calls stay in maps; single calls go through the ring while their budget lasts.

use crate::atomic;
use crate::call_end;
use crate::call_maps::{HITS, NO_THREAD, PROBED, PROBES, SESSIONS, THREADS};
use crate::call_single;
use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{BPF_NOEXIST, pt_regs};
use aya_ebpf::helpers::generated::{bpf_get_attach_cookie, bpf_ktime_get_boot_ns};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_loop, bpf_probe_read_user};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use coral_probes_abi::bounded;
use coral_probes_abi::calls::{
    Cookie, DEPTH, Hits, Open, Probe, Session, Thread, ThreadKey, at, end, open,
};
use coral_probes_abi::profile::target;
use core::ffi::c_void;

/// Carry and zero flag.
const BELOW: u64 = 1 | 1 << 6;
/// `g.stack.hi`, runtime/runtime2.go.
const STACK_END: u64 = 8;
const DEPTH_MASK: i32 = DEPTH as i32 - 1;
const TENTH_NS: u64 = 100_000_000;

/// A hit, and what is known of it.
pub struct Hit {
    /// The registers where it hit.
    pub regs: *mut pt_regs,
    pub context: *mut c_void,
    pub probe: *mut Probe,
    pub hits: *mut Hits,
    pub session: *mut Session,
    pub index: u32,
    pub key: ThreadKey,
    pub tid: u32,
    pub now_ns: u64,
    /// Where the return address lies, as [`Open::base`].
    pub base: i64,
    /// The same as an address.
    pub base_address: u64,
    /// Something is given back where it hit.
    pub gives: bool,
}

#[uprobe]
pub fn coral_call(ctx: ProbeContext) -> u32 {
    // SAFETY: a helper that takes the context.
    let cookie = Cookie::unpack(unsafe { bpf_get_attach_cookie(ctx.as_ptr()) });
    // SAFETY: the context of this kind of program.
    let flags = unsafe { (*ctx.regs).eflags };
    if cookie.at & at::UNLESS_BELOW != 0 && flags & BELOW != 0 {
        return 0;
    }
    let is_end = cookie.at & at::EXIT != 0;
    if let Some(mut hit) = admitted(&ctx, &cookie, is_end) {
        if is_end {
            call_end::end(&mut hit);
        } else {
            begin(&mut hit);
        }
    }
    0
}

/// The hit, when its session is about this process and there have not been too many.
#[inline(always)]
fn admitted(ctx: &ProbeContext, cookie: &Cookie, is_end: bool) -> Option<Hit> {
    let index = cookie.probe as u32;
    let (probe, hits) = (PROBES.get_ptr_mut(index)?, HITS.get_ptr_mut(index)?);
    // SAFETY: map values, and fields of this program's context.
    unsafe {
        let (pid_tgid, number) = (bpf_get_current_pid_tgid(), (*probe).number);
        let tgid = (pid_tgid >> 32) as u32;
        if PROBED.get(&target(number, tgid)).is_none() {
            atomic::add(&raw mut (*hits).foreign, 1);
            return None;
        }
        let session = SESSIONS.get_ptr_mut((*probe).session)?;
        let now_ns = bpf_ktime_get_boot_ns();
        if !is_within(session, now_ns) {
            return None;
        }
        if !is_end {
            atomic::add(&raw mut (*hits).hits, 1);
        }
        let regs = ctx.regs;
        let base_address = (*regs).rsp.wrapping_add(cookie.to_base as i64 as u64);
        let (mut thread, mut base) = (pid_tgid & 0xffff_ffff, base_address as i64);
        if (*probe).is_go == 1 {
            thread = (*regs).r14;
            let end = bpf_probe_read_user(thread.wrapping_add(STACK_END) as *const u64).ok()?;
            base = base_address.wrapping_sub(end) as i64;
        }
        Some(Hit {
            regs,
            context: ctx.as_ptr(),
            probe,
            hits,
            session,
            index,
            key: ThreadKey {
                thread,
                tgid,
                number,
            },
            tid: pid_tgid as u32,
            now_ns,
            base,
            base_address,
            gives: cookie.at & at::PASSED_ON == 0,
        })
    }
}

/// Counts a hit of a session; false when there were too many, from then on.
#[inline(always)]
fn is_within(session: *mut Session, now_ns: u64) -> bool {
    // SAFETY: a map value; when two processors begin a tenth together, some hits of it are not counted.
    unsafe {
        if (*session).is_off != 0 {
            return false;
        }
        let tenth = now_ns / TENTH_NS;
        if (*session).tenth != tenth {
            (*session).tenth = tenth;
            (*session).hits = 0;
        }
        atomic::add(&raw mut (*session).hits, 1);
        if (*session).hits > (*session).hits_max {
            (*session).is_off = 1;
        }
    }
    true
}

#[inline(always)]
fn begin(hit: &mut Hit) {
    let matches = call_single::fits(hit, 0);
    // SAFETY: a map value.
    if unsafe { (*hit.probe).end } == end::UNSEEN {
        if matches {
            // SAFETY: as above.
            unsafe { atomic::add(&raw mut (*hit.hits).matched, 1) };
            call_single::tell_begun(hit);
        }
        return;
    }
    let Some(thread) = thread_of(&hit.key) else {
        // SAFETY: as above.
        return unsafe { atomic::add(&raw mut (*hit.hits).unreturned, 1) };
    };
    // Calls that were left by a jump or an exception lie below this one, or where it is.
    leave(thread, hit.base, true);
    push(hit, thread, matches);
}

/// The calls that a thread is in.
#[inline(always)]
fn thread_of(key: &ThreadKey) -> Option<*mut Thread> {
    THREADS.get_ptr_mut(key).or_else(|| {
        let none = NO_THREAD.get_ptr(0)?;
        // SAFETY: a map value that nobody writes to.
        let _ = THREADS.insert(key, unsafe { &*none }, BPF_NOEXIST as u64);
        THREADS.get_ptr_mut(key)
    })
}

#[inline(always)]
pub fn at_depth(thread: *mut Thread, depth: u64) -> *mut Open {
    // SAFETY: the mask keeps the place inside.
    unsafe {
        (&raw mut (*thread).open)
            .cast::<Open>()
            .add(bounded::<DEPTH_MASK>(depth))
    }
}

struct Leaving {
    thread: *mut Thread,
    base: i64,
    begins: u64,
}

/// Forgets calls that will have no end: their place on the stack is gone, or somebody else's.
#[inline(always)]
pub fn leave(thread: *mut Thread, base: i64, begins: bool) {
    // SAFETY: map values.
    unsafe {
        let depth = (*thread).depth;
        if depth == 0 || !is_left(at_depth(thread, depth.wrapping_sub(1)), base, begins) {
            return;
        }
        let mut leaving = Leaving {
            thread,
            base,
            begins: begins as u64,
        };
        let callback = leave_one as *mut c_void;
        bpf_loop(DEPTH as u32, callback, &raw mut leaving as *mut c_void, 0);
    }
}

#[inline(always)]
unsafe fn is_left(call: *mut Open, base: i64, begins: bool) -> bool {
    // SAFETY: a map value.
    unsafe {
        (*call).base < base
            || begins && (*call).base == base && (*call).flags & open::REPLACEABLE == 0
    }
}

unsafe extern "C" fn leave_one(_: u64, leaving: *mut Leaving) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the thread is a map value.
    unsafe {
        let (thread, base) = ((*leaving).thread, (*leaving).base);
        let depth = (*thread).depth;
        if depth == 0 {
            return 1;
        }
        let call = at_depth(thread, depth.wrapping_sub(1));
        if !is_left(call, base, (*leaving).begins != 0) {
            return 1;
        }
        (*thread).depth = depth.wrapping_sub(1);
        if let Some(hits) = HITS.get_ptr_mut((*call).probe) {
            atomic::add(&raw mut (*hits).unreturned, 1);
        }
        0
    }
}

#[inline(always)]
fn push(hit: &mut Hit, thread: *mut Thread, matches: bool) {
    // SAFETY: map values.
    unsafe {
        let depth = (*thread).depth;
        (*thread).seen_ns = hit.now_ns;
        if depth >= DEPTH as u64 {
            return atomic::add(&raw mut (*hit.hits).unreturned, 1);
        }
        let (mut flags, mut path) = (0, way(0, hit.index));
        if depth > 0 {
            let caller = at_depth(thread, depth.wrapping_sub(1));
            if (*caller).probe == hit.index {
                flags |= open::AGAIN;
                path = (*caller).path;
            } else {
                path = way((*caller).path, hit.index);
            }
        }
        if matches {
            flags |= open::MATCHES;
            if call_single::hold(hit, depth, path) {
                flags |= open::HELD;
            }
        }
        if (*hit.probe).end == end::RETURN {
            flags |= open::REPLACEABLE;
        }
        let own = at_depth(thread, depth);
        (*own).base = hit.base;
        (*own).inner_ns = 0;
        (*own).path = path;
        (*own).probe = hit.index;
        (*own).flags = flags;
        (*thread).depth = depth.wrapping_add(1);
        // Last, so that what is done here is not in the time.
        (*own).began_ns = bpf_ktime_get_boot_ns();
    }
}

/// A step of a hash over a way of calls.
#[inline(always)]
fn way(path: u64, probe: u32) -> u64 {
    let mut x = path.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (probe as u64 + 1);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
