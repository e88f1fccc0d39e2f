//! The engine against conversations whose truth is known, cut into packets in every way.

use super::{Replay as Wire, fuzz};
use coral_probes_abi::http1::Counter;
use proptest::prelude::*;

/// Directions as the server's socket sees them.
const OUT: usize = 0;
const IN: usize = 1;

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

/// The same bytes with bodies that look like nothing.
fn without_traps(mut bytes: Vec<u8>) -> Vec<u8> {
    for trap in [&b"GET /trap"[..], b"HTTP/1.1 500 No"] {
        while let Some(at) = bytes.windows(trap.len()).position(|part| part == trap) {
            bytes[at..at + trap.len()].fill(b'~');
        }
    }
    bytes
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
        prop_assert_eq!(wire.losses(), &vec![]);
        prop_assert_eq!(wire.conn().in_flight(), 0);
        prop_assert!(wire.waiting() == 0);
    }

    /// With packets in another order, what is not counted is counted as lost, and nothing is counted twice.
    #[test]
    fn reordering_costs_at_most_what_is_counted_as_lost(
        exchanges in prop::collection::vec(exchange(), 1..6),
        cuts in cuts(),
        swaps in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        let mut exchanges = exchanges;
        if exchanges[0].method == "PROPFIND" {
            exchanges[0].method = "GET";
        }
        let mut wire = Wire::new([7, u32::MAX - 9]);
        let (mut asked, mut answered) = (0, 0);
        for exchange in &exchanges {
            for (dir, base, bytes) in [(IN, &mut asked, exchange.request()), (OUT, &mut answered, exchange.answer())] {
                // A body that begins a packet as a head does cannot be told from one when order is lost.
                let mut packets = cut(&without_traps(bytes.clone()), &cuts);
                // A connection is recognised by its first packet, so that one stays the first.
                for at in 2..packets.len() {
                    if swaps.get(at % swaps.len().max(1)) == Some(&true) {
                        packets.swap(at - 1, at);
                    }
                }
                packets.iter().for_each(|(offset, bytes)| wire.packet(dir, *base + offset, bytes, false));
                *base += bytes.len();
            }
        }
        let truth: Vec<_> = exchanges.iter().map(Exchange::truth).collect();
        if wire.losses().is_empty() {
            prop_assert_eq!(wire.ended(), truth);
        } else {
            prop_assert!(wire.ended().len() <= truth.len());
        }
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
        prop_assert!(wire.ended().len() as u32 == wire.conn().ended);
        wire.close();
        prop_assert!(wire.conn().pushed == wire.conn().ended || wire.conn().side == 0);
    }
}

#[test]
fn an_answer_without_length_ends_with_the_connection() {
    let mut wire = Wire::new([9, u32::MAX - 4]);
    wire.packet(IN, 0, b"GET /a HTTP/1.0\r\n\r\n", false);
    wire.packet(OUT, 0, b"HTTP/1.0 200 OK\r\n\r\nsome ", false);
    assert_eq!((wire.ended().len(), wire.conn().in_flight()), (0, 1));
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
    assert!(wire.waiting() == 0);
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
    assert_eq!(wire.losses(), []);
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
    assert_eq!(wire.losses(), [Counter::Gap]);
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
    assert!(wire.ended_detail()[0].1.tunnel);
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
fn a_head_that_comes_after_its_body_is_read_all_the_same() {
    let mut wire = Wire::new([0, 0]);
    wire.packet(
        IN,
        0,
        b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n",
        false,
    );
    wire.packet(IN, 45, b"56789", false);
    wire.packet(IN, 40, b"01234", false);
    wire.packet(IN, 40, b"01234", false);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n";
    wire.packet(OUT, 42, b"5678", false);
    wire.packet(OUT, 38, b"1234", false);
    assert_eq!(wire.ended(), []);
    wire.packet(OUT, 0, answer, false);
    assert_eq!(wire.ended(), [("/a".into(), 200, 0)]);
    wire.packet(IN, 50, b"GET /b HTTP/1.1\r\n\r\n", false);
    wire.packet(OUT, 46, b"HTTP/1.1 204 No\r\n\r\n", false);
    assert_eq!(wire.ended()[1..], [("/b".into(), 204, 0)]);
}

#[test]
fn a_later_answers_head_may_be_lost_and_come_after_its_body() {
    let mut wire = Wire::new([0, 0]);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n";
    for (round, target) in ["/a", "/b", "/c"].into_iter().enumerate() {
        let request = format!("GET {target} HTTP/1.1\r\n\r\n");
        let (asked, answered) = (round * request.len(), round * 46);
        wire.packet(OUT, asked, request.as_bytes(), false);
        wire.packet(IN, answered + 38, b"12345678", false);
        wire.packet(IN, answered, answer, false);
    }
    let all = ["/a", "/b", "/c"].map(|target| (target.to_owned(), 200, 0));
    assert_eq!(wire.ended(), all);
    assert!(wire.losses().is_empty());
}

#[test]
fn the_corpus_is_harmless() {
    let request = b"GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET ";
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let mut data = vec![1, 0, 60];
    data.extend(request.iter().chain(request));
    data.extend([0, 0, 40]);
    data.extend(answer);
    for cut in 0..data.len() {
        fuzz(&data[cut..]);
        fuzz(&data[..cut]);
    }
}

#[test]
fn a_thousand_requests_in_one_write_each_count() {
    let mut wire = Wire::new([0, 0]);
    let requests = b"GET / HTTP/1.1\r\n\r\n".repeat(1000);
    wire.packet(IN, 0, &requests, false);
    assert_eq!(wire.conn().in_flight(), 1000);
    wire.packet(
        OUT,
        0,
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".repeat(1000),
        false,
    );
    assert_eq!(wire.ended().len(), 1000);
    assert!(wire.waiting() == 0 && wire.losses().is_empty());
}
