//! All maps. Names begin with `coral_`, so that what is Coral's can be told from the outside.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use coral_probes_abi::http1::{Conn, Counter, Request, Walk};
use coral_probes_abi::records::{
    CountKey, Detail, HistogramKey, Owner, QueueKey, SeriesInfo, Talk, Traffic, Tuple, UnixEnd,
    layout,
};

/// Programs that may be under way on one CPU at once: each process that was preempted inside one holds a place, and a
/// softirq on top of them takes another.
pub const PLACES: u32 = 16;

#[map(name = "coral_conn")]
pub static CONN: HashMap<u64, Conn> = HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);
/// Connections whose first bytes came with the handshake's last packet, under the listener's socket; the first packet
/// under their own takes them from here.
#[map(name = "coral_handshake")]
pub static HANDSHAKE: LruHashMap<Tuple, Conn> = LruHashMap::with_max_entries(512, 0);
/// 1 when there ever was one, so that hosts without them look nothing up.
#[map(name = "coral_early")]
pub static EARLY: Array<u64> = Array::with_max_entries(1, 0);
#[map(name = "coral_queue")]
pub static QUEUE: HashMap<QueueKey, Request> = HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);
#[map(name = "coral_owner")]
pub static OWNER: LruHashMap<u64, Owner> = LruHashMap::with_max_entries(16_384, 0);
#[map(name = "coral_tuple")]
pub static TUPLE: HashMap<Tuple, u64> = HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);
/// First packet of a client's connection ([`Conn::pair`]) -> its series, for the server's end on the same host.
#[map(name = "coral_pair")]
pub static PAIR: LruHashMap<u64, u64> = LruHashMap::with_max_entries(8_192, 0);
#[map(name = "coral_talk")]
pub static TALK: HashMap<u64, Talk> = HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);
#[map(name = "coral_unix_end")]
pub static UNIX: LruHashMap<u64, UnixEnd> = LruHashMap::with_max_entries(8_192, 0);
#[map(name = "coral_layout")]
pub static LAYOUT: Array<u32> = Array::with_max_entries(layout::COUNT, 0);
#[map(name = "coral_series")]
pub static SERIES: HashMap<u64, SeriesInfo> = HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);
#[map(name = "coral_count")]
pub static COUNT: HashMap<CountKey, u64> = HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);
#[map(name = "coral_histogram")]
pub static HISTOGRAM: HashMap<HistogramKey, [u64; 64]> =
    HashMap::with_max_entries(65_536, BPF_F_NO_PREALLOC);
#[map(name = "coral_traffic")]
pub static TRAFFIC: HashMap<u64, Traffic> = HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);
#[map(name = "coral_counter")]
pub static COUNTER: Array<u64> = Array::with_max_entries(Counter::COUNT, 0);
/// How many series there are of servers whose callers are told apart by address.
#[map(name = "coral_callers")]
pub static CALLERS: Array<u64> = Array::with_max_entries(1, 0);
#[map(name = "coral_budget")]
pub static BUDGET: Array<u64> = Array::with_max_entries(1, 0);
#[map(name = "coral_detail")]
pub static DETAIL: RingBuf = RingBuf::with_byte_size(256 * 1024, 0);
#[map(name = "coral_scratch")]
pub static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(PLACES, 0);

/// A buffer that the reader of a Unix socket has taken, and whose it was.
#[repr(C)]
pub struct Taken {
    /// The sender's socket.
    pub socket: u64,
    /// Under what the connection is kept.
    pub key: u64,
    /// Where its bytes begin that do not lie in pages.
    pub data: u64,
    /// The first piece of those that do.
    pub page: u64,
    /// All its bytes.
    pub bytes: u32,
    /// Those at `data`.
    pub linear: u32,
    /// Those at `page`.
    pub in_page: u32,
    /// Keeps the layout free of holes.
    pub unused: u32,
}

/// What a program builds while it works; the stack has 512 bytes for all calls together.
#[repr(C)]
pub struct Scratch {
    pub walk: Walk,
    /// A window that is put together from two places may, for all that the verifier sees, reach in here.
    pub spare: [u8; 512],
    pub taken: Taken,
    pub request: Request,
    pub info: SeriesInfo,
    pub tuple: Tuple,
}

/// A free scratch place of this CPU: a softirq or another process may have interrupted one that is at work. It is given
/// back with [`give_back`].
#[inline(always)]
pub fn scratch() -> Option<*mut Scratch> {
    let mut index = 0;
    while index < PLACES {
        let scratch = SCRATCH.get_ptr_mut(index)?;
        // SAFETY: a field of a map value.
        if crate::atomic::take(unsafe { &raw mut (*scratch).walk.busy }) {
            return Some(scratch);
        }
        index += 1;
    }
    None
}

/// Gives a scratch place back.
#[inline(always)]
pub fn give_back(scratch: *mut Scratch) {
    // SAFETY: a field of a map value.
    crate::atomic::give(unsafe { &raw mut (*scratch).walk.busy });
}

/// Counts a loss.
#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(place) = COUNTER.get_ptr_mut(counter as u32) {
        crate::atomic::add(place, 1);
    }
}

/// A record fits the ring's budget of bytes.
const _: () = assert!(core::mem::size_of::<Detail>() <= 256);
