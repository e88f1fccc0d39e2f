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
}

impl EventKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Gap, Self::Start, Self::Exit, Self::ClockJump];

    /// The number on the wire and on disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::Gap => 1,
            Self::Start => 2,
            Self::Exit => 3,
            Self::ClockJump => 4,
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
