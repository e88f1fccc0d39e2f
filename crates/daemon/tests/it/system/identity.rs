//! Who may do what.

use crate::world::{World, able, beside, copy_program, text};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

/// Runs `coral status` as the user nobody, from a copy of the program that others may run: the build's folder may be
/// closed to them.
fn as_nobody(world: &World) -> Output {
    let open = tempfile::tempdir().unwrap();
    set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
    let program = open.path().join("coral");
    copy_program(&beside("coral"), &program);
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program)
        .arg("status");
    command
        .env("CORAL_HOME", world.home.path())
        .output()
        .unwrap()
}

#[test]
fn a_second_user_reads_nothing() {
    if !able(&["setpriv"]) {
        return;
    }
    let world = World::start_shared();
    let open = |path: &str, mode| {
        set_permissions(world.home.path().join(path), Permissions::from_mode(mode)).unwrap()
    };
    open("", 0o755);
    let refused = as_nobody(&world);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("not allowed"), "{}", text(&refused));
    // Even with the folders thrown open the colony knows its own by the socket's peer.
    for (path, mode) in [
        ("run", 0o755),
        ("run/local", 0o755),
        ("run/local/colony.sock", 0o666),
    ] {
        open(path, mode);
    }
    let refused = as_nobody(&world);
    assert!(!refused.status.success(), "{}", text(&refused));
    assert!(!text(&refused).contains("agents"), "{}", text(&refused));
    for (path, mode) in [("run/local", 0o700), ("run", 0o700)] {
        open(path, mode);
    }
}

#[test]
fn the_program_that_runs_on_hosts_does_not_link_the_database() {
    let output = Command::new("ldd")
        .arg(beside("coral-daemon"))
        .output()
        .unwrap();
    assert!(
        output.status.success() && !text(&output).contains("duckdb"),
        "{}",
        text(&output)
    );
}
