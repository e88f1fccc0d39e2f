//! Where libduckdb comes from, the first that is there: DUCKDB_LIB_DIR, an installed library, the cache, the npm package
//! that carries it (pinned by SHA-256), the crate's own download.

use crate::failure::{Failure, Trying as _};
use crate::{house, program};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const PACKAGE: &str = "@duckdb/node-bindings-linux-x64@1.5.6-r.1";
const SHA256: &str = "3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633";
/// The library's file name.
pub const FILE: &str = "libduckdb.so";
const INSTALLED: [&str; 4] = [
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
];
const ONE_COMMAND: &str = "install npm (Debian: apt-get install npm) and run `cargo xtask setup` again, or set \
     DUCKDB_LIB_DIR to a folder with libduckdb.so 1.5.6";

/// What cargo is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder with the library.
    Folder(PathBuf),
    /// The crate fetches the library by itself.
    CrateDownload,
}

/// Finds the library, or fetches it.
pub fn find() -> Result<Source, Failure> {
    if let Some(folder) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) {
        return if folder.join(FILE).is_file() {
            Ok(Source::Folder(folder))
        } else {
            Err(Failure::new(format!(
                "DUCKDB_LIB_DIR has no {FILE}: {}",
                folder.display()
            ))
            .hint("unset it, or name the folder of the library"))
        };
    }
    if let Some(folder) = INSTALLED
        .iter()
        .find(|dir| Path::new(dir).join(FILE).is_file())
    {
        return Ok(Source::Folder(folder.into()));
    }
    if env::var_os("DUCKDB_DOWNLOAD_LIB").is_some_and(|value| value == "1") {
        return Ok(Source::CrateDownload);
    }
    let folder = house::cache("duckdb")?;
    if is_pinned(&folder.join(FILE)) {
        return Ok(Source::Folder(folder));
    }
    // The package is for one platform; the crate knows the others.
    let packaged = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if !packaged || program::find("npm").is_none() {
        eprintln!(
            "  no npm package to take it from; if the build cannot download it: {ONE_COMMAND}"
        );
        return Ok(Source::CrateDownload);
    }
    fetch(&folder).map_err(|failure| failure.hint(ONE_COMMAND))?;
    Ok(Source::Folder(folder))
}

fn is_pinned(file: &Path) -> bool {
    file.is_file() && program::sha256(file).is_ok_and(|hash| hash == SHA256)
}

/// Takes the library out of the npm package; it appears in the folder only when its hash is right.
fn fetch(folder: &Path) -> Result<(), Failure> {
    let scratch = folder.join("fetch");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).trying("create the folder for the download")?;
    eprintln!("  npm pack {PACKAGE}");
    let printed = program::output(
        Command::new("npm")
            .args(["pack", "--silent", PACKAGE])
            .current_dir(&scratch),
    )?;
    let archive = printed
        .lines()
        .last()
        .ok_or_else(|| Failure::new("npm pack named no file"))?;
    let member = format!("package/{FILE}");
    program::output(
        Command::new("tar")
            .args(["--extract", "--gzip", "--file", archive.trim(), &member])
            .current_dir(&scratch),
    )?;
    let library = scratch.join(member);
    let hash = program::sha256(&library)?;
    if hash != SHA256 {
        return Err(Failure::new(format!(
            "the library in {PACKAGE} has SHA-256 {hash}, expected {SHA256}; it was not used"
        )));
    }
    fs::rename(&library, folder.join(FILE)).trying("move the library into the cache")?;
    fs::remove_dir_all(&scratch).trying("remove the download")
}
