//! The scripted agent (`examples/counting_agent.rs`) as a process.

use coral_config::{ColonyFolder, Folders, private_folder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(30);

/// A home for agents, one after the other.
pub struct Home {
    pub folder: tempfile::TempDir,
    runs: u32,
}

/// A running agent; killed with this.
pub struct Agent {
    process: Child,
    pub truth: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("coral").tempdir().unwrap();
        Self { folder, runs: 0 }
    }

    pub fn colony(&self) -> ColonyFolder {
        Folders::below(self.folder.path()).colony("local").unwrap()
    }

    /// Starts an agent, which is there when this returns.
    pub async fn start(&mut self) -> Agent {
        private_folder(&self.colony().run).unwrap();
        self.runs += 1;
        let truth = self.folder.path().join(format!("truth-{}", self.runs));
        let program = std::env::current_exe().unwrap();
        let program = program.ancestors().nth(2).unwrap();
        let program = program.join("examples/counting_agent");
        let fix = "run: cargo build -p coral-agent --examples";
        assert!(
            program.exists(),
            "{} is not built; {fix}",
            program.display()
        );
        let process = Command::new(program)
            .arg(self.folder.path())
            .arg(&truth)
            .env_remove("SUDO_UID")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let agent = Agent { process, truth };
        eventually("the agent counts", || !agent.counted().is_empty()).await;
        agent
    }
}

impl Agent {
    /// What it counted in each second.
    pub fn counted(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(&self.truth).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Kills it with -9; what it had counted.
    pub fn kill(mut self) -> Vec<u64> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.counted()
    }

    /// Ends it politely; what it had counted.
    pub fn end(mut self) -> Vec<u64> {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM).unwrap();
        assert!(self.process.wait().unwrap().success());
        self.counted()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        let now = tokio::time::Instant::now();
        assert!(
            now < until,
            "it did not come about within {PATIENCE:?} that {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
