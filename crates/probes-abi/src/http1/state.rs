//! The engine's state, laid out for kernel maps, and what it asks of its surroundings.

/// How much of a request or status line is kept: enough for a method and a path of the usual length.
pub const LINE_BYTES: usize = 96;
/// Requests that wait inside [`Conn`]; more (pipelining) go to [`Env::overflow_put`].
pub const SLOTS: usize = 2;
/// Bytes of a packet that are looked at in one load.
pub const WINDOW_BYTES: usize = 512;

/// What the bytes of one direction mean next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u8);

impl Mode {
    /// Nothing is known; only a packet that begins with a head is looked at.
    pub const UNKNOWN: Self = Self(0);
    /// Inside a head, or at the first byte of the next one.
    pub const HEAD: Self = Self(1);
    /// Inside a body that ends at `Dir::next`.
    pub const BODY: Self = Self(2);
    /// Inside a chunk's size line.
    pub const CHUNK_LINE: Self = Self(3);
    /// Inside a chunk that ends, with its CRLF, at `Dir::next`.
    pub const CHUNK: Self = Self(4);
    /// Inside the trailers after the last chunk.
    pub const TRAILERS: Self = Self(5);
    /// Inside a body that ends with the connection.
    pub const UNTIL_CLOSE: Self = Self(6);
    /// Another protocol took over (101, CONNECT).
    pub const TUNNEL: Self = Self(7);
    /// Not HTTP/1.
    pub const OTHER: Self = Self(8);
}

/// One direction of a connection. Sequence numbers are extended to 64 bits, so bodies over 2 GB are nothing special.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Dir {
    /// The next byte that the machine wants, or where the body ends; 0 = no packet seen yet.
    pub next: u64,
    /// After the last byte seen.
    pub seen: u64,
    /// Where byte counting stands: bytes up to here were added to the series.
    pub counted: u64,
    /// Time of the first byte of the message, boot nanoseconds.
    pub began_ns: u64,
    /// Time of the first byte of the final answer.
    pub answered_ns: u64,
    /// Content-Length or chunk size while it is read.
    pub value: u64,
    /// Bytes of the head so far.
    pub head_bytes: u32,
    /// The final status, while its body is under way; 0 = none.
    pub status: u16,
    /// Bytes in `line`.
    pub line_bytes: u16,
    /// What the bytes mean next.
    pub mode: Mode,
    /// Where in a line the machine is (`head::Line`).
    pub place: u8,
    /// How much of a header name or value has matched.
    pub matched: u8,
    /// What the head said so far (`head::HAS_LENGTH`, ...).
    pub said: u8,
    /// 1 after the first line.
    pub past_first_line: u8,
    /// 1 after FIN.
    pub finished: u8,
    /// Keeps the layout free of holes.
    pub unused: [u8; 2],
    /// 1 while a CPU works on this direction.
    pub busy: u64,
    /// Bytes that came before ones that are still due: from here ...
    pub early_from: u64,
    /// ... to here; 0 = none.
    pub early_to: u64,
    /// The begin of the request or status line.
    pub line: [u8; LINE_BYTES],
}

/// A request that waits for its answer.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Time of its first byte, boot nanoseconds.
    pub began_ns: u64,
    /// Its number on the connection; tells whose slot it is.
    pub index: u32,
    /// `coral_model::Method` code.
    pub method: u8,
    /// Bytes in `line`.
    pub line_bytes: u8,
    /// Keeps the layout free of holes.
    pub unused: u16,
    /// The begin of the request line, method included.
    pub line: [u8; LINE_BYTES],
}

/// A connection as seen from one socket.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Conn {
    /// Egress, ingress.
    pub dir: [Dir; 2],
    /// Requests pushed so far; only the request direction writes it.
    pub pushed: u32,
    /// Requests ended so far; only the response direction writes it.
    pub ended: u32,
    /// Whose figures these are (`records::SeriesInfo`); 0 = not known yet.
    pub series: u64,
    /// 0 unknown, 1 server (requests come in), 2 client.
    pub side: u8,
    /// `coral_model::Protocol` code; 0 = not known yet.
    pub protocol: u8,
    /// 1 after a reset.
    pub reset: u8,
    /// 1 when the handshake was seen, so that no request can have come before.
    pub born: u8,
    /// 4 or 6.
    pub family: u8,
    /// Keeps the layout free of holes.
    pub unused: [u8; 3],
    /// Own address of the socket; IPv4 in the first four bytes.
    pub local: [u8; 16],
    /// The other end's address.
    pub remote: [u8; 16],
    /// Own port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// Segments sent again that were added to the series.
    pub resent: u32,
    /// The sequence number and acknowledgement of its first packet with data, which both ends see alike whatever happens to
    /// addresses between them; 0 = its begin was not seen.
    pub pair: u64,
    /// Under what its requests wait that have no slot: the cookie, or a hash when the connection began in a handshake.
    pub queue: u64,
    /// The requests in flight, by index.
    pub slots: [Request; SLOTS],
}

/// One packet on its way through the machine.
#[repr(C)]
pub struct Walk {
    /// 1 while a program uses it.
    pub busy: u64,
    /// Extended sequence number of the packet's first byte.
    pub start: u64,
    /// After its last byte.
    pub end: u64,
    /// The byte that is looked at.
    pub at: u64,
    /// The packet's time, boot nanoseconds.
    pub now_ns: u64,
    /// Extended sequence number of the window's first byte.
    pub window_at: u64,
    /// Bytes in the window; 0 = load first.
    pub window_bytes: u32,
    /// 0 egress, 1 ingress.
    pub direction: u8,
    /// 1 while the line under way began in an earlier packet.
    pub continued: u8,
    /// Keeps the layout free of holes.
    pub unused: u16,
    /// Bytes of the packet; eight more so that a word can be read at any of them.
    pub window: [u8; WINDOW_BYTES + 8],
}

/// A request that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Time of its first byte, boot nanoseconds.
    pub began_ns: u64,
    /// Time of the first byte of the final answer; 0 = none came.
    pub answered_ns: u64,
    /// When it ended.
    pub ended_ns: u64,
    /// The final status; 0 = none came.
    pub status: u16,
    /// `coral_model::Method` code.
    pub method: u8,
    /// `coral_model::Ending` code.
    pub ending: u8,
    /// Whether another protocol took over, so that its duration says nothing.
    pub tunnel: bool,
}

/// What the engine counts besides requests; each is a kind of loss. The numbers index the kernel's counter map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Counter {
    /// Bytes were missing where a head was due.
    Gap = 0,
    /// An answer came without a request.
    Unmatched = 1,
    /// A head was longer than the limit.
    HeadTooLong = 2,
    /// A status line or message was malformed.
    Malformed = 3,
    /// A request found no place in the queue of its connection.
    QueueFull = 4,
    /// A packet took more steps than the bound.
    Bound = 5,
    /// A packet's bytes could not be read.
    Load = 6,
    /// A connection found no place.
    ConnFull = 7,
    /// A series found no place.
    SeriesFull = 8,
    /// A count found no place.
    CountFull = 9,
    /// A detail record found no room.
    DetailLost = 10,
    /// A connection speaks TLS.
    Tls = 11,
    /// A connection speaks HTTP/2.
    Http2 = 12,
    /// Programs met deeper than the scratch memory goes.
    Nested = 13,
    /// A packet met another of its direction that was still worked on, for too long.
    Met = 14,
}

impl Counter {
    /// How many there are.
    pub const COUNT: u32 = 15;
}

/// What the engine asks of its surroundings: the kernel's maps and helpers, or a test.
pub trait Env {
    /// Loads `bytes` (1 to [`WINDOW_BYTES`]) of the packet's payload, from `offset` on, into the window.
    fn load(&mut self, walk: &mut Walk, offset: u32, bytes: u32) -> bool;
    /// A place to build a request in that has no slot.
    fn spare(&mut self) -> *mut Request;
    /// Keeps a request for which the connection has no slot; false = no room.
    fn overflow_put(&mut self, request: &Request) -> bool;
    /// The request of that index, from [`Self::overflow_put`]; null when it is not there.
    fn overflow_get(&mut self, index: u32) -> *const Request;
    /// Forgets the request of that index.
    fn overflow_drop(&mut self, index: u32);
    /// The first request of the connection is complete: `side` and addresses are known.
    fn began(&mut self, conn: &mut Conn);
    /// A request ended; `line` is its request line.
    fn ended(&mut self, conn: &mut Conn, request: &Request, ended: &Ended);
    /// Something was lost.
    fn count(&mut self, counter: Counter);
}

impl Conn {
    /// A connection of which nothing is known.
    pub const EMPTY: Self = Self {
        dir: [Dir::EMPTY; 2],
        pushed: 0,
        ended: 0,
        series: 0,
        side: 0,
        protocol: 0,
        reset: 0,
        born: 0,
        family: 0,
        unused: [0; 3],
        local: [0; 16],
        remote: [0; 16],
        local_port: 0,
        remote_port: 0,
        resent: 0,
        pair: 0,
        queue: 0,
        slots: [Request::EMPTY; SLOTS],
    };

    /// Requests that began and have not ended.
    #[inline(always)]
    pub fn in_flight(&self) -> u32 {
        // SAFETY: plain fields; volatile because the other direction may run on another CPU.
        let (pushed, ended) = unsafe {
            (
                core::ptr::read_volatile(&self.pushed),
                core::ptr::read_volatile(&self.ended),
            )
        };
        pushed.wrapping_sub(ended)
    }
}

impl Dir {
    /// A direction of which nothing is known.
    pub const EMPTY: Self = Self {
        next: 0,
        seen: 0,
        counted: 0,
        began_ns: 0,
        answered_ns: 0,
        value: 0,
        head_bytes: 0,
        status: 0,
        line_bytes: 0,
        mode: Mode::UNKNOWN,
        place: 0,
        matched: 0,
        said: 0,
        past_first_line: 0,
        finished: 0,
        unused: [0; 2],
        busy: 0,
        early_from: 0,
        early_to: 0,
        line: [0; LINE_BYTES],
    };
}

impl Request {
    /// No request; its index is none that can wait in a new connection.
    pub const EMPTY: Self = Self {
        began_ns: 0,
        index: u32::MAX,
        method: 0,
        line_bytes: 0,
        unused: 0,
        line: [0; LINE_BYTES],
    };
}

impl Walk {
    /// A walk before its first packet.
    pub const EMPTY: Self = Self {
        busy: 0,
        start: 0,
        end: 0,
        at: 0,
        now_ns: 0,
        window_at: 0,
        window_bytes: 0,
        direction: 0,
        continued: 0,
        unused: 0,
        window: [0; WINDOW_BYTES + 8],
    };
}
