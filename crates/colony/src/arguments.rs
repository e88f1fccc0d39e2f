//! What `coral-colony` can be told.

use clap::Parser;
use coral_store::Keeping;

/// Stores what agents observe and answers questions about it.
#[derive(Parser)]
#[command(version)]
pub struct Arguments {
    /// The colony's name on this machine.
    #[arg(long, env = "CORAL_COLONY", default_value = "local")]
    pub colony: String,
    /// About how large the store may become; the oldest of the finest level goes first. 0 = no bound
    #[arg(long, default_value_t = Keeping::default().max_bytes, value_name = "BYTES")]
    pub max_store_bytes: u64,
}
