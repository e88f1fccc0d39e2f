//! A second build of the shop's program, for fault `slow-build`: a copy with another build id and other content, so that
//! whoever compares builds sees a deployment.

use color_eyre::{Result, eyre::eyre};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Names the build for the program itself: the copy is the same code.
const VARIABLE: &str = "CORAL_SHOP_BUILD";
/// The header of a note that holds a build id (elf(5)): name of 4 bytes, 20 bytes of id, type 3, "GNU".
const NOTE: [u8; 16] = *b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
const ID: usize = 20;
/// How the copy's name begins.
const NAME: &str = "coral-shop-";
/// The note lies among the first sections of a program.
const HEAD: usize = 16 << 10;

/// Whether this process runs the second build.
pub fn is_this() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|build| build == "2")
}

/// What a child is given so that it knows its build.
pub const fn variable() -> (&'static str, &'static str) {
    (VARIABLE, "2")
}

/// Writes the second build of this program into a folder, once for each process.
pub fn make(folder: &Path) -> Result<PathBuf> {
    forget_old(folder);
    let path = folder.join(format!("{NAME}{}", std::process::id()));
    let program = fs::read(std::env::current_exe()?)?;
    fs::write(&path, altered(program))
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o700)))
        .map_err(|error| eyre!("write {}: {error}", path.display()))?;
    Ok(path)
}

/// What a shop that was killed has left.
fn forget_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(NAME) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The same program with another build id, when it has one, and other content in any case. What follows the last section
/// is loaded by nobody.
fn altered(mut program: Vec<u8>) -> Vec<u8> {
    let head = &program[..program.len().min(HEAD)];
    let note = head.windows(NOTE.len()).position(|bytes| bytes == NOTE);
    if let Some(id) = note.and_then(|at| program.get_mut(at + NOTE.len()..at + NOTE.len() + ID)) {
        for byte in id {
            *byte ^= 0x5a;
        }
    }
    program.extend_from_slice(b"second build\n");
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_id_changes_and_the_rest_stays() {
        let program = [b"head".as_slice(), &NOTE, &[7; ID], b"tail"].concat();
        let other = altered(program.clone());
        assert_eq!(other[..20], program[..20]);
        assert_eq!(other[20..40], [7 ^ 0x5a; ID]);
        assert_eq!(&other[40..], b"tailsecond build\n");
        assert_eq!(altered(b"no note".to_vec()), b"no notesecond build\n");
    }
}
