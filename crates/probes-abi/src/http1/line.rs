//! Reading the first line of a message from its first bytes.

use super::state::LINE_BYTES;

/// What the first bytes of a message begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A request with a usual method.
    Request,
    /// An answer, `HTTP/1.`.
    Response,
    /// Too few bytes to tell; what there is fits a head.
    Maybe,
    /// A TLS record of a handshake.
    Tls,
    /// The preface of HTTP/2.
    Http2,
    /// Something else.
    No,
}

const fn word(text: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*text)
}

/// The first four bytes of every usual method, and of an answer.
const STARTS: [u32; 10] = [
    word(b"GET "),
    word(b"HEAD"),
    word(b"POST"),
    word(b"PUT "),
    word(b"DELE"),
    word(b"CONN"),
    word(b"OPTI"),
    word(b"TRAC"),
    word(b"PATC"),
    word(b"HTTP"),
];

/// Judges the first bytes of a message: `first` little endian, of which `bytes` (1 or more) are there.
#[inline(always)]
pub fn start_of(first: u32, bytes: u32) -> Start {
    if bytes >= 4 {
        if first == word(b"HTTP") {
            return Start::Response;
        }
        if first == word(b"PRI ") {
            return Start::Http2;
        }
        // Record type 22, version 3.x (RFC 8446 section 5.1).
        if first & 0xffff == 0x0316 && (first >> 16) & 0xff <= 4 {
            return Start::Tls;
        }
        if STARTS[..9].contains(&first) {
            Start::Request
        } else {
            Start::No
        }
    } else {
        let mask = (1u32 << (bytes * 8)) - 1;
        if STARTS.iter().any(|&start| start & mask == first & mask) {
            Start::Maybe
        } else {
            Start::No
        }
    }
}

/// `coral_model::Method` code of the request line.
#[inline(always)]
pub fn method_of(line: &[u8; LINE_BYTES]) -> u8 {
    let first = u32::from_le_bytes([line[0], line[1], line[2], line[3]]);
    let second = u32::from_le_bytes([line[4], line[5], line[6], line[7]]);
    let low = |n: u32| second & ((1u64 << (n * 8)) - 1) as u32;
    if first == word(b"GET ") {
        1
    } else if first == word(b"HEAD") && low(1) == b' ' as u32 {
        2
    } else if first == word(b"POST") && low(1) == b' ' as u32 {
        3
    } else if first == word(b"PUT ") {
        4
    } else if first == word(b"DELE") && low(3) == word(b"TE \0") {
        5
    } else if first == word(b"CONN") && second == word(b"ECT ") {
        6
    } else if first == word(b"OPTI") && second == word(b"ONS ") {
        7
    } else if first == word(b"TRAC") && low(2) == word(b"E \0\0") {
        8
    } else if first == word(b"PATC") && low(2) == word(b"H \0\0") {
        9
    } else {
        0
    }
}

/// The status of `HTTP/1.x NNN`; 0 when the line is something else.
#[inline(always)]
pub fn status_of(line: &[u8; LINE_BYTES]) -> u16 {
    let head =
        line[0] == b'H' && line[4] == b'/' && line[5] == b'1' && line[6] == b'.' && line[8] == b' ';
    let digit = |b: u8| b.wrapping_sub(b'0') as u16;
    let (hundreds, tens, ones) = (digit(line[9]), digit(line[10]), digit(line[11]));
    if head && (1..=9).contains(&hundreds) && tens <= 9 && ones <= 9 {
        hundreds * 100 + tens * 10 + ones
    } else {
        0
    }
}
