//! Samples of the processors: each tick of a clock event finds out where its processor is, in the kernel and in the
//! program, walks the program's stack and counts it. A stack's frames leave the kernel once, its count each time.

use crate::atomic;
use crate::sample_maps::{
    REGISTERS, SAMPLER, SAMPLES, SPACES, STACKS, Sampler, TABLES, TALLY, TARGETS,
};
use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{BPF_NOEXIST, pt_regs, task_struct};
use aya_ebpf::helpers::generated::{
    bpf_get_attach_cookie, bpf_get_current_comm, bpf_get_current_task_btf, bpf_get_stack,
    bpf_ringbuf_output, bpf_task_pt_regs,
};
use aya_ebpf::helpers::{
    bpf_get_current_pid_tgid, bpf_loop, bpf_probe_read_kernel, bpf_probe_read_user,
};
use aya_ebpf::macros::perf_event;
use aya_ebpf::programs::PerfEventContext;
use coral_probes_abi::bounded;
use coral_probes_abi::profile::{FRAMES, KERNEL_FRAMES, StackHead, TOO_DEEP, tally, target};
use coral_probes_abi::unwind::{MOST_FRAMES, Outcome, Regs, Rule, find, kind, step};
use core::ffi::c_void;

/// Lowest bits of the code segment: the ring of protection; programs run in ring 3.
const RING: u64 = 3;
const WORD: usize = core::mem::size_of::<u64>();
const FRAME_MASK: i32 = FRAMES as i32 - 1;
const REGISTER_MASK: i32 = REGISTERS as i32 - 1;

#[perf_event]
pub fn coral_profile(ctx: PerfEventContext) -> u32 {
    let tgid = (bpf_get_current_pid_tgid() >> 32) as u32;
    // SAFETY: a helper that takes the context.
    let session = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) } as u32;
    if tgid != 0 && is_wanted(tgid, session) {
        tallied(tally::TAKEN);
        if let Some(sampler) = SAMPLER.get_ptr_mut(0) {
            sample(&ctx, sampler, tgid, session);
        }
    }
    0
}

/// Sessions are about some processes; the samples that are always taken about all.
#[inline(always)]
fn is_wanted(tgid: u32, session: u32) -> bool {
    let (about, all) = (target(session, tgid), target(session, 0));
    // SAFETY: values are only looked for.
    session == 0 || unsafe { TARGETS.get(&about).is_some() || TARGETS.get(&all).is_some() }
}

#[inline(always)]
fn tallied(which: u32) {
    if let Some(place) = TALLY.get_ptr_mut(which) {
        atomic::add(place, 1);
    }
}

#[inline(always)]
fn sample(ctx: &PerfEventContext, sampler: *mut Sampler, tgid: u32, session: u32) {
    // SAFETY: a map value of this processor's own: no tick interrupts another.
    let own = unsafe { &mut *sampler };
    own.begin(tgid, session);
    in_kernel(ctx, own);
    let regs = own.regs;
    if regs.pc != 0 {
        walk(sampler);
    }
    hand_over(own);
}

impl Sampler {
    #[inline(always)]
    fn begin(&mut self, tgid: u32, session: u32) {
        let head = &mut self.stack.head;
        head.key.tgid = tgid;
        head.key.session = session;
        (head.kernel, head.user, head.outcome, head.guessed) = (0, 0, 0, 0);
        head.unused = 0;
        // SAFETY: the helper fills the array.
        unsafe { bpf_get_current_comm(head.comm.as_mut_ptr().cast(), 16) };
        let (front, back) = head.comm.split_at(8);
        let half = |part: &[u8]| u64::from_ne_bytes(part.try_into().unwrap_or([0; 8]));
        self.hash = mix(mix(0, half(front)), half(back));
        self.regs = Regs::interrupted(0, 0, 0);
    }
}

/// A step of a hash over words: Stafford's mix 13 of what is hashed so far and the word.
#[inline(always)]
fn mix(hash: u64, word: u64) -> u64 {
    let mut x = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The kernel's frames, when the tick found the processor there, and the program's registers.
#[inline(always)]
fn in_kernel(ctx: &PerfEventContext, own: &mut Sampler) {
    // SAFETY: the context of this kind of program.
    let found = unsafe { &(*ctx.ctx).regs };
    if found.cs & RING == RING {
        return own.interrupted(found);
    }
    let most = (KERNEL_FRAMES * WORD) as u32;
    let frames = own.stack.frames.as_mut_ptr().cast();
    // SAFETY: the helper writes at most as many bytes as it is told.
    let bytes = unsafe { bpf_get_stack(ctx.as_ptr(), frames, most, 0) };
    if bytes > 0 {
        own.stack.head.kernel = (bytes as u64 / WORD as u64) as u16;
    }
    // SAFETY: the task that runs; its registers lie on its kernel stack, and are read by a helper that checks.
    unsafe {
        let task: *mut task_struct = bpf_get_current_task_btf();
        let saved = bpf_task_pt_regs(task) as *const pt_regs;
        if let Ok(saved) = bpf_probe_read_kernel(saved)
            && saved.cs & RING == RING
        {
            own.interrupted(&saved);
        }
    }
}

impl Sampler {
    /// The registers of the program where it was interrupted.
    #[inline(always)]
    fn interrupted(&mut self, found: &pt_regs) {
        self.regs = Regs::interrupted(found.rip, found.rsp, found.rbp);
        // In the order of DWARF: System V ABI, AMD64 supplement, figure 3.36.
        let all = [
            found.rax, found.rdx, found.rcx, found.rbx, found.rsi, found.rdi, found.rbp, found.rsp,
            found.r8, found.r9, found.r10, found.r11, found.r12, found.r13, found.r14, found.r15,
        ];
        self.saved = all;
    }

    /// A register by its number in DWARF.
    #[inline(always)]
    fn saved(&self, number: u8) -> u64 {
        // SAFETY: the mask keeps the place inside.
        unsafe {
            *self
                .saved
                .get_unchecked(bounded::<REGISTER_MASK>(number as u64))
        }
    }
}

struct Steps {
    sampler: *mut Sampler,
}

/// Walks the program's stack.
#[inline(always)]
fn walk(sampler: *mut Sampler) {
    let mut steps = Steps { sampler };
    let callback = one_frame as *mut c_void;
    // SAFETY: a map value.
    unsafe { (*sampler).stack.head.outcome = TOO_DEEP };
    // SAFETY: the callback has the signature that the helper calls.
    unsafe { bpf_loop(MOST_FRAMES, callback, &raw mut steps as *mut c_void, 0) };
}

unsafe extern "C" fn one_frame(_: u64, steps: *mut Steps) -> i64 {
    // SAFETY: bpf_loop hands back the pointer that it was given; the sampler is a map value.
    let own = unsafe { &mut *(*steps).sampler };
    let pc = own.regs.sought();
    let head = &mut own.stack.head;
    let at = bounded::<FRAME_MASK>(head.kernel as u64 + head.user as u64);
    // SAFETY: the mask keeps the place inside.
    unsafe { *own.stack.frames.get_unchecked_mut(at) = pc };
    head.user += 1;
    let rule = rule_of(head.key.tgid, pc);
    if rule.kind == kind::GUESS {
        head.guessed = 1;
    }
    if let Some(number) = rule.wants()
        && own.regs.exact == 1
    {
        own.regs.other = own.saved(number);
    }
    // SAFETY: the helper reads the program's memory and fails where there is none.
    let outcome = step(&mut own.regs, rule, |at| unsafe {
        bpf_probe_read_user(at as *const u64).ok()
    });
    if outcome as u8 == Outcome::Caller as u8 {
        return 0;
    }
    own.stack.head.outcome = outcome as u8;
    1
}

/// The rule for an address of a process. Where no table says anything, there may be a frame pointer.
#[inline(always)]
fn rule_of(tgid: u32, pc: u64) -> Rule {
    // SAFETY: map values, and a file's table is never changed once it is there.
    unsafe {
        let Some(mapping) = SPACES.get(&tgid).and_then(|space| space.find(pc)) else {
            return Rule::GUESS;
        };
        let address = pc.wrapping_sub(mapping.bias);
        let Some(table) = TABLES.get(&mapping.table) else {
            return Rule::GUESS;
        };
        let rule = find(address, |index| table.get(index));
        if rule.kind == kind::NONE {
            Rule::GUESS
        } else {
            rule
        }
    }
}

struct Hashing {
    sampler: *mut Sampler,
}

unsafe extern "C" fn hash_frame(index: u64, hashing: *mut Hashing) -> i64 {
    // SAFETY: as in `one_frame`.
    let own = unsafe { &mut *(*hashing).sampler };
    // SAFETY: the mask keeps the place inside.
    let frame = unsafe { *own.stack.frames.get_unchecked(bounded::<FRAME_MASK>(index)) };
    own.hash = mix(own.hash, frame);
    0
}

/// Counts the stack, and hands its frames over when nobody knows them yet.
#[inline(always)]
fn hand_over(own: &mut Sampler) {
    let frames = own.stack.head.kernel as u32 + own.stack.head.user as u32;
    let mut hashing = Hashing { sampler: own };
    let callback = hash_frame as *mut c_void;
    // SAFETY: the callback has the signature that the helper calls.
    unsafe { bpf_loop(frames, callback, &raw mut hashing as *mut c_void, 0) };
    own.stack.head.key.hash = own.hash;
    let key = &own.stack.head.key;
    if let Some(count) = SAMPLES.get_ptr_mut(key) {
        return atomic::add(count, 1);
    }
    if SAMPLES.insert(key, &1, BPF_NOEXIST as u64).is_err() {
        // Another processor may have met the same stack meanwhile.
        match SAMPLES.get_ptr_mut(key) {
            Some(count) => return atomic::add(count, 1),
            None => return tallied(tally::NO_ROOM),
        }
    }
    let bytes = core::mem::size_of::<StackHead>() + bounded::<FRAME_MASK>(frames as u64) * WORD;
    let ring = &raw const STACKS as *mut c_void;
    let record = &raw mut own.stack as *mut c_void;
    // SAFETY: a map, and a part of a map value that the mask keeps inside of it.
    if unsafe { bpf_ringbuf_output(ring, record, bytes as u64, 0) } != 0 {
        tallied(tally::UNKNOWN);
    }
}
