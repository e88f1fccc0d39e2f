//! The command line, and the commands that only read or switch faults.

use crate::faults::{self, FAULTS};
use crate::services::{self, Service};
use crate::{delay, load, neighbours, run, worker};
use clap::{Args, Parser, Subcommand, ValueEnum};
use color_eyre::Result;

/// Threads for what waits: locks, disks, the database.
const BLOCKING_THREADS: usize = 64;

/// Small real services and their customers, with faults to switch on.
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
        #[command(flatten)]
        base: Base,
        /// How many requests a second customers send in the mean; 0 is a shop without customers
        #[arg(long, default_value_t = 40)]
        rate: u32,
        /// Begin with this fault switched on
        #[arg(long, value_parser = fault_names())]
        fault: Option<String>,
    },
    /// Run one service in the foreground
    Serve {
        service: Service,
        #[command(flatten)]
        base: Base,
        /// Listen here instead of the service's own port
        #[arg(long)]
        port: Option<u16>,
        #[command(flatten)]
        life: Life,
    },
    /// Pack orders in the foreground
    Work {
        #[command(flatten)]
        base: Base,
        #[command(flatten)]
        life: Life,
    },
    /// Send the customers' requests in the foreground
    Load {
        #[command(flatten)]
        base: Base,
        /// How many a second in the mean
        #[arg(long, default_value_t = 40)]
        rate: u32,
        #[command(flatten)]
        life: Life,
    },
    /// Burn every CPU in the foreground (fault noisy-neighbour)
    Batch(Life),
    /// Keep the disk busy in the foreground (fault disk-saturated)
    Backup(Life),
    /// Serve known times in the foreground: /MS answers after so many milliseconds
    Delay {
        #[arg(long)]
        port: u16,
        #[command(flatten)]
        life: Life,
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

/// Where the services are.
#[derive(Args)]
pub struct Base {
    /// The frontend's port; the other services have the next six
    #[arg(long, default_value_t = 7711, value_parser = clap::value_parser!(u16).range(1..=65529))]
    base_port: u16,
}

/// How long a process lives.
#[derive(Args)]
pub struct Life {
    /// Stop when stdin ends
    #[arg(long)]
    lifeline: bool,
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
    FAULTS.each_ref().map(|fault| fault.name).into()
}

impl Command {
    /// Does it.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Run { base, rate, fault } => {
                async_main(run::run(base.base_port, rate, fault.as_deref()))
            }
            Self::Serve {
                service,
                base: Base { base_port },
                port,
                life,
            } => {
                let port = port.unwrap_or_else(|| service.port(base_port));
                async_main(services::serve(service, base_port, port, life.lifeline))
            }
            Self::Work { base, life } => async_main(worker::run(base.base_port, life.lifeline)),
            Self::Load { base, rate, life } => {
                async_main(load::run(base.base_port, rate, life.lifeline))
            }
            Self::Batch(life) => async_main(neighbours::batch(life.lifeline)),
            Self::Backup(life) => async_main(neighbours::backup(life.lifeline)),
            Self::Delay { port, life } => async_main(delay::serve(port, life.lifeline)),
            Self::Faults { output } => print_faults(output),
            Self::Fault { switch } => switch_fault(switch),
        }
    }
}

/// One thread a process is enough at this load, and keeps the shop small beside what is measured.
fn async_main(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    let done = runtime.block_on(work);
    // Who still waits for a lock or a disk does not keep the process alive.
    runtime.shutdown_background();
    done
}

/// The truth about the faults, for people and for tests that compare a diagnosis with it.
fn print_faults(output: Output) -> Result<()> {
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

fn switch_fault(switch: Switch) -> Result<()> {
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
