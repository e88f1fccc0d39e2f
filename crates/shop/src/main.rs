//! bin `coral-shop`: the demo application. Services of different shapes, a worker and customers, one process each of this
//! binary, with faults that can be switched while it runs. It knows nothing of Coral: it is what Coral observes.

mod cli;
mod database;
mod delay;
mod dice;
mod downstream;
mod faults;
mod folder;
mod lifeline;
mod load;
mod neighbours;
mod run;
mod second_build;
mod services;
mod work;
mod worker;

use clap::Parser as _;

fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    // Built beside the console, reqwest knows TLS and wants a provider of it, for plain http as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    cli::Cli::parse().command.run()
}
