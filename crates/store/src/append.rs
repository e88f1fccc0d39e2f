//! Writing: one transaction a batch, and audit rows.

use crate::StoreError;
use crate::kept::Keep;
use coral_model::profile::{Profile, Symbols};
use coral_model::{
    AgentHealth, AgentId, AuditRow, EdgeSummary, Epoch, Event, HostSample, Instance, ProcessSample,
    Seq, Summary, TimeNs,
};
use std::future::Future;
use std::pin::Pin;

/// What will be known when the transaction is on disk.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// A batch as it is stored: checked, of one agent, without its pulses.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredBatch {
    /// Whose.
    pub agent: AgentId,
    /// Of which run.
    pub epoch: Epoch,
    /// Its number in that run.
    pub seq: Seq,
    /// The agent's time when it was made.
    pub clock: TimeNs,
    /// The processes that its items speak of, by index.
    pub instances: Vec<Instance>,
    /// Ten seconds of traffic each.
    pub summaries: Vec<Summary>,
    /// Ten seconds between two ends each.
    pub edges: Vec<EdgeSummary>,
    /// What happened.
    pub events: Vec<Event>,
    /// Ten seconds of the agent's host each.
    pub hosts: Vec<HostSample>,
    /// Ten seconds of a process each.
    pub processes: Vec<ProcessSample>,
    /// Where processors were, an interval of a process each.
    pub profiles: Vec<Profile>,
    /// Names for addresses of these and others.
    pub symbols: Vec<Symbols>,
    /// The agent's state, when it is time to keep it. The losses that the colony itself counted are added to it.
    pub health: Option<AgentHealth>,
    /// Items that were skipped because this build does not know them.
    pub unknown: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Whether it was stored now; false when it had been stored before.
    pub new: bool,
    /// The highest number of its run that is stored.
    pub last: Seq,
    /// Items of its run that were skipped so far.
    pub unknown: u64,
}

/// What a piece of upkeep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// Whether more is to be done now.
    pub more: bool,
}

/// The writing side of a store.
pub trait Append: Send + Sync + 'static {
    /// Stores a batch once, however often it comes; the rows and its number are one transaction.
    fn append(&self, batch: StoredBatch) -> Pending<Appended>;

    /// Stores a row of the audit log.
    fn audit(&self, row: AuditRow) -> Pending<()>;

    /// Keeps what a person said, or a diagnosis found.
    fn keep(&self, change: Keep) -> Pending<()>;

    /// Does a small piece of what keeps the store small and fast: rollups, retention. To be called about once a second,
    /// and again at once while there is more.
    fn maintain(&self, now: TimeNs) -> Pending<Upkeep>;
}
