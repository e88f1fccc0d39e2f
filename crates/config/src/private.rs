//! Folders that only their owner may enter, and files that only their owner may read.

use crate::ConfigError;
use std::fs::{DirBuilder, File, OpenOptions, symlink_metadata};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

/// Makes `path` (and what is missing above it) with mode 0700, or checks that it is such a folder of our own.
///
/// # Errors
/// [`ConfigError::NotPrivate`] when it is a link, somebody else's, or open to others.
pub fn private_folder(path: &Path) -> Result<(), ConfigError> {
    private_folder_of(path, nix::unistd::geteuid().as_raw())
}

/// As [`private_folder`], of this user's own; made with the rights that the thread has on files.
///
/// # Errors
/// As [`private_folder`].
pub fn private_folder_of(path: &Path, own: u32) -> Result<(), ConfigError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| ConfigError::io("create", path, e))?;
    let meta = symlink_metadata(path).map_err(|e| ConfigError::io("look at", path, e))?;
    let refuse = |why: String, fix: String| {
        Err(ConfigError::NotPrivate {
            path: path.display().to_string(),
            why,
            fix,
        })
    };
    if !meta.is_dir() {
        return refuse("is not a folder".into(), "remove it".into());
    }
    if meta.uid() != own {
        return refuse(
            format!("belongs to uid {}, not to {own}", meta.uid()),
            "remove it or choose another folder".into(),
        );
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return refuse(
            "lets others in".into(),
            format!("run: chmod 700 {}", path.display()),
        );
    }
    Ok(())
}

/// Opens a file of our own to read and write, made with mode 0600 when it is not there; a link in its place is refused.
///
/// # Errors
/// The system's.
pub fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};

    #[test]
    fn open_folders_and_links_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        private_folder(&path).unwrap();
        set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(
            private_folder(&path)
                .unwrap_err()
                .to_string()
                .contains("chmod 700")
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(private_folder(&link).is_err());
    }
}
