//! Whether a role runs: a held `flock` on `RUN/<colony>/<role>.lock`, never a pid alone. The file's text is the holder's
//! pid, for messages only.

use crate::private_file;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A lock is tried for this long: those who ask whether it is held ([`is_held`]) hold it themselves for microseconds.
const ASKED_FOR: Duration = Duration::from_millis(100);
/// The pause between two tries.
const AGAIN: Duration = Duration::from_millis(2);

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Starts and restarts the others.
    Supervisor,
    /// Stores and answers.
    Colony,
    /// Observes.
    Agent,
}

impl Role {
    /// The word in file names and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Colony => "colony",
            Self::Agent => "agent",
        }
    }

    fn file(self, run: &Path) -> PathBuf {
        run.join(format!("{}.lock", self.name()))
    }
}

/// A lock that is held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "held for its drop")] Flock<File>);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("a {role} of this colony runs already (pid {pid})")]
    Taken {
        /// Which role.
        role: &'static str,
        /// The holder's pid as it wrote it.
        pid: String,
    },
    /// The file could not be used.
    #[error("lock {path}: {source}")]
    Io {
        /// Where.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
}

impl Role {
    /// Takes the role's lock in the colony's run folder.
    ///
    /// # Errors
    /// [`LockError::Taken`] when another process of this colony has that role.
    pub fn lock(self, run: &Path) -> Result<Held, LockError> {
        let path = self.file(run);
        let io = |source| LockError::Io {
            path: path.display().to_string(),
            source,
        };
        let until = Instant::now() + ASKED_FOR;
        loop {
            let file = private_file(&path).map_err(io)?;
            let pid = holder(&file).map_err(io)?;
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => {
                    // Of one width, so that a reader never meets a part of it.
                    let pid = format!("{:<10}\n", std::process::id());
                    held.write_all_at(pid.as_bytes(), 0).map_err(io)?;
                    held.set_len(pid.len() as u64).map_err(io)?;
                    return Ok(Held(held));
                }
                // Whoever asks whether it is held has it for a moment.
                Err((_, Errno::EWOULDBLOCK)) if Instant::now() < until => {
                    std::thread::sleep(AGAIN);
                }
                Err((_, Errno::EWOULDBLOCK)) => {
                    let role = self.name();
                    return Err(LockError::Taken { role, pid });
                }
                Err((_, errno)) => return Err(io(errno.into())),
            }
        }
    }
}

/// The pid that the holder wrote.
fn holder(file: &File) -> std::io::Result<String> {
    let mut bytes = [0; 16];
    let n = file.read_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes[..n]).trim().to_owned())
}

/// Whether somebody holds the role's lock; the pid that they wrote.
pub fn is_held(run: &Path, role: Role) -> Option<String> {
    let file = File::open(role.file(run)).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_) => None,
        Err((file, _)) => holder(&file).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_life_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(is_held(dir.path(), Role::Colony), None);
        let held = Role::Colony.lock(dir.path()).unwrap();
        assert_eq!(
            is_held(dir.path(), Role::Colony),
            Some(std::process::id().to_string())
        );
        assert!(matches!(
            Role::Colony.lock(dir.path()),
            Err(LockError::Taken { .. })
        ));
        assert!(Role::Agent.lock(dir.path()).is_ok());
        drop(held);
        assert_eq!(is_held(dir.path(), Role::Colony), None);
    }
    #[test]
    fn those_who_ask_do_not_keep_a_role_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        drop(Role::Agent.lock(dir.path()).unwrap());
        let stop = std::sync::atomic::AtomicBool::new(false);
        let asked = || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let pid = is_held(dir.path(), Role::Agent);
                let own = std::process::id().to_string();
                assert!(pid.is_none_or(|pid| pid == own));
            }
        };
        std::thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(asked)));
            for _ in 0..300 {
                let held = Role::Agent.lock(dir.path());
                assert!(held.is_ok(), "{held:?}");
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
