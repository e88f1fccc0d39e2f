//! One role as a child process.

use super::backoff::Backoff;
use super::log;
use color_eyre::eyre::Result;
use coral_config::{ColonyFolder, Role, is_held, with_files_of};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a role may take to end when it is asked to.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// How often a full log is looked for.
const LOG_LOOK: Duration = Duration::from_secs(10);
/// How often it is looked whether one that an earlier supervisor left has ended.
const LEFT_LOOK: Duration = Duration::from_millis(200);

/// What an agent's standard input is: when it ends, the agent ends.
#[derive(Debug)]
pub enum Lifeline {
    /// A pipe for each start, written by nobody and closed by [`Child::end`].
    Own,
    /// The reading end of a pipe that another process holds open.
    Held(OwnedFd),
}

/// A role that is kept running.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    logs: PathBuf,
    logs_of: u32,
    /// The lock that it holds while it lives, in this folder.
    role: Option<(Role, PathBuf)>,
    lifeline: Lifeline,
    state: State,
    backoff: Backoff,
    log_looked: Option<Instant>,
}

#[derive(Debug)]
enum State {
    Waiting {
        until: Instant,
    },
    Running {
        process: std::process::Child,
        lifeline: Option<ChildStdin>,
    },
    GivenUp,
}

impl Child {
    /// A role that is started at the first look.
    pub fn new(
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        folder: &ColonyFolder,
    ) -> Result<Self> {
        Ok(Self {
            name,
            program: program.to_owned(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            logs: folder.logs.clone(),
            logs_of: 0,
            role: None,
            lifeline: Lifeline::Own,
            state: State::Waiting {
                until: Instant::now(),
            },
            backoff: Backoff::new(super::backoff::WITHIN),
            log_looked: None,
        })
    }

    /// Its logs belong to this user, whose folder they are in.
    pub fn logs_of(mut self, uid: u32) -> Self {
        self.logs_of = uid;
        self
    }

    /// It holds this lock while it lives: as long as somebody else does, it is not started.
    pub fn holds(mut self, role: Role, folder: &ColonyFolder) -> Self {
        self.role = Some((role, folder.run.clone()));
        self
    }

    /// Its deaths are forgotten after so long.
    pub fn forgives_after(mut self, within: Duration) -> Self {
        self.backoff = Backoff::new(within);
        self
    }

    /// Its standard input.
    pub fn with_lifeline(mut self, lifeline: Lifeline) -> Self {
        self.lifeline = lifeline;
        self
    }

    /// Whether another process held its lifeline and let go.
    pub fn lifeline_ended(&self) -> bool {
        match &self.lifeline {
            Lifeline::Own => false,
            Lifeline::Held(reads) => super::keeper::writer_gone(reads),
        }
    }

    /// Starts it when it is due, notices its death.
    pub fn look(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting { until } if *until <= now => self.start(now),
            State::Running { process, .. } => match process.try_wait() {
                Ok(Some(status)) => self.died(now, &format!("{status}")),
                Ok(None) => self.turn_log(now),
                Err(error) => self.died(now, &error.to_string()),
            },
            _ => {}
        }
    }

    fn start(&mut self, now: Instant) {
        // One that a killed supervisor left is about to end; running into its lock would count as a death.
        let held = |(role, run): &(Role, PathBuf)| is_held(run, *role).is_some();
        if self.role.as_ref().is_some_and(held) {
            let until = now + LEFT_LOOK;
            self.state = State::Waiting { until };
            return;
        }
        match self.spawn() {
            Ok(mut process) => {
                tracing::info!(pid = process.id(), "{} started", self.name);
                let lifeline = process.stdin.take();
                self.state = State::Running { process, lifeline };
            }
            Err(error) => self.died(now, &error.to_string()),
        }
    }

    fn spawn(&self) -> std::io::Result<std::process::Child> {
        let log = with_files_of(self.logs_of, || log::open(&self.logs, self.name))?;
        let stdin = match &self.lifeline {
            Lifeline::Own => Stdio::piped(),
            Lifeline::Held(reads) => Stdio::from(reads.try_clone()?),
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        // The supervisor waits for its signals with them blocked; a child that inherited that would hear none.
        // When the supervisor is killed its children are asked to end: an orphan would keep the next one's from starting.
        let prepare = || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
            Ok(SigSet::empty().thread_set_mask()?)
        };
        // SAFETY: prctl and sigprocmask are async-signal-safe, and nothing else runs between fork and exec.
        unsafe { command.pre_exec(prepare) };
        command.spawn()
    }

    fn died(&mut self, now: Instant, how: &str) {
        self.state = match self.backoff.died(now) {
            Some(pause) => {
                tracing::warn!(
                    "{} ended ({how}); starting again in {} ms",
                    self.name,
                    pause.as_millis()
                );
                State::Waiting { until: now + pause }
            }
            None => {
                tracing::error!(
                    "{} ended five times in a minute ({how}); given up, see {}.log",
                    self.name,
                    self.name
                );
                State::GivenUp
            }
        };
    }

    fn turn_log(&mut self, now: Instant) {
        if self
            .log_looked
            .is_some_and(|then| now.duration_since(then) < LOG_LOOK)
        {
            return;
        }
        self.log_looked = Some(now);
        let turned = with_files_of(self.logs_of, || log::turn_in_place(&self.logs, self.name));
        if let Err(error) = turned {
            tracing::warn!("turn the log of {}: {error}", self.name);
        }
    }

    /// Asks it to end by its lifeline and SIGTERM, waits, and kills it when it does not.
    pub fn end(&mut self) {
        let State::Running { process, lifeline } = &mut self.state else {
            return;
        };
        drop(lifeline.take());
        let pid = Pid::from_raw(process.id() as i32);
        // A process of root under sudo cannot be signalled by a person; its lifeline reaches it all the same.
        let _ = kill(pid, Signal::SIGTERM);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if !matches!(process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        tracing::warn!("{} did not end; killed", self.name);
        let _ = process.kill();
        let _ = process.wait();
    }
}
