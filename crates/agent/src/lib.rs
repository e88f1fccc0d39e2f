//! The agent role: takes what the kernel programs counted, gives it names, folds it into pulses and summaries, and ships
//! them to the colony that it obeys.
//!
//! One thread, one tick a second: drain -> enrich -> fold -> ship. The kernel programs are loaded by a child process that
//! is gone before the first tick; this process owns their links, so nothing stays attached when it dies.

mod calls;
mod capabilities;
mod checks;
mod chronicle;
mod clock;
mod desired;
mod enrich;
mod fold;
mod health;
mod host;
mod identity;
mod loader;
mod naming;
mod path;
mod proc;
mod profile;
mod recent;
mod route;
mod run;
mod ship;
mod spool;

pub use chronicle::fuzz as fuzz_command_line;
pub use clock::{Clocks, Reading};
pub use loader::{serve_loader, serve_symbols};
pub use proc::build::fuzz as fuzz_program_file;
pub use proc::netns::fuzz as fuzz_socket_table;
pub use profile::Profiler;
pub use route::fuzz as fuzz_route;
pub use run::{Attached, Options, run, run_over};
pub use spool::{SPOOL_BYTES, SPOOL_BYTES_MIN};

/// Why the agent cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The configuration does not allow it.
    #[error(transparent)]
    Config(#[from] coral_config::ConfigError),
    /// Another agent of this colony runs.
    #[error(transparent)]
    Lock(#[from] coral_config::LockError),
    /// The kernel programs.
    #[error(transparent)]
    Probes(#[from] coral_probes::ProbesError),
    /// A file that must be there could not be used.
    #[error("{what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
}
