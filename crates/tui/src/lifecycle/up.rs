//! `up`: starts the supervisor in the background and waits until its colony answers and an agent has shipped.

use super::privilege::AgentStart;
use super::{daemon, logs};
use crate::client;
use crate::failure::{Code, Failure};
use crate::place::Place;
use coral_config::{Role, is_held, private_folder};
use coral_model::answer::AgentRow;
use coral_model::{AgentMode, Answer, AnswerBody, Question, TimeNs};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a colony may take to answer and its agent to ship.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How often it is asked.
const POLL: Duration = Duration::from_millis(150);

/// What to start.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which colony.
    pub place: Place,
    /// The demo application, if it is wanted.
    pub shop: Option<Shop>,
    /// How the agent gets its rights.
    pub agent: AgentStart,
}

/// The demo application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// The fault that is switched on.
    pub fault: Option<String>,
}

/// What `up` achieved.
#[derive(Debug, Clone)]
pub struct Done {
    /// The colony's status.
    pub status: Answer,
    /// The supervisor's pid when it ran already.
    pub ran_already: Option<String>,
}

/// Starts what is not running yet; twice is harmless.
///
/// # Errors
/// [`Failure`] with the end of the logs.
pub async fn up(plan: &Plan) -> Result<Done, Failure> {
    plan.place.must_be_here()?;
    let run = &plan.place.folder.run;
    // Asked once: holding the shared lock for a moment must not stand in the way of a supervisor that starts.
    let ran_already = is_held(run, Role::Supervisor);
    let status = ready(plan).await?;
    Ok(Done {
        status,
        ran_already,
    })
}

fn spawn(plan: &Plan) -> Result<Child, Failure> {
    let daemon = daemon()?;
    private_folder(&plan.place.folder.logs)?;
    let log = open_log(&plan.place.folder.logs.join("supervisor.log"))?;
    let same_log = log
        .try_clone()
        .map_err(|e| Failure::failed(format!("open the supervisor's log: {e}"), ""))?;
    let mut command = Command::new(&daemon);
    command
        .args(arguments(plan))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(same_log);
    detach(&mut command, plan.agent);
    command
        .spawn()
        .map_err(|e| Failure::failed(format!("start {}: {e}", daemon.display()), ""))
}

fn arguments(plan: &Plan) -> Vec<String> {
    let mut args = vec!["supervise", "--colony", plan.place.name.as_str()];
    if let Some(shop) = &plan.shop {
        args.push("--shop");
        if let Some(fault) = &shop.fault {
            args.extend(["--fault", fault]);
        }
    }
    args.extend(["--agent", plan.agent.word()]);
    args.into_iter().map(str::to_owned).collect()
}

fn open_log(path: &Path) -> Result<File, Failure> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| Failure::failed(format!("open {}: {e}", path.display()), ""))
}

/// Out of reach of the terminal's signals: a session of its own, or, where sudo's ticket is bound to the terminal, at least
/// a process group of its own, which Ctrl-C and the hang-up do not reach either.
fn detach(command: &mut Command, agent: AgentStart) {
    if agent == AgentStart::SudoTicket {
        command.process_group(0);
        return;
    }
    let root = crate::behind_sudo::can_be_root();
    let new_session = move || {
        if root {
            coral_config::become_root()?;
        }
        nix::unistd::setsid().map(drop).map_err(Into::into)
    };
    // SAFETY: between fork and exec only system calls are made; nothing is allocated.
    unsafe { command.pre_exec(new_session) };
}

/// Waits for an answer of a colony whose supervisor lives, with an agent of this run; starts the supervisor when none does,
/// also when the one that was there is just ending.
async fn ready(plan: &Plan) -> Result<Answer, Failure> {
    let place = &plan.place;
    let deadline = Instant::now() + READY_LIMIT;
    let (mut child, mut began): (Option<Child>, _) = (None, TimeNs(0));
    let mut last = None;
    while Instant::now() < deadline {
        let supervised = is_held(&place.folder.run, Role::Supervisor).is_some();
        let ended = child
            .as_mut()
            .and_then(|child| child.try_wait().ok().flatten());
        match ended {
            // Somebody else was faster; theirs is waited for.
            Some(_) if supervised => child = None,
            Some(status) => {
                let message = format!("the supervisor ended at once ({status})");
                let detail = logs::tail(&place.folder.logs);
                return Err(Failure::failed(message, "").with_detail(detail));
            }
            None if child.is_none() && !supervised => {
                began = crate::commands::now();
                child = Some(spawn(plan)?);
            }
            None => {}
        }
        match client::ask(place, &Question::Status).await {
            Ok(answer) if supervised && has_agent(&answer, began) => return Ok(answer),
            other => last = Some(other),
        }
        sleep(POLL).await;
    }
    let limit = READY_LIMIT.as_secs();
    let message = match last {
        Some(Ok(_)) => format!(
            "colony {} answers, but no agent has reported within {limit} s",
            place.name
        ),
        Some(Err(e)) if e.code != Code::NotReachable => e.message,
        _ => format!("colony {} does not answer within {limit} s", place.name),
    };
    let hint = "`coral down` stops what was started";
    Err(Failure::failed(message, hint).with_detail(logs::tail(&place.folder.logs)))
}

/// Whether an agent has its stream open that has started since `began`: rows of earlier runs say nothing.
fn has_agent(answer: &Answer, began: TimeNs) -> bool {
    let AnswerBody::Status(status) = &answer.body else {
        return false;
    };
    let fresh = |row: &AgentRow| row.connected && row.health.started >= began;
    status.agents.iter().any(fresh)
}

impl Done {
    /// What a person should read.
    pub fn text(&self, plan: &Plan) -> String {
        let name = &plan.place.name;
        let mut out = match &self.ran_already {
            Some(pid) => format!("colony {name} runs already (supervisor {pid})\n"),
            None => format!("colony {name} runs\n"),
        };
        if let AnswerBody::Status(status) = &self.status.body {
            for row in &status.agents {
                let (health, host) = (&row.health, row.health.host.visible());
                let how = match health.mode {
                    AgentMode::Ebpf => "counts requests with eBPF",
                    AgentMode::Proc => "reads /proc alone",
                };
                out.push_str(&format!(
                    "agent on {host} {how}, {} services listen\n",
                    health.listening
                ));
                for missing in &health.missing {
                    let why = missing.why.visible();
                    out.push_str(&format!("  no {}: {why}\n", missing.feature));
                    out.push_str(&format!("    fix: {}\n", missing.fix));
                }
            }
        }
        if self.ran_already.is_some() && plan.shop.is_some() {
            out.push_str("to add the demo application: `coral down`, then `coral up --demo`\n");
        }
        out.push_str("`coral` opens the console, `coral down` stops it\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_config::Folders;

    #[test]
    fn the_supervisor_is_told_all_that_was_asked() {
        let folders = Folders::below(Path::new("/tmp/c"));
        let mut plan = Plan {
            place: Place::at(&folders, "shop").unwrap(),
            shop: None,
            agent: AgentStart::Direct,
        };
        assert_eq!(
            arguments(&plan).join(" "),
            "supervise --colony shop --agent direct"
        );
        plan.agent = AgentStart::SudoTicket;
        plan.shop = Some(Shop {
            fault: Some("lock".into()),
        });
        assert_eq!(
            arguments(&plan).join(" "),
            "supervise --colony shop --shop --fault lock --agent sudo"
        );
    }
}
