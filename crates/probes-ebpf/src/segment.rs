//! A packet's headers: what of them matters.

use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::bpf_skb_load_bytes;
use coral_probes_abi::records::Tuple;
use core::ffi::c_void;

pub const EGRESS: u8 = 0;
pub const INGRESS: u8 = 1;
pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
const TCP: u8 = 6;

/// What the headers of a TCP segment say. The addresses stay in the packet until somebody needs them.
pub struct Segment {
    pub family: u8,
    pub flags: u8,
    /// Where the payload begins.
    pub payload: u32,
    /// How long it is; a packet that will be cut up later counts as the one that it is now.
    pub bytes: u32,
    pub seq: u32,
    pub ack: u32,
    pub source_port: u16,
    pub target_port: u16,
}

impl Segment {
    /// What both ends of the connection see alike in this packet, whatever happens to addresses on the way.
    #[inline(always)]
    pub fn pair(&self) -> u64 {
        ((self.seq as u64) << 32) | self.ack as u64
    }
}

/// The segment in a packet; `None` for anything but TCP.
#[inline(always)]
pub fn segment(skb: *mut __sk_buff) -> Option<Segment> {
    // One buffer for both headers, whose first twenty bytes say all: the stack is short.
    let mut bytes = [0u8; 20];
    load(skb, 0, &mut bytes)?;
    let (family, header, protocol) = if bytes[0] >> 4 == 4 {
        (4, ((bytes[0] & 15) as u32) * 4, bytes[9])
    } else {
        (6, 40, bytes[6])
    };
    if protocol != TCP {
        return None;
    }
    load(skb, header, &mut bytes)?;
    let tcp = bytes;
    let payload = header + ((tcp[12] >> 4) as u32) * 4;
    // SAFETY: a field of the program's context.
    let total = unsafe { (*skb).len };
    Some(Segment {
        family,
        flags: tcp[13],
        payload,
        bytes: total.saturating_sub(payload),
        seq: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
        ack: u32::from_be_bytes([tcp[8], tcp[9], tcp[10], tcp[11]]),
        source_port: u16::from_be_bytes([tcp[0], tcp[1]]),
        target_port: u16::from_be_bytes([tcp[2], tcp[3]]),
    })
}

/// Copies bytes of the packet; `None` when it is shorter.
#[inline(always)]
pub fn load<const N: usize>(skb: *mut __sk_buff, offset: u32, to: &mut [u8; N]) -> Option<()> {
    // SAFETY: the helper writes N bytes or none.
    let failed = unsafe {
        bpf_skb_load_bytes(
            skb as *const c_void,
            offset,
            to.as_mut_ptr() as *mut c_void,
            N as u32,
        )
    };
    if failed == 0 { Some(()) } else { None }
}

/// Writes both ends of the packet's connection into `ends`, own end first.
#[inline(always)]
pub fn ends(skb: *mut __sk_buff, segment: &Segment, direction: u8, ends: &mut Tuple) {
    ends.local = [0; 16];
    ends.remote = [0; 16];
    ends.unused = 0;
    let (own, other) = (ends.local.as_mut_ptr(), ends.remote.as_mut_ptr());
    let (source, target) = if direction == EGRESS {
        (own, other)
    } else {
        (other, own)
    };
    let (at, bytes) = if segment.family == 4 {
        (12, 4)
    } else {
        (8, 16)
    };
    // SAFETY: each address has 16 bytes; the header was read before, so these loads do not fail.
    unsafe {
        bpf_skb_load_bytes(skb as *const c_void, at, source as *mut c_void, bytes);
        bpf_skb_load_bytes(
            skb as *const c_void,
            at + bytes,
            target as *mut c_void,
            bytes,
        );
    }
    (ends.local_port, ends.remote_port) = if direction == EGRESS {
        (segment.source_port, segment.target_port)
    } else {
        (segment.target_port, segment.source_port)
    };
}
