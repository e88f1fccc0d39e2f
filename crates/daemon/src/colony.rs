//! The colony role lives in a program of its own, the only one that links DuckDB; people still say `coral-daemon colony`.

use color_eyre::eyre::{Context as _, Result};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// The program beside this one.
pub fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    let fix = "install both together, or build them with `cargo build --bins`";
    Err(color_eyre::eyre::eyre!(
        "{name} does not lie beside coral-daemon ({}); {fix}",
        path.display()
    ))
}

/// Replaces this process by coral-colony.
pub fn become_colony(arguments: &[String]) -> Result<()> {
    let path = beside("coral-colony")?;
    let error = Command::new(&path).args(arguments).exec();
    Err(error).wrap_err_with(|| format!("start {}", path.display()))
}
