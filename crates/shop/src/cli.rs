//! The command line, and the commands that only read or switch faults.

use crate::faults::{self, FAULTS};
use crate::services::Service;
use clap::{Parser, Subcommand, ValueEnum};
use color_eyre::Result;

/// Five small services and a steady load, with faults to switch on.
#[derive(Parser)]
#[command(name = "coral-shop", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Start the whole shop; it stops when stdin ends, on SIGTERM and on SIGINT
    Run {
        /// The frontend's port; the other services take the next four
        #[arg(long, default_value_t = 7711, value_parser = clap::value_parser!(u16).range(1..=65531))]
        base_port: u16,
        /// Begin with this fault switched on
        #[arg(long, value_parser = fault_names())]
        fault: Option<String>,
    },
    /// Run one service in the foreground
    Serve {
        service: Service,
        /// Where the services that this one calls are found
        #[arg(long, default_value_t = 7711, value_parser = clap::value_parser!(u16).range(1..=65531))]
        base_port: u16,
        /// Listen here instead of the service's own port
        #[arg(long)]
        port: Option<u16>,
        /// Stop when stdin ends
        #[arg(long)]
        lifeline: bool,
    },
    /// Send the steady load in the foreground
    Load {
        #[arg(long, default_value_t = 7711, value_parser = clap::value_parser!(u16).range(1..=65531))]
        base_port: u16,
        /// Stop when stdin ends
        #[arg(long)]
        lifeline: bool,
    },
    /// List the faults: what each one does, where, and whether it is on
    Faults {
        #[arg(short, long, default_value = "table")]
        output: Output,
    },
    /// Switch a fault while the shop runs
    Fault {
        #[command(subcommand)]
        switch: Switch,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

#[derive(Subcommand)]
pub enum Switch {
    /// Switch one fault on
    On {
        #[arg(value_parser = fault_names())]
        name: String,
    },
    /// Switch one fault off, or all without a name
    Off {
        #[arg(value_parser = fault_names())]
        name: Option<String>,
    },
}

fn fault_names() -> clap::builder::PossibleValuesParser {
    FAULTS.map(|fault| fault.name).into()
}

/// The truth about the faults, for people and for tests that compare a diagnosis with it.
pub fn print_faults(output: Output) -> Result<()> {
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&FAULTS)?),
        Output::Table => {
            let folder = faults::folder()?;
            for fault in &FAULTS {
                let state = if fault.is_on(&folder) { "on" } else { "off" };
                println!(
                    "{:<16} {:<4} {:<10} {}",
                    fault.name, state, fault.service, fault.summary
                );
            }
        }
    }
    Ok(())
}

pub fn switch_fault(switch: Switch) -> Result<()> {
    let folder = faults::folder()?;
    for fault in &FAULTS {
        match &switch {
            Switch::On { name } if name == fault.name => fault.set(&folder, true)?,
            Switch::Off { name } if name.as_deref().is_none_or(|n| n == fault.name) => {
                fault.set(&folder, false)?;
            }
            Switch::On { .. } | Switch::Off { .. } => {}
        }
    }
    Ok(())
}
