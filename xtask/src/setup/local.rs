//! `.cargo/local.toml`: included by the committed `.cargo/config.toml`, ignored by git, made by `setup`.

use super::library::{FILE, Source};
use crate::failure::{Failure, Trying as _};
use std::fs;
use std::path::{Path, PathBuf};

fn path(root: &Path) -> PathBuf {
    root.join(".cargo/local.toml")
}

/// Whether the file is there and what it names still exists.
pub fn is_good(root: &Path) -> bool {
    fs::read_to_string(path(root)).is_ok_and(|text| match read(&text) {
        Some(Source::Folder(folder)) => folder.join(FILE).is_file(),
        Some(Source::CrateDownload) => true,
        None => false,
    })
}

/// Writes the file anew.
pub fn write(root: &Path, source: &Source) -> Result<(), Failure> {
    fs::write(path(root), text(source)).trying("write .cargo/local.toml")
}

fn text(source: &Source) -> String {
    let line = match source {
        // A TOML basic string takes the same escapes as Rust's for what a path can hold.
        Source::Folder(folder) => format!("DUCKDB_LIB_DIR = {:?}", folder.display().to_string()),
        Source::CrateDownload => "DUCKDB_DOWNLOAD_LIB = \"1\"".to_owned(),
    };
    format!(
        "# Written by `cargo xtask setup`; remove it and run that again to start over.\n[env]\n{line}\n"
    )
}

fn read(text: &str) -> Option<Source> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        match key.trim() {
            "DUCKDB_LIB_DIR" => Some(Source::Folder(value.into())),
            "DUCKDB_DOWNLOAD_LIB" => Some(Source::CrateDownload),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for source in [Source::Folder("/opt/duckdb".into()), Source::CrateDownload] {
            assert_eq!(read(&text(&source)), Some(source));
        }
        assert_eq!(read("[env]\n"), None);
    }
}
