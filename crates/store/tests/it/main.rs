//! The contract of a store, run against DuckDB and the in-memory twin, and what only a file can show: that commits
//! survive, and how fast rows go in.
#![allow(
    clippy::unwrap_used,
    reason = "what fails here fails the test, in helpers too"
)]

mod contract;
mod durable;
mod full;
mod profiles;
mod retention;
mod rollup;
mod samples;
mod sql;
