//! The engine against conversations whose truth is known, cut into packets in every way.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// A connection on the host: what the kernel side does with maps, done with vectors.
struct Host {
    spare: Box<Request>,
    packet: Vec<u8>,
    overflow: HashMap<u32, Box<Request>>,
    ended: Vec<(String, Ended)>,
    counted: Vec<Counter>,
}

impl Env for Host {
    fn load(&mut self, walk: &mut Walk, offset: u32, bytes: u32) -> bool {
        let (from, to) = (offset as usize, (offset + bytes) as usize);
        walk.window[..bytes as usize].copy_from_slice(&self.packet[from..to]);
        true
    }
    fn spare(&mut self) -> *mut Request {
        &mut *self.spare
    }
    fn overflow_put(&mut self, request: &Request) -> bool {
        self.overflow
            .insert(request.index, Box::new(*request))
            .is_none()
    }
    fn overflow_get(&mut self, index: u32) -> *const Request {
        self.overflow.get(&index).map_or(std::ptr::null(), |r| &**r)
    }
    fn overflow_drop(&mut self, index: u32) {
        self.overflow.remove(&index);
    }
    fn began(&mut self, conn: &mut Conn) {
        conn.series = 1;
    }
    fn ended(&mut self, _: &mut Conn, request: &Request, ended: &Ended) {
        let line = String::from_utf8_lossy(&request.line[..request.line_bytes as usize]);
        let target = line.split(' ').nth(1).unwrap_or("").to_owned();
        self.ended.push((target, *ended));
    }
    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

struct Wire {
    host: Host,
    conn: Conn,
    walk: Box<Walk>,
    now: u64,
    isn: [u32; 2],
}

/// Directions as the server's socket sees them.
const OUT: usize = 0;
const IN: usize = 1;

impl Wire {
    fn new(isn: [u32; 2]) -> Self {
        Self {
            host: Host {
                spare: Box::new(Request::EMPTY),
                packet: vec![],
                overflow: HashMap::new(),
                ended: vec![],
                counted: vec![],
            },
            conn: Conn::EMPTY,
            walk: Box::new(Walk::EMPTY),
            now: 1,
            isn,
        }
    }

    /// Feeds bytes at an offset of the direction's stream.
    fn packet(&mut self, dir: usize, offset: usize, bytes: &[u8], fin: bool) {
        self.now += 1;
        self.host.packet = bytes.to_vec();
        self.walk.now_ns = self.now;
        self.walk.direction = dir as u8;
        let direction: *mut Dir = &mut self.conn.dir[dir];
        let seq = self.isn[dir].wrapping_add(offset as u32);
        let bytes = bytes.len() as u32;
        // SAFETY: as in the kernel, where the same memory is reached by both pointers.
        let direction = unsafe { &mut *direction };
        let (host, conn) = (&mut self.host, &mut self.conn);
        if enter(host, &mut self.walk, conn, direction, seq, bytes) {
            let mut steps = steps_for(bytes);
            while step(host, &mut self.walk, conn, direction) {
                steps = steps.checked_sub(1).expect("more steps than the bound");
            }
        }
        self.walk
            .leave(host, conn, direction, Flags { fin, reset: false });
    }

    fn close(&mut self) {
        while close(&mut self.host, &mut self.conn, self.now) {}
    }

    /// (target, status, ending) of what ended, in order.
    fn ended(&self) -> Vec<(String, u16, u8)> {
        self.host
            .ended
            .iter()
            .map(|(t, e)| (t.clone(), e.status, e.ending))
            .collect()
    }
}

#[derive(Debug, Clone)]
enum Body {
    Length(usize),
    Chunks(Vec<usize>, bool),
    None,
}

#[derive(Debug, Clone)]
struct Exchange {
    method: &'static str,
    path: String,
    request: Body,
    interim: bool,
    status: u16,
    answer: Body,
}

/// Body bytes that look like heads, so that only arithmetic finds the real ones.
fn filler(bytes: usize) -> Vec<u8> {
    b"GET /trap HTTP/1.1\r\nContent-Length: 3\r\n\r\nHTTP/1.1 500 No\r\n\r\n"
        .iter()
        .copied()
        .cycle()
        .take(bytes)
        .collect()
}

fn message(first: &str, body: &Body, with_body: bool) -> Vec<u8> {
    let mut out = format!("{first}\r\nHost: a\r\nX-Content-Length: 77\r\n").into_bytes();
    match body {
        Body::Length(n) => out.extend(format!("cOnTent-LenGTH:  {n} \r\n").bytes()),
        Body::Chunks(..) => {
            out.extend(b"Transfer-Encoding: gzip, Chunked\r\nContent-Length: 5\r\n")
        }
        Body::None => out.extend(b"Cookie: c\r\nConnection: keep-alive\r\n"),
    }
    out.extend(b"T: e\r\n\r\n");
    match body {
        Body::Length(n) if with_body => out.extend(filler(*n)),
        Body::Chunks(sizes, trailers) if with_body => {
            for size in sizes {
                out.extend(format!("{size:X};ext=1\r\n").bytes());
                out.extend(filler(*size));
                out.extend(b"\r\n");
            }
            out.extend(if *trailers {
                &b"0\r\nTrailer: yes\r\nContent-Length: 9\r\n\r\n"[..]
            } else {
                b"0\r\n\r\n"
            });
        }
        _ => {}
    }
    out
}

impl Exchange {
    fn request(&self) -> Vec<u8> {
        message(
            &format!("{} {} HTTP/1.1", self.method, self.path),
            &self.request,
            true,
        )
    }

    fn answer(&self) -> Vec<u8> {
        let bodiless = self.method == "HEAD" || self.status == 204 || self.status == 304;
        let mut out = Vec::new();
        if self.interim {
            out.extend(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = if matches!(self.answer, Body::None) && !bodiless {
            &Body::Length(0)
        } else {
            &self.answer
        };
        out.extend(message(
            &format!("HTTP/1.1 {} Some Words", self.status),
            body,
            !bodiless,
        ));
        out
    }

    fn truth(&self) -> (String, u16, u8) {
        (self.path.clone(), self.status, 0)
    }
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        2 => Just(Body::None),
        2 => (0usize..3000).prop_map(Body::Length),
        1 => (prop::collection::vec(1usize..600, 0..4), any::<bool>()).prop_map(|(s, t)| Body::Chunks(s, t)),
    ]
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let method = prop::sample::select(vec![
        "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "PROPFIND",
    ]);
    let status = prop::sample::select(vec![200u16, 201, 204, 302, 304, 404, 500, 503]);
    (
        method,
        "/[a-z]{0,60}",
        body(),
        any::<bool>(),
        status,
        body(),
    )
        .prop_map(
            |(method, path, request, interim, status, answer)| Exchange {
                method,
                path,
                request,
                interim,
                status,
                answer,
            },
        )
}

/// Cuts `stream` at the given places (each taken modulo what is left) into (offset, bytes), some of them sent twice and
/// some with bytes of the packet before.
fn cut(stream: &[u8], cuts: &[(usize, u8)]) -> Vec<(usize, Vec<u8>)> {
    let (mut out, mut at, mut i) = (vec![], 0, 0);
    while at < stream.len() {
        let (size, kind) = if cuts.is_empty() {
            (usize::MAX, 9)
        } else {
            cuts[i % cuts.len()]
        };
        let to = at.saturating_add(size.max(1)).min(stream.len());
        let from = if kind == 0 { at.saturating_sub(7) } else { at };
        out.push((from, stream[from..to].to_vec()));
        if kind == 1 {
            out.push((at, stream[at..to].to_vec()));
        }
        (at, i) = (to, i + 1);
    }
    out
}

fn cuts() -> impl Strategy<Value = Vec<(usize, u8)>> {
    let size =
        prop_oneof![3 => 1usize..9, 2 => 1usize..200, 1 => 500usize..2000, 1 => Just(65_000usize)];
    prop::collection::vec((size, 0u8..6), 0..12)
}

fn feed(wire: &mut Wire, dir: usize, base: usize, stream: &[u8], cuts: &[(usize, u8)]) {
    for (offset, bytes) in cut(stream, cuts) {
        wire.packet(dir, base + offset, &bytes, false);
    }
}

/// Runs a conversation: one exchange after the other, or all requests before the first answer.
fn converse(exchanges: &[Exchange], pipelined: bool, isn: [u32; 2], cuts: &[(usize, u8)]) -> Wire {
    let mut wire = Wire::new(isn);
    let groups: Vec<&[Exchange]> = if pipelined {
        vec![exchanges]
    } else {
        exchanges.chunks(1).collect()
    };
    let (mut asked, mut answered) = (0, 0);
    for group in groups {
        let requests: Vec<u8> = group.iter().flat_map(Exchange::request).collect();
        let answers: Vec<u8> = group.iter().flat_map(Exchange::answer).collect();
        feed(&mut wire, IN, asked, &requests, cuts);
        feed(&mut wire, OUT, answered, &answers, cuts);
        (asked, answered) = (asked + requests.len(), answered + answers.len());
    }
    wire
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Counts, statuses and routes do not depend on how the bytes were cut, nor on bytes that come twice.
    #[test]
    fn segmentation_does_not_matter(
        exchanges in prop::collection::vec(exchange(), 1..8),
        pipelined in any::<bool>(),
        isn in any::<[u32; 2]>(),
        cuts in cuts(),
    ) {
        // The first request of a connection is recognised by its method.
        let mut exchanges = exchanges;
        if exchanges[0].method == "PROPFIND" {
            exchanges[0].method = "GET";
        }
        let wire = converse(&exchanges, pipelined, isn, &cuts);
        let truth: Vec<_> = exchanges.iter().map(Exchange::truth).collect();
        prop_assert_eq!(wire.ended(), truth);
        prop_assert_eq!(&wire.host.counted, &vec![]);
        prop_assert_eq!(wire.conn.in_flight(), 0);
        prop_assert!(wire.host.overflow.is_empty());
    }

    /// Foreign bytes in any order and direction neither panic nor loop, and never end more than began.
    #[test]
    fn foreign_bytes_are_harmless(packets in prop::collection::vec((any::<bool>(), 0usize..4000, any::<Vec<u8>>(), 0u8..8), 0..40)) {
        let mut wire = Wire::new([0, 0]);
        let starts: [&[u8]; 8] =
            [b"", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 99999999999999999999\r\n\r\n",
             b"Transfer-Encoding: chunked\r\n\r\n", b"ffffffffffffffffff\r\n", b"\r\n\r\n", b"POST /x HTTP/1.0\r\nContent-Length: 4\r\n\r\n"];
        for (dir, offset, bytes, start) in packets {
            let bytes: Vec<u8> = starts[start as usize].iter().copied().chain(bytes).collect();
            wire.packet(usize::from(dir), offset, &bytes, bytes.len().is_multiple_of(7));
        }
        prop_assert!(wire.host.ended.len() as u32 == wire.conn.ended);
        wire.close();
        prop_assert!(wire.conn.pushed == wire.conn.ended || wire.conn.side == 0);
    }
}

#[test]
fn an_answer_without_length_ends_with_the_connection() {
    let mut wire = Wire::new([9, u32::MAX - 4]);
    wire.packet(IN, 0, b"GET /a HTTP/1.0\r\n\r\n", false);
    wire.packet(OUT, 0, b"HTTP/1.0 200 OK\r\n\r\nsome ", false);
    assert_eq!((wire.ended().len(), wire.conn.in_flight()), (0, 1));
    wire.packet(OUT, 24, b"bytes", true);
    assert_eq!(wire.ended(), [("/a".into(), 200, 0)]);
}

#[test]
fn what_a_closing_connection_leaves_is_cut_or_unanswered() {
    let mut wire = Wire::new([0, 0]);
    wire.packet(
        IN,
        0,
        b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\nGET /half",
        false,
    );
    wire.packet(
        OUT,
        0,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
        false,
    );
    wire.close();
    assert_eq!(
        wire.ended(),
        [
            ("/a".into(), 200, 1),
            ("/b".into(), 0, 2),
            ("/c".into(), 0, 2)
        ]
    );
    assert!(wire.host.overflow.is_empty());
}

#[test]
fn a_connection_older_than_the_agent_joins_at_the_next_head() {
    let mut wire = Wire::new([0, 0]);
    wire.packet(OUT, 1000, b"the middle of a body", false);
    wire.packet(
        OUT,
        1020,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    wire.packet(IN, 500, b"GET /a HTTP/1.1\r\n\r\n", false);
    wire.packet(
        OUT,
        1058,
        b"HTTP/1.1 404 Not\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    assert_eq!(wire.ended(), [("/a".into(), 404, 0)]);
    assert_eq!(wire.host.counted, []);
}

#[test]
fn a_gap_is_counted_and_the_next_head_is_found() {
    let mut wire = Wire::new([0, 0]);
    wire.packet(IN, 0, b"GET /a HTTP/1.1\r\n\r\n", false);
    wire.packet(
        OUT,
        0,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    wire.packet(IN, 99, b"GET /c HTTP/1.1\r\n\r\n", false);
    wire.packet(
        OUT,
        38,
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    assert_eq!(wire.ended(), [("/a".into(), 200, 0), ("/c".into(), 500, 0)]);
    assert_eq!(wire.host.counted, [Counter::Gap]);
}

#[test]
fn upgrades_and_connect_end_with_their_head() {
    let mut wire = Wire::new([0, 0]);
    wire.packet(
        IN,
        0,
        b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        false,
    );
    wire.packet(
        OUT,
        0,
        b"HTTP/1.1 101 Switching\r\n\r\n\x81\x05GET /x HTTP/1.1\r\n\r\n",
        false,
    );
    wire.packet(IN, 41, b"GET /frame HTTP/1.1\r\n\r\n", false);
    assert_eq!(wire.ended(), [("/ws".into(), 101, 0)]);
    assert!(wire.host.ended[0].1.tunnel);
}

#[test]
fn bodies_over_four_gigabytes_are_arithmetic() {
    let mut wire = Wire::new([7, 7]);
    wire.packet(IN, 0, b"GET /big HTTP/1.1\r\n\r\n", false);
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n";
    wire.packet(OUT, 0, head, false);
    let (mut at, end, block) = (head.len(), head.len() + 5_000_000_000, vec![b'x'; 1 << 20]);
    while at < end {
        // Holes inside a body are harmless.
        let bytes = block.len().min(end - at);
        wire.packet(OUT, at, &block[..bytes], false);
        at += if end - at > 300 << 20 {
            300 << 20
        } else {
            bytes
        };
    }
    assert_eq!(wire.ended(), [("/big".into(), 200, 0)]);
}

#[test]
fn a_thousand_requests_in_one_write_each_count() {
    let mut wire = Wire::new([0, 0]);
    let requests = b"GET / HTTP/1.1\r\n\r\n".repeat(1000);
    wire.packet(IN, 0, &requests, false);
    assert_eq!(wire.conn.in_flight(), 1000);
    wire.packet(
        OUT,
        0,
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".repeat(1000),
        false,
    );
    assert_eq!(wire.host.ended.len(), 1000);
    assert!(wire.host.overflow.is_empty() && wire.host.counted.is_empty());
}
