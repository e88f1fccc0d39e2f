//! What the object is made of: the kernel programs, their manifest and lockfile, and the records they share with user
//! space. Their hash decides whether the committed object is current.

use crate::failure::{Failure, Trying as _};
use crate::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel programs' own workspace.
pub const PROGRAMS: &str = "crates/probes-ebpf";
const SHARED: &str = "crates/probes-abi/src";

/// One hash over all sources: sha256 of the lines that `sha256sum` prints for them, sorted by path.
pub fn hash(root: &Path) -> Result<String, Failure> {
    let programs = Path::new(PROGRAMS);
    let mut files = vec![programs.join("Cargo.toml"), programs.join("Cargo.lock")];
    for folder in [programs.join("src"), PathBuf::from(SHARED)] {
        collect(root, &folder, &mut files)?;
    }
    files.sort();
    let lines = program::output(
        Command::new("sha256sum")
            .arg("--")
            .args(&files)
            .current_dir(root),
    )?;
    program::sha256_of(&lines)
}

/// Every file below `folder`, relative to the root.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let read = fs::read_dir(root.join(folder)).trying(format!("read {}", folder.display()))?;
    for entry in read {
        let entry = entry.trying(format!("read {}", folder.display()))?;
        let path = folder.join(entry.file_name());
        if root.join(&path).is_dir() {
            collect(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
