//! Single calls: whether one fits the filters, its values, its stack, and handing it over while the budget lasts.

use crate::atomic;
use crate::call::Hit;
use crate::call_maps::{CALLS, HELD, NO_CALL};
use crate::call_values::{self, word};
use aya_ebpf::bindings::{BPF_ANY, BPF_F_USER_STACK, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::{bpf_get_stack, bpf_ringbuf_output};
use aya_ebpf::helpers::{bpf_loop, bpf_probe_read_user};
use coral_probes_abi::bounded;
use coral_probes_abi::calls::{CONDITIONS, Call, Condition, HeldKey, Open, STACK, open};
use core::ffi::c_void;

const WORD: usize = core::mem::size_of::<u64>();
const SECOND_NS: u64 = 1_000_000_000;
const CONDITION_MASK: i32 = CONDITIONS as i32 - 1;

struct Fitting {
    hit: *mut Hit,
    is_at_end: u64,
    fits: u64,
}

/// Whether all conditions hold that are looked at here: 0 = where a call begins, 1 = where it ends.
#[inline(always)]
pub fn fits(hit: &mut Hit, is_at_end: u64) -> bool {
    // SAFETY: a map value.
    let conditions = unsafe { (*hit.probe).conditions };
    if conditions == 0 {
        return true;
    }
    let mut fitting = Fitting {
        hit,
        is_at_end,
        fits: 1,
    };
    let callback = one_condition as *mut c_void;
    // SAFETY: the callback has the signature that the helper calls.
    unsafe {
        bpf_loop(
            conditions as u32,
            callback,
            &raw mut fitting as *mut c_void,
            0,
        )
    };
    fitting.fits == 1
}

unsafe extern "C" fn one_condition(index: u64, fitting: *mut Fitting) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the probe is a map value.
    unsafe {
        let hit = (*fitting).hit;
        let condition = (&raw const (*(*hit).probe).condition)
            .cast::<Condition>()
            .add(bounded::<CONDITION_MASK>(index));
        if (*condition).is_at_end as u64 != (*fitting).is_at_end {
            return 0;
        }
        let regs = (*hit).regs as u64;
        let found = word(regs, (*hit).base_address, &raw const (*condition).word);
        let holds = found.is_some_and(|word| (*condition).holds(word));
        (*fitting).fits = holds as u64;
        !holds as i64
    }
}

/// Whether one more call may be told of in this second.
#[inline(always)]
fn is_in_budget(hit: &Hit) -> bool {
    let session = hit.session;
    // SAFETY: a map value; a race lets one more or less through.
    unsafe {
        let second = hit.now_ns / SECOND_NS;
        if (*session).second != second {
            (*session).second = second;
            (*session).calls = 0;
        }
        if (*session).calls >= (*session).calls_max {
            return false;
        }
        atomic::add(&raw mut (*session).calls, 1);
    }
    true
}

/// A call of which nobody sees the end.
#[inline(always)]
pub fn tell_begun(hit: &mut Hit) {
    if !is_in_budget(hit) {
        return;
    }
    let key = key(hit, u64::MAX);
    if let Some(call) = held(hit, &key) {
        begun(hit, call, 0);
        hand_over(hit, call);
        let _ = HELD.remove(&key);
    }
}

/// Keeps what is known of a call until it ends, when it may be told of then.
#[inline(always)]
pub fn hold(hit: &mut Hit, depth: u64, path: u64) -> bool {
    // SAFETY: a map value.
    let is_late = unsafe { (*hit.probe).least_ns > 0 || (*hit.probe).conditions > 0 };
    // When only its end tells whether it fits, the budget is asked then.
    if !is_late && !is_in_budget(hit) {
        return false;
    }
    let key = key(hit, depth);
    let Some(call) = held(hit, &key) else {
        return false;
    };
    begun(hit, call, path);
    true
}

#[inline(always)]
fn key(hit: &Hit, depth: u64) -> HeldKey {
    HeldKey {
        thread: hit.key,
        depth,
    }
}

#[inline(always)]
fn held(hit: &Hit, key: &HeldKey) -> Option<*mut Call> {
    let none = NO_CALL.get_ptr(0)?;
    // SAFETY: a map value that nobody writes to.
    let _ = HELD.insert(key, unsafe { &*none }, BPF_ANY as u64);
    let call = HELD.get_ptr_mut(key);
    if call.is_none() {
        // SAFETY: a map value.
        unsafe { atomic::add(&raw mut (*hit.hits).dropped, 1) };
    }
    call
}

#[inline(always)]
fn begun(hit: &mut Hit, call: *mut Call, path: u64) {
    // SAFETY: map values.
    unsafe {
        (*call).probe = hit.index;
        (*call).number = hit.key.number;
        (*call).tgid = hit.key.tgid;
        (*call).tid = hit.tid;
        (*call).goroutine = if (*hit.probe).is_go == 1 {
            hit.key.thread
        } else {
            0
        };
        (*call).path = path;
        (*call).began_ns = hit.now_ns;
        (*call).base = hit.base;
        if (*hit.probe).has_stack == 1 {
            stack(hit, call);
        }
    }
    call_values::read(hit, call, 0);
}

/// Where the call came from: its own return address, which a frame pointer does not lead to where the function begins, and
/// what frame pointers lead to.
#[inline(always)]
unsafe fn stack(hit: &Hit, call: *mut Call) {
    // SAFETY: map values; the helpers check what they read, and write at most as much as they are told.
    unsafe {
        let from = hit.base_address as *const u64;
        (*call).stack[0] = bpf_probe_read_user(from).unwrap_or(0);
        let others = (&raw mut (*call).stack).cast::<u64>().add(1);
        let most = ((STACK - 1) * WORD) as u32;
        let bytes = bpf_get_stack(hit.context, others.cast(), most, BPF_F_USER_STACK as u64);
        let more = if bytes > 0 { bytes as u32 / 8 } else { 0 };
        (*call).frames = 1 + more;
    }
}

/// The end of a call of which something is held, or is to be told now.
#[inline(always)]
pub fn ended(hit: &mut Hit, depth: u64, call: &Open, duration_ns: u64, matches: bool) {
    if call.flags & open::HELD == 0 {
        return;
    }
    let key = key(hit, depth);
    let Some(record) = HELD.get_ptr_mut(&key) else {
        return;
    };
    // SAFETY: map values.
    let is_late = unsafe { (*hit.probe).least_ns > 0 || (*hit.probe).conditions > 0 };
    if matches && (!is_late || is_in_budget(hit)) {
        // SAFETY: as above, and fields of this program's context.
        unsafe {
            (*record).began_ns = call.began_ns;
            (*record).duration_ns = duration_ns;
            (*record).has_ended = 1;
            (*record).returned = [(*hit.regs).rax, (*hit.regs).rdx];
        }
        if hit.gives {
            call_values::read(hit, record, 1);
        }
        hand_over(hit, record);
    }
    let _ = HELD.remove(&key);
}

#[inline(always)]
fn hand_over(hit: &Hit, call: *mut Call) {
    let ring = &raw const CALLS as *mut c_void;
    let bytes = core::mem::size_of::<Call>() as u64;
    // SAFETY: a map, and a map value.
    if unsafe { bpf_ringbuf_output(ring, call.cast(), bytes, BPF_RB_NO_WAKEUP as u64) } != 0 {
        // SAFETY: a map value.
        unsafe { atomic::add(&raw mut (*hit.hits).dropped, 1) };
    }
}
