//! One step of a walk: from the registers of a frame and its rule to the registers of its caller. At most three words
//! of memory are read.

use super::{Rule, fp, kind};

/// Where `rip` lies in the `ucontext` of Linux on x86-64.
const UCONTEXT_PC: u64 = 168;

/// The registers that a walk keeps.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regs {
    /// Program counter: `rip`, or a return address.
    pub pc: u64,
    /// Stack pointer: `rsp`.
    pub sp: u64,
    /// Frame pointer: `rbp`; 0 when it was lost.
    pub fp: u64,
    /// 1 when `pc` is the instruction that would be executed next (the first frame, and one that a signal interrupted), 0
    /// when it is a return address: then the call lies before it, perhaps as the last bytes of its function.
    pub exact: u64,
    /// In the frame that was interrupted: the register that [`Rule::wants`] names; 0 = not known.
    pub other: u64,
}

impl Regs {
    /// Registers of a thread that was interrupted.
    #[inline(always)]
    pub const fn interrupted(pc: u64, sp: u64, fp: u64) -> Self {
        Self {
            pc,
            sp,
            fp,
            exact: 1,
            other: 0,
        }
    }

    /// The address whose function, line and rule are those of the frame.
    #[inline(always)]
    pub const fn sought(&self) -> u64 {
        self.pc.wrapping_sub((self.exact & 1) ^ 1)
    }
}

/// What a step led to. All but [`Outcome::Caller`] end the walk and leave the registers as they were.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The registers are those of the caller.
    Caller = 0,
    /// This was the outermost frame.
    End = 1,
    /// Nothing is known of the address.
    NoRow = 2,
    /// The row is one that no rule can hold, or needs a register that is not known.
    Unsupported = 3,
    /// Memory could not be read.
    Unreadable = 4,
    /// The caller's frame would not be above this one.
    NotAbove = 5,
    /// The return address is 0.
    NoReturn = 6,
}

/// Goes from a frame to its caller. `read` gives the eight bytes at an address of the process.
#[inline(always)]
pub fn step(regs: &mut Regs, rule: Rule, mut read: impl FnMut(u64) -> Option<u64>) -> Outcome {
    let (base, offset) = match rule.kind {
        kind::SP | kind::PLT => (regs.sp, rule.cfa as i64),
        kind::FP => (regs.fp, rule.cfa as i64),
        kind::GUESS if regs.fp == 0 => return Outcome::End,
        kind::GUESS if regs.fp & 7 != 0 => return Outcome::NotAbove,
        kind::GUESS => (regs.fp, 16),
        kind::SP_DEREF | kind::SIGNAL => (regs.sp, rule.cfa as i16 as i64),
        kind::FP_DEREF => (regs.fp, rule.cfa as i16 as i64),
        kind::REGISTER if regs.other == 0 => return Outcome::Unsupported,
        kind::REGISTER => (regs.other, (rule.cfa << 8 >> 8) as i64),
        kind::END => return Outcome::End,
        kind::UNSUPPORTED => return Outcome::Unsupported,
        _ => return Outcome::NoRow,
    };
    let mut cfa = base.wrapping_add(offset as u64);
    let mut pc_at = cfa.wrapping_sub(8);
    let mut is_signal = 0;
    match rule.kind {
        kind::SP_DEREF | kind::FP_DEREF | kind::SIGNAL => {
            let Some(value) = read(cfa) else {
                return Outcome::Unreadable;
            };
            cfa = value.wrapping_add((rule.cfa >> 16) as i64 as u64);
            pc_at = cfa.wrapping_sub(8);
            if rule.kind == kind::SIGNAL {
                is_signal = 1;
                pc_at = regs.sp.wrapping_add(UCONTEXT_PC);
            }
        }
        kind::PLT if (regs.pc & 15) as i64 >= rule.fp_offset as i64 => {
            pc_at = cfa;
            cfa = cfa.wrapping_add(8);
        }
        _ => {}
    }
    // A handler may run on a stack of its own, which can lie anywhere.
    if is_signal == 0 && cfa <= regs.sp {
        return Outcome::NotAbove;
    }
    let Some(pc) = read(pc_at) else {
        return Outcome::Unreadable;
    };
    if pc == 0 {
        return Outcome::NoReturn;
    }
    *regs = Regs {
        pc,
        sp: cfa,
        fp: frame_pointer(regs, rule, cfa, &mut read),
        exact: is_signal,
        other: 0,
    };
    Outcome::Caller
}

/// The caller's frame pointer; 0 when it cannot be had, which matters only to a caller that needs it.
#[inline(always)]
fn frame_pointer(
    regs: &Regs,
    rule: Rule,
    cfa: u64,
    read: &mut impl FnMut(u64) -> Option<u64>,
) -> u64 {
    let base = match rule.fp {
        fp::SAME => return regs.fp,
        fp::AT_CFA => cfa,
        fp::AT_FP => regs.fp,
        fp::AT_SP => regs.sp,
        _ => return 0,
    };
    read(base.wrapping_add(rule.fp_offset as i64 as u64)).unwrap_or(0)
}
