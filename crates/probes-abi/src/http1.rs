//! The HTTP/1.1 framing engine: from the bytes of a connection, in TCP sequence order, to requests that begin and end.
//!
//! A pure state machine (RFC 9112). It is fed one packet of one direction at a time, as sequence number and bytes; it
//! reads heads byte by byte where they matter and eight bytes at a time elsewhere, and crosses bodies by arithmetic. The
//! kernel programs, replay and the tests run the same [`step`](step::step): only [`Env`], what the machine asks of its
//! surroundings, differs. All state lies in [`Conn`] and [`Walk`], which the kernel keeps in map memory, so that the
//! verifier meets one small function without state of its own.
//!
//! What counts: a request is a complete request head; it ends with the last byte of its final answer, or with the
//! connection. Retransmitted bytes are skipped by sequence number. Bytes that were never seen while a head was due are a
//! gap: counted, and the machine waits for the next packet that begins with a head.

mod head;
mod line;
mod message;
mod packet;
mod state;
mod step;

pub use line::{Start, method_of, start_of, status_of};
pub use message::close;
pub use packet::{Flags, enter};
pub use state::{
    Conn, Counter, Dir, Ended, Env, LINE_BYTES, Mode, Request, SLOTS, WINDOW_BYTES, Walk,
};
pub use step::{step, steps_for};
