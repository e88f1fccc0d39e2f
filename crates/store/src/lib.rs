//! What the colony keeps. [`Append`] takes transactions and audit rows, [`Read`] hands out snapshots that answer typed
//! queries; [`Duck`] does it in a DuckDB file, [`Memory`] is its in-memory twin for tests, and one contract test runs
//! against both. The only crate that names duckdb.
//!
//! Contract: a batch and its number (agent, epoch, seq) are committed together or not at all, so a batch that is sent
//! again is stored once; all queries of a snapshot see the same commits.

mod append;
mod duck;
mod error;
mod kept;
mod level;
mod memory;
mod profile;
mod read;
mod registry;
pub mod sql;
mod tally;

pub use append::{Append, Appended, Pending, StoredBatch, Upkeep};
pub use duck::{Duck, Format, Keeping, SCHEMA_VERSION, VIEWS, View};
pub use error::StoreError;
pub use kept::{Keep, KeptConnect, KeptEvidence};
pub use level::{Level, Reach};
pub use memory::Memory;
pub use profile::{Place, ProfileFilter, ProfileRow, ProfiledBuild, StoredProfile};
pub use read::{
    EdgeRow, Edges, EventFilter, GaugePoint, GaugeRow, InstanceId, ProcessPoint, ProcessUse, Read,
    Routes, SeenInstance, ShipState, Snapshot, Statement, SummaryFilter, SummaryRow,
};
pub use tally::{Durations, Tally};
