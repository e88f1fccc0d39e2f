//! `coral-daemon`: the roles that run on hosts. It does not link DuckDB; `coral-daemon colony` becomes `coral-colony`.

mod agent;
mod colony;
mod dial;
mod supervise;

use clap::{Parser, Subcommand};
use color_eyre::eyre::Result;
use std::process::ExitCode;

/// Roles of Coral that run on hosts.
#[derive(Parser)]
#[command(name = "coral-daemon", version, about)]
struct Cli {
    #[command(subcommand)]
    role: CoralRole,
}

#[derive(Subcommand)]
enum CoralRole {
    /// Observe this host and ship to a colony on this machine
    Agent(agent::Arguments),
    /// Store and answer: becomes coral-colony
    Colony {
        /// What coral-colony is given
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Join stdin and stdout to the socket of a colony on this machine (what ssh runs for `coral use --ssh`)
    DialStdio {
        /// The colony, by its name on this machine
        #[arg(long, env = "CORAL_COLONY", default_value = "local")]
        colony: String,
    },
    /// Start and restart the roles of one colony on this machine (what `coral up` runs)
    Supervise(supervise::Plan),
    /// Load the kernel programs for an agent (what the agent runs)
    #[command(hide = true)]
    Load,
    /// Read program files for an agent (what the agent runs)
    #[command(hide = true)]
    Symbolize,
}

fn main() -> Result<ExitCode> {
    color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .install()?;
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("CORAL_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        // A line that cannot be written, as on a full disk, is no reason to end.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    match Cli::parse().role {
        CoralRole::Agent(arguments) => agent::run(arguments)?,
        CoralRole::Colony { arguments } => colony::become_colony(&arguments)?,
        CoralRole::Supervise(plan) => supervise::start(&plan)?,
        CoralRole::DialStdio { colony } => return dial::stdio(&colony),
        CoralRole::Load => return Ok(agent::load()),
        CoralRole::Symbolize => agent::symbolize()?,
    }
    Ok(ExitCode::SUCCESS)
}
