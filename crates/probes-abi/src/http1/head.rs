//! Reading a head, its trailers and chunk size lines: one byte, or one word of a line that does not matter, at a time.

use super::state::{Dir, LINE_BYTES, Mode, Walk};
use crate::bounded;

/// Where in a line the machine is.
pub(super) struct Line;

impl Line {
    /// At its first byte.
    pub const START: u8 = 0;
    /// In a part that does not matter.
    pub const SKIP: u8 = 1;
    /// After a CR at the first byte: LF ends the head.
    pub const BLANK: u8 = 2;
    /// In a name that so far is `content-length:`.
    pub const LENGTH_NAME: u8 = 3;
    /// In its value.
    pub const LENGTH: u8 = 4;
    /// In a name that so far is `transfer-encoding:`.
    pub const ENCODING_NAME: u8 = 5;
    /// In its value.
    pub const ENCODING: u8 = 6;
    /// In the digits of a chunk size.
    pub const SIZE: u8 = 7;
}

/// The head names a length.
pub(super) const HAS_LENGTH: u8 = 1;
/// The head says `chunked`.
pub(super) const CHUNKED: u8 = 2;
/// The length or chunk size is no number or does not fit.
pub(super) const BAD_NUMBER: u8 = 4;

/// Longer heads than this are given up: servers refuse them at 8 to 64 KB.
pub(super) const HEAD_MAX: u32 = 256 * 1024;

/// Padded to a power of two, so that an index can be bounded by an `and`.
const LENGTH_NAME: [u8; 32] = *b"content-length:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const ENCODING_NAME: [u8; 32] = *b"transfer-encoding:\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const CHUNKED_VALUE: [u8; 8] = *b"chunked\0";

/// Words that one step moves over at most.
const WORDS: u32 = 4;

/// Whether whole words can be looked at here: in a part that does not matter, or at the begin of a header line.
#[inline(always)]
pub(super) fn takes_words(dir: &Dir) -> bool {
    dir.place == Line::SKIP || (dir.place == Line::START && dir.past_first_line == 1)
}

/// Moves over words of a line: up to the newline, or past a name that may matter. False when the line begins with a byte
/// that has to be looked at by itself. At least eight bytes of the window are `left`.
#[inline(always)]
pub(super) fn words(walk: &mut Walk, dir: &mut Dir, mut left: i64) -> bool {
    if dir.place == Line::START && !begin_words(walk, dir) {
        return false;
    }
    let mut count = 0;
    while count < WORDS && left >= 8 && dir.place == Line::SKIP {
        left -= skip_word(walk, dir);
        count += 1;
    }
    true
}

/// Judges a header line by its first eight bytes.
#[inline(always)]
fn begin_words(walk: &mut Walk, dir: &mut Dir) -> bool {
    let word = word(walk);
    let first = word as u8;
    if first == b'\r' || first == b'\n' {
        return false;
    }
    let lower = word | 0x2020_2020_2020_2020;
    let name = if lower == u64::from_le_bytes(*b"content-") {
        Line::LENGTH_NAME
    } else if lower == u64::from_le_bytes(*b"transfer") {
        Line::ENCODING_NAME
    } else {
        Line::SKIP
    };
    dir.place = name;
    if name != Line::SKIP {
        // Trailers cannot change the framing (RFC 9110 section 6.5.1).
        if dir.mode != Mode::HEAD {
            dir.place = Line::SKIP;
            return true;
        }
        dir.matched = 8;
        walk.at += 8;
        dir.head_bytes += 8;
    }
    true
}

#[inline(always)]
fn word(walk: &Walk) -> u64 {
    let index = bounded::<511>(walk.at.wrapping_sub(walk.window_at));
    // SAFETY: index < 512 and the window has eight bytes more.
    unsafe { core::ptr::read_unaligned(walk.window.as_ptr().add(index) as *const u64) }
}

/// Moves over up to eight bytes of a part that does not matter: to after its newline when it is among them. Returns how
/// many.
#[inline(always)]
fn skip_word(walk: &mut Walk, dir: &mut Dir) -> i64 {
    let newlines = zero_bytes(word(walk) ^ 0x0a0a_0a0a_0a0a_0a0a);
    let moved = if newlines == 0 {
        8
    } else {
        first_byte(newlines) + 1
    };
    walk.at += moved;
    dir.head_bytes += moved as u32;
    if newlines != 0 {
        end_line(dir);
    }
    moved as i64
}

/// The high bit of each byte that is zero, exact up to the first one (Warren, Hacker's Delight, 6-1).
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// Which byte, from 0, the lowest set bit lies in. By multiplication: BPF has no count of trailing zeros.
#[inline(always)]
fn first_byte(bits: u64) -> u64 {
    let lowest = (bits & bits.wrapping_neg()) >> 7;
    lowest.wrapping_mul(0x0001_0203_0405_0607) >> 56
}

#[inline(always)]
fn end_line(dir: &mut Dir) {
    dir.place = Line::START;
    dir.past_first_line = 1;
}

/// Takes the next byte of a head or of trailers; true when it ended them.
#[inline(always)]
pub(super) fn byte(walk: &mut Walk, dir: &mut Dir) -> bool {
    let b = current(walk);
    walk.at += 1;
    dir.head_bytes += 1;
    if dir.past_first_line == 0 && dir.mode == Mode::HEAD && walk.continued == 1 {
        keep(dir, b);
    }
    if b == b'\n' {
        let ended =
            dir.place == Line::BLANK || (dir.place == Line::START && dir.past_first_line == 1);
        end_line(dir);
        return ended;
    }
    match dir.place {
        Line::START => begin_line(dir, b),
        Line::BLANK => dir.place = Line::SKIP,
        Line::LENGTH_NAME => name(dir, b, &LENGTH_NAME, 15, Line::LENGTH),
        Line::LENGTH => length(dir, b),
        Line::ENCODING_NAME => name(dir, b, &ENCODING_NAME, 18, Line::ENCODING),
        Line::ENCODING => encoding(dir, b),
        _ => {}
    }
    false
}

/// The byte under the cursor.
#[inline(always)]
pub(super) fn current(walk: &Walk) -> u8 {
    let index = bounded::<511>(walk.at.wrapping_sub(walk.window_at));
    // SAFETY: index < 512, inside the window.
    unsafe { *walk.window.as_ptr().add(index) }
}

/// Adds a byte of the first line when it comes in a later packet than the line's first byte.
#[inline(always)]
pub(super) fn keep(dir: &mut Dir, b: u8) {
    if (dir.line_bytes as usize) < LINE_BYTES {
        let index = bounded::<127>(dir.line_bytes as u64);
        if index < LINE_BYTES {
            // SAFETY: index < LINE_BYTES.
            unsafe { *dir.line.as_mut_ptr().add(index) = b };
            dir.line_bytes += 1;
        }
    }
}

#[inline(always)]
fn begin_line(dir: &mut Dir, b: u8) {
    dir.matched = 1;
    // Trailers cannot change the framing (RFC 9110 section 6.5.1).
    let headers = dir.past_first_line == 1 && dir.mode == Mode::HEAD;
    dir.place = match b | 0x20 {
        _ if b == b'\r' && dir.past_first_line == 1 => Line::BLANK,
        b'c' if headers => Line::LENGTH_NAME,
        b't' if headers => Line::ENCODING_NAME,
        _ => Line::SKIP,
    };
}

#[inline(always)]
fn name(dir: &mut Dir, b: u8, wanted: &[u8; 32], bytes: u8, then: u8) {
    let index = bounded::<31>(dir.matched as u64);
    // SAFETY: index < 32.
    let want = unsafe { *wanted.as_ptr().add(index) };
    let lower = if b.is_ascii_uppercase() { b | 0x20 } else { b };
    if lower != want {
        dir.place = Line::SKIP;
    } else if dir.matched + 1 == bytes {
        dir.place = then;
        dir.matched = 0;
        if then == Line::LENGTH {
            dir.value = 0;
        }
    } else {
        dir.matched += 1;
    }
}

#[inline(always)]
fn length(dir: &mut Dir, b: u8) {
    let digit = b.wrapping_sub(b'0');
    if digit <= 9 {
        if dir.value > (1 << 58) {
            dir.said |= BAD_NUMBER;
        } else {
            dir.value = dir.value * 10 + digit as u64;
            dir.said |= HAS_LENGTH;
        }
    } else if b == b',' {
        // A list of equal lengths is one length (RFC 9112 section 6.3); the first is taken.
        dir.place = Line::SKIP;
    } else if b != b' ' && b != b'\t' && b != b'\r' {
        dir.said |= BAD_NUMBER;
    }
}

#[inline(always)]
fn encoding(dir: &mut Dir, b: u8) {
    let index = bounded::<7>(dir.matched as u64);
    // SAFETY: index < 8.
    let want = unsafe { *CHUNKED_VALUE.as_ptr().add(index) };
    if b | 0x20 == want {
        dir.matched += 1;
        if dir.matched == 7 {
            dir.said |= CHUNKED;
            dir.place = Line::SKIP;
        }
    } else {
        dir.matched = if b | 0x20 == b'c' { 1 } else { 0 };
    }
}

/// Takes the next byte of a chunk size line; true when it ended the line.
#[inline(always)]
pub(super) fn chunk_byte(walk: &mut Walk, dir: &mut Dir) -> bool {
    let b = current(walk);
    walk.at += 1;
    if b == b'\n' {
        return true;
    }
    if dir.place == Line::SIZE {
        let digit = b.wrapping_sub(b'0');
        let letter = (b | 0x20).wrapping_sub(b'a');
        let value = if digit <= 9 {
            digit
        } else if letter <= 5 {
            letter + 10
        } else {
            255
        };
        if value == 255 {
            // Extensions, blanks and CR after the digits (RFC 9112 section 7.1.1).
            dir.place = Line::SKIP;
        } else if dir.value >> 58 != 0 {
            dir.said |= BAD_NUMBER;
        } else {
            dir.value = dir.value * 16 + value as u64;
            dir.matched = 1;
        }
    }
    false
}
