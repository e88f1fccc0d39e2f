//! What a sample of a processor leaves: which stack, and how often it was met.

/// Map names, as the loader sees them.
pub mod names {
    /// [`super::StackKey`] -> u64.
    pub const SAMPLES: &str = "coral_samples";
    /// Ring of [`super::Stack`], as long as its frames.
    pub const STACKS: &str = "coral_stacks";
    /// Process -> [`super::Space`].
    pub const SPACES: &str = "coral_spaces";
    /// File -> its unwind table, an array of [`crate::unwind::Block`].
    pub const TABLES: &str = "coral_tables";
    /// [`super::target`] -> 1.
    pub const TARGETS: &str = "coral_targets";
    /// Index by [`super::tally`].
    pub const TALLY: &str = "coral_tally";
}

/// Stands for a process that a session is about; process 0 for all.
#[inline(always)]
pub const fn target(session: u32, tgid: u32) -> u64 {
    (session as u64) << 32 | tgid as u64
}

/// Frames in the kernel, at most.
pub const KERNEL_FRAMES: usize = 64;
/// Places for frames; a power of two above [`KERNEL_FRAMES`] and [`crate::unwind::MOST_FRAMES`] together.
pub const FRAMES: usize = 256;
/// Executable mappings of a process that are known to the kernel side, at most.
pub const MAPPINGS: usize = 256;
/// How often the mappings are halved.
pub const MAPPING_STEPS: u32 = 8;

/// What was counted besides samples.
pub mod tally {
    /// Samples that were taken.
    pub const TAKEN: u32 = 0;
    /// Those that found no room in the map of samples.
    pub const NO_ROOM: u32 = 1;
    /// Stacks that found no room in the ring: their samples are counted, but nobody knows where.
    pub const UNKNOWN: u32 = 2;
    /// How many there are.
    pub const COUNT: u32 = 3;
}

/// One stack of one process.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StackKey {
    /// Over the thread's name and all frames.
    pub hash: u64,
    /// The process.
    pub tgid: u32,
    /// 0 = the samples that are always taken, else those of a session.
    pub session: u32,
}

/// What comes before the frames.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackHead {
    /// Whose.
    pub key: StackKey,
    /// The thread's name.
    pub comm: [u8; 16],
    /// How many frames are in the kernel; they come first, innermost first.
    pub kernel: u16,
    /// How many frames of the program follow, innermost first.
    pub user: u16,
    /// How the walk ended: [`crate::unwind::Outcome`], or [`TOO_DEEP`].
    pub outcome: u8,
    /// 1 when a frame was found by a frame pointer of which nothing is known.
    pub guessed: u8,
    /// Keeps the layout free of holes.
    pub unused: u16,
}

/// The walk ended after as many frames as there is room for.
pub const TOO_DEEP: u8 = 255;

/// A stack with its frames. Frames of the program but the innermost are return addresses less 1, so that each lies in
/// the call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// What it is.
    pub head: StackHead,
    /// Addresses.
    pub frames: [u64; FRAMES],
}

/// A part of a process's memory with code of a file in it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// First address; of places without a mapping [`NOWHERE`].
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// What is added to the file's own addresses.
    pub bias: u64,
    /// The file's table; 0 = none.
    pub table: u64,
}

/// Above every address of a process.
pub const NOWHERE: u64 = 1 << 62;

/// The mappings of a process, by address.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Space {
    /// Sorted by `start`.
    pub mappings: [Mapping; MAPPINGS],
}

impl Mapping {
    /// None.
    pub const NONE: Self = Self {
        start: NOWHERE,
        end: NOWHERE,
        bias: 0,
        table: 0,
    };
}

impl Space {
    /// Nothing is mapped.
    pub const EMPTY: Self = Self {
        mappings: [Mapping::NONE; MAPPINGS],
    };

    /// The mapping with this address, if it has one.
    #[inline(always)]
    pub fn find(&self, address: u64) -> Option<&Mapping> {
        if address >= NOWHERE {
            return None;
        }
        let (mut at, mut half) = (0u64, MAPPINGS as u64 / 2);
        while half > 0 {
            let above = crate::unwind::more(self.at(at + half).start, address);
            at += half & !above;
            half /= 2;
        }
        let found = self.at(at);
        (found.start <= address && address < found.end).then_some(found)
    }

    #[inline(always)]
    fn at(&self, index: u64) -> &Mapping {
        // SAFETY: the mask keeps the place below the number of mappings.
        unsafe {
            self.mappings
                .get_unchecked(crate::bounded::<{ MAPPINGS as i32 - 1 }>(index))
        }
    }
}

const _: () = assert!(KERNEL_FRAMES + crate::unwind::MOST_FRAMES as usize <= FRAMES);
const _: () = assert!(1 << MAPPING_STEPS == MAPPINGS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_found_by_any_of_its_addresses_and_by_no_other() {
        let mut space = Space::EMPTY;
        for (i, mapping) in space.mappings.iter_mut().take(200).enumerate() {
            let start = 0x1000 + i as u64 * 0x3000;
            *mapping = Mapping {
                start,
                end: start + 0x2000,
                bias: i as u64,
                table: 1,
            };
        }
        for i in 0..200 {
            let start = 0x1000 + i * 0x3000;
            for address in [start, start + 0x1fff] {
                assert_eq!(space.find(address).map(|m| m.bias), Some(i));
            }
            for address in [start - 1, start + 0x2000] {
                assert_eq!(space.find(address), None);
            }
        }
        assert_eq!(space.find(u64::MAX), None);
        assert_eq!(Space::EMPTY.find(0x1000), None);
    }
}
