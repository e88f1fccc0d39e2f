//! Another user of the host is refused by the colony itself, even where the folder would let them reach the socket, and
//! the refusal is written down.

use crate::agent::Agent;
use crate::colony::{TestColony, ask};
use coral_colony::hub::Beat;
use coral_mesh::{Boxed, DialError, Dialer, Link};
use coral_model::{AuditOutcome, Question};
use coral_store::{Memory, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tonic::Code;

const NOBODY: libc::c_long = 65534;

/// Connects as another user. The system call (unlike libc's function) changes the calling thread alone, and the kernel
/// notes the credentials of whoever connects.
fn connect_as_nobody(path: PathBuf) -> UnixStream {
    let thread = std::thread::spawn(move || {
        // SAFETY: changes the ids of this thread, which ends right after.
        let changed = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
        assert_eq!(changed, 0);
        UnixStream::connect(path).unwrap()
    });
    thread.join().unwrap()
}

struct Nobody(PathBuf);

impl Dialer for Nobody {
    fn dial(&self) -> Boxed<'_, Result<Link, DialError>> {
        let stream = connect_as_nobody(self.0.clone());
        Box::pin(async move {
            stream.set_nonblocking(true).unwrap();
            Ok(Link::new(tokio::net::UnixStream::from_std(stream).unwrap()).unwrap())
        })
    }
}

fn open_to_all(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn another_user_is_refused_and_written_down() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not root: cannot become another user; the door's own test covers the decision");
        return;
    }
    let store = Arc::new(Memory::default());
    let colony = TestColony::start(store.clone(), Beat::default());
    open_to_all(colony.dir.path(), 0o755);
    open_to_all(&colony.socket, 0o666);
    let channel = coral_mesh::rpc::connect(Arc::new(Nobody(colony.socket.clone())))
        .await
        .unwrap();
    let refused = ask(&channel, &Question::Status).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(
        refused.message().contains("uid 65534 has no role"),
        "{refused}"
    );
    let refused = Agent::open(channel, "a", 5).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let rows = store.snapshot().unwrap().audit(10).unwrap();
    let mut refusals: Vec<_> = rows
        .iter()
        .map(|r| (r.caller.id.as_str(), r.action.as_str()))
        .collect();
    refusals.sort_unstable();
    assert_eq!(
        refusals,
        [
            ("uid:65534", "coral.v1.Query/Run"),
            ("uid:65534", "coral.v1.Ship/Stream"),
        ]
    );
    assert!(
        rows.iter()
            .all(|r| matches!(r.outcome, AuditOutcome::Refused(_)))
    );
    // The colony's own user is still served.
    assert!(
        ask(&colony.channel().await, &Question::Status)
            .await
            .is_ok()
    );
}
