//! A packet enters: its place in the stream, what was missed, and whether a head can begin here.

use super::line::{Start, start_of};
use super::message::{finished, message_done, ready};
use super::state::{Conn, Counter, Dir, Env, Mode, Walk};

/// What the TCP header says besides the sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// The sender has no more to send.
    pub fin: bool,
    /// The connection is no more.
    pub reset: bool,
}

/// Extends `seq` to the 64-bit number nearest to what was seen last.
#[inline(always)]
fn extend(seen: u64, seq: u32) -> u64 {
    seen.wrapping_add(seq.wrapping_sub(seen as u32) as i32 as i64 as u64)
}

/// Places a packet of `bytes` bytes at `seq` in its direction. True when there is something to
/// [`step`](super::step()) over; afterwards [`Walk::leave`] must be called either way.
#[inline(always)]
pub fn enter<E: Env>(
    env: &mut E,
    walk: &mut Walk,
    conn: &mut Conn,
    dir: &mut Dir,
    seq: u32,
    bytes: u32,
) -> bool {
    if dir.seen == 0 {
        // Far from zero, so that what comes before the first packet seen does not wrap.
        dir.seen = (1 << 32) | seq as u64;
        dir.counted = dir.seen;
    }
    walk.start = extend(dir.seen, seq);
    walk.end = walk.start.wrapping_add(bytes as u64);
    walk.at = walk.start;
    walk.window_bytes = 0;
    walk.continued = 1;
    if walk.end > dir.seen {
        dir.seen = walk.end;
    }
    match dir.mode {
        Mode::UNKNOWN => return resync(env, walk, dir, bytes),
        Mode::UNTIL_CLOSE | Mode::TUNNEL | Mode::OTHER => return false,
        _ => {}
    }
    let crossing = dir.mode == Mode::BODY || dir.mode == Mode::CHUNK;
    if walk.start > dir.next {
        if wait(env, walk, dir, bytes) {
            return false;
        }
        // The end of a body that went by unseen ended the message all the same.
        if dir.mode == Mode::BODY {
            message_done(env, conn, dir, walk.now_ns);
        }
        env.count(Counter::Gap);
        ready(dir);
        dir.mode = Mode::UNKNOWN;
        return resync(env, walk, dir, bytes);
    }
    if !crossing {
        if walk.end <= dir.next {
            return false;
        }
        walk.at = dir.next;
    }
    walk.at < walk.end
}

/// How far bytes may run ahead of ones that are due, before these are given up.
const AHEAD_MAX: u64 = 4 << 20;

/// Whether a packet that came too early waits for the bytes before it: it is remembered as a stretch, not as bytes, since
/// most of it turns out to be body. A packet that begins with a head does not wait, it is where to begin anew.
#[inline(always)]
fn wait<E: Env>(env: &mut E, walk: &mut Walk, dir: &mut Dir, bytes: u32) -> bool {
    if walk.end.wrapping_sub(dir.next) > AHEAD_MAX || begins_head(env, walk, bytes) {
        return false;
    }
    remember(walk, dir);
    // Nothing of it was read.
    walk.at = dir.next;
    true
}

/// Adds the packet to the stretch that went by unread.
#[inline(always)]
fn remember(walk: &Walk, dir: &mut Dir) {
    if dir.early_to == 0 || walk.start < dir.early_from {
        dir.early_from = walk.start;
    }
    if walk.end > dir.early_to {
        dir.early_to = walk.end;
    }
}

/// Whether the packet begins as a head does.
#[inline(always)]
fn begins_head<E: Env>(env: &mut E, walk: &mut Walk, bytes: u32) -> bool {
    let looked = if bytes > 4 { 4 } else { bytes };
    if looked == 0 || !env.load(walk, 0, looked) {
        return false;
    }
    let first = [
        walk.window[0],
        walk.window[1],
        walk.window[2],
        walk.window[3],
    ];
    let start = start_of(u32::from_le_bytes(first), looked);
    matches!(start, Start::Request | Start::Response | Start::Maybe)
}

/// Begins anew at a packet that begins with a head, unless it comes again: what is before `dir.next` was read.
#[inline(always)]
fn resync<E: Env>(env: &mut E, walk: &mut Walk, dir: &mut Dir, bytes: u32) -> bool {
    if walk.start < dir.next {
        return false;
    }
    if !begins_head(env, walk, bytes) {
        // A head that comes late may still be before it.
        remember(walk, dir);
        return false;
    }
    ready(dir);
    dir.next = walk.start;
    if dir.early_to <= walk.start {
        dir.early_to = 0;
    }
    true
}

impl Walk {
    /// The packet is done: remembers where to go on, checks the begin of a head that is still short, and takes FIN and RST.
    #[inline(always)]
    pub fn leave<E: Env>(&mut self, env: &mut E, conn: &mut Conn, dir: &mut Dir, flags: Flags) {
        let reading = matches!(dir.mode, Mode::HEAD | Mode::TRAILERS | Mode::CHUNK_LINE);
        if reading && self.at > dir.next {
            dir.next = self.at;
        }
        if reading
            && dir.mode == Mode::HEAD
            && dir.head_bytes > 0
            && dir.past_first_line == 0
            && conn.pushed == 0
        {
            let first = u32::from_le_bytes([dir.line[0], dir.line[1], dir.line[2], dir.line[3]]);
            let kept = dir.line_bytes as u32;
            if kept > 0 && start_of(first, if kept > 4 { 4 } else { kept }) == Start::No {
                ready(dir);
                dir.mode = Mode::UNKNOWN;
            }
        }
        if dir.early_to != 0 && dir.mode != Mode::UNKNOWN {
            self.meet(env, conn, dir);
        }
        if flags.reset {
            conn.reset = 1;
        } else if flags.fin {
            finished(env, conn, dir, self.now_ns);
        }
    }

    /// Looks whether what came early has been reached. When it lies in a body all is well; when a head was due in it, its
    /// bytes went by unread.
    #[inline(always)]
    fn meet<E: Env>(&mut self, env: &mut E, conn: &mut Conn, dir: &mut Dir) {
        if dir.mode == Mode::UNTIL_CLOSE || dir.mode == Mode::TUNNEL {
            dir.early_to = 0;
            return;
        }
        if dir.mode == Mode::BODY && dir.next <= dir.early_to {
            // Its last byte was among what came early.
            message_done(env, conn, dir, self.now_ns);
        }
        if dir.next >= dir.early_to {
            dir.early_to = 0;
        } else if dir.next >= dir.early_from {
            env.count(Counter::Gap);
            ready(dir);
            dir.mode = Mode::UNKNOWN;
            dir.next = dir.early_to;
            dir.early_to = 0;
        }
    }
}
