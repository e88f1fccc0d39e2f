//! The supervisor: starts colony, agent and shop, starts them again when they die, and ends them with itself.
//!
//! Life is a held lock, never a pid alone. Each role writes a log of its own. The agent's standard input is its
//! lifeline: when the supervisor is gone, however it went, the agent sees the end of it, detaches and ends.

mod backoff;
mod child;
mod keeper;
mod log;

use child::Child;
use clap::{Args, ValueEnum};
use color_eyre::eyre::{Result, WrapErr as _};
use coral_config::{ColonyFolder, Folders, Person, Role, is_held, private_folder};
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
    /// Seconds after which a death no longer counts towards the five that are too many
    #[arg(
        long,
        hide = true,
        env = "CORAL_DEATHS_WITHIN_S",
        default_value_t = backoff::WITHIN.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    deaths_within_s: u64,
}

/// How the agent gets its rights.
#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum AgentRights {
    /// Those of the supervisor.
    Direct,
    /// `sudo -n`.
    Sudo,
    /// Those of root, who started this as a person and keeps the agent; standard input is its lifeline.
    Kept,
}

/// Runs until SIGTERM or SIGINT; under sudo as the person who ran it, beside a keeper of the agent that stays root.
pub fn start(plan: &Plan) -> Result<()> {
    match Person::behind_sudo()? {
        Some(person) => keeper::run(plan, &person),
        None => run(plan),
    }
}

fn run(plan: &Plan) -> Result<()> {
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
    end(&mut children, plan, &folder);
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
    let own_colony = Child::new("colony", &colony, &["--colony", &plan.colony], folder)?;
    let mut children = vec![own_colony.holds(Role::Colony, folder)];
    let agent = ["agent", "--lifeline", "--colony", &plan.colony];
    match plan.agent {
        AgentRights::Kept => {}
        AgentRights::Direct => {
            let agent = Child::new("agent", &own, &agent, folder)?;
            children.push(agent.holds(Role::Agent, folder));
        }
        AgentRights::Sudo => {
            let program = own.display().to_string();
            let run = folder.run.display().to_string();
            let mut arguments = vec!["-n", program.as_str()];
            arguments.extend(agent);
            arguments.extend(["--run", &run]);
            let agent = Child::new("agent", "sudo".as_ref(), &arguments, folder)?;
            children.push(agent.holds(Role::Agent, folder));
        }
    }
    if plan.shop {
        let shop = crate::colony::beside("coral-shop")?;
        let mut arguments = vec!["run"];
        if let Some(fault) = &plan.fault {
            arguments.extend(["--fault", fault]);
        }
        children.push(Child::new("shop", &shop, &arguments, folder)?);
    }
    let within = Duration::from_secs(plan.deaths_within_s);
    let forgiving = |child: Child| child.forgives_after(within);
    Ok(children.into_iter().map(forgiving).collect())
}

/// Ends the children one after the other: shop, agent (it ships its last interval), colony.
fn end(children: &mut [Child], plan: &Plan, folder: &ColonyFolder) {
    for child in children.iter_mut().skip(1).rev() {
        child.end();
    }
    if plan.agent == AgentRights::Kept {
        let_go_of_agent(folder);
    }
    if let Some(colony) = children.first_mut() {
        colony.end();
    }
}

/// Closes the lifeline of an agent that another keeps, and waits for its end.
fn let_go_of_agent(folder: &ColonyFolder) {
    let let_go = std::fs::File::open("/dev/null")
        .and_then(|null| nix::unistd::dup2_stdin(null).map_err(Into::into));
    if let Err(error) = let_go {
        tracing::warn!("let go of the agent: {error}");
    }
    let until = Instant::now() + child::PATIENCE;
    while is_held(&folder.run, Role::Agent).is_some() && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
}
