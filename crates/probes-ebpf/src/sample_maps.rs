//! The maps of the profiler.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::btf_maps::{Array as BtfArray, HashOfMaps};
use aya_ebpf::macros::{btf_map, map};
use aya_ebpf::maps::{Array, HashMap, PerCpuArray, RingBuf};
use coral_probes_abi::profile::{Space, Stack, StackKey, tally};
use coral_probes_abi::unwind::{Block, Regs};

/// Registers that a rule may want.
pub const REGISTERS: usize = 16;

/// What a program builds while it works.
#[repr(C)]
pub struct Sampler {
    pub stack: Stack,
    pub regs: Regs,
    /// The program's registers, by their number in DWARF.
    pub saved: [u64; REGISTERS],
    pub hash: u64,
}

#[map(name = "coral_samples")]
pub static SAMPLES: HashMap<StackKey, u64> = HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);
#[map(name = "coral_stacks")]
pub static STACKS: RingBuf = RingBuf::with_byte_size(128 * 1024, 0);
#[map(name = "coral_spaces")]
pub static SPACES: HashMap<u32, Space> = HashMap::with_max_entries(1_024, BPF_F_NO_PREALLOC);
#[map(name = "coral_targets")]
pub static TARGETS: HashMap<u64, u32> = HashMap::with_max_entries(4_096, BPF_F_NO_PREALLOC);
#[map(name = "coral_tally")]
pub static TALLY: Array<u64> = Array::with_max_entries(tally::COUNT, 0);
#[map(name = "coral_sampler")]
pub static SAMPLER: PerCpuArray<Sampler> = PerCpuArray::with_max_entries(1, 0);
/// `BPF_F_INNER_MAP`: what is put in may have more places than this one.
const OF_ANY_SIZE: usize = 1 << 12;
/// The unwind tables, by file.
#[btf_map(name = "coral_tables")]
pub static TABLES: HashOfMaps<u64, BtfArray<Block, 1, OF_ANY_SIZE>, 1_024> = HashOfMaps::new();
