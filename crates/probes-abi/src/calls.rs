//! What a probed function leaves: exact counts, a histogram of durations, who called whom, and single calls with values.

/// Map names, as the loader sees them.
pub mod names {
    /// Index -> [`super::Probe`].
    pub const PROBES: &str = "coral_probes";
    /// Index -> [`super::Hits`].
    pub const HITS: &str = "coral_hits";
    /// [`crate::profile::target`] -> 1: the processes of a session.
    pub const PROBED: &str = "coral_probed";
    /// Index of a session -> [`super::Session`].
    pub const SESSIONS: &str = "coral_sessions";
    /// [`super::ThreadKey`] -> [`super::Thread`].
    pub const THREADS: &str = "coral_threads";
    /// [`super::TimesKey`] -> 64 x u64.
    pub const TIMES: &str = "coral_times";
    /// [`super::NodeKey`] -> [`super::Node`].
    pub const NODES: &str = "coral_nodes";
    /// [`super::HeldKey`] -> [`super::Call`].
    pub const HELD: &str = "coral_held";
    /// Ring of [`super::Call`].
    pub const CALLS: &str = "coral_calls";
}

/// Probed functions of all sessions together, at most.
pub const PROBES: usize = 1_024;
/// Sessions at once, at most.
pub const SESSIONS: usize = 8;
/// Calls of one thread that are followed into one another, at most.
pub const DEPTH: usize = 64;
/// Values of a call that are read when it begins, at most.
pub const TAKES: usize = 6;
/// The same of when it ends.
pub const GIVES: usize = 2;
/// Bytes of one value, at most.
pub const VALUE_BYTES: usize = 64;
/// Conditions of one probe, at most; all have to hold.
pub const CONDITIONS: usize = 4;

/// What a site tells the program, in 64 bits that the kernel keeps with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    /// The index of the function's [`Probe`].
    pub probe: u16,
    /// Bits of [`at`].
    pub at: u8,
    /// What is added to the stack pointer here to have the address where the return address lies.
    pub to_base: i32,
}

/// What kind of place a site is.
pub mod at {
    /// The function ends here.
    pub const EXIT: u8 = 1;
    /// The return address has been taken from the stack already.
    pub const RETURNED: u8 = 2;
    /// The instruction jumps when the carry or the zero flag is set, and the function begins anew then: Go's check of its
    /// stack. Only when it does not jump has the function begun.
    pub const UNLESS_BELOW: u8 = 4;
    /// The function ends by a jump to another, which gives back something in its place later.
    pub const PASSED_ON: u8 = 8;
}

impl Cookie {
    /// As the kernel keeps it.
    pub const fn pack(self) -> u64 {
        self.probe as u64 | (self.at as u64) << 16 | (self.to_base as u32 as u64) << 32
    }

    /// From what the kernel kept.
    #[inline(always)]
    pub const fn unpack(cookie: u64) -> Self {
        Self {
            probe: cookie as u16,
            at: (cookie >> 16) as u8,
            to_base: (cookie >> 32) as i32,
        }
    }
}

/// How a value is read.
pub mod how {
    /// Nothing is.
    pub const NOTHING: u8 = 0;
    /// The word itself.
    pub const WORD: u8 = 1;
    /// Bytes at the address that the word is.
    pub const BYTES: u8 = 2;
    /// Text at that address, up to a zero byte.
    pub const TEXT: u8 = 3;
    /// Bytes at that address, as many as another word says.
    pub const COUNTED: u8 = 4;
}

/// Which word of `struct pt_regs` (arch/x86/include/asm/ptrace.h) a register is, by its number in DWARF.
pub const PLACE_OF: [u8; 16] = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0];

/// Instead of a register: a word of the caller's part of the stack, [`Take::offset`] behind the return address.
pub const ON_STACK: u8 = 32;

/// One value to read. Registers have their numbers in DWARF (System V ABI, AMD64 supplement, figure 3.36) until they are
/// handed to the programs, which know them by their place in `struct pt_regs`: [`PLACE_OF`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    /// One of [`how`].
    pub how: u8,
    /// Where the word is: a register, or [`ON_STACK`].
    pub register: u8,
    /// Where the number of bytes is, for [`how::COUNTED`]: as `register`, with `length_offset` on the stack.
    pub length_register: u8,
    /// 1: the word is the address of a structure, whose words at `offset` and `length_offset` are meant.
    pub is_inside: u8,
    /// Of the word, on the stack or inside of a structure. Otherwise what is added to an address that is read at.
    pub offset: i32,
    /// Of the number of bytes, alike.
    pub length_offset: i32,
    /// Bytes, for [`how::BYTES`]; at most [`VALUE_BYTES`]. Of one element, for [`how::COUNTED`].
    pub bytes: u32,
}

impl Take {
    /// None.
    pub const NOTHING: Self = Self {
        how: how::NOTHING,
        register: 0,
        length_register: 0,
        is_inside: 0,
        offset: 0,
        length_offset: 0,
        bytes: 0,
    };
}

/// How a word is compared.
pub mod compare {
    /// Not at all: there is no condition.
    pub const NOT: u8 = 0;
    /// Equal.
    pub const EQUAL: u8 = 1;
    /// Not equal.
    pub const UNEQUAL: u8 = 2;
    /// Less.
    pub const LESS: u8 = 3;
    /// Less or equal.
    pub const AT_MOST: u8 = 4;
    /// Greater.
    pub const MORE: u8 = 5;
    /// Greater or equal.
    pub const AT_LEAST: u8 = 6;
}

/// A word that is compared with a number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// The word: of a [`Take`] with [`how::WORD`].
    pub word: Take,
    /// The number.
    pub number: u64,
    /// One of [`compare`].
    pub compare: u8,
    /// 1: looked at when the call ends, else when it begins.
    pub is_at_end: u8,
    /// 1: both are signed.
    pub is_signed: u8,
    /// How many of the word's low bytes count.
    pub bytes: u8,
    /// Keeps the layout free of holes.
    pub unused: u32,
}

impl Condition {
    /// None.
    pub const NONE: Self = Self {
        word: Take::NOTHING,
        number: 0,
        compare: compare::NOT,
        is_at_end: 0,
        is_signed: 0,
        bytes: 8,
        unused: 0,
    };

    /// Whether a word fits.
    #[inline(always)]
    pub const fn holds(&self, word: u64) -> bool {
        let away = 64 - 8 * (self.bytes as u32 & 7);
        let away = if self.bytes == 8 { 0 } else { away & 63 };
        // The low bytes to the top: what is above them is gone, and the order is that of numbers of their size.
        let (word, number) = (word << away, self.number << away);
        let top = if self.is_signed == 1 { 1 << 63 } else { 0 };
        let (word, number) = (word ^ top, number ^ top);
        match self.compare {
            compare::EQUAL => word == number,
            compare::UNEQUAL => word != number,
            compare::LESS => word < number,
            compare::AT_MOST => word <= number,
            compare::MORE => word > number,
            compare::AT_LEAST => word >= number,
            _ => true,
        }
    }
}

/// What a probed function is, to the programs.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// The index of its session.
    pub session: u32,
    /// The session's number, which no other had.
    pub number: u32,
    /// Shorter calls do not match, ns.
    pub least_ns: u64,
    /// How its end is seen: one of [`end`].
    pub end: u8,
    /// 1: threads are goroutines, whose address is in register 14.
    pub is_go: u8,
    /// How many of `take` there are.
    pub takes: u8,
    /// How many of `give`.
    pub gives: u8,
    /// How many of `condition`.
    pub conditions: u8,
    /// 1: single calls have the stack.
    pub has_stack: u8,
    /// Keeps the layout free of holes.
    pub unused: u16,
    /// Read when a call begins.
    pub take: [Take; TAKES],
    /// Read when it ends.
    pub give: [Take; GIVES],
    /// What has to hold for a call to match.
    pub condition: [Condition; CONDITIONS],
}

impl Probe {
    /// None.
    pub const NOTHING: Self = Self {
        session: 0,
        number: 0,
        least_ns: 0,
        end: end::UNSEEN,
        is_go: 0,
        takes: 0,
        gives: 0,
        conditions: 0,
        has_stack: 0,
        unused: 0,
        take: [Take::NOTHING; TAKES],
        give: [Take::NOTHING; GIVES],
        condition: [Condition::NONE; CONDITIONS],
    };
}

/// How the end of a call is seen.
pub mod end {
    /// Not at all.
    pub const UNSEEN: u8 = 0;
    /// At each place where the function ends.
    pub const SITES: u8 = 1;
    /// Where it returns to.
    pub const RETURN: u8 = 2;
}

/// What was counted of a function. Cumulative.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// Calls that began.
    pub hits: u64,
    /// Those whose end was seen.
    pub returned: u64,
    /// Those that will have no end: left by a jump or an exception, or deeper than [`DEPTH`].
    pub unreturned: u64,
    /// Those that fit the filters.
    pub matched: u64,
    /// Time between begin and end of those that matched, ns.
    pub total_ns: u64,
    /// Of that, what was not spent in other probed functions, ns.
    pub self_ns: u64,
    /// Hits of processes that the session is not about.
    pub foreign: u64,
    /// Single calls that there was no room for.
    pub dropped: u64,
}

/// What bounds a session. The user side writes the first part, the programs the second.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Session {
    /// Hits in a tenth of a second, after which the programs do nothing any more.
    pub hits_max: u64,
    /// Single calls a second.
    pub calls_max: u64,
    /// Tenth of a second since the boot.
    pub tenth: u64,
    /// Hits in it.
    pub hits: u64,
    /// Second since the boot.
    pub second: u64,
    /// Single calls in it.
    pub calls: u64,
    /// 1: there were too many hits.
    pub is_off: u64,
}

/// Whose calls are followed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadKey {
    /// The thread, or the address of the goroutine.
    pub thread: u64,
    /// The process.
    pub tgid: u32,
    /// The session's number.
    pub number: u32,
}

/// A call that has begun.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Where its return address lies; of a goroutine, how far above the end of its stack. Stacks grow down: of two open
    /// calls the inner one has the smaller number.
    pub base: i64,
    /// When it began, ns since the boot.
    pub began_ns: u64,
    /// Time that was spent in probed functions that it called, ns.
    pub inner_ns: u64,
    /// Which way it was come to: [`NodeKey::path`].
    pub path: u64,
    /// Which function it is of.
    pub probe: u32,
    /// Bits of [`open`].
    pub flags: u32,
}

/// What is known of a call that has begun.
pub mod open {
    /// It fits the conditions of its begin.
    pub const MATCHES: u32 = 1;
    /// It is to be told of, and what is known of it is held.
    pub const HELD: u32 = 2;
    /// Its end is seen after its frame is gone: a call that took its place may begin before.
    pub const REPLACEABLE: u32 = 4;
    /// Its function called itself.
    pub const AGAIN: u32 = 8;
}

/// The calls that a thread is in, outermost first.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Thread {
    /// How many.
    pub depth: u64,
    /// When the last one began or ended, ns since the boot.
    pub seen_ns: u64,
    /// The calls.
    pub open: [Open; DEPTH],
}

/// Of which call something is held until it ends.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeldKey {
    /// The thread.
    pub thread: ThreadKey,
    /// In how many calls it was.
    pub depth: u64,
}

/// Part of the histogram of a function: [`crate::histogram`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimesKey {
    /// The function's index.
    pub probe: u32,
    /// The session's number.
    pub number: u32,
    /// Which 64 buckets.
    pub group: u32,
    /// Keeps the layout free of holes.
    pub unused: u32,
}

/// A way from probed function to probed function.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey {
    /// A hash over the functions from the outermost one; 0 = none.
    pub path: u64,
    /// The session's number.
    pub number: u32,
    /// The last function.
    pub probe: u32,
}

/// What was counted of a way. Cumulative.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Node {
    /// The way without its last function.
    pub parent: u64,
    /// Calls.
    pub calls: u64,
    /// Their time, ns.
    pub total_ns: u64,
    /// Of that, what was not spent in other probed functions, ns.
    pub self_ns: u64,
}

/// Values as they were read.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// How many bytes there are of each that was read when the call began, or [`UNREADABLE`]; then of its end.
    pub bytes: [u16; TAKES + GIVES],
    /// How long the text or the list was in the program.
    pub lengths: [u32; TAKES + GIVES],
    /// The bytes.
    pub values: [[u8; VALUE_BYTES]; TAKES + GIVES],
}

/// Instead of a number of bytes: there was no memory.
pub const UNREADABLE: u16 = u16::MAX;
/// Return addresses of a single call, at most.
pub const STACK: usize = 32;

/// A single call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The function's index.
    pub probe: u32,
    /// The session's number.
    pub number: u32,
    /// The process.
    pub tgid: u32,
    /// The thread.
    pub tid: u32,
    /// The goroutine; 0 = none.
    pub goroutine: u64,
    /// Which way it was come to.
    pub path: u64,
    /// When it began, ns since the boot.
    pub began_ns: u64,
    /// How long it took, ns; without an end 0.
    pub duration_ns: u64,
    /// What it gave back in its first two registers.
    pub returned: [u64; 2],
    /// Where its return address lies.
    pub base: i64,
    /// 1: its end was seen.
    pub has_ended: u32,
    /// How many of `stack` there are.
    pub frames: u32,
    /// Values.
    pub values: Values,
    /// Return addresses, innermost first.
    pub stack: [u64; STACK],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_keeps_what_is_put_in() {
        let cookie = Cookie {
            probe: 1_023,
            at: at::EXIT | at::RETURNED,
            to_base: -8,
        };
        assert_eq!(Cookie::unpack(cookie.pack()), cookie);
    }

    #[test]
    fn words_are_compared_as_numbers_of_their_size() {
        let condition = |compare, is_signed, bytes, number: i64| Condition {
            compare,
            is_signed,
            bytes,
            number: number as u64,
            ..Condition::NONE
        };
        // A register's upper half is not part of an int.
        assert!(condition(compare::LESS, 1, 4, 0).holds(0xdead_beef_ffff_ffff));
        assert!(!condition(compare::LESS, 0, 4, 0).holds(0xffff_ffff));
        assert!(condition(compare::MORE, 0, 1, 10).holds(0xff0b));
        assert!(condition(compare::AT_LEAST, 1, 8, -5).holds(-5i64 as u64));
        assert!(!condition(compare::MORE, 1, 8, -5).holds(-5i64 as u64));
        assert!(condition(compare::UNEQUAL, 0, 2, 7).holds(8));
        assert!(condition(compare::EQUAL, 0, 2, 7).holds(0x1_0007));
        assert!(Condition::NONE.holds(3));
    }
}
