//! The agent role, and the process that loads the kernel programs for it.

use clap::Args;
use color_eyre::eyre::Result;
use coral_config::{ColonyFolder, Folders, Person};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// What an agent is told.
#[derive(Args)]
pub struct Arguments {
    /// The colony, by its name on this machine
    #[arg(long, env = "CORAL_COLONY", default_value = "local")]
    colony: String,
    /// End when standard input ends
    #[arg(long)]
    lifeline: bool,
    /// The colony's run folder, for root's agent under sudo
    #[arg(long, value_name = "FOLDER")]
    run: Option<PathBuf>,
    /// The most that waits on disk while the colony is away; beyond it the oldest goes, and is counted
    #[arg(
        long,
        env = "CORAL_SPOOL_BYTES",
        value_name = "BYTES",
        default_value_t = coral_agent::SPOOL_BYTES,
        value_parser = clap::value_parser!(u64).range(coral_agent::SPOOL_BYTES_MIN..)
    )]
    spool_bytes: u64,
}

/// Observes for a colony until the lifeline or a signal ends it.
pub fn run(arguments: Arguments) -> Result<()> {
    keep_memory_small();
    let folder = match Person::behind_sudo()? {
        Some(person) => {
            ColonyFolder::of_roots_agent(&person, &arguments.colony, arguments.run.as_deref())?
        }
        None => Folders::discover()?.colony(&arguments.colony)?,
    };
    let options = coral_agent::Options {
        folder,
        lifeline: arguments.lifeline,
        loader: std::env::current_exe()?,
        spool_bytes: arguments.spool_bytes,
        clocks: coral_agent::Clocks::system(),
    };
    // Blocking work is a file now and then: one small thread is enough for it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .thread_stack_size(256 << 10)
        .enable_all()
        .build()?;
    Ok(runtime.block_on(coral_agent::run(options))?)
}

/// One arena, and freed memory goes back to the system soon: the agent's memory is its idle memory.
fn keep_memory_small() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only sets parameters of the allocator; no other thread runs yet.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1);
        nix::libc::mallopt(nix::libc::M_TRIM_THRESHOLD, 64 << 10);
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, 128 << 10);
    }
}

/// The loader's words are read by the agent, so they are plain.
pub fn load() -> ExitCode {
    match coral_agent::serve_loader() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads program files for the agent at the other end of standard input, without rights.
pub fn symbolize() -> Result<()> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(coral_agent::serve_symbols(socket)?)
}
