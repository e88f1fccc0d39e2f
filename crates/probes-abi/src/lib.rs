//! What the kernel programs and the user side must agree on to the bit: histogram arithmetic, map keys and values,
//! ring records, and the HTTP/1.1 framing engine. `no_std`, no allocation, no dependency; compiled by two compilers.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

pub mod calls;
pub mod histogram;
pub mod http1;
pub mod looks;
pub mod profile;
pub mod records;
pub mod unwind;

/// Keeps the low bits of `value` that `MASK` names, in a way that the kernel's verifier sees: on BPF a real instruction,
/// because the compiler would drop an `and` that it can prove superfluous and the verifier cannot.
#[inline(always)]
pub fn bounded<const MASK: i32>(value: u64) -> usize {
    #[cfg(target_arch = "bpf")]
    {
        let mut kept = value;
        // SAFETY: one arithmetic instruction on a register.
        unsafe { core::arch::asm!("{0} &= {1}", inout(reg) kept, const MASK) };
        kept as usize
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        (value & MASK as u64) as usize
    }
}
