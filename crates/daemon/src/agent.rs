//! The agent role, and the process that loads the kernel programs for it.

use color_eyre::eyre::Result;
use coral_config::Folders;
use std::process::ExitCode;

/// Observes for the colony of this name until the lifeline or a signal ends it.
pub fn run(colony: &str, lifeline: bool) -> Result<()> {
    let folder = Folders::discover()?.colony(colony)?;
    let options = coral_agent::Options {
        folder,
        lifeline,
        loader: std::env::current_exe()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(coral_agent::run(options))?)
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
