//! Keys and values of the kernel maps, and the records of the ring.

use crate::http1::LINE_BYTES;

/// Names of maps and programs in the object; the kernel shows the first 15 characters.
pub mod names {
    /// Socket cookie -> `Conn`.
    pub const CONN: &str = "coral_conn";
    /// {cookie, index} -> `Request`.
    pub const QUEUE: &str = "coral_queue";
    /// Socket cookie -> [`super::Owner`].
    pub const OWNER: &str = "coral_owner";
    /// [`super::Tuple`] of a client on this host -> its series.
    pub const TUPLE: &str = "coral_tuple";
    /// Series -> [`super::SeriesInfo`].
    pub const SERIES: &str = "coral_series";
    /// [`super::CountKey`] -> u64.
    pub const COUNT: &str = "coral_count";
    /// [`super::HistogramKey`] -> 64 x u64.
    pub const HISTOGRAM: &str = "coral_histogram";
    /// Series -> [`super::Traffic`].
    pub const TRAFFIC: &str = "coral_traffic";
    /// `http1::Counter` -> u64.
    pub const COUNTER: &str = "coral_counter";
    /// Ring of [`super::Detail`].
    pub const DETAIL: &str = "coral_detail";
    /// One u64: how many detail records the interval may still have.
    pub const BUDGET: &str = "coral_budget";
}

/// Who opened a connection, written at connect in the process's own context.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The process; 0 = unknown.
    pub tgid: u32,
    /// Keeps the layout free of holes.
    pub unused: u32,
    /// Its control group.
    pub cgroup: u64,
    /// Its name as the kernel has it.
    pub comm: [u8; 16],
}

/// Both ends of a connection, own end first.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// Own address.
    pub local: [u8; 16],
    /// The other end's address.
    pub remote: [u8; 16],
    /// Own port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// Keeps the layout free of holes.
    pub unused: u32,
}

/// Whose figures a series holds: one process as client of one address, or one listening address as server of one caller.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesInfo {
    /// Who opened the connection (client side).
    pub owner: Owner,
    /// The socket, when the owner is unknown; else 0.
    pub cookie: u64,
    /// On the server side the series of a caller on this host; else 0.
    pub peer: u64,
    /// Own address; IPv4 in the first four bytes.
    pub local: [u8; 16],
    /// The other end's address; zero when callers are too many to tell apart.
    pub remote: [u8; 16],
    /// The listening port (server side), else 0.
    pub local_port: u16,
    /// The port that is asked (client side), else 0.
    pub remote_port: u16,
    /// 1 server, 2 client.
    pub side: u8,
    /// 4 or 6.
    pub family: u8,
    /// `coral_model::Protocol` code.
    pub protocol: u8,
    /// Keeps the layout free of holes.
    pub unused: u8,
}

/// What is counted apart.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountKey {
    /// Whose.
    pub series: u64,
    /// `coral_model::Method` code.
    pub method: u8,
    /// `coral_model::StatusClass` code.
    pub class: u8,
    /// `coral_model::Ending` code.
    pub ending: u8,
    /// 1 for streams: counted, not in percentiles.
    pub stream: u8,
    /// Keeps the layout free of holes.
    pub unused: u32,
}

/// Which 64 buckets of a histogram.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HistogramKey {
    /// Whose.
    pub series: u64,
    /// `coral_model::StatusClass` code.
    pub class: u8,
    /// `histogram::octave`.
    pub octave: u8,
    /// Keeps the layout free of holes.
    pub unused: [u8; 6],
}

/// Connections and bytes of a series.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Connections that spoke.
    pub connections: u64,
    /// Payload bytes out of the socket.
    pub bytes_out: u64,
    /// Payload bytes into it.
    pub bytes_in: u64,
    /// Segments sent again.
    pub resent: u64,
    /// The kernel's smoothed round-trip time when a request last ended; 0 = not known.
    pub rtt_ns: u64,
}

/// Where a request waits that has no slot in its connection.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueKey {
    /// The connection's `queue`.
    pub queue: u64,
    /// The request's number on it.
    pub index: u32,
    /// Keeps the layout free of holes.
    pub unused: u32,
}

/// One request, for its route.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    /// Whose.
    pub series: u64,
    /// Time of the first byte, boot nanoseconds.
    pub began_ns: u64,
    /// Time of the first byte of the answer; 0 = none.
    pub answered_ns: u64,
    /// When it ended.
    pub ended_ns: u64,
    /// The final status; 0 = none.
    pub status: u16,
    /// `coral_model::Method` code.
    pub method: u8,
    /// `coral_model::Ending` code.
    pub ending: u8,
    /// 1 for streams.
    pub stream: u8,
    /// Bytes in `line`.
    pub line_bytes: u8,
    /// Keeps the layout free of holes.
    pub unused: u16,
    /// The begin of the request line.
    pub line: [u8; LINE_BYTES],
}

/// An answer that takes longer than this is a stream: counted, not in percentiles.
pub const STREAM_NS: u64 = 30_000_000_000;
