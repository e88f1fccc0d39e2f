//! Runs the fuzz targets of every parser that the agent holds, each for so many seconds: `fuzz --seconds 3`. Inputs are
//! grown from seeds by cutting, joining, flipping and by words of the formats; a panic ends it with the input printed.
//!
//! For coverage-guided runs the same targets are plain `pub fn fuzz(&[u8])`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

type Target = (&'static str, fn(&[u8]), &'static [&'static [u8]]);

/// Seeds, which also serve as words.
const TARGETS: [Target; 8] = [
    ("http1 framing", coral_probes::replay::fuzz, &HTTP),
    ("request line", coral_agent::fuzz_route, &HTTP),
    (
        "batch",
        coral_proto::fuzz_batch,
        &[
            b"\x10\x01\x18\x02\x20\x03",
            b"\x32\x04\x52\x02\x08\x01",
            b"\xff\xff\xff\xff\x0f",
        ],
    ),
    (
        "command line",
        coral_agent::fuzz_command_line,
        &[b"java\0-jar\0a.jar\0--password=x\0", b"node\0server.js\0"],
    ),
    (
        "program file",
        coral_agent::fuzz_program_file,
        &[b"\x7fELF\x02\x01\x01", b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"],
    ),
    (
        "socket table",
        coral_agent::fuzz_socket_table,
        &[b"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1"],
    ),
    (
        "kernel types",
        coral_probes::layout::fuzz,
        &[b"\x9f\xeb\x01\0\x18\0\0\0\0\0\0\0\x40\0\0\0\x40\0\0\0\x20\0\0\0", b"sock_common\0skc_net\0"],
    ),
    (
        "histogram",
        coral_model::histogram::fuzz,
        &[
            b"\x01\x02\x03\x04",
            b"\xff\x1d\x01",
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        ],
    ),
];

const HTTP: [&[u8]; 14] = [
    b"\x01\x00\x28GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    b"\x00\x00\x28HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST http://x.example/cart/9?q=1 HTTP/1.0\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"HEAD / HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n",
    b"\x16\x03\x01\x02",
];

/// Longest input.
const MOST: usize = 4096;

/// xorshift64* (Vigna, 2016): the same seed makes the same run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(2).map_or(Ok(3), |s| s.parse())?;
    for (name, target, seeds) in TARGETS {
        let (mut random, until) = (
            Random(0x9e37_79b9_7f4a_7c15),
            Instant::now() + Duration::from_secs(seconds),
        );
        let mut corpus: Vec<Vec<u8>> = seeds.iter().map(|s| s.to_vec()).collect();
        let mut runs = 0u64;
        while Instant::now() < until {
            let input = grow(&mut random, &corpus, seeds);
            if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
                return Err(format!("{name} panicked on {input:?}").into());
            }
            if runs.is_multiple_of(64) && corpus.len() < 512 {
                corpus.push(input);
            }
            runs += 1;
        }
        println!("{name}: {runs} inputs in {seconds} s");
    }
    Ok(())
}

/// A new input from an old one.
fn grow(random: &mut Random, corpus: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        match random.below(6) {
            0 => input.truncate(at),
            1 => input.extend_from_slice(&corpus[random.below(corpus.len())]),
            2 => drop(input.splice(at..at, words[random.below(words.len())].iter().copied())),
            3 => drop(input.splice(
                at..at,
                [
                    random.next() as u8,
                    random.next() as u8,
                    random.next() as u8,
                ],
            )),
            4 if at < input.len() => input[at] ^= 1 << random.below(8),
            _ if at < input.len() => input[at] = random.next() as u8,
            _ => {}
        }
    }
    input.truncate(MOST);
    input
}
