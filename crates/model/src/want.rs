//! What a person or tool may want of the fleet: things that stay attached or cost over time, each leased.
//!
//! The nouns and their roles stand here so that permissions and audit have one door from the start; the RPC that takes
//! a want is registered with the first kind of want that an agent can grant.

use crate::profile::Target;
use crate::{Observed, Role, ServiceKey, TimeNs};
use std::time::Duration;

/// A leased wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Watch functions.
    Probe {
        /// Which, and how.
        spec: crate::probe::ProbeSpec,
        /// How long it may stay.
        lease: Duration,
    },
    /// Sample stacks.
    Profile {
        /// Of which processes.
        target: Target,
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

/// What became of a wish on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantReport {
    /// Its id.
    pub id: String,
    /// What it came to.
    pub state: WantState,
    /// Why, or what it is attached to.
    pub reason: Observed,
}

/// What a wish came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WantState {
    /// Nothing fits it yet.
    Pending,
    /// It is at work.
    Attached,
    /// It cannot be.
    Refused,
    /// It was ended.
    Stopped,
    /// Its lease is over.
    Expired,
}

impl WantState {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Attached,
        Self::Refused,
        Self::Stopped,
        Self::Expired,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pending => 1,
            Self::Attached => 2,
            Self::Refused => 3,
            Self::Stopped => 4,
            Self::Expired => 5,
        }
    }

    /// The state with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The word on the wire to people and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Attached => "attached",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
        }
    }
}

/// The longest that anything leased may stay.
pub const LEASE_MAX: Duration = Duration::from_secs(3600);

/// The number under which the results of a wish with this id are stored: FNV-1a of the id, never 0.
pub fn session(id: &str) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    id.bytes().fold(0xcbf2_9ce4_8422_2325, step).max(1)
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
