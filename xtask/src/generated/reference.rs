//! The reference pages below `docs/`, which an example of coral-tui writes from the program's own tables.

use super::Fresh;
use crate::failure::{Failure, Trying as _};
use crate::{house, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const DOCS: &str = "docs";
const MAN: &str = "man";

/// The pages as they should be.
pub fn fresh(root: &Path) -> Result<Vec<Fresh>, Failure> {
    let mut cargo = program::command("cargo", root);
    // The same features as in a build of everything, or each would undo the other's work.
    let build = ["build", "--quiet", "--workspace", "--example", "reference"];
    program::run(cargo.args(build))?;
    let folder = std::env::temp_dir().join(format!("coral-reference-{}", std::process::id()));
    fs::create_dir_all(&folder).trying("create a folder for the pages")?;
    let written = write(&folder);
    let _ = fs::remove_dir_all(folder);
    written
}

fn write(folder: &Path) -> Result<Vec<Fresh>, Failure> {
    let example = house::binaries()?.join("examples/reference");
    // The environment would show in the pages as a default.
    program::run(Command::new(example).arg(folder).env_remove("CORAL_COLONY"))?;
    let mut pages = vec![];
    for part in ["", MAN] {
        for name in names(&folder.join(part))? {
            let place = Path::new(part).join(name);
            pages.push(Fresh {
                bytes: fs::read(folder.join(&place)).trying("read a page")?,
                place: Path::new(DOCS).join(place),
            });
        }
    }
    Ok(pages)
}

/// Man pages of commands that are no more.
pub fn gone(root: &Path, fresh: &[Fresh]) -> Result<Vec<PathBuf>, Failure> {
    let folder = Path::new(DOCS).join(MAN);
    if !root.join(&folder).is_dir() {
        return Ok(vec![]);
    }
    let places = names(&root.join(&folder))?
        .into_iter()
        .map(|name| folder.join(name));
    let is_fresh = |place: &PathBuf| fresh.iter().any(|page| page.place == *place);
    Ok(places.filter(|place| !is_fresh(place)).collect())
}

/// The files of a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(folder).trying(format!("read {}", folder.display()))?;
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    Ok(names)
}
