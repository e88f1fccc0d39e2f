//! A running shop on free ports with a folder of its own, and a look at its processes through /proc.

use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_coral-shop");

/// How many services listen.
const PORTS: u16 = 7;

pub struct Shop {
    home: TempDir,
    child: Child,
    stdin: Option<ChildStdin>,
    base_port: u16,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

pub struct Answer {
    pub status: u16,
    pub took: Duration,
}

/// A process of the shop.
pub struct Process {
    pub pid: i32,
}

impl Shop {
    /// Starts `coral-shop run` and waits until it says that it is open.
    pub fn open(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let base_port = free_ports();
        let mut child = Command::new(PROGRAM)
            .args(["run", "--base-port", &base_port.to_string()])
            .args(arguments)
            .env("CORAL_HOME", home.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("the shop is open"), "{line}");
        // Whoever stops reading a pipe stops its writer, in the end.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self {
            stdin: child.stdin.take(),
            home,
            child,
            base_port,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            http: client(),
        }
    }

    /// A shop without customers: whatever happens, the test did it.
    pub fn quiet(arguments: &[&str]) -> Self {
        Self::open(&[&["--rate", "0"], arguments].concat())
    }

    pub fn switch(&self, state: &str, fault: &str) {
        self.coral_shop(&["fault", state, fault]);
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn base_port(&self) -> u16 {
        self.base_port
    }

    /// Runs another command of the program on this shop's folder.
    pub fn coral_shop(&self, arguments: &[&str]) -> String {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .env("CORAL_HOME", self.home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn get(&self, port: u16, path: &str) -> Answer {
        self.try_get(port, path).unwrap()
    }

    pub fn try_get(&self, port: u16, path: &str) -> Option<Answer> {
        self.call(self.http.get(self.url(port, path)))
    }

    pub fn post(&self, port: u16, path: &str) -> Answer {
        self.call(self.posted(port, path)).unwrap()
    }

    fn posted(&self, port: u16, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(self.url(port, path));
        request.json(&json!({ "cart": 7, "cents": 100 }))
    }

    /// Sends so many at once; the time of the slowest.
    pub fn slowest_post(&self, count: usize, port: u16, path: &str) -> Duration {
        let begin = Instant::now();
        self.runtime.block_on(async {
            let sent = (0..count).map(|_| tokio::spawn(self.posted(port, path).send()));
            for answer in sent.collect::<Vec<_>>() {
                answer.await.unwrap().unwrap();
            }
        });
        begin.elapsed()
    }

    /// A JSON answer.
    pub fn json(&self, port: u16, path: &str) -> serde_json::Value {
        let request = self.http.get(self.url(port, path));
        self.runtime
            .block_on(async { request.send().await.unwrap().json().await.unwrap() })
    }

    /// Whether there is an answer within one and a half seconds.
    pub fn answers_soon(&self, port: u16, path: &str) -> bool {
        let request = self.http.get(self.url(port, path));
        self.call(request.timeout(Duration::from_millis(1500)))
            .is_some()
    }

    fn url(&self, port: u16, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.base_port + port)
    }

    fn call(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        let begin = Instant::now();
        let answer = self.runtime.block_on(async { request.send().await }).ok()?;
        Some(Answer {
            status: answer.status().as_u16(),
            took: begin.elapsed(),
        })
    }

    /// The processes that the shop started.
    pub fn children(&self) -> Vec<Process> {
        let parent = i32::try_from(self.child.id()).unwrap();
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .map(|pid| Process { pid })
            .filter(|process| process.stat_field(1).as_deref() == Some(&parent.to_string()))
            .collect()
    }

    pub fn child(&self, name: &str) -> Process {
        self.find_child(name).unwrap()
    }

    pub fn find_child(&self, name: &str) -> Option<Process> {
        self.children()
            .into_iter()
            .find(|child| child.service_name() == name)
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets stdin end and waits for the shop's own end.
    pub fn close(&mut self) -> ExitStatus {
        drop(self.stdin.take());
        self.child.wait().unwrap()
    }
}

/// As the shop's own: built beside the console, reqwest wants a provider of TLS for plain http as well.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

impl Process {
    pub fn service_name(&self) -> String {
        let environ = std::fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&environ)
            .split('\0')
            .find_map(|variable| variable.strip_prefix("OTEL_SERVICE_NAME="))
            .unwrap_or_default()
            .to_owned()
    }

    pub fn cpu_ticks(&self) -> u64 {
        self.stat_field(11).unwrap().parse().unwrap()
    }

    /// Bytes of memory that only it has.
    pub fn rss(&self) -> u64 {
        let pages: u64 = self.stat_field(21).unwrap().parse().unwrap();
        pages * 4096
    }

    pub fn program(&self) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/exe", self.pid)).ok()
    }

    /// Bytes that it had written to a disk or a file.
    pub fn written(&self) -> u64 {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.pid)).unwrap_or_default();
        io.lines()
            .find_map(|line| line.strip_prefix("wchar: "))
            .map_or(0, |bytes| bytes.parse().unwrap())
    }

    pub fn is_alive(&self) -> bool {
        self.stat_field(0).is_some_and(|state| state != "Z")
    }

    pub fn kill(&self) {
        let pid = nix::unistd::Pid::from_raw(self.pid);
        nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL).unwrap();
    }

    /// The n-th field of /proc/PID/stat after the program's name.
    fn stat_field(&self, n: usize) -> Option<String> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_whitespace().nth(n).map(str::to_owned)
    }
}

/// Waits until something holds, at most half a minute.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The first of seven ports in a row that nobody has, below the range that the kernel hands out by itself.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 12_000 + u16::try_from(std::process::id() % 1000).unwrap() * 15;
    loop {
        let base = start + NEXT.fetch_add(PORTS, Ordering::Relaxed);
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if (base..base + PORTS).all(free) {
            return base;
        }
    }
}
