//! The colony role: takes in what agents ship, keeps it, and answers questions about it.
//!
//! ```text
//! agent -> rpc::ship -> ingest -> store        (committed, then acknowledged)
//!                              -> live         (pulses and agents, in memory)
//!                                 -> anomalies -> store   (what is no longer as usual, each second)
//!                          store -> regressions -> store   (builds that spend their time elsewhere)
//!       <-> rpc::detail -> details             (asked for single requests, on streams of the agents)
//! console -> rpc::query -> query -> store + live
//!         -> rpc::watch -> hub -> query        (once a second per distinct question)
//! ```
//!
//! Every RPC passes [`identity`] first, which makes its [`coral_model::Caller`]; what a caller may do is decided and
//! written down in [`audit`]. [`query::Query::run`] is the only reader of store and live data.

pub mod anomalies;
pub mod audit;
pub mod details;
pub mod hub;
pub mod identity;
pub mod ingest;
pub mod live;
pub mod metrics;
pub mod query;
pub mod regressions;
pub mod rpc;
pub mod server;
mod upkeep;
pub mod wants;

use coral_model::TimeNs;
use std::sync::Arc;

/// Tells the time; made in `main`, replaced in tests.
pub type Clock = Arc<dyn Fn() -> TimeNs + Send + Sync>;

/// Ends when the colony stops, which is also when nobody can say any more.
pub(crate) async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Who writes the events that no agent ships.
const WRITER: &str = "colony";
