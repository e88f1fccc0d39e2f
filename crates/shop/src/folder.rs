//! The shop's folders: where faults are switched, and where services keep files. Both are private to their owner, because
//! who may write there may break the shop.

use color_eyre::{Result, eyre::bail, eyre::eyre};
use std::fs::{DirBuilder, symlink_metadata};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The shop's folder, made when it is missing.
pub fn shop() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let path = if let Some(home) = variable("CORAL_HOME") {
        PathBuf::from(home).join("shop")
    } else if let Some(run) = variable("XDG_RUNTIME_DIR") {
        PathBuf::from(run).join("coral-shop")
    } else if let Some(home) = variable("HOME") {
        PathBuf::from(home).join(".local/state/coral-shop")
    } else {
        bail!("the shop has no folder for its switches; set CORAL_HOME or XDG_RUNTIME_DIR");
    };
    private(&path)?;
    Ok(path)
}

/// Where services keep their files. On a disk when there is one: the run folder lies in memory on most machines.
pub fn data() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let path = match (variable("CORAL_HOME"), variable("HOME")) {
        (None, Some(home)) => PathBuf::from(home).join(".local/state/coral-shop/data"),
        _ => shop()?.join("data"),
    };
    private(&path)?;
    Ok(path)
}

/// Makes `path` with mode 0700, or refuses one that others can enter.
pub fn private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| eyre!("create {}: {error}", path.display()))?;
    let meta = symlink_metadata(path)?;
    if !meta.is_dir() || meta.mode() & 0o077 != 0 || meta.uid() != nix::unistd::geteuid().as_raw() {
        bail!(
            "{} must be a folder of your own that nobody else can enter; run: chmod 700 {0}",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_open_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop");
        private(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(private(&path).unwrap_err().to_string().contains("chmod"));
    }
}
