//! What an agent says of itself.

use crate::{AgentId, Loss, Observed, TimeNs};

/// How an agent observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentMode {
    /// With kernel programs.
    Ebpf,
    /// From `/proc` and socket tables alone.
    Proc,
}

impl AgentMode {
    /// The word in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ebpf => "ebpf",
            Self::Proc => "proc",
        }
    }
}

/// A thing that an agent cannot do, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The feature that is off, such as `requests`.
    pub feature: String,
    /// Why: the capability or kernel feature that lacks, or the kernel's own words.
    pub why: Observed,
    /// What to run or change.
    pub fix: String,
}

/// An agent's state at a moment; sent with every batch.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentHealth {
    /// Which agent.
    pub id: AgentId,
    /// The name of its host.
    pub host: Observed,
    /// The product version it runs.
    pub version: String,
    /// How it observes.
    pub mode: AgentMode,
    /// What it lacks.
    pub missing: Vec<Missing>,
    /// Resident memory of its processes (sum of PSS).
    pub rss_bytes: u64,
    /// CPU time of its processes in the last ten seconds, in percent of one core.
    pub cpu_percent: f64,
    /// Drops since its start.
    pub loss: Loss,
    /// Services that listen on its host, whether or not they had traffic.
    pub listening: u32,
    /// When it started.
    pub started: TimeNs,
    /// When this was said.
    pub at: TimeNs,
}
