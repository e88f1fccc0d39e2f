//! Values of a call, read out of registers and the program's memory as its [`Take`]s say.

use crate::call::Hit;
use aya_ebpf::helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str};
use aya_ebpf::helpers::{self, bpf_loop, bpf_probe_read_kernel};
use coral_probes_abi::bounded;
use coral_probes_abi::calls::{
    Call, GIVES, ON_STACK, TAKES, Take, UNREADABLE, VALUE_BYTES, Values, how,
};
use core::ffi::c_void;

const WORD: u64 = 8;
/// Words of `struct pt_regs` that are asked for: a power of two above all of them.
const PLACES_MASK: i32 = 31;
const VALUE_MASK: i32 = VALUE_BYTES as i32 - 1;
const LONGEST: u64 = 0xffff;
const ALL_MASK: i32 = 7;

const _: () = assert!(TAKES + GIVES == ALL_MASK as usize + 1);

struct Reading {
    hit: *mut Hit,
    call: *mut Call,
    /// The first of the values that are read now.
    from: u64,
}

/// Reads the values of a call: 0 = those of its begin, 1 = those of its end.
#[inline(always)]
pub fn read(hit: &mut Hit, call: *mut Call, is_end: u64) {
    // SAFETY: a map value.
    let (takes, gives) = unsafe { ((*hit.probe).takes, (*hit.probe).gives) };
    let (count, from) = if is_end == 1 {
        (gives, TAKES as u64)
    } else {
        (takes, 0)
    };
    if count == 0 {
        return;
    }
    let mut reading = Reading { hit, call, from };
    let callback = one_value as *mut c_void;
    // SAFETY: the callback has the signature that the helper calls.
    unsafe { bpf_loop(count as u32, callback, &raw mut reading as *mut c_void, 0) };
}

unsafe extern "C" fn one_value(index: u64, reading: *mut Reading) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the probe and the call are map values, and the mask keeps
    // places inside. Takes and gives lie one behind the other.
    unsafe {
        let (hit, call) = ((*reading).hit, (*reading).call);
        let at = bounded::<ALL_MASK>(index.wrapping_add((*reading).from));
        let take = (&raw const (*(*hit).probe).take).cast::<Take>().add(at);
        value(
            (*hit).regs as u64,
            (*hit).base_address,
            take,
            &raw mut (*call).values,
            at,
        );
    }
    0
}

/// The word that a take names; `None` when there is no memory.
#[inline(always)]
pub unsafe fn word(regs: u64, base: u64, take: *const Take) -> Option<u64> {
    // SAFETY: a map value; the helpers check what they read.
    unsafe {
        let (offset, is_inside) = ((*take).offset as i64 as u64, (*take).is_inside);
        let word = source(regs, base, (*take).register, offset)?;
        if is_inside == 1 {
            return helpers::bpf_probe_read_user(word.wrapping_add(offset) as *const u64).ok();
        }
        Some(word)
    }
}

#[inline(always)]
unsafe fn source(regs: u64, base: u64, register: u8, offset: u64) -> Option<u64> {
    // SAFETY: the helpers check what they read.
    unsafe {
        if register == ON_STACK {
            let at = base.wrapping_add(WORD).wrapping_add(offset);
            return helpers::bpf_probe_read_user(at as *const u64).ok();
        }
        let place = bounded::<PLACES_MASK>(register as u64) as u64;
        bpf_probe_read_kernel(regs.wrapping_add(place * WORD) as *const u64).ok()
    }
}

/// How many bytes a list has.
#[inline(always)]
unsafe fn length(regs: u64, base: u64, take: *const Take) -> Option<u64> {
    // SAFETY: a map value; the helpers check what they read.
    unsafe {
        let offset = (*take).length_offset as i64 as u64;
        if (*take).is_inside == 1 {
            let holder = source(regs, base, (*take).register, (*take).offset as i64 as u64)?;
            return helpers::bpf_probe_read_user(holder.wrapping_add(offset) as *const u64).ok();
        }
        source(regs, base, (*take).length_register, offset)
    }
}

/// Reads one value into its place.
#[inline(always)]
unsafe fn value(regs: u64, base: u64, take: *const Take, values: *mut Values, at: usize) {
    // SAFETY: map values; `at` is bounded; the helpers write at most as much as they are told.
    unsafe {
        let to = (&raw mut (*values).values)
            .cast::<[u8; VALUE_BYTES]>()
            .add(at);
        let bytes = (&raw mut (*values).bytes).cast::<u16>().add(at);
        let lengths = (&raw mut (*values).lengths).cast::<u32>().add(at);
        *bytes = UNREADABLE;
        let Some(word) = word(regs, base, take) else {
            return;
        };
        let (kind, is_inside) = ((*take).how, (*take).is_inside);
        if kind == how::WORD {
            *to.cast::<u64>() = word;
            *bytes = WORD as u16;
            return;
        }
        let added = if is_inside == 1 || (*take).register == ON_STACK {
            0
        } else {
            (*take).offset as i64 as u64
        };
        let address = word.wrapping_add(added) as *const c_void;
        if kind == how::TEXT {
            let read = bpf_probe_read_user_str(to.cast(), VALUE_BYTES as u32, address);
            if read > 0 {
                // The zero byte at the end is none of it.
                *bytes = (read - 1) as u16;
                *lengths = (read - 1) as u32;
            }
            return;
        }
        let mut wanted = (*take).bytes as u64;
        if kind == how::COUNTED {
            let Some(length) = length(regs, base, take) else {
                return;
            };
            *lengths = length as u32;
            // Longer lists are cut anyway.
            let some = if length > LONGEST { LONGEST } else { length };
            wanted = some.wrapping_mul(wanted & LONGEST);
        }
        if wanted >= VALUE_BYTES as u64 {
            if bpf_probe_read_user(to.cast(), VALUE_BYTES as u32, address) == 0 {
                *bytes = VALUE_BYTES as u16;
            }
            return;
        }
        let some = bounded::<VALUE_MASK>(wanted) as u32;
        if some == 0 || bpf_probe_read_user(to.cast(), some, address) == 0 {
            *bytes = some as u16;
        }
    }
}
