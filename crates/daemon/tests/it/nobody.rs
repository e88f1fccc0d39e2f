//! A user of no rights, with the programs where they may run them and a home of their own.

use crate::world::{PATIENCE, beside, copy_program, run, text};
use serde_json::Value;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

pub const NOBODY: u32 = 65534;

/// The programs where nobody may run them, and a home of nobody's own.
pub struct Stage {
    pub programs: tempfile::TempDir,
    pub home: tempfile::TempDir,
}

/// A role as nobody; ended with this.
pub struct Running(Child);

impl Stage {
    pub fn set() -> Self {
        let programs = tempfile::tempdir().unwrap();
        set_permissions(programs.path(), Permissions::from_mode(0o755)).unwrap();
        let copy = |from: &Path| {
            let to = programs.path().join(from.file_name().unwrap());
            copy_program(from, &to);
            set_permissions(to, Permissions::from_mode(0o755)).unwrap();
        };
        for name in ["coral", "coral-daemon", "coral-colony"] {
            copy(&beside(name));
        }
        copy(&database());
        let home = tempfile::Builder::new().prefix("coral").tempdir().unwrap();
        chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        Self { programs, home }
    }

    pub fn command(&self, program: &str, capabilities: &[&str]) -> Command {
        let list: String = capabilities.iter().map(|c| format!(",+{c}")).collect();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(format!("--inh-caps=-all{list}"))
            .arg(format!("--ambient-caps=-all{list}"))
            .arg(format!("--bounding-set=-all{list}"))
            .arg(self.programs.path().join(program))
            .env("CORAL_HOME", self.home.path())
            .env("LD_LIBRARY_PATH", self.programs.path())
            .env_remove("CORAL_COLONY")
            .env_remove("SUDO_UID")
            .stdin(Stdio::null());
        command
    }

    pub fn start(&self, program: &str, arguments: &[&str], capabilities: &[&str]) -> Running {
        let mut command = self.command(program, capabilities);
        Running(
            command
                .args(arguments)
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    pub fn coral(&self, arguments: &[&str]) -> Output {
        let mut command = self.command("coral", &[]);
        command
            .args(arguments)
            .args(["-o", "json"])
            .output()
            .unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Option<Value> {
        let output = self.coral(arguments);
        serde_json::from_slice(&output.stdout)
            .ok()
            .filter(|_| output.status.success())
    }

    /// The agent's row, once what it says to be missing is not `before` any more.
    pub fn agent(&self, before: &Value) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.json(&["status"]) {
                let agent = &status["agents"][0];
                if !agent.is_null() && agent["missing"] != *before {
                    return agent.clone();
                }
            }
            let last = self.coral(&["status"]);
            assert!(Instant::now() < until, "{}", text(&last));
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// The library that coral-colony links.
fn database() -> PathBuf {
    let output = run("ldd", &[beside("coral-colony").to_str().unwrap()]);
    let listed = String::from_utf8(output.stdout).unwrap();
    let line = listed.lines().find(|l| l.contains("libduckdb")).unwrap();
    let path = line.split_whitespace().nth(2).unwrap();
    path.into()
}
