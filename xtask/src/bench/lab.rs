//! Where a bench runs: a colony in a folder of its own, and an agent that is started and ended as often as it takes. The
//! agent is a release build; the colony, which is not measured, is that of the tests.

use crate::failure::{Failure, Trying as _};
use crate::steps::Steps;
use crate::{house, program};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const STEPS: usize = 2;
const COLONY: &str = "bench";
/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long another agent on this machine is waited for.
const OTHERS: Duration = Duration::from_secs(180);

/// A running colony; it is gone after this.
pub struct Lab {
    home: PathBuf,
    colony: Option<Child>,
}

/// A running agent; it has detached and ended after this.
pub struct Agent(Child);

impl Lab {
    /// Builds what is needed and starts the colony.
    pub fn open(root: &Path, steps: &mut Steps) -> Result<Self, Failure> {
        steps.next(
            "build: the agent and the shop as releases, colony and console as they are tested",
        );
        let build =
            |words: &[&str]| program::run(program::command("cargo", root).arg("build").args(words));
        build(&["--workspace", "--bins"])?;
        build(&[
            "--release",
            "--package",
            "coral-daemon",
            "--package",
            "coral-shop",
        ])?;
        steps.next("start a colony");
        let home = std::env::temp_dir().join(format!("coral-bench-{}", std::process::id()));
        let mut lab = Self { home, colony: None };
        lab.gather()?;
        lab.colony = Some(lab.spawn("coral-colony", &["--colony", COLONY])?);
        lab.eventually("the colony answers", || lab.ask(&["status"]).is_ok())?;
        Ok(lab)
    }

    /// The programs find each other in one folder.
    fn gather(&self) -> Result<(), Failure> {
        let tested = house::binaries()?;
        let release = tested.with_file_name("release");
        let bin = self.home.join("bin");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&bin)
            .trying("create the folder of the bench")?;
        for (folder, name) in [
            (&tested, "coral"),
            (&tested, "coral-colony"),
            (&release, "coral-daemon"),
            (&release, "coral-shop"),
        ] {
            fs::copy(folder.join(name), bin.join(name)).trying(format!("copy {name}"))?;
        }
        // Where the build put one beside the programs, they look for it there.
        let library = tested.join("libduckdb.so");
        if library.exists() {
            fs::copy(library, bin.join("libduckdb.so")).trying("copy libduckdb")?;
        }
        Ok(())
    }

    /// A program of the folder, with its words in a log.
    pub fn spawn(&self, name: &str, arguments: &[&str]) -> Result<Child, Failure> {
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(self.home.join(format!("{name}.log")))
            .trying("open a log")?;
        self.command(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .trying(format!("start {name}"))
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.home.join("bin").join(name));
        command
            .env("CORAL_HOME", &self.home)
            .env_remove("CORAL_COLONY");
        command.current_dir("/");
        command
    }

    /// Waits until no other agent observes this machine: it would be measured as well.
    pub fn alone(&self) -> Result<(), Failure> {
        let alone = || super::cpu::count_kernel_programs().is_ok_and(|count| count == 0);
        self.within(OTHERS, "no other agent observes this machine", alone)
    }

    /// Starts an agent and waits until it counts.
    pub fn agent(&self) -> Result<Agent, Failure> {
        let child = self.spawn("coral-daemon", &["agent", "--lifeline", "--colony", COLONY])?;
        let agent = Agent(child);
        self.eventually("the agent counts", || {
            let status = self.ask(&["status"]).unwrap_or_default();
            let row = &status["agents"][0];
            row["mode"] == "ebpf" && row["state"] == "connected"
        })?;
        Ok(agent)
    }

    /// The JSON answer of a command.
    pub fn ask(&self, words: &[&str]) -> Result<Value, Failure> {
        let mut command = self.command("coral");
        command.args(["--colony", COLONY, "-o", "json"]).args(words);
        let answer = program::output(command.stdin(Stdio::null()))?;
        serde_json::from_str(&answer).trying("read the colony's answer")
    }

    /// The summary when nothing has changed in it for three looks.
    pub fn quiescent(&self, service: &str) -> Result<Value, Failure> {
        let until = Instant::now() + PATIENCE;
        let (mut last, mut same) = (Value::Null, 0);
        while same < 3 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1100));
            let summary = self.ask(&["query", "summary", "--since", "1h"])?;
            let now = row(&summary, service, "server").clone();
            same = if now["requests"] == last["requests"] && !now.is_null() {
                same + 1
            } else {
                0
            };
            last = now;
            if same == 3 {
                return Ok(summary);
            }
        }
        Err(Failure::new(format!(
            "the requests of {service} do not come to rest"
        )))
    }

    pub fn eventually(&self, what: &str, holds: impl FnMut() -> bool) -> Result<(), Failure> {
        self.within(PATIENCE, what, holds)
    }

    fn within(
        &self,
        limit: Duration,
        what: &str,
        mut holds: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        let until = Instant::now() + limit;
        while !holds() {
            if Instant::now() > until {
                let log = |name: &str| super::read(self.home.join(name)).unwrap_or_default();
                let logs = log("coral-colony.log") + &log("coral-daemon.log");
                let failure = Failure::new(format!("it did not come about that {what}"));
                return Err(failure.hint(format!("read what they said:\n{logs}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    pub fn home(&self) -> &Path {
        &self.home
    }
}

/// The row of a service and side; null when there is none.
pub fn row<'a>(summary: &'a Value, service: &str, side: &str) -> &'a Value {
    let rows = summary["services"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    rows.iter()
        .find(|row| row["service"] == service && row["side"] == side)
        .unwrap_or(&Value::Null)
}

impl Agent {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut colony) = self.colony.take() {
            end(&mut colony);
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// SIGTERM, and waits.
pub fn end(child: &mut Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}
