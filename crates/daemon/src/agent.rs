//! The agent role, and the process that loads the kernel programs for it.

use color_eyre::eyre::Result;
use coral_config::{ColonyFolder, Folders, Person};
use std::path::Path;
use std::process::ExitCode;

/// Observes for the colony of this name until the lifeline or a signal ends it. `run` is the colony's run folder where
/// this is root's agent and the colony a person's.
pub fn run(colony: &str, lifeline: bool, run: Option<&Path>) -> Result<()> {
    keep_memory_small();
    let folder = match Person::behind_sudo()? {
        Some(person) => ColonyFolder::of_roots_agent(&person, colony, run)?,
        None => Folders::discover()?.colony(colony)?,
    };
    let options = coral_agent::Options {
        folder,
        lifeline,
        loader: std::env::current_exe()?,
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
