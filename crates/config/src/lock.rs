//! Whether a role runs: a held `flock` on `RUN/<colony>/<role>.lock`, never a pid alone. The file's text is the holder's
//! pid, for messages only.

use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        let mut pid = String::new();
        file.read_to_string(&mut pid).map_err(io)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut held) => {
                held.set_len(0).and_then(|()| held.rewind()).map_err(io)?;
                write!(held, "{}", std::process::id()).map_err(io)?;
                Ok(Held(held))
            }
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(LockError::Taken {
                role: self.name(),
                pid,
            }),
            Err((_, errno)) => Err(io(errno.into())),
        }
    }
}

/// Whether somebody holds the role's lock; the pid that they wrote.
pub fn is_held(run: &Path, role: Role) -> Option<String> {
    let file = File::open(role.file(run)).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_) => None,
        Err((mut file, _)) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).ok()?;
            Some(pid)
        }
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
}
