//! The supervisor: starts colony, agent and shop, starts them again when they die, and ends them with itself.
//!
//! Life is a held lock, never a pid alone. Each role writes a log of its own. The agent's standard input is its
//! lifeline: when the supervisor is gone, however it went, the agent sees the end of it, detaches and ends.

mod backoff;
mod child;
mod log;

use child::Child;
use clap::{Args, ValueEnum};
use color_eyre::eyre::{Result, WrapErr as _};
use coral_config::{ColonyFolder, Folders, Role, private_folder};
use nix::sys::signal::{SigSet, Signal};
use std::time::{Duration, Instant};

/// How often the children are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What is started.
#[derive(Args, Debug, Clone)]
pub struct Plan {
    /// The colony, by its name on this machine
    #[arg(long, env = "CORAL_COLONY", default_value = "local")]
    colony: String,
    /// Start the demo shop as well
    #[arg(long)]
    shop: bool,
    /// A fault that the shop begins with
    #[arg(long, requires = "shop")]
    fault: Option<String>,
    /// How the agent gets its rights
    #[arg(long, value_enum, default_value = "direct")]
    agent: AgentRights,
}

/// How the agent gets its rights.
#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum AgentRights {
    /// Those of the supervisor.
    Direct,
    /// `sudo -n`.
    Sudo,
}

/// Runs until SIGTERM or SIGINT.
pub fn run(plan: &Plan) -> Result<()> {
    let folder = Folders::discover()?.colony(&plan.colony)?;
    for path in [&folder.run, &folder.logs] {
        private_folder(path)?;
    }
    let signals = wanted_signals();
    signals.thread_block().wrap_err("block signals")?;
    let _held = Role::Supervisor.lock(&folder.run)?;
    let mut children = children(plan, &folder)?;
    tracing::info!(colony = plan.colony, "supervising");
    while !ended(&signals) {
        for child in &mut children {
            child.look(Instant::now());
        }
    }
    tracing::info!("ending");
    end(&mut children);
    Ok(())
}

fn wanted_signals() -> SigSet {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals
}

/// Waits a moment; true when somebody wants an end.
fn ended(signals: &SigSet) -> bool {
    let pause = nix::sys::time::TimeSpec::from_duration(LOOK);
    // SAFETY: both structures live through the call.
    let signal =
        unsafe { nix::libc::sigtimedwait(signals.as_ref(), std::ptr::null_mut(), pause.as_ref()) };
    signal > 0
}

fn children(plan: &Plan, folder: &ColonyFolder) -> Result<Vec<Child>> {
    let own = std::env::current_exe()?;
    let colony = crate::colony::beside("coral-colony")?;
    let person = child::person_behind_sudo()?;
    let mut children =
        vec![Child::new("colony", &colony, &["--colony", &plan.colony], folder)?.run_by(person)];
    let agent = ["agent", "--lifeline", "--colony", &plan.colony];
    children.push(match plan.agent {
        AgentRights::Direct => Child::new("agent", &own, &agent, folder)?,
        AgentRights::Sudo => {
            let program = own.display().to_string();
            let keep = "--preserve-env=CORAL_HOME,CORAL_LOG,XDG_RUNTIME_DIR,HOME";
            let mut arguments = vec!["-n", keep, program.as_str()];
            arguments.extend(agent);
            Child::new("agent", "sudo".as_ref(), &arguments, folder)?
        }
    });
    if plan.shop {
        let shop = crate::colony::beside("coral-shop")?;
        let mut arguments = vec!["run"];
        if let Some(fault) = &plan.fault {
            arguments.extend(["--fault", fault]);
        }
        children.push(Child::new("shop", &shop, &arguments, folder)?.run_by(person));
    }
    Ok(children)
}

/// Ends the children one after the other: shop, agent (it ships its last interval), colony.
fn end(children: &mut [Child]) {
    for child in children.iter_mut().rev() {
        child.end();
    }
}
