//! The person behind sudo: everything but the agent runs as they do, in their folders.

use crate::{ConfigError, HOME_VARIABLE};
use nix::unistd::{Gid, Uid, User};
use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};

/// Names the person in the environment that sudo makes.
pub const SUDO_VARIABLE: &str = "SUDO_UID";
/// What a person's process may keep of the environment of root's.
const KEPT: [&str; 7] = [
    HOME_VARIABLE,
    "CORAL_LOG",
    "CORAL_COLONY",
    "LANG",
    "LC_ALL",
    "TERM",
    "TZ",
];
/// Where programs are looked for on a person's behalf.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Somebody with a home folder on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their user id.
    pub uid: Uid,
    /// Their first group.
    pub gid: Gid,
    name: CString,
    home: PathBuf,
}

impl Person {
    /// Who ran sudo; `None` when this is not root, or nobody's sudo.
    ///
    /// # Errors
    /// [`ConfigError::NoPerson`] when the variable names nobody.
    pub fn behind_sudo() -> Result<Option<Self>, ConfigError> {
        let Some(text) = std::env::var_os(SUDO_VARIABLE) else {
            return Ok(None);
        };
        if !nix::unistd::getuid().is_root() {
            return Ok(None);
        }
        let nobody = || ConfigError::NoPerson(text.to_string_lossy().chars().take(32).collect());
        let uid: u32 = text
            .to_str()
            .and_then(|t| t.parse().ok())
            .ok_or_else(nobody)?;
        if uid == 0 {
            return Ok(None);
        }
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let user = user.ok_or_else(nobody)?;
        Ok(Some(Self {
            uid: user.uid,
            gid: user.gid,
            name: CString::new(user.name).map_err(|_| nobody())?,
            home: user.dir,
        }))
    }

    /// The whole environment of a process that runs as this person, made from that of this process.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let kept = |name: &&str| Some((OsString::from(name), std::env::var_os(name)?));
        let mut all: Vec<_> = KEPT.iter().filter_map(kept).collect();
        let name = self.name.to_string_lossy().into_owned();
        all.push(("PATH".into(), PATH.into()));
        all.push(("HOME".into(), self.home.clone().into()));
        all.push(("USER".into(), name.clone().into()));
        all.push(("LOGNAME".into(), name.into()));
        if let Some(run) = self.runtime_folder() {
            all.push(("XDG_RUNTIME_DIR".into(), run.into()));
        }
        all
    }

    /// Their home folder.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The folder that their login has, so that they find there what was started for them.
    pub(crate) fn runtime_folder(&self) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt as _;
        let folder = Path::new("/run/user").join(self.uid.to_string());
        let meta = std::fs::symlink_metadata(&folder).ok()?;
        (meta.is_dir() && meta.uid() == self.uid.as_raw()).then_some(folder)
    }

    /// Becomes this person for good, groups included. Safe between fork and exec.
    ///
    /// # Errors
    /// The system's, when this is not root.
    pub fn become_them(&self) -> nix::Result<()> {
        nix::unistd::setgroups(&[self.gid])?;
        nix::unistd::setresgid(self.gid, self.gid, self.gid)?;
        nix::unistd::setresuid(self.uid, self.uid, self.uid)
    }

    /// Acts as this person, but may become root again ([`become_root`]).
    ///
    /// # Errors
    /// The system's.
    pub fn act_as_them(&self) -> nix::Result<()> {
        nix::unistd::setgroups(&[self.gid])?;
        nix::unistd::setegid(self.gid)?;
        nix::unistd::seteuid(self.uid)
    }
}

/// Root again after [`Person::act_as_them`]. Safe between fork and exec.
///
/// # Errors
/// The system's, when this never was root.
pub fn become_root() -> nix::Result<()> {
    let (root, wheel) = (Uid::from_raw(0), Gid::from_raw(0));
    nix::unistd::seteuid(root)?;
    nix::unistd::setresgid(wheel, wheel, wheel)?;
    nix::unistd::setgroups(&[wheel])?;
    nix::unistd::setresuid(root, root, root)
}

/// Runs `work`, which touches files, with the rights that the user `uid` has on files: a link that they planted leads no
/// further than they could go themselves. Only the calling thread is concerned; for a process that is not root nothing
/// changes.
pub fn with_files_of<T>(uid: u32, work: impl FnOnce() -> T) -> T {
    let own = nix::unistd::geteuid();
    if !own.is_root() || uid == 0 {
        return work();
    }
    nix::unistd::setfsuid(Uid::from_raw(uid));
    let done = work();
    nix::unistd::setfsuid(own);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_made_with_the_rights_of_the_other() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("NOT RUN: only root can act for another");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("root-only");
        std::fs::write(&secret, "x").unwrap();
        let open = || std::fs::OpenOptions::new().write(true).open(&secret);
        assert!(with_files_of(65534, open).is_err());
        assert!(open().is_ok());
    }
}
