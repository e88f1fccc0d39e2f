//! What can be asked of a colony. Commands, panels and tools all ask one of these.

use crate::{Role, TimeNs, Window};
use std::time::Duration;

/// The stretch of time that a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// The last so much before the colony's now.
    Last(Duration),
    /// From a moment up to another.
    Between(Window),
}

/// The default stretch: 15 minutes.
pub const DEFAULT_SPAN: Span = Span::Last(Duration::from_secs(15 * 60));

impl Span {
    /// The window it means at `now`.
    pub fn resolve(self, now: TimeNs) -> Window {
        match self {
            Self::Last(length) => Window {
                from: now.minus(length),
                to: now,
            },
            Self::Between(window) => window,
        }
    }
}

/// A question; its answer is the variant of the same name in [`crate::AnswerBody`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// The colony and its agents.
    Status,
    /// One row a service, for the list of services.
    Services {
        /// When.
        span: Span,
        /// How many points the p95 trend has over the span; 0 = none.
        trend_points: u16,
    },
    /// RED of one service or all, a row a service and side.
    Summary {
        /// When.
        span: Span,
        /// Only this service.
        service: Option<String>,
        /// The stretch to compare with; `Last` here means as long ago, the window moved back by it.
        compare: Option<Compare>,
    },
    /// RED of one service by side, protocol, method, route and status class.
    Metrics {
        /// When.
        span: Span,
        /// Which service.
        service: String,
    },
    /// Who talks to whom.
    Topology {
        /// When.
        span: Span,
    },
    /// What happened, newest first.
    Events {
        /// When.
        span: Span,
        /// Only this service.
        service: Option<String>,
        /// Only these kinds; empty = all.
        kinds: Vec<crate::EventKind>,
        /// At most so many.
        limit: u32,
    },
    /// What hosts and their processes use.
    Host {
        /// When.
        span: Span,
        /// Only this host.
        host: Option<String>,
    },
    /// Single requests out of the agents' hour of detail, newest first.
    Requests {
        /// When.
        span: Span,
        /// Whose.
        service: String,
        /// Only those whose path holds this text.
        path: Option<String>,
        /// Only those of this status class.
        status_class: Option<crate::StatusClass>,
        /// Only those that took at least so long.
        min_duration: Option<Duration>,
        /// At most so many.
        limit: u32,
    },
    /// Where the processors were in a service's code.
    Profile {
        /// When.
        span: Span,
        /// Whose.
        target: crate::profile::Target,
        /// What the weights are.
        kind: crate::profile::ProfileKind,
        /// The wish whose samples are meant; 0 = those that are always taken.
        session: u64,
        /// The stretch to compare with.
        compare: Option<Compare>,
    },
    /// What was seen of probed functions.
    Probe {
        /// The wish's id.
        id: String,
        /// Single calls, at most.
        limit: u32,
    },
    /// Functions that could be probed.
    Functions {
        /// Whose.
        target: crate::profile::Target,
        /// A name, part of one, or a pattern with `*`; empty = any.
        pattern: String,
        /// At most so many.
        limit: u32,
    },
    /// What is wrong, and why, or that nothing is.
    Diagnose {
        /// When it is looked for.
        span: Span,
        /// What is complained about.
        service: Option<String>,
        /// When that was noticed.
        at: Option<TimeNs>,
    },
    /// What a diagnosis looks at, as the files of an incident bundle.
    Incident {
        /// When.
        span: Span,
        /// What is complained about.
        service: Option<String>,
        /// When that was noticed.
        at: Option<TimeNs>,
    },
    /// What a piece of evidence was found by, as long as the colony keeps it.
    Evidence {
        /// Its id.
        id: String,
    },
    /// One read-only SELECT over the views of the caller's role.
    Sql {
        /// The statement.
        text: String,
        /// At most so many rows.
        limit: u32,
    },
}

/// What a window is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// The same length, so much earlier.
    Back(Duration),
    /// This stretch.
    With(Window),
    /// The stretch before the build that runs now was met first, of the build that ran then.
    PreviousBuild,
    /// The process with this number, in the same window; profiles alone know processes.
    Process(u32),
}

impl Question {
    /// The least role that may ask it. No wildcard: a new question must be thought about here.
    pub const fn role(&self) -> Role {
        match self {
            Self::Status
            | Self::Services { .. }
            | Self::Summary { .. }
            | Self::Metrics { .. }
            | Self::Topology { .. }
            | Self::Events { .. }
            | Self::Host { .. }
            | Self::Requests { .. }
            | Self::Profile { .. }
            | Self::Functions { .. }
            | Self::Diagnose { .. }
            | Self::Incident { .. }
            | Self::Evidence { .. }
            | Self::Sql { .. } => Role::Viewer,
            // Values of calls are captures.
            Self::Probe { .. } => Role::Operator,
        }
    }

    /// The word in the audit log and in errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Services { .. } => "services",
            Self::Summary { .. } => "summary",
            Self::Metrics { .. } => "metrics",
            Self::Topology { .. } => "topology",
            Self::Events { .. } => "events",
            Self::Host { .. } => "host",
            Self::Requests { .. } => "requests",
            Self::Profile { .. } => "profile",
            Self::Probe { .. } => "probe",
            Self::Functions { .. } => "functions",
            Self::Diagnose { .. } => "diagnose",
            Self::Incident { .. } => "incident",
            Self::Evidence { .. } => "evidence",
            Self::Sql { .. } => "sql",
        }
    }
}
