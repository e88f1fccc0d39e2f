//! How the agent gets its rights: we are root, sudo needs no password, sudo has one from the person, or not at all.
//! Refused is no failure: the agent then runs on /proc and says what is missing.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

/// How the supervisor starts the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentStart {
    /// As the user that the supervisor is.
    Direct,
    /// Through sudo, which asks nobody.
    Sudo,
    /// Through sudo with the ticket that the person's password gave. sudo ties a ticket to the terminal's session, so the
    /// supervisor must stay in it.
    SudoTicket,
}

impl AgentStart {
    /// The word of the supervisor's `--agent`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Sudo | Self::SudoTicket => "sudo",
        }
    }
}

/// What can be found out without asking anybody: `None` when only a password decides. Runs sudo, so it blocks.
pub fn probe() -> Option<AgentStart> {
    if crate::behind_sudo::can_be_root() {
        return Some(AgentStart::Direct);
    }
    // `-k` with a command ignores the cached ticket: only a rule without password succeeds.
    match quiet_sudo(&["-k", "-n", "true"]) {
        None => Some(AgentStart::Direct),
        Some(true) => Some(AgentStart::Sudo),
        Some(false) => quiet_sudo(&["-n", "true"])
            .filter(|&ticket| ticket)
            .map(|_| AgentStart::SudoTicket),
    }
}

/// Whether sudo did it; `None` when there is no sudo.
fn quiet_sudo(args: &[&str]) -> Option<bool> {
    let status = Command::new("sudo")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.ok().map(|status| status.success())
}

/// Asks for the password on the terminal, once, after showing the one command that will run as root.
pub fn ask(command: &str) -> AgentStart {
    eprintln!("Counting requests needs the kernel's help, so one command runs as root:");
    eprintln!("  sudo {command}");
    eprintln!("Without it the agent reads /proc alone and shows no requests. Ctrl-C refuses.");
    let granted = Command::new("sudo")
        .arg("-v")
        .status()
        .is_ok_and(|status| status.success());
    if granted {
        AgentStart::SudoTicket
    } else {
        AgentStart::Direct
    }
}

/// Finds out, and asks when a person is there to be asked.
pub fn settle(command: &str) -> AgentStart {
    let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    match probe() {
        Some(start) => start,
        None if person => ask(command),
        None => AgentStart::Direct,
    }
}
