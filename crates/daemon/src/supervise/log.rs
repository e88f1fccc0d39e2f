//! A role's log file, turned when it grows: 10 MB, three old ones kept.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const MOST_BYTES: u64 = 10 * 1024 * 1024;
const OLD_ONES: u32 = 3;

/// Opens `NAME.log` to append to, after turning it when it is full.
///
/// # Errors
/// The system's.
pub fn open(folder: &Path, name: &str) -> io::Result<File> {
    let path = folder.join(format!("{name}.log"));
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() >= MOST_BYTES) {
        turn(&path)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// Empties a log that its writer still has open once it is full; what it held is kept beside it. True when it did.
pub fn turn_in_place(folder: &Path, name: &str) -> io::Result<bool> {
    let path = folder.join(format!("{name}.log"));
    if std::fs::metadata(&path)?.len() < MOST_BYTES {
        return Ok(false);
    }
    shift(&path)?;
    std::fs::copy(&path, old(&path, 1))?;
    // The writer appends, so it goes on at the new end.
    OpenOptions::new().write(true).open(&path)?.set_len(0)?;
    Ok(true)
}

fn turn(path: &Path) -> io::Result<()> {
    shift(path)?;
    std::fs::rename(path, old(path, 1))
}

fn shift(path: &Path) -> io::Result<()> {
    for number in (1..OLD_ONES).rev() {
        match std::fs::rename(old(path, number), old(path, number + 1)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

fn old(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("log.{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn full_logs_are_turned_and_three_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..5 {
            let mut file = open(dir.path(), "agent").unwrap();
            file.write_all(&vec![b'0' + round; MOST_BYTES as usize])
                .unwrap();
        }
        assert!(turn_in_place(dir.path(), "agent").unwrap());
        assert!(!turn_in_place(dir.path(), "agent").unwrap());
        let count = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(count, 1 + OLD_ONES as usize);
        let newest = std::fs::read(dir.path().join("agent.log.1")).unwrap();
        assert_eq!((newest.len() as u64, newest[0]), (MOST_BYTES, b'4'));
    }
}
