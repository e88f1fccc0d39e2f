//! Things that happened at a moment.

use crate::{AgentId, InstanceKey, Observed, ServiceKey, TimeNs};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// From `at` to `until` nobody observed: no agent, or it restarted.
    Gap,
    /// A process of a service started.
    Start,
    /// A process of a service ended.
    Exit,
    /// The host's wall clock jumped.
    ClockJump,
    /// A process ended by a signal, or with a code that is not 0.
    Crash,
    /// The kernel killed a process for lack of memory.
    OutOfMemory,
    /// A service's process was replaced by a new one of the same program.
    Restart,
    /// A service's command line or build is another than before.
    Change,
    /// A disk is full, and what that stops.
    DiskFull,
    /// What a person wrote down.
    Note,
    /// A health check of a connected service failed after it had passed, or at first.
    Unhealthy,
    /// A health check of a connected service passed after it had failed.
    Healthy,
    /// A figure of a service or edge is no longer as usual.
    AnomalyBegan,
    /// It is as usual again, or has become usual.
    AnomalyEnded,
    /// A build of a service spends more of its time in a function than the one before it.
    Regression,
}

impl EventKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Gap,
        Self::Start,
        Self::Exit,
        Self::ClockJump,
        Self::Crash,
        Self::OutOfMemory,
        Self::Restart,
        Self::Change,
        Self::DiskFull,
        Self::Note,
        Self::Unhealthy,
        Self::Healthy,
        Self::AnomalyBegan,
        Self::AnomalyEnded,
        Self::Regression,
    ];

    /// The number on the wire and on disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::Gap => 1,
            Self::Start => 2,
            Self::Exit => 3,
            Self::ClockJump => 4,
            Self::Crash => 5,
            Self::OutOfMemory => 6,
            Self::Restart => 7,
            Self::Change => 8,
            Self::DiskFull => 9,
            Self::Note => 10,
            Self::Unhealthy => 11,
            Self::Healthy => 12,
            Self::AnomalyBegan => 13,
            Self::AnomalyEnded => 14,
            Self::Regression => 15,
        }
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// The word in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Start => "start",
            Self::Exit => "exit",
            Self::ClockJump => "clock_jump",
            Self::Crash => "crash",
            Self::OutOfMemory => "out_of_memory",
            Self::Restart => "restart",
            Self::Change => "change",
            Self::DiskFull => "disk_full",
            Self::Note => "note",
            Self::Unhealthy => "unhealthy",
            Self::Healthy => "healthy",
            Self::AnomalyBegan => "anomaly_began",
            Self::AnomalyEnded => "anomaly_ended",
            Self::Regression => "regression",
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened or began.
    pub at: TimeNs,
    /// When it ended, for events with a length.
    pub until: Option<TimeNs>,
    /// What.
    pub kind: EventKind,
    /// On whose host.
    pub agent: AgentId,
    /// Which service, if one.
    pub service: Option<ServiceKey>,
    /// Which process, if one.
    pub instance: Option<InstanceKey>,
    /// What a person should read.
    pub text: Observed,
}
