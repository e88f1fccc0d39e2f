//! What an agent ships: numbered batches that carry all they refer to, so that one can be stored after any restart.

use crate::{
    AgentHealth, EdgeSummary, Epoch, Event, HostSample, Instance, ProcessSample, Pulse, Seq,
    Summary, TimeNs,
};

/// One thing in a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A second of traffic.
    Pulse(Pulse),
    /// Ten seconds of traffic.
    Summary(Summary),
    /// Ten seconds between two ends.
    Edge(EdgeSummary),
    /// Something that happened.
    Event(Event),
    /// The agent's state.
    Health(AgentHealth),
    /// Ten seconds of a host.
    Host(HostSample),
    /// Ten seconds of a process.
    Process(ProcessSample),
}

/// A batch: stored once, in one transaction with its number, and acknowledged after that.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The run of the agent.
    pub epoch: Epoch,
    /// Its number in that run.
    pub seq: Seq,
    /// The agent's time when it was made.
    pub clock: TimeNs,
    /// The processes that the items speak of, by index.
    pub instances: Vec<Instance>,
    /// Its content.
    pub items: Vec<Item>,
    /// Items that this build does not know, skipped and counted.
    pub unknown: u64,
}
