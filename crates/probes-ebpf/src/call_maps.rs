//! The maps of the programs that follow calls of probed functions.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, RingBuf};
use coral_probes_abi::calls::{self, Call, HeldKey, Hits, Node, NodeKey, Probe, Session};
use coral_probes_abi::calls::{Thread, ThreadKey, TimesKey};

#[map(name = "coral_probes")]
pub static PROBES: Array<Probe> = Array::with_max_entries(calls::PROBES as u32, 0);
#[map(name = "coral_hits")]
pub static HITS: Array<Hits> = Array::with_max_entries(calls::PROBES as u32, 0);
#[map(name = "coral_sessions")]
pub static SESSIONS: Array<Session> = Array::with_max_entries(calls::SESSIONS as u32, 0);
#[map(name = "coral_probed")]
pub static PROBED: HashMap<u64, u32> = HashMap::with_max_entries(4_096, BPF_F_NO_PREALLOC);
#[map(name = "coral_threads")]
pub static THREADS: HashMap<ThreadKey, Thread> =
    HashMap::with_max_entries(8_192, BPF_F_NO_PREALLOC);
#[map(name = "coral_times")]
pub static TIMES: HashMap<TimesKey, [u64; 64]> =
    HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);
#[map(name = "coral_nodes")]
pub static NODES: HashMap<NodeKey, Node> = HashMap::with_max_entries(8_192, BPF_F_NO_PREALLOC);
#[map(name = "coral_held")]
pub static HELD: HashMap<HeldKey, Call> = HashMap::with_max_entries(1_024, BPF_F_NO_PREALLOC);
#[map(name = "coral_calls")]
pub static CALLS: RingBuf = RingBuf::with_byte_size(256 * 1024, 0);
/// What new threads and calls begin with: both are too large for the stack.
#[map(name = "coral_no_thread")]
pub static NO_THREAD: Array<Thread> = Array::with_max_entries(1, 0);
#[map(name = "coral_no_call")]
pub static NO_CALL: Array<Call> = Array::with_max_entries(1, 0);
