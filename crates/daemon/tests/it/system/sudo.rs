//! `coral up` of a person who may use sudo, and `sudo coral up`: either way supervisor and colony are the person's, only
//! the agent is root's, and nothing is left when it is over.

use crate::nobody::{NOBODY, Stage};
use crate::world::{Nginx, able, eventually, run, text};
use serde_json::Value;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// A colony of nobody's, named so that root's agent keeps its spool apart from others'.
struct Sudo {
    stage: Stage,
    colony: String,
    sudoers: tempfile::NamedTempFile,
}

impl Sudo {
    fn set() -> Self {
        let sudoers = tempfile::NamedTempFile::new().unwrap();
        let rules = "root ALL=(ALL) ALL\n#65534 ALL=(ALL) NOPASSWD:SETENV: ALL\n";
        std::fs::write(sudoers.path(), rules).unwrap();
        Self {
            stage: Stage::set(),
            colony: format!("sudo-{}", std::process::id()),
            sudoers,
        }
    }

    /// Runs a line of shell as nobody, where sudo lets nobody do all: in a mount namespace with sudoers of our own.
    fn shell(&self, line: &str) -> Output {
        let own = "mount --bind \"$SUDOERS\" /etc/sudoers && exec setpriv --reuid=65534 --regid=65534 --clear-groups \
                   sh -c \"$LINE\"";
        Command::new("unshare")
            .args(["-m", "sh", "-c", own])
            .env("SUDOERS", self.sudoers.path())
            .env("LINE", line)
            .env("CORAL_HOME", self.stage.home.path())
            .env("CORAL_COLONY", &self.colony)
            .env("LD_LIBRARY_PATH", self.stage.programs.path())
            .env("C", self.stage.programs.path().join("coral"))
            .env_remove("SUDO_UID")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    }

    fn status(&self) -> Value {
        let output = self.shell("$C status -o json");
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn lock(&self, role: &str) -> std::path::PathBuf {
        let run = self.stage.home.path().join("run").join(&self.colony);
        run.join(format!("{role}.lock"))
    }

    fn pid(&self, role: &str) -> String {
        let text = std::fs::read_to_string(self.lock(role)).unwrap();
        text.trim().to_owned()
    }

    /// The user that a role runs as: real and effective.
    fn users(&self, role: &str) -> Vec<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid(role))).unwrap();
        let line = status.lines().find(|l| l.starts_with("Uid:")).unwrap();
        let ids = line.split_whitespace().skip(1);
        ids.map(|id| id.parse().unwrap()).collect()
    }

    /// Supervisor and colony are nobody's, the agent is root's and counts, all files are nobody's.
    fn runs_as_it_should(&self, nginx: &Nginx) {
        for role in ["supervisor", "colony"] {
            assert_eq!(self.users(role), [NOBODY; 4], "{role}");
        }
        assert_eq!(self.users("agent"), [0; 4]);
        let agent = &self.status()["agents"][0];
        assert_eq!(agent["mode"], "ebpf", "{agent}");
        run("curl", &["-s", "-o", "/dev/null", &nginx.url("/hello")]);
        eventually("the request is counted", || {
            let output = self.shell("$C query summary -o json");
            let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
            let rows = summary["services"].as_array().cloned().unwrap_or_default();
            rows.iter()
                .any(|r| r["service"] == nginx.service().as_str() && r["requests"] == 1)
        });
        all_belong_to(self.stage.home.path(), NOBODY);
    }

    fn gone(&self) {
        for role in ["supervisor", "colony", "agent"] {
            let status = format!("/proc/{}/status", self.pid(role));
            // One that nobody has waited for yet has ended all the same.
            eventually(&format!("the {role} has ended"), || {
                std::fs::read_to_string(&status).map_or(true, |text| text.contains("State:\tZ"))
            });
        }
    }
}

impl Drop for Sudo {
    fn drop(&mut self) {
        let _ = self.shell("$C down");
        let root = nix::unistd::User::from_uid(0.into()).unwrap().unwrap();
        let state = root.dir.join(".local/state/coral/agent");
        let _ = std::fs::remove_dir_all(state.join(format!("{NOBODY}.{}", self.colony)));
    }
}

fn all_belong_to(folder: &Path, uid: u32) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let meta = entry.metadata().unwrap();
        assert_eq!(meta.uid(), uid, "{}", entry.path().display());
        if meta.is_dir() {
            all_belong_to(&entry.path(), uid);
        }
    }
}

#[test]
fn only_the_agent_is_root_whichever_way_sudo_comes_in() {
    if !able(&["sudo", "setpriv", "unshare", "nginx", "curl"]) {
        return;
    }
    for up in [
        "sudo -n CORAL_HOME=$CORAL_HOME CORAL_COLONY=$CORAL_COLONY LD_LIBRARY_PATH=$LD_LIBRARY_PATH $C up",
        "$C up",
    ] {
        let (nginx, sudo) = (Nginx::start(), Sudo::set());
        let started = sudo.shell(up);
        assert!(started.status.success(), "{up}: {}", text(&started));
        sudo.runs_as_it_should(&nginx);
        let down = sudo.shell("$C down");
        assert!(down.status.success(), "{}", text(&down));
        sudo.gone();
    }
}

#[test]
fn the_agent_goes_with_the_supervisor_however_that_goes() {
    if !able(&["sudo", "setpriv", "unshare"]) {
        return;
    }
    let sudo = Sudo::set();
    let up = "sudo -n CORAL_HOME=$CORAL_HOME CORAL_COLONY=$CORAL_COLONY LD_LIBRARY_PATH=$LD_LIBRARY_PATH $C up";
    let started = sudo.shell(up);
    assert!(started.status.success(), "{}", text(&started));
    let (supervisor, agent) = (sudo.pid("supervisor"), sudo.pid("agent"));
    run("kill", &["-9", &agent]);
    eventually("the keeper starts it again", || sudo.pid("agent") != agent);
    run("kill", &["-9", &supervisor]);
    let agent = Path::new("/proc").join(sudo.pid("agent"));
    eventually("the agent is gone", || !agent.exists());
}
