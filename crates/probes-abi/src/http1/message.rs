//! Where messages begin and end: requests join the queue, answers take them from it.

use super::head::{BAD_NUMBER, CHUNKED, HAS_LENGTH, Line};
use super::line::{method_of, status_of};
use super::state::{Conn, Counter, Dir, Ended, Env, LINE_BYTES, Mode, Request, SLOTS, Walk};
use crate::bounded;

/// `coral_model::Ending` codes.
const COMPLETE: u8 = 0;
const CUT: u8 = 1;
const UNANSWERED: u8 = 2;
/// `coral_model::Method` codes.
const HEAD: u8 = 2;
const CONNECT: u8 = 6;
/// `coral_model::Protocol` code.
const HTTP1: u8 = 1;

/// Makes the direction ready for the first byte of the next message.
#[inline(always)]
pub(super) fn ready(dir: &mut Dir) {
    dir.mode = Mode::HEAD;
    dir.place = Line::START;
    dir.matched = 0;
    dir.said = 0;
    dir.value = 0;
    dir.head_bytes = 0;
    dir.line_bytes = 0;
    dir.past_first_line = 0;
    dir.status = 0;
}

/// Gives the direction up until a later packet begins with a head.
#[inline(always)]
pub(super) fn lose<E: Env>(env: &mut E, walk: &mut Walk, dir: &mut Dir, counter: Counter) {
    env.count(counter);
    ready(dir);
    dir.mode = Mode::UNKNOWN;
    dir.next = walk.end;
    walk.at = walk.end;
}

/// A head is complete: a request joins the queue, an answer finds its request.
#[inline(always)]
pub(super) fn head_done<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir) {
    if dir.line[0] == b'H' && dir.line[4] == b'/' {
        answer_head(env, walk, conn, dir);
    } else {
        request_head(env, walk, conn, dir);
    }
}

#[inline(always)]
fn request_head<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir) {
    let side = if walk.direction == 1 { 1 } else { 2 };
    if conn.side == 0 {
        conn.side = side;
        conn.protocol = HTTP1;
    }
    let token = dir.line[0].is_ascii_uppercase();
    if conn.side != side || !token || dir.said & BAD_NUMBER != 0 {
        return lose(env, walk, dir, Counter::Malformed);
    }
    if conn.series == 0 {
        env.began(conn);
    }
    if !push(env, conn, dir) {
        return lose(env, walk, dir, Counter::QueueFull);
    }
    body(env, walk, conn, dir, false);
}

#[inline(always)]
fn push<E: Env>(env: &mut E, conn: &mut Conn, dir: &Dir) -> bool {
    let index = conn.pushed;
    let waits = conn.in_flight() >= SLOTS as u32;
    // SAFETY: the slot is bounded to SLOTS.
    let place = if waits {
        env.spare()
    } else {
        unsafe { conn.slots.as_mut_ptr().add(bounded::<1>(index as u64)) }
    };
    // SAFETY: a slot of the connection or the surroundings' spare place, both as large as a request.
    let request = unsafe { &mut *place };
    request.began_ns = dir.began_ns;
    request.index = index;
    request.method = method_of(&dir.line);
    request.line_bytes = dir.line_bytes as u8;
    request.line = dir.line;
    let kept = !waits || env.overflow_put(request);
    if kept {
        // SAFETY: a plain field; volatile so that the other direction sees the request before its number.
        unsafe { core::ptr::write_volatile(&mut conn.pushed, index.wrapping_add(1)) };
    }
    kept
}

/// The oldest request in flight; null when there is none.
#[inline(always)]
fn oldest<E: Env>(env: &mut E, conn: &Conn) -> *const Request {
    let index = conn.ended;
    if conn.in_flight() == 0 {
        return core::ptr::null();
    }
    // SAFETY: the index is bounded to SLOTS.
    let slot = unsafe { conn.slots.as_ptr().add(bounded::<1>(index as u64)) };
    // SAFETY: as above.
    if unsafe { (*slot).index } == index {
        slot
    } else {
        env.overflow_get(index)
    }
}

#[inline(always)]
fn answer_head<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir) {
    let status = status_of(&dir.line);
    let side = if walk.direction == 0 { 1 } else { 2 };
    if status == 0 || (conn.side != 0 && conn.side != side) || dir.said & BAD_NUMBER != 0 {
        return lose(env, walk, dir, Counter::Malformed);
    }
    if status < 200 && status != 101 {
        return ready(dir);
    }
    let request = oldest(env, conn);
    let method = if request.is_null() {
        if conn.born == 1 && conn.side != 0 {
            env.count(Counter::Unmatched);
        }
        0
    } else {
        // SAFETY: not null, in map memory.
        unsafe { (*request).method }
    };
    dir.status = status;
    dir.answered_ns = dir.began_ns;
    if status == 101 || (method == CONNECT && status < 300) {
        conn.dir[0].mode = Mode::TUNNEL;
        conn.dir[1].mode = Mode::TUNNEL;
        dir.mode = Mode::TUNNEL;
        return end(env, conn, Answer::of(dir), walk.now_ns, COMPLETE, true);
    }
    let none = method == HEAD || status == 204 || status == 304;
    if none {
        end(env, conn, Answer::of(dir), walk.now_ns, COMPLETE, false);
        return ready(dir);
    }
    body(env, walk, conn, dir, true);
}

/// Decides what follows a head (RFC 9112 section 6.3) and crosses an empty body at once.
#[inline(always)]
fn body<E: Env>(env: &mut E, walk: &mut Walk, conn: &mut Conn, dir: &mut Dir, answer: bool) {
    if dir.said & CHUNKED != 0 {
        dir.mode = Mode::CHUNK_LINE;
        dir.place = Line::SIZE;
        dir.value = 0;
        dir.matched = 0;
    } else if dir.said & HAS_LENGTH != 0 {
        dir.mode = Mode::BODY;
        dir.next = walk.at.wrapping_add(dir.value);
        if dir.value == 0 {
            message_done(env, conn, dir, walk.now_ns);
        }
    } else if answer {
        dir.mode = Mode::UNTIL_CLOSE;
    } else {
        ready(dir);
    }
}

/// The last byte of a message passed: an answer ends its request.
#[inline(always)]
pub(super) fn message_done<E: Env>(env: &mut E, conn: &mut Conn, dir: &mut Dir, now_ns: u64) {
    if dir.status != 0 {
        end(env, conn, Answer::of(dir), now_ns, COMPLETE, false);
    }
    ready(dir);
}

/// What is known of an answer.
#[derive(Clone, Copy)]
struct Answer {
    status: u16,
    answered_ns: u64,
}

impl Answer {
    #[inline(always)]
    fn of(dir: &Dir) -> Self {
        Self {
            status: dir.status,
            answered_ns: dir.answered_ns,
        }
    }
}

/// Ends the oldest request with this answer.
#[inline(always)]
fn end<E: Env>(
    env: &mut E,
    conn: &mut Conn,
    answer: Answer,
    now_ns: u64,
    ending: u8,
    tunnel: bool,
) {
    let request = oldest(env, conn);
    if !request.is_null() {
        // SAFETY: not null, in map memory.
        let request = unsafe { &*request };
        let ended = Ended {
            began_ns: request.began_ns,
            answered_ns: answer.answered_ns,
            ended_ns: now_ns,
            status: answer.status,
            method: request.method,
            ending,
            tunnel,
        };
        env.ended(conn, request, &ended);
    }
    next(env, conn);
}

/// Takes the oldest request off the queue.
#[inline(always)]
fn next<E: Env>(env: &mut E, conn: &mut Conn) {
    if conn.in_flight() == 0 {
        return;
    }
    let index = conn.ended;
    // SAFETY: the index is bounded to SLOTS.
    let slot = unsafe { conn.slots.as_mut_ptr().add(bounded::<1>(index as u64)) };
    // SAFETY: as above.
    if unsafe { (*slot).index } != index {
        env.overflow_drop(index);
    }
    // SAFETY: a plain field; volatile so that the other direction sees the place free only now.
    unsafe { core::ptr::write_volatile(&mut conn.ended, index.wrapping_add(1)) };
}

/// The peer that answers sent FIN: an answer that ends with the connection is complete.
#[inline(always)]
pub(super) fn finished<E: Env>(env: &mut E, conn: &mut Conn, dir: &mut Dir, now_ns: u64) {
    dir.finished = 1;
    if dir.mode == Mode::UNTIL_CLOSE {
        message_done(env, conn, dir, now_ns);
    }
}

/// Ends one request that the closing connection leaves behind; false when none is left. Called until then: the first
/// may be inside its answer (cut), the others have none.
#[inline(always)]
pub fn close<E: Env>(env: &mut E, conn: &mut Conn, now_ns: u64) -> bool {
    if conn.in_flight() == 0 || conn.side == 0 {
        return false;
    }
    let answers = if conn.side == 1 {
        &mut conn.dir[0]
    } else {
        &mut conn.dir[1]
    };
    let (status, answered_ns) = (answers.status, answers.answered_ns);
    answers.status = 0;
    let ending = if status != 0 { CUT } else { UNANSWERED };
    end(
        env,
        conn,
        Answer {
            status,
            answered_ns,
        },
        now_ns,
        ending,
        false,
    );
    true
}

const _: () = assert!(SLOTS == 2 && LINE_BYTES <= 127);
