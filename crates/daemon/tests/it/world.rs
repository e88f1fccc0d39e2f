//! A colony and an agent in folders of their own, started by the commands that a person uses, and the programs that
//! they observe.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// How long anything may take to come about.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The tests share one kernel and two cores: those that measure time, memory or what is attached are alone, the others may
/// run beside each other.
static TURN: RwLock<()> = RwLock::new(());

/// Held as long as a world is there.
#[expect(dead_code, reason = "held: the turn ends with it")]
enum Turn {
    Alone(RwLockWriteGuard<'static, ()>),
    Shared(RwLockReadGuard<'static, ()>),
}

impl Turn {
    fn alone() -> Self {
        Self::Alone(TURN.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn shared() -> Self {
        Self::Shared(TURN.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether this machine can run the test; fails instead when it must.
pub fn able(programs: &[&str]) -> bool {
    let found = |p: &&str| {
        Command::new("sh")
            .args(["-c", &format!("command -v {p}")])
            .output()
            .unwrap()
            .status
            .success()
    };
    let mut lacks: Vec<String> = programs
        .iter()
        .filter(|p| !found(p))
        .map(|p| (*p).to_owned())
        .collect();
    if !nix::unistd::geteuid().is_root() {
        lacks.push("root".to_owned());
    }
    if lacks.is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("CORAL_REQUIRE_KERNEL").is_none(),
        "this machine lacks {lacks:?}"
    );
    eprintln!("NOT RUN: this machine lacks {lacks:?}");
    false
}

/// A running colony and agent; both are gone after it.
pub struct World {
    pub home: tempfile::TempDir,
    /// What the commands and all that they start find in their environment.
    environment: Vec<(&'static str, &'static str)>,
    _turn: Option<Turn>,
}

impl World {
    /// Starts colony and agent, and waits until the agent counts; alone with kernel and processors.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Self::start`], beside other worlds: for a test that waits more than it works, measures neither time nor memory,
    /// and counts no single requests, of which the kernel gives so many a second, whoever they are of.
    pub fn start_shared() -> Self {
        let world = Self::in_turn(Turn::shared(), &[]);
        world.up();
        world
    }

    /// As [`Self::start`], with the shop.
    pub fn start_with_shop() -> Self {
        let world = Self::in_turn(Turn::alone(), &[]);
        world.started_by(&["up", "--demo"]);
        world
    }

    /// As [`Self::start`], with these variables in the environment.
    pub fn start_with(environment: &[(&'static str, &'static str)]) -> Self {
        let world = Self::in_turn(Turn::alone(), environment);
        world.up();
        world
    }

    fn in_turn(turn: Turn, environment: &[(&'static str, &'static str)]) -> Self {
        let mut world = Self::beside_others(environment);
        world._turn = Some(turn);
        world
    }

    /// Folders, and nothing that runs yet: for a test that waits more than it works, and measures no time, so that all
    /// others may run beside it.
    pub fn beside_others(environment: &[(&'static str, &'static str)]) -> Self {
        Self {
            home: tempfile::Builder::new().prefix("coral").tempdir().unwrap(),
            environment: environment.to_vec(),
            _turn: None,
        }
    }

    /// `coral up`; the agent counts after it.
    pub fn up(&self) {
        self.started_by(&["up"]);
    }

    fn started_by(&self, command: &[&str]) {
        let up = self.coral(command);
        assert!(up.status.success(), "{}", text(&up));
        eventually("the agent counts", || {
            // A colony that is ending may still have answered `up`.
            let status = self.coral(&["status", "-o", "json"]);
            let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
            status["agents"][0]["mode"] == "ebpf"
        });
    }

    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("CORAL_HOME", self.home.path())
            .env_remove("CORAL_COLONY")
            .envs(self.environment.iter().copied())
            .stdin(Stdio::null());
        command
    }

    pub fn coral(&self, arguments: &[&str]) -> Output {
        self.command(&beside("coral"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// The JSON answer of a command.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.coral(&[arguments, &["-o", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Requests and errors of a service and side.
    pub fn figures(&self, service: &str, side: &str) -> (u64, u64) {
        let summary = self.json(&["query", "summary"]);
        let rows = summary["services"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|r| r["service"] == service && r["side"] == side);
        row.map_or((0, 0), |r| {
            (
                r["requests"].as_u64().unwrap(),
                r["errors"].as_u64().unwrap(),
            )
        })
    }

    /// What a person would see, for the message of a failure.
    pub fn shown(&self) -> String {
        let tables = [
            &["query", "summary"][..],
            &["topology"],
            &["status"],
            &["query", "events"],
        ];
        tables
            .iter()
            .map(|command| text(&self.coral(command)))
            .collect()
    }

    /// Waits until nothing has changed for two ticks, at most [`PATIENCE`], and returns what then stands.
    pub fn quiescent<T: PartialEq>(&self, figures: impl Fn(&Self) -> T) -> T {
        let until = Instant::now() + PATIENCE;
        let (mut last, mut same) = (figures(self), 0);
        while same < 3 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1100));
            let now = figures(self);
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }

    /// The pid that a role's lock names.
    pub fn pid(&self, role: &str) -> i32 {
        let path = self.home.path().join(format!("run/local/{role}.lock"));
        std::fs::read_to_string(path)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let down = self.coral(&["down"]);
        if std::thread::panicking() {
            eprintln!("{}", text(&down));
            let logs = self.home.path().join("state/logs/local");
            for entry in std::fs::read_dir(logs).into_iter().flatten().flatten() {
                eprintln!(
                    "== {}\n{}",
                    entry.path().display(),
                    std::fs::read_to_string(entry.path()).unwrap_or_default()
                );
            }
        }
    }
}

/// A program of the same build.
pub fn beside(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_coral-daemon")).with_file_name(name);
    assert!(
        path.exists(),
        "{name} is not built; run: cargo build --workspace --bins"
    );
    path
}

pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(
            Instant::now() < until,
            "it did not come about within {PATIENCE:?} that {what}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// nginx from the package, with an access log that is the truth.
pub struct Nginx {
    folder: tempfile::TempDir,
    process: Child,
    name: String,
    address: String,
    pub port: u16,
}

impl Nginx {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1", |program| Command::new(program))
    }

    /// At another address; `command` runs a program where that is.
    pub fn start_at(address: &str, command: impl FnOnce(&str) -> Command) -> Self {
        Self::start_named(address, free_port(), "nginx", command)
    }

    /// At this address and port, as a program of this name.
    pub fn start_named(
        address: &str,
        port: u16,
        name: &str,
        command: impl FnOnce(&str) -> Command,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {root}/{kind};"))
            .concat();
        let config = format!(
            "worker_processes 2; daemon off; master_process on; user root; pid {root}/pid; error_log {root}/error.log;
             events {{ worker_connections 1024; }}
             http {{ log_format timed '\"$request\" $status $msec'; access_log {root}/access.log timed; keepalive_requests 1000000; {temporary}
             server {{ listen {address}:{port}; listen unix:{root}/socket; location /large {{ root {root}; }} location /hello {{ return 200 'hello\\n'; }} location /fail {{ return 500; }} }} }}"
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        std::fs::write(folder.path().join("large"), vec![b'x'; 300_000]).unwrap();
        let name = format!("{name}-{port}");
        let program = copy_as(folder.path(), "nginx", &name);
        let process = command(program.to_str().unwrap())
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .spawn()
            .unwrap();
        let nginx = Self {
            folder,
            process,
            name,
            address: address.to_owned(),
            port,
        };
        // It writes its pid when it listens.
        let pid = nginx.folder.path().join("pid");
        eventually("nginx listens", || {
            std::fs::read_to_string(&pid).is_ok_and(|text| !text.is_empty())
        });
        nginx
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}:{}{path}", self.address, self.port)
    }

    /// Where it listens as well.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The name that Coral gives it.
    pub fn service(&self) -> String {
        self.name.clone()
    }

    /// A client of its own name, so that others on this machine are not counted with it: its path and its service.
    pub fn client(&self, program: &str) -> (String, String) {
        let path = own_copy(self.folder.path(), program, self.port);
        (
            path.display().to_string(),
            format!("{program}-{}", self.port),
        )
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).unwrap()
    }

    /// When each request of the access log ended, in unix seconds.
    pub fn moments(&self) -> Vec<f64> {
        let ended = |line: &str| line.rsplit(' ').next().unwrap().parse().unwrap();
        self.log().lines().map(ended).collect()
    }

    /// Lines of the access log, and those with a 500.
    pub fn truth(&self) -> (u64, u64) {
        let log = self.log();
        (
            log.lines().count() as u64,
            log.lines().filter(|l| l.contains("\" 500 ")).count() as u64,
        )
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// A copy of a program under a name of its own: its own and the port.
pub fn own_copy(folder: &Path, program: &str, port: u16) -> PathBuf {
    copy_as(folder, program, &format!("{program}-{port}"))
}

fn copy_as(folder: &Path, program: &str, name: &str) -> PathBuf {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .unwrap();
    let original = String::from_utf8(found.stdout).unwrap();
    let copy = folder.join(name);
    if !copy.exists() {
        copy_program(Path::new(original.trim()), &copy);
    }
    copy
}

/// Copies a program, by a process of its own: a file that this one had open to write could be inherited by what another
/// test starts at that moment, and would be "busy" when it is to be run.
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status().unwrap();
    assert!(status.success(), "copy {}", from.display());
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Runs a program to its end and wants its success.
pub fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        text(&output)
    );
    output
}
