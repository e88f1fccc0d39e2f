//! The end of a call: its duration, alone and with what it called, and the way that led to it.

use crate::atomic;
use crate::call::{Hit, at_depth, leave};
use crate::call_maps::{NODES, THREADS, TIMES};
use crate::call_single;
use aya_ebpf::bindings::BPF_NOEXIST;
use coral_probes_abi::bounded;
use coral_probes_abi::calls::{Node, NodeKey, Open, Thread, TimesKey, open};
use coral_probes_abi::histogram::{octave, slot};

const NO_COUNTS: [u64; 64] = [0; 64];

/// Takes the call that ends here from those that its thread is in.
#[inline(always)]
pub fn end(hit: &mut Hit) {
    // Without an entry the call is older than the probe.
    let Some(thread) = THREADS.get_ptr_mut(&hit.key) else {
        return;
    };
    leave(thread, hit.base, false);
    // SAFETY: map values.
    unsafe {
        let depth = (*thread).depth;
        if depth == 0 {
            return;
        }
        let depth = depth.wrapping_sub(1);
        let call = *at_depth(thread, depth);
        if call.base != hit.base || call.probe != hit.index {
            return;
        }
        (*thread).depth = depth;
        (*thread).seen_ns = hit.now_ns;
        ended(hit, thread, depth, &call);
    }
}

#[inline(always)]
fn ended(hit: &mut Hit, thread: *mut Thread, depth: u64, call: &Open) {
    let duration_ns = hit.now_ns.wrapping_sub(call.began_ns);
    let self_ns = duration_ns.saturating_sub(call.inner_ns);
    let mut parent = 0;
    // SAFETY: map values.
    unsafe {
        atomic::add(&raw mut (*hit.hits).returned, 1);
        if depth > 0 {
            let caller = at_depth(thread, depth.wrapping_sub(1));
            (*caller).inner_ns = (*caller).inner_ns.wrapping_add(duration_ns);
            parent = (*caller).path;
        }
    }
    let is_again = call.flags & open::AGAIN != 0;
    led(hit, call, parent, duration_ns, self_ns, is_again);
    // SAFETY: map values.
    let is_long = unsafe { duration_ns >= (*hit.probe).least_ns };
    let matches = call.flags & open::MATCHES != 0 && is_long && call_single::fits(hit, 1);
    if matches {
        // SAFETY: as above.
        unsafe {
            atomic::add(&raw mut (*hit.hits).matched, 1);
            atomic::add(&raw mut (*hit.hits).total_ns, duration_ns);
            atomic::add(&raw mut (*hit.hits).self_ns, self_ns);
        }
        took(hit, duration_ns);
    }
    call_single::ended(hit, depth, call, duration_ns, matches);
}

/// Adds to the histogram of durations.
#[inline(always)]
fn took(hit: &Hit, duration_ns: u64) {
    let key = TimesKey {
        probe: hit.index,
        number: hit.key.number,
        group: octave(duration_ns) as u32,
        unused: 0,
    };
    let known = TIMES.get_ptr_mut(&key).or_else(|| {
        let _ = TIMES.insert(&key, &NO_COUNTS, BPF_NOEXIST as u64);
        TIMES.get_ptr_mut(&key)
    });
    if let Some(counters) = known {
        // SAFETY: the slot is bounded to the array's 64 places.
        unsafe {
            let place = (counters as *mut u64).add(bounded::<63>(slot(duration_ns) as u64));
            atomic::add(place, 1);
        }
    }
}

/// Counts the way that led here. Of a function that called itself the outermost call's time has the others in it.
#[inline(always)]
fn led(hit: &Hit, call: &Open, parent: u64, duration_ns: u64, self_ns: u64, is_again: bool) {
    let key = NodeKey {
        path: call.path,
        number: hit.key.number,
        probe: hit.index,
    };
    let known = NODES.get_ptr_mut(&key).or_else(|| {
        let none = Node {
            parent: if is_again { 0 } else { parent },
            ..Node {
                parent: 0,
                calls: 0,
                total_ns: 0,
                self_ns: 0,
            }
        };
        let _ = NODES.insert(&key, &none, BPF_NOEXIST as u64);
        NODES.get_ptr_mut(&key)
    });
    if let Some(node) = known {
        // SAFETY: fields of a map value.
        unsafe {
            if !is_again {
                (*node).parent = parent;
                atomic::add(&raw mut (*node).total_ns, duration_ns);
            }
            atomic::add(&raw mut (*node).calls, 1);
            atomic::add(&raw mut (*node).self_ns, self_ns);
        }
    }
}
