//! `down`: tells the supervisor to end and waits until every lock of the colony is free.

use crate::failure::Failure;
use crate::place::Place;
use coral_config::{Role, is_held};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long everything may take to end.
const END_LIMIT: Duration = Duration::from_secs(20);
/// How often the locks are looked at.
const POLL: Duration = Duration::from_millis(100);
const ROLES: [Role; 3] = [Role::Supervisor, Role::Colony, Role::Agent];

/// What `down` achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The roles that ran and run no more.
    pub stopped: Vec<&'static str>,
}

impl Done {
    /// What a person should read.
    pub fn text(&self, place: &Place) -> String {
        if self.stopped.is_empty() {
            format!("colony {} does not run on this machine\n", place.name)
        } else {
            format!(
                "colony {}: stopped {}\n",
                place.name,
                self.stopped.join(", ")
            )
        }
    }
}

/// Stops what runs; nothing running is no failure.
///
/// # Errors
/// [`Failure`] naming who still runs.
pub async fn down(place: &Place) -> Result<Done, Failure> {
    place.must_be_here()?;
    let run = &place.folder.run;
    let running = held(run);
    let stopped = running.iter().map(|(role, _)| role.name()).collect();
    // Without a supervisor the colony is told directly; the agent ends by itself when its lifeline closes.
    if let Some((role, pid)) = running.iter().find(|(role, _)| *role != Role::Agent) {
        terminate(*role, pid)?;
    }
    let deadline = Instant::now() + END_LIMIT;
    loop {
        let left = held(run);
        if left.is_empty() {
            return Ok(Done { stopped });
        }
        if Instant::now() >= deadline {
            return Err(still_running(&left));
        }
        sleep(POLL).await;
    }
}

fn held(run: &Path) -> Vec<(Role, String)> {
    ROLES
        .into_iter()
        .filter_map(|role| is_held(run, role).map(|pid| (role, pid)))
        .collect()
}

fn terminate(role: Role, pid: &str) -> Result<(), Failure> {
    let process = pid
        .trim()
        .parse()
        .ok()
        .filter(|&pid| pid > 1)
        .map(Pid::from_raw)
        .ok_or_else(|| {
            Failure::failed(
                format!("the lock of the {} names no process", role.name()),
                "it may just be starting; try again",
            )
        })?;
    match kill(process, Signal::SIGTERM) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(Errno::EPERM) => Err(Failure::failed(
            format!("the {} ({process}) belongs to another user", role.name()),
            "run `coral down` as that user, or as root",
        )),
        Err(errno) => Err(Failure::failed(
            format!("stop the {} ({process}): {errno}", role.name()),
            "",
        )),
    }
}

fn still_running(left: &[(Role, String)]) -> Failure {
    let names: Vec<String> = left
        .iter()
        .map(|(role, pid)| format!("{} ({})", role.name(), pid.trim()))
        .collect();
    let pids: Vec<&str> = left.iter().map(|(_, pid)| pid.trim()).collect();
    Failure::failed(
        format!(
            "still running after {} s: {}",
            END_LIMIT.as_secs(),
            names.join(", ")
        ),
        format!("end it by force: sudo kill -9 {}", pids.join(" ")),
    )
}
