//! The agent as a user of no rights but the five capabilities that it asks for, and with each of them missing.

use crate::world::{PATIENCE, able, beside, eventually, free_port, run, text};
use serde_json::Value;
use std::fs::{Permissions, set_permissions};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

const NOBODY: u32 = 65534;
const CAPABILITIES: [&str; 5] = [
    "bpf",
    "perfmon",
    "net_admin",
    "sys_ptrace",
    "dac_read_search",
];

/// The programs where nobody may run them, and a home of nobody's own.
struct Stage {
    programs: tempfile::TempDir,
    home: tempfile::TempDir,
}

/// A role as nobody; ended with this.
struct Running(Child);

impl Stage {
    fn set() -> Self {
        let programs = tempfile::tempdir().unwrap();
        set_permissions(programs.path(), Permissions::from_mode(0o755)).unwrap();
        let copy = |from: &Path| {
            let to = programs.path().join(from.file_name().unwrap());
            std::fs::copy(from, &to).unwrap();
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

    fn command(&self, program: &str, capabilities: &[&str]) -> Command {
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

    fn start(&self, program: &str, arguments: &[&str], capabilities: &[&str]) -> Running {
        let mut command = self.command(program, capabilities);
        Running(
            command
                .args(arguments)
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    fn coral(&self, arguments: &[&str]) -> Output {
        let mut command = self.command("coral", &[]);
        command
            .args(arguments)
            .args(["-o", "json"])
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Option<Value> {
        let output = self.coral(arguments);
        serde_json::from_slice(&output.stdout)
            .ok()
            .filter(|_| output.status.success())
    }

    /// The agent's row, once what it says to be missing is not `before` any more.
    fn agent(&self, before: &Value) -> Value {
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

#[test]
fn five_capabilities_are_enough_and_each_that_lacks_is_named() {
    if !able(&["setpriv", "python3", "curl"]) {
        return;
    }
    // Of another user than the agent, and of a name that no other program on this machine has.
    let (port, name) = (
        free_port().to_string(),
        format!("privilege-{}", std::process::id()),
    );
    let mut command = Command::new("python3");
    command.args(["-m", "http.server", &port, "--bind", "127.0.0.1"]);
    command
        .env("OTEL_SERVICE_NAME", &name)
        .stderr(Stdio::null());
    let _server = Running(command.stdout(Stdio::null()).spawn().unwrap());
    let address = format!("127.0.0.1:{port}");
    eventually("the server listens", || {
        TcpStream::connect(&address).is_ok()
    });
    let stage = Stage::set();
    let _colony = stage.start("coral-colony", &[], &[]);
    eventually("the colony answers", || stage.json(&["status"]).is_some());
    let agent = stage.start("coral-daemon", &["agent"], &CAPABILITIES);
    let row = stage.agent(&Value::Null);
    assert_eq!(
        (&row["mode"], row["missing"].as_array().unwrap().len()),
        (&"ebpf".into(), 0),
        "{row}"
    );
    run(
        "curl",
        &["-s", "-o", "/dev/null", &format!("http://{address}/")],
    );
    eventually("the one request is counted under its name", || {
        let summary = stage.json(&["query", "summary"]);
        let rows = summary
            .and_then(|s| s["services"].as_array().cloned())
            .unwrap_or_default();
        let own = |r: &Value| {
            r["service"] == name.as_str() && r["side"] == "server" && r["requests"] == 1
        };
        rows.iter().any(own)
    });
    drop(agent);
    let mut before = row["missing"].clone();
    for lacking in CAPABILITIES {
        let others: Vec<&str> = CAPABILITIES.into_iter().filter(|c| *c != lacking).collect();
        let agent = stage.start("coral-daemon", &["agent"], &others);
        let row = stage.agent(&before);
        let lacks = format!("CAP_{} is missing", lacking.to_uppercase());
        let missing = row["missing"].as_array().unwrap();
        assert_eq!(missing.len(), 1, "{row}");
        assert!(
            missing[0]["why"].as_str().unwrap().starts_with(&lacks),
            "{row}"
        );
        assert!(
            missing[0]["fix"].as_str().unwrap().contains("setcap"),
            "{row}"
        );
        before = row["missing"].clone();
        drop(agent);
    }
}
