//! bin `coral-shop`: the demo application. Five small HTTP services and a steady load, one process each of this binary,
//! with three faults that can be switched while it runs. It knows nothing of Coral: it is what Coral observes.

mod cli;
mod dice;
mod downstream;
mod faults;
mod folder;
mod lifeline;
mod load;
mod run;
mod services;

use clap::Parser as _;
use cli::{Cli, Command};

fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    let cli = Cli::parse();
    match cli.command {
        Command::Run { base_port, fault } => async_main(run::run(base_port, fault.as_deref())),
        Command::Serve {
            service,
            base_port,
            port,
            lifeline,
        } => {
            let port = port.unwrap_or_else(|| service.port(base_port));
            async_main(services::serve(service, base_port, port, lifeline))
        }
        Command::Load {
            base_port,
            lifeline,
        } => async_main(load::run(base_port, lifeline)),
        Command::Faults { output } => cli::print_faults(output),
        Command::Fault { switch } => cli::switch_fault(switch),
    }
}

/// One thread a process is enough at this load, and keeps the shop small beside what is measured.
fn async_main(work: impl Future<Output = color_eyre::Result<()>>) -> color_eyre::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
