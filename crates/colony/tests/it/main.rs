//! The colony from outside: over a real Unix socket, with a small agent and a small reader, in one process or as the
//! started binary.
#![allow(
    clippy::unwrap_used,
    reason = "what fails here fails the test, in helpers too"
)]

mod agent;
mod clock;
mod colony;
mod crash;
mod detail;
mod frames;
mod ingest;
mod metrics;
mod roles;
mod sql;
mod stranger;
mod wants;
mod watch;
