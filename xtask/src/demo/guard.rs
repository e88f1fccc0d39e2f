//! Takes the demo's colony down however this program ends, Ctrl-C and SIGKILL included: a small process in a group of its
//! own waits for the end of its stdin, whose other end is ours, and then runs `coral down`.

use crate::failure::{Failure, Trying as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `$0` is the program, the arguments follow. It must outlive the signals of the terminal that ends us.
const SCRIPT: &str = "trap '' INT HUP TERM; cat >/dev/null; exec \"$0\" \"$@\" >/dev/null";

/// The waiting process; dropping this takes the colony down and waits for it.
pub struct Guard(Child);

impl Guard {
    pub fn new(coral: &Path, home: &Path, colony: &str) -> Result<Self, Failure> {
        Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .arg(coral)
            .args(["--colony", colony, "down"])
            .env("CORAL_HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::from(std::io::stderr()))
            .process_group(0)
            .spawn()
            .map(Self)
            .trying("start the guard of the demo")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        match self.0.wait() {
            Ok(status) if status.success() => {}
            other => eprintln!("the demo may still run ({other:?}); its own words stand above"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn dropping_it_runs_down_once_and_not_before() {
        let folder = std::env::temp_dir().join(format!("coral-guard-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (coral, said) = (folder.join("coral"), folder.join("said"));
        let script = format!("#!/bin/sh\necho \"$CORAL_HOME $*\" >> {}\n", said.display());
        std::fs::write(&coral, script).unwrap();
        std::fs::set_permissions(&coral, std::fs::Permissions::from_mode(0o755)).unwrap();
        let guard = Guard::new(&coral, Path::new("/h"), "demo").unwrap();
        assert!(!said.exists());
        drop(guard);
        assert_eq!(
            std::fs::read_to_string(&said).unwrap(),
            "/h --colony demo down\n"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
