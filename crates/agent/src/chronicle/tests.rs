//! Real processes that start, end and change.

use super::*;
use crate::clock::{Clock, Reading};
use crate::enrich::processes_for_tests;
use crate::proc::mounts::{self, Mount};
use crate::proc::text::Reader;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A server of one service, told apart from others on this machine by its declared name.
struct Server(Child);

/// Listens, and ends with the code that it reads; `oom` takes more memory than there is.
const SCRIPT: &str = "import socket,sys
s=socket.socket();s.bind(('127.0.0.1',0));s.listen()
print('up',flush=True)
what=sys.stdin.readline().strip()
if what=='oom':
  x=[bytearray(10000000) for _ in range(100)]
sys.exit(int(what or 0))";

impl Server {
    fn start(service: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        Self::run(command.args(["-c", SCRIPT]).args(arguments), service)
    }

    fn run(command: &mut Command, service: &str) -> Self {
        let mut child = command
            .env("OTEL_SERVICE_NAME", service)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "up\n");
        Self(child)
    }

    fn exit(mut self, word: &str) {
        use std::io::Write as _;
        writeln!(self.0.stdin.take().unwrap(), "{word}").unwrap();
        self.0.wait().unwrap();
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

struct Bench {
    chronicle: Chronicle,
    enrich: Enrich,
    groups: Groups,
    clock: Clock,
    service: &'static str,
}

impl Bench {
    fn new(service: &'static str) -> Self {
        Self {
            chronicle: Chronicle::new(),
            enrich: Enrich::new(processes_for_tests()),
            groups: Groups::default(),
            clock: Clock::new(Reading::now()),
            service,
        }
    }

    /// Kinds and texts of what happened to the service since the last look.
    fn look(&mut self) -> Vec<(EventKind, String)> {
        self.enrich.refresh(&self.clock);
        let now = self.clock.at(Reading::now().boot_ns);
        let events = self
            .chronicle
            .second(&mut self.enrich, &mut self.groups, now);
        let own = |e: &Event| {
            e.service
                .as_ref()
                .is_some_and(|s| s.name.raw() == self.service)
        };
        let events = events.into_iter().filter(own);
        events.map(|e| (e.kind, e.text.raw().to_owned())).collect()
    }

    fn kinds(&mut self) -> Vec<EventKind> {
        self.look().into_iter().map(|(kind, _)| kind).collect()
    }
}

#[test]
fn a_crash_a_restart_and_a_polite_end() {
    let mut bench = Bench::new("chronicle-a");
    let first = Server::start("chronicle-a", &["x"]);
    let pid = first.0.id();
    assert_eq!(bench.kinds(), [EventKind::Start]);
    assert_eq!(bench.kinds(), []);
    first.exit("3");
    let told = bench.look();
    // Linux before 6.15 tells nobody but the parent.
    if told[0].0 == EventKind::Crash {
        let want = format!("chronicle-a (pid {pid}) crashed: ended with code 3");
        assert_eq!(told, [(EventKind::Crash, want)]);
    }
    let second = Server::start("chronicle-a", &["x"]);
    let told = bench.look();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, EventKind::Restart);
    assert!(
        told[0].1.contains(&format!("after pid {pid} crashed")),
        "{told:?}"
    );
    second.exit("0");
    assert_eq!(bench.kinds(), [EventKind::Exit]);
}

#[test]
fn another_command_line_is_a_change_and_its_secrets_stay_here() {
    let mut bench = Bench::new("chronicle-b");
    let first = Server::start("chronicle-b", &["--password", "hunter2"]);
    bench.look();
    first.kill();
    bench.look();
    let second = Server::start("chronicle-b", &["--password", "hunter3"]);
    assert_eq!(bench.kinds(), [EventKind::Restart], "only a secret changed");
    let third = Server::start("chronicle-b", &["--password=hunter2", "--port=1"]);
    let told = bench.look();
    let kinds: Vec<EventKind> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [EventKind::Start, EventKind::Change]);
    assert!(
        told[1].1.contains("--password=*** --port=1` instead of"),
        "{told:?}"
    );
    assert!(!told[1].1.contains("hunter"), "{told:?}");
    // One more of what lives already is no change.
    let fourth = Server::start("chronicle-b", &["--password", "x"]);
    assert_eq!(bench.kinds(), [EventKind::Start]);
    for server in [second, third, fourth] {
        server.kill();
    }
}

/// A control group with little memory; gone with this.
struct SmallGroup(PathBuf);

impl SmallGroup {
    /// `None` where none can be made.
    fn make() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mounts = mounts::parse(&text);
        let memory = |m: &&Mount| m.kind == "cgroup" && m.options.split(',').any(|o| o == "memory");
        let v1 = mounts.iter().find(memory);
        let mount = v1.or_else(|| mounts.iter().find(|m| m.kind == "cgroup2"))?;
        let folder = mount
            .point
            .join(format!("coral-test-{}", std::process::id()));
        std::fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        let limit = ["memory.limit_in_bytes", "memory.max"].map(|file| group.0.join(file));
        let limit = limit.iter().find(|file| file.exists())?;
        std::fs::write(limit, "40000000").ok()?;
        Some(group)
    }
}

impl Drop for SmallGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_kill_for_lack_of_memory_is_told_from_a_crash() {
    let Some(group) = SmallGroup::make() else {
        eprintln!("NOT RUN: no control group with a memory limit can be made here");
        return;
    };
    let mut bench = Bench::new("chronicle-c");
    let enter = format!(
        "echo $$ > {}/cgroup.procs; exec python3 -c \"$0\"",
        group.0.display()
    );
    let mut command = Command::new("sh");
    let server = Server::run(command.args(["-c", &enter, SCRIPT]), "chronicle-c");
    assert_eq!(bench.kinds(), [EventKind::Start]);
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let living: Vec<_> = bench.enrich.processes.living_pids().collect();
    bench
        .groups
        .follow(&living, &mounts::parse(&text), &mut Reader::default());
    server.exit("oom");
    assert_eq!(bench.kinds(), [EventKind::OutOfMemory]);
}

#[test]
fn words_of_a_change() {
    let print = |command: &str, build: Option<&str>| Print {
        command: command.to_owned(),
        build: build.map(str::to_owned),
    };
    let (a, b) = (print("a", Some("0123456789abcdef")), print("a", None));
    assert_eq!(
        difference(&a, &b),
        "changed: build unknown instead of 0123456789ab"
    );
    assert_eq!(
        difference(&a, &print("b", Some("0123456789abcdef"))),
        "changed: command `b` instead of `a`"
    );
    assert_eq!(ending(None, false).1, "ended");
    assert_eq!(
        ending(Some(Exit::Signal(9)), true).0,
        EventKind::OutOfMemory
    );
    fuzz(b"a\0--password\0\xff\0x://y@");
}
