//! Who talks to whom.

use crate::summary::Counts;
use crate::{Histogram, Protocol, Side, Window};
use std::net::IpAddr;
use std::time::Duration;

/// One end of an edge as the observing agent knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A process on the agent's host: index into the batch's instances.
    Instance(u32),
    /// An address that the agent cannot name; the colony joins it with other agents or lists it as outside.
    Address {
        /// The address.
        ip: IpAddr,
        /// The port, 0 for a client's.
        port: u16,
    },
}

/// Requests and connections from one end to the other in one interval, as seen from one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeSummary {
    /// The interval.
    pub window: Window,
    /// Who asked.
    pub caller: Endpoint,
    /// Who answered.
    pub callee: Endpoint,
    /// What was spoken.
    pub protocol: Protocol,
    /// The side that saw it: `Client` is the edge's count, `Server` the check.
    pub side: Side,
    /// Requests.
    pub counts: Counts,
    /// Durations in nanoseconds of those that completed. Of a conversation that is not read ([`Protocol::is_read`]): the
    /// turns, each from the caller's first byte of it to the callee's.
    pub durations: Histogram,
    /// Connections that were first seen in the interval.
    pub connections: u64,
    /// Payload bytes from caller to callee.
    pub bytes_sent: u64,
    /// Payload bytes from callee to caller.
    pub bytes_received: u64,
    /// Segments sent again, where the kernel told.
    pub retransmits: Option<u64>,
    /// Smoothed round-trip time, where the kernel told.
    pub rtt: Option<Duration>,
}
