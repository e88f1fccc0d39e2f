//! What a person or tool may want of the fleet: things that stay attached or cost over time, each leased.
//!
//! The nouns and their roles stand here so that permissions and audit have one door from the start; the RPC that takes
//! a want is registered with the first kind of want that an agent can grant.

use crate::{Observed, Role, ServiceKey, TimeNs};
use std::time::Duration;

/// A leased wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Watch functions of a service.
    Probe {
        /// Where.
        service: ServiceKey,
        /// Which functions, by demangled name or glob.
        functions: Vec<String>,
        /// How long it may stay.
        lease: Duration,
    },
    /// Sample stacks of a service.
    Profile {
        /// Where.
        service: ServiceKey,
        /// Samples per second and core.
        hz: u16,
        /// How long it may stay.
        lease: Duration,
    },
    /// Keep request payloads of a service.
    Capture {
        /// Where.
        service: ServiceKey,
        /// How long it may stay.
        lease: Duration,
    },
    /// Call a process by this name, and check its health. Stays until it is withdrawn.
    Connect(Connect),
    /// Write something down on the timeline.
    Note {
        /// When it was or is; `None` = now.
        at: Option<TimeNs>,
        /// About which service, if one.
        service: Option<ServiceKey>,
        /// What.
        text: Observed,
    },
}

/// How a service is told apart and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The name that it gets.
    pub service: ServiceKey,
    /// The processes that it means.
    pub target: ConnectTarget,
    /// The check, if one.
    pub check: Option<Check>,
    /// What kind of service a person says it is (`http`, `redis`); empty = not said.
    pub kind: Observed,
}

/// Which processes a connected service means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectTarget {
    /// Those that listen on this port.
    Port(u16),
    /// Those whose executable's path matches this regular expression.
    ExePattern(String),
}

/// A health check, against the loopback address of the service's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A connection can be made.
    Tcp,
    /// GET of this path answers 2xx or 3xx.
    Http(String),
}

impl Want {
    /// The least role that may have it. No wildcard: a new want must be thought about here.
    pub const fn role(&self) -> Role {
        match self {
            Self::Probe { .. }
            | Self::Profile { .. }
            | Self::Capture { .. }
            | Self::Connect(_)
            | Self::Note { .. } => Role::Operator,
        }
    }

    /// The word in the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Probe { .. } => "probe",
            Self::Profile { .. } => "profile",
            Self::Capture { .. } => "capture",
            Self::Connect(_) => "connect",
            Self::Note { .. } => "note",
        }
    }
}
