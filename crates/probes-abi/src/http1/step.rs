//! One step of the machine. The caller repeats it until it says that the packet is done.

use super::head::{self, BAD_NUMBER, HEAD_MAX, Line};
use super::message::{head_done, lose, message_done, ready};
use super::state::{Conn, Counter, Dir, Env, LINE_BYTES, Mode, WINDOW_BYTES, Walk};

/// The most steps that a packet of so many bytes can take: each moves the cursor, loads a window or ends a message.
#[inline(always)]
pub fn steps_for(bytes: u32) -> u32 {
    bytes.saturating_mul(2).saturating_add(64)
}

/// Does one small thing with the packet in `walk`; false when the packet is done.
///
/// `dir` is the packet's direction of `conn`, given apart because the kernel's verifier follows a pointer better than an
/// index.
#[inline(always)]
pub fn step<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir) -> bool {
    if walk.at >= walk.end {
        return false;
    }
    match dir.mode {
        Mode::BODY | Mode::CHUNK => cross(env, walk, conn, dir),
        Mode::HEAD | Mode::TRAILERS | Mode::CHUNK_LINE => read(env, walk, conn, dir),
        _ => {
            walk.at = walk.end;
            false
        }
    }
}

/// Crosses what is left of a body or chunk, or of the packet.
#[inline(always)]
fn cross<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir) -> bool {
    if walk.end < dir.next {
        walk.at = walk.end;
        return false;
    }
    walk.at = dir.next;
    if dir.mode == Mode::CHUNK {
        dir.mode = Mode::CHUNK_LINE;
        dir.place = Line::SIZE;
        dir.value = 0;
        dir.matched = 0;
    } else {
        message_done(env, conn, dir, walk.now_ns);
    }
    true
}

/// Reads on in a head, trailers or a chunk size line.
#[inline(always)]
fn read<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir) -> bool {
    let begins = dir.mode == Mode::HEAD && dir.head_bytes == 0;
    let left = walk
        .window_at
        .wrapping_add(walk.window_bytes as u64)
        .wrapping_sub(walk.at) as i64;
    // A message's first bytes are kept in one copy from the window's begin.
    if left <= 0 || (begins && walk.window_at != walk.at) || walk.window_bytes == 0 {
        return load(env, walk, dir);
    }
    if begins && !begin(walk, dir) {
        return true;
    }
    match dir.mode {
        Mode::CHUNK_LINE => {
            if head::chunk_byte(walk, dir) {
                chunk(env, walk, dir);
            }
        }
        _ => {
            let whole = walk.continued == 0 || dir.past_first_line == 1;
            let moved =
                left >= 8 && whole && head::takes_words(dir) && head::words(walk, dir, left);
            if !moved && head::byte(walk, dir) {
                if dir.mode == Mode::TRAILERS {
                    message_done(env, conn, dir, walk.now_ns);
                } else {
                    head_done(env, walk, conn, dir);
                }
                return true;
            }
            if dir.head_bytes > HEAD_MAX {
                lose(env, walk, dir, Counter::HeadTooLong);
            }
        }
    }
    true
}

#[inline(always)]
fn load<E: Env>(env: &mut E, walk: &mut Walk, dir: &mut Dir) -> bool {
    let left = walk.end.wrapping_sub(walk.at);
    let bytes = if left > WINDOW_BYTES as u64 {
        WINDOW_BYTES as u32
    } else {
        left as u32
    };
    let offset = walk.at.wrapping_sub(walk.start) as u32;
    if !env.load(walk, offset, bytes) {
        lose(env, walk, dir, Counter::Load);
        return false;
    }
    walk.window_at = walk.at;
    walk.window_bytes = bytes;
    true
}

/// The first byte of a message: its time, and its line. False when the byte is a blank line that is skipped.
#[inline(always)]
fn begin(walk: &mut Walk, dir: &mut Dir) -> bool {
    let first = head::current(walk);
    // Blank lines before a message are ignored (RFC 9112 section 2.2).
    if first == b'\r' || first == b'\n' {
        walk.at += 1;
        return false;
    }
    ready(dir);
    dir.began_ns = walk.now_ns;
    walk.continued = 0;
    let bytes = walk.window_bytes as usize;
    dir.line_bytes = if bytes > LINE_BYTES {
        LINE_BYTES as u16
    } else {
        bytes as u16
    };
    // What lies behind the packet's end is of an earlier packet; line_bytes says how much counts.
    // SAFETY: the window is longer than the line.
    unsafe {
        core::ptr::copy_nonoverlapping(walk.window.as_ptr(), dir.line.as_mut_ptr(), LINE_BYTES)
    };
    true
}

/// A chunk size line ended.
#[inline(always)]
fn chunk<E: Env>(env: &mut E, walk: &mut Walk, dir: &mut Dir) {
    if dir.said & BAD_NUMBER != 0 || dir.matched == 0 {
        return lose(env, walk, dir, Counter::Malformed);
    }
    dir.place = Line::START;
    if dir.value == 0 {
        dir.mode = Mode::TRAILERS;
        dir.head_bytes = 0;
        dir.past_first_line = 1;
    } else {
        dir.mode = Mode::CHUNK;
        // The chunk and its CRLF.
        dir.next = walk.at.wrapping_add(dir.value).wrapping_add(2);
    }
}
