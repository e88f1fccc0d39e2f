//! What `coral-colony` can be told, by arguments and `CORAL_LOG`.

use clap::Parser;
use coral_store::Keeping;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;

/// Stores what agents observe and answers questions about it.
#[derive(Parser)]
#[command(version)]
pub struct Arguments {
    /// The colony's name on this machine.
    #[arg(long, env = "CORAL_COLONY", default_value = "local")]
    pub colony: String,
    /// About how large the store may become (10 GB, and at most half of its disk); the oldest of the finest level goes
    /// first. 0 = no bound
    #[arg(long, value_name = "BYTES")]
    pub max_store_bytes: Option<u64>,
    /// Serve /healthz and /metrics here, such as 127.0.0.1:7668; loopback only, the token is in metrics.token beside the store
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
}

impl Arguments {
    /// How a store below this folder is kept.
    pub fn keeping(&self, state: &Path) -> Keeping {
        let fitting = Keeping::fitting(state);
        Keeping {
            max_bytes: self.max_store_bytes.unwrap_or(fitting.max_bytes),
            ..fitting
        }
    }
}

/// Logs go to stderr.
pub fn log() {
    let level = tracing_subscriber::EnvFilter::try_from_env("CORAL_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(level.unwrap_or_else(|_| "info".into()))
        .with_ansi(std::io::stderr().is_terminal())
        // A line that cannot be written, as on a full disk, is no reason to end.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .init();
}
