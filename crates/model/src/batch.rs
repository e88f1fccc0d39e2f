//! What an agent ships: numbered batches that carry all they refer to, so that one can be stored after any restart.

use crate::{
    AgentHealth, EdgeSummary, Ending, Endpoint, Epoch, Event, HostSample, Instance, Method,
    Observed, ProcessSample, Protocol, Pulse, Seq, ServiceKey, Side, Summary, TimeNs,
};
use std::time::Duration;

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
    /// What a health check said.
    HealthCheck(HealthCheck),
    /// One request; kept in the agent's hour of detail, shipped only when asked for.
    Request(RequestRecord),
    /// Ten seconds of a process on the processors.
    Profile(crate::profile::Profile),
    /// What became of a wish.
    Want(crate::want::WantReport),
    /// A probed function, and what was counted of it.
    Probed(crate::probe::ProbedFunction),
    /// A way of calls between probed functions.
    CallPath(crate::probe::CallPath),
    /// A single call of a probed function.
    Call(crate::probe::Call),
    /// Names for addresses.
    Symbols(crate::profile::Symbols),
}

/// One run of a connected service's health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// When it ended.
    pub at: TimeNs,
    /// Of which service.
    pub service: ServiceKey,
    /// Whether it passed.
    pub healthy: bool,
    /// How long it took.
    pub duration: Duration,
    /// The status or the error.
    pub text: Observed,
}

/// One request as an agent keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// When its first byte came.
    pub at: TimeNs,
    /// Whose: index into the batch's instances.
    pub instance: u32,
    /// Which side.
    pub side: Side,
    /// What was spoken.
    pub protocol: Protocol,
    /// The method.
    pub method: Method,
    /// The template.
    pub route: Observed,
    /// The path without its query, with secrets masked.
    pub path: Observed,
    /// The final status; `None` without one.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: Ending,
    /// First byte of the request to the last of the answer, or to its end.
    pub duration: Duration,
    /// First byte of the request to the first of the answer.
    pub ttfb: Option<Duration>,
    /// The other end.
    pub peer: Endpoint,
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
