//! The completions of a shell, made of the same table as the help.

use super::say;
use crate::args::Args;
use crate::failure::Failure;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Prints the script.
pub(super) fn print(shell: Shell) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Args::command(), "coral", &mut script);
    say::print(&String::from_utf8_lossy(&script)).map(drop)
}
