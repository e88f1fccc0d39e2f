//! The direct twin: a Unix socket in a folder of mode 0700, itself 0600.

use crate::{Boxed, DialError, Link};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// Dials a colony's socket.
#[derive(Debug, Clone)]
pub struct Dialer {
    path: PathBuf,
    obeyed_uid: Option<u32>,
}

impl Dialer {
    /// Whoever listens at `path` is spoken to.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            obeyed_uid: None,
        }
    }

    /// Only a colony of this uid is spoken to (the agent's rule).
    pub fn obeying(path: &Path, uid: u32) -> Self {
        Self {
            path: path.to_owned(),
            obeyed_uid: Some(uid),
        }
    }

    async fn open(&self) -> Result<Link, DialError> {
        let path = self.path.display().to_string();
        let link = match UnixStream::connect(&self.path).await.and_then(Link::new) {
            Ok(link) => link,
            Err(e) => {
                return Err(match e.kind() {
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                        DialError::Nobody { path }
                    }
                    ErrorKind::PermissionDenied => DialError::Forbidden { path },
                    _ => DialError::Io { path, source: e },
                });
            }
        };
        match (self.obeyed_uid, link.peer().uid) {
            (Some(wanted), found) if wanted != found => Err(DialError::WrongPeer {
                path,
                found,
                wanted,
            }),
            _ => Ok(link),
        }
    }
}

impl crate::Dialer for Dialer {
    fn dial(&self) -> Boxed<'_, Result<Link, DialError>> {
        Box::pin(self.open())
    }
}

/// Listens on a colony's socket; the file goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Binds `path` with mode 0600, in place of a socket that nobody serves any more. The caller holds the colony's lock,
    /// so no living colony can lose its socket here.
    ///
    /// # Errors
    /// The system's.
    pub fn bind(path: &Path) -> std::io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let inner = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            inner,
            path: path.to_owned(),
        })
    }
}

impl crate::Listener for Listener {
    fn accept(&self) -> Boxed<'_, std::io::Result<Link>> {
        Box::pin(async { Link::new(self.inner.accept().await?.0) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialer as _, Listener as _};

    #[tokio::test]
    async fn both_ends_know_each_other_and_strangers_are_not_obeyed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("colony.sock");
        assert!(matches!(
            Dialer::new(&path).dial().await,
            Err(DialError::Nobody { .. })
        ));
        let listener = Listener::bind(&path).unwrap();
        let own = nix::unistd::geteuid().as_raw();
        let dialer = Dialer::obeying(&path, own);
        let (link, accepted) = tokio::join!(dialer.open(), listener.accept());
        assert_eq!(
            (link.unwrap().peer().uid, accepted.unwrap().peer().uid),
            (own, own)
        );
        let stranger = Dialer::obeying(&path, own + 1).dial().await;
        assert!(matches!(stranger, Err(DialError::WrongPeer { .. })));
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        drop(listener);
        assert!(!path.exists());
    }
}
