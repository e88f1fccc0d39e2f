//! Keys and values of the kernel maps, and the records of the ring.

use crate::http1::LINE_BYTES;

/// Names of maps and programs in the object; the kernel shows the first 15 characters.
pub mod names {
    /// Socket cookie -> `Conn`.
    pub const CONN: &str = "coral_conn";
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
    /// Socket cookie -> [`super::Talk`].
    pub const TALK: &str = "coral_talk";
    /// Offsets in the kernel's structures, by [`super::layout`].
    pub const LAYOUT: &str = "coral_layout";
    /// One u64: how many detail records the interval may still have.
    pub const BUDGET: &str = "coral_budget";
}

/// `coral_model::Side` codes.
pub mod side {
    /// Requests come in.
    pub const SERVER: u8 = 1;
    /// Requests go out.
    pub const CLIENT: u8 = 2;
}

/// Who opened a connection, written at connect in the process's own context.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The process; 0 = unknown.
    pub tgid: u32,
    /// The port that is connected to.
    pub remote_port: u16,
    /// 4 or 6.
    pub family: u8,
    /// Keeps the layout free of holes.
    pub unused: u8,
    /// Its control group.
    pub cgroup: u64,
    /// Its name as the kernel has it.
    pub comm: [u8; 16],
    /// The address that is connected to; IPv4 in the first four bytes.
    pub remote: [u8; 16],
}

/// Places in the array of offsets that the loader finds in the kernel's own types; 0 = not found.
pub mod layout {
    /// `sock.__sk_common.skc_net`.
    pub const SOCK_NET: u32 = 0;
    /// `net.ns.inum`: the number that `/proc/PID/ns/net` shows.
    pub const NET_INUM: u32 = 1;
    /// `sock.sk_err`.
    pub const SOCK_ERR: u32 = 2;
    /// `sk_buff.sk`.
    pub const SKB_SOCK: u32 = 3;
    /// `sk_buff.len`.
    pub const SKB_LEN: u32 = 4;
    /// `sk_buff.data_len`: how much of it lies in pages.
    pub const SKB_IN_PAGES: u32 = 5;
    /// `sk_buff.data`.
    pub const SKB_DATA: u32 = 6;
    /// `sock.__sk_common.skc_family`.
    pub const SOCK_FAMILY: u32 = 7;
    /// `sock.sk_type`.
    pub const SOCK_TYPE: u32 = 8;
    /// `sock.sk_socket`.
    pub const SOCK_SOCKET: u32 = 9;
    /// `inode.i_ino` as seen from the `socket` beside it.
    pub const SOCKET_INODE: u32 = 10;
    /// `unix_sock.peer`.
    pub const UNIX_PEER: u32 = 11;
    /// `sock.sk_peer_pid`.
    pub const SOCK_PEER_PID: u32 = 12;
    /// `pid.numbers[0].nr`.
    pub const PID_NUMBER: u32 = 13;
    /// `sk_buff.head`.
    pub const SKB_HEAD: u32 = 14;
    /// `sk_buff.end`, counted from `head`: there lies what is known of its pages.
    pub const SKB_END: u32 = 15;
    /// `skb_shared_info.frags`.
    pub const FRAGMENTS: u32 = 16;
    /// How many offsets there are; after them come words of 64 bits, low half first.
    pub const OFFSETS: u32 = 17;
    /// What to add to 64 times the address of a `struct page` to have the address of its memory; 0 = not known.
    pub const MEMORY: u32 = 17;
    /// While it is looked for: what pages are filled with; 0 = it is not looked for.
    pub const MAGIC: u32 = 19;
    /// How many there are.
    pub const COUNT: u32 = 21;
}

/// One end of a connection between Unix sockets, by the kernel's address of it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixEnd {
    /// Under what the connection is kept: the inode of the end that spoke first, and the highest bit.
    pub key: u64,
    /// The socket's inode; addresses are used again.
    pub inode: u64,
}

/// `AF_UNIX`, in the place of an IP version.
pub const UNIX: u8 = 1;

/// One connection, from its handshake or from the agent's first look to its end.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// After the last byte seen, egress and ingress, extended sequence numbers; 0 = no packet yet.
    pub seen: [u64; 2],
    /// Bytes up to here were added to the series.
    pub counted: [u64; 2],
    /// Time of the caller's first byte of the turn under way; 0 = none.
    pub turn_ns: u64,
    /// When bytes were last added to the series.
    pub flushed_ns: u64,
    /// Whose figures these are, when it is not read further; 0 = not known yet.
    pub series: u64,
    /// 1 while a CPU works on it.
    pub busy: u64,
    /// Of Unix sockets: the kernel's address of the end that spoke first.
    pub opened_by: u64,
    /// Of Unix sockets: the process that serves.
    pub server_tgid: u32,
    /// Of Unix sockets: the process that connected; 0 = not known.
    pub caller_tgid: u32,
    /// Both ends, from the first packet; of Unix sockets their inodes in place of addresses.
    pub tuple: Tuple,
    /// Segments sent again that were added to the series.
    pub resent: u32,
    /// The network namespace; 0 = not known.
    pub netns: u32,
    /// 1 server, 2 client.
    pub side: u8,
    /// 1 when its handshake was seen.
    pub born: u8,
    /// 4 or 6; 0 = no packet yet.
    pub family: u8,
    /// `coral_model::Protocol` code; 0 = not known yet.
    pub protocol: u8,
    /// Packets of the caller that were looked at.
    pub looked: u8,
    /// Who spoke last: 1 caller, 2 callee.
    pub spoke: u8,
    /// Keeps the layout free of holes.
    pub unused: [u8; 2],
}

impl Talk {
    /// A connection of which nothing is known.
    pub const EMPTY: Self = Self {
        seen: [0; 2],
        counted: [0; 2],
        turn_ns: 0,
        flushed_ns: 0,
        series: 0,
        busy: 0,
        opened_by: 0,
        server_tgid: 0,
        caller_tgid: 0,
        tuple: Tuple {
            local: [0; 16],
            remote: [0; 16],
            local_port: 0,
            remote_port: 0,
            unused: 0,
        },
        resent: 0,
        netns: 0,
        side: 0,
        born: 0,
        family: 0,
        protocol: 0,
        looked: 0,
        spoke: 0,
        unused: [0; 2],
    };
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
    /// The network namespace of a server's socket; 0 = not known.
    pub netns: u32,
    /// Keeps the layout free of holes.
    pub unused2: u32,
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
    /// Connections that could not be made.
    pub failures: u64,
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
