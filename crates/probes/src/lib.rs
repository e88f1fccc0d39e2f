//! The user side of the kernel programs: load, attach, drain. It yields what the kernel counted, by series, sockets and
//! processes; names are the agent's business.
//!
//! The object is loaded in a short-lived process ([`load`]) that hands the descriptors over ([`handover`]); the process
//! that drains ([`Live`]) owns every link, so its death detaches everything.

pub mod arguments;
pub mod calls;
pub mod cgroup;
mod elf;
pub mod functions;
mod go;
pub mod handover;
pub mod layout;
mod links;
mod live;
mod load;
pub mod mapped;
mod maps;
mod perf;
pub mod probeable;
pub mod replay;
pub mod sampler;
pub mod sites;
pub mod source;
pub mod symbols;
mod sys;
mod unix;
pub mod unwind;
pub mod when;

/// What kernel and user side share: keys, records, counters.
pub use coral_probes_abi as abi;
pub use live::Live;
pub use load::{Loaded, load, load_sized};
pub use source::{Drained, Source, Synthetic};

/// Why the kernel programs are not at work; the kernel's own words are in it.
#[derive(Debug, thiserror::Error)]
pub enum ProbesError {
    /// The object or a program was refused.
    #[error("the kernel refused {what}: {message}")]
    Refused {
        /// Which program, map or step.
        what: String,
        /// The kernel's words, with the verifier's last lines.
        message: String,
    },
    /// A system call failed.
    #[error("{call} for {what}: {source}")]
    Call {
        /// Which call.
        call: &'static str,
        /// For what.
        what: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// There is no cgroup2 hierarchy whose root can be reached.
    #[error(
        "no root of a cgroup2 hierarchy is mounted here; mount one, or run the agent outside of the container"
    )]
    NoCgroup2,
    /// The loader said nothing or something else.
    #[error("the loader handed over nothing: {0}")]
    Handover(String),
}
