//! `cargo xtask gen`: regenerates what is generated and committed: the descriptor set of the wire, which shows in a
//! review when a message changes, and the reference pages of commands and keys. `--check` only compares.

mod descriptors;
mod reference;

use crate::arguments::Arguments;
use crate::failure::{Failure, Trying as _};
use crate::house;
use std::fs;
use std::path::{Path, PathBuf};

/// A file as it should be.
struct Fresh {
    /// Its place in the clone.
    place: PathBuf,
    bytes: Vec<u8>,
}

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let check = arguments.flag("--check");
    arguments.finish()?;
    let root = house::root()?;
    let mut fresh = vec![descriptors::fresh(&root)?];
    fresh.extend(reference::fresh(&root)?);
    let mut stale: Vec<_> = fresh.iter().filter(|file| !file.is_in(&root)).collect();
    let gone = reference::gone(&root, &fresh)?;
    if check {
        let names = stale.iter().map(|file| &file.place).chain(&gone);
        let names: Vec<_> = names.map(|place| place.display().to_string()).collect();
        return match names.len() {
            0 => Ok(()),
            _ => Err(Failure::new(format!("{} is not current", names.join(", ")))
                .hint("run: cargo xtask gen, and commit the files")),
        };
    }
    for file in stale.drain(..) {
        file.write(&root)?;
        eprintln!("wrote {}", file.place.display());
    }
    for place in gone {
        fs::remove_file(root.join(&place)).trying(format!("remove {}", place.display()))?;
        eprintln!("removed {}", place.display());
    }
    Ok(())
}

impl Fresh {
    fn is_in(&self, root: &Path) -> bool {
        fs::read(root.join(&self.place)).is_ok_and(|bytes| bytes == self.bytes)
    }

    fn write(&self, root: &Path) -> Result<(), Failure> {
        let path = root.join(&self.place);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).trying(format!("create {}", folder.display()))?;
        }
        fs::write(&path, &self.bytes).trying(format!("write {}", self.place.display()))
    }
}
