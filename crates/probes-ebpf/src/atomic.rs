//! Atomic operations on map memory. Plain additions lose counts: softirqs interrupt process context on the same CPU, and
//! the two directions of a connection run on different ones.

use core::intrinsics::{AtomicOrdering, atomic_xadd, atomic_xchg};

/// Adds to a counter in a map.
#[inline(always)]
pub fn add(counter: *mut u64, value: u64) {
    // SAFETY: callers pass a pointer that a map look-up returned.
    let _ = unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(counter, value) };
}

/// Takes a flag in a map; false when somebody has it.
#[inline(always)]
pub fn take(flag: *mut u64) -> bool {
    // SAFETY: as above.
    unsafe { atomic_xchg::<u64, { AtomicOrdering::SeqCst }>(flag, 1) == 0 }
}

/// Gives a flag back.
#[inline(always)]
pub fn give(flag: *mut u64) {
    // SAFETY: as above.
    unsafe { atomic_xchg::<u64, { AtomicOrdering::SeqCst }>(flag, 0) };
}
