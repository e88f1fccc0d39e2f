//! Where things are: the clone, cargo's target folder, and the cache outside the clone that outlives it.

use crate::failure::{Failure, Trying as _};
use std::env;
use std::path::{Path, PathBuf};

/// The clone's root. From the environment that cargo sets, never baked into the program.
pub fn root() -> Result<PathBuf, Failure> {
    let own = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let start = match own {
        Some(xtask) => xtask,
        None => env::current_dir().trying("find the current folder")?,
    };
    start
        .ancestors()
        .find(|folder| folder.join("xtask/suites.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            Failure::new("this is not inside a clone of Coral")
                .hint("run: cargo xtask, in the clone")
        })
}

/// The cache, made when missing: what is fetched or built once and kept for every clone.
pub fn cache(part: &str) -> Result<PathBuf, Failure> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let base = match (variable("XDG_CACHE_HOME"), variable("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => PathBuf::from(home).join(".cache"),
        (None, None) => {
            return Err(Failure::new("no home folder is known").hint("set HOME or XDG_CACHE_HOME"));
        }
    };
    let path = base.join("coral").join(part);
    std::fs::create_dir_all(&path).trying(format!("create {}", path.display()))?;
    Ok(path)
}

/// Where cargo puts the programs of the dev profile: this program lies there itself.
pub fn binaries() -> Result<PathBuf, Failure> {
    let own = env::current_exe().trying("find this program")?;
    own.parent()
        .map(Path::to_owned)
        .ok_or_else(|| Failure::new("this program lies in no folder"))
}

/// Whether this runs as root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
