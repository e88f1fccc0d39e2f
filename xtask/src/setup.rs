//! `cargo xtask setup`: finds or fetches libduckdb, which only the colony links, and writes the git-ignored
//! `.cargo/local.toml` that tells cargo where it lies. Done once; after that it returns at once.

mod library;
mod local;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::house;
use crate::steps::Steps;
use library::Source;
use std::path::Path;

/// How many steps a setup announces.
pub const STEPS: usize = 2;

pub fn command(arguments: Arguments) -> Result<(), Failure> {
    arguments.finish()?;
    let root = house::root()?;
    if is_done(&root) {
        return Ok(());
    }
    run(&root, &mut Steps::new(STEPS))
}

/// Whether the clone is set up.
pub fn is_done(root: &Path) -> bool {
    local::is_good(root)
}

/// Sets the clone up.
pub fn run(root: &Path, steps: &mut Steps) -> Result<(), Failure> {
    steps.next("find or fetch libduckdb");
    let source = library::find()?;
    match &source {
        Source::Folder(folder) => eprintln!("  libduckdb lies in {}", folder.display()),
        Source::CrateDownload => eprintln!("  the duckdb crate fetches libduckdb while it builds"),
    }
    steps.next("write .cargo/local.toml");
    local::write(root, &source)
}
