//! Services and their instances.

use crate::{InstanceKey, Observed, TimeNs};

/// A service: a named group of instances, apart by namespace (compose project, Kubernetes namespace, or empty).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceKey {
    /// The namespace, empty on a plain host.
    pub namespace: Observed,
    /// The name.
    pub name: Observed,
}

impl ServiceKey {
    /// A service without namespace.
    pub fn plain(name: &str) -> Self {
        Self {
            namespace: Observed::default(),
            name: Observed::new(name),
        }
    }

    /// Whether people mean it by this name: its own, or namespace/name.
    pub fn is_called(&self, name: &str) -> bool {
        let own = self.name.raw();
        let in_full = || name.strip_suffix(own)?.strip_suffix('/');
        own == name || in_full().is_some_and(|before| before == self.namespace.raw())
    }
}

/// What kind of thing a service is; all but `App` are folded into one line by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceClass {
    /// A program of the people who watch.
    App,
    /// A program of the operating system: sshd, systemd-*, dockerd.
    System,
    /// Coral itself.
    Coral,
    /// An address without an agent.
    Outside,
}

impl ServiceClass {
    /// The number on the wire and on disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::App => 1,
            Self::System => 2,
            Self::Coral => 3,
            Self::Outside => 4,
        }
    }

    /// The class with this number; an unknown number is `App`, the class that hides nothing.
    pub const fn from_code(code: u8) -> Self {
        match code {
            2 => Self::System,
            3 => Self::Coral,
            4 => Self::Outside,
            _ => Self::App,
        }
    }

    /// The word in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::System => "system",
            Self::Coral => "coral",
            Self::Outside => "outside",
        }
    }
}

/// One process of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Which process.
    pub key: InstanceKey,
    /// The service that it belongs to.
    pub service: ServiceKey,
    /// The kind of that service.
    pub class: ServiceClass,
    /// The name of its host.
    pub host: Observed,
    /// When it started; `None` when it was gone before that could be read.
    pub started: Option<TimeNs>,
    /// The TCP ports it listens on, ascending.
    pub ports: Vec<u16>,
}
