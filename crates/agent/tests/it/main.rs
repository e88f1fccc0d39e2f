//! The agent as a process, against a small colony of the test's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod colony;
mod durable;
mod hostile;
mod process;
