//! Under sudo there are two: the keeper stays root and starts nothing but the agent; the supervisor is the person's, with
//! colony and shop. The supervisor holds the writing end of the agent's lifeline, so that it decides when the agent ends,
//! and whichever of the three dies takes the agent with it.

use super::child::{Child, Lifeline};
use super::{Plan, ended, wanted_signals};
use color_eyre::eyre::{Result, WrapErr as _};
use coral_config::{ColonyFolder, Folders, Person, SUDO_VARIABLE};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Keeps an agent as root for as long as the person's supervisor lives.
pub fn run(plan: &Plan, person: &Person) -> Result<()> {
    let folder = Folders::of_person(person).colony(&plan.colony)?;
    let (reads, writes) =
        nix::unistd::pipe2(OFlag::O_CLOEXEC).wrap_err("make the agent's lifeline")?;
    let mut supervisor = supervisor(plan, person, writes)?;
    let signals = wanted_signals();
    signals.thread_block().wrap_err("block signals")?;
    let own = std::env::current_exe()?;
    let mut agent = agent(&own, plan, person, &folder)?.with_lifeline(Lifeline::Held(reads));
    loop {
        // The pipe has no writer left once the supervisor wants an end, or is gone.
        if agent.lifeline_ended() || supervisor.try_wait()?.is_some() {
            break;
        }
        agent.look(Instant::now());
        if ended(&signals) {
            let pid = nix::unistd::Pid::from_raw(supervisor.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
    }
    agent.end();
    supervisor.wait()?;
    Ok(())
}

fn agent(
    own: &std::path::Path,
    plan: &Plan,
    person: &Person,
    folder: &ColonyFolder,
) -> Result<Child> {
    let run = folder.run.display().to_string();
    let arguments = [
        "agent",
        "--lifeline",
        "--colony",
        &plan.colony,
        "--run",
        &run,
    ];
    Ok(Child::new("agent", own, &arguments, folder)?.logs_of(person.uid.as_raw()))
}

/// The same program as the person, with their environment and its standard input as the lifeline's writing end.
fn supervisor(plan: &Plan, person: &Person, lifeline: OwnedFd) -> Result<std::process::Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["supervise", "--colony", &plan.colony, "--agent", "kept"]);
    if plan.shop {
        command.arg("--shop");
    }
    if let Some(fault) = &plan.fault {
        command.args(["--fault", fault]);
    }
    command
        .env_clear()
        .envs(person.environment())
        .env_remove(SUDO_VARIABLE)
        .current_dir("/")
        .stdin(Stdio::from(lifeline));
    let them = person.clone();
    // SAFETY: between fork and exec only system calls are made; nothing is allocated.
    unsafe { command.pre_exec(move || Ok(them.become_them()?)) };
    command.spawn().wrap_err("start the supervisor")
}

/// Whether nobody holds the other end of this pipe any more.
pub fn writer_gone(reads: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(reads.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|n| n > 0)
        && polled[0]
            .revents()
            .is_some_and(|r| r.intersects(PollFlags::POLLHUP | PollFlags::POLLERR))
}
