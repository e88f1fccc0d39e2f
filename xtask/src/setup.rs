//! `cargo xtask setup`: finds or fetches libduckdb, which only the colony links, and writes the git-ignored
//! `.cargo/local.toml` that tells cargo where it lies. Done once; after that it returns at once.

mod library;
mod local;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::house;
use crate::steps::Steps;
use library::Source;

pub fn command(arguments: Arguments) -> Result<(), Failure> {
    arguments.finish()?;
    run()
}

/// Sets the clone up, or sees that it is set up.
pub fn run() -> Result<(), Failure> {
    let root = house::root()?;
    if local::is_good(&root) {
        return Ok(());
    }
    let mut steps = Steps::new(2);
    steps.next("find or fetch libduckdb");
    let source = library::find()?;
    match &source {
        Source::Folder(folder) => eprintln!("  libduckdb lies in {}", folder.display()),
        Source::CrateDownload => eprintln!("  the duckdb crate fetches libduckdb while it builds"),
    }
    steps.next("write .cargo/local.toml");
    local::write(&root, &source)
}
