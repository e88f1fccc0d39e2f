//! What a person or tool may want of the fleet: things that stay attached or cost over time, each leased.
//!
//! The nouns and their roles stand here so that permissions and audit have one door from the start; the RPC that takes
//! a want is registered with the first kind of want that an agent can grant.

use crate::{Role, ServiceKey};
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
}

impl Want {
    /// The least role that may have it. No wildcard: a new want must be thought about here.
    pub const fn role(&self) -> Role {
        match self {
            Self::Probe { .. } | Self::Profile { .. } | Self::Capture { .. } => Role::Operator,
        }
    }

    /// The word in the audit log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Probe { .. } => "probe",
            Self::Profile { .. } => "profile",
            Self::Capture { .. } => "capture",
        }
    }
}
