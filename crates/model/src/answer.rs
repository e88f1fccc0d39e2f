//! What a colony answers. `None` is unknown and printed as `null` or `—`, never as 0.

use crate::summary::Counts;
use crate::{
    AgentHealth, ColonyId, Ending, Event, Loss, Method, Observed, Protocol, ServiceClass,
    ServiceKey, Side, StatusClass, TimeNs, Window,
};
use std::time::Duration;

/// An answer, with the window that it speaks of and what was not seen in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The window that was asked for, resolved.
    pub window: Window,
    /// Up to here every fresh agent has reported; `None` when none has.
    pub complete_until: Option<TimeNs>,
    /// Drops in the window.
    pub loss: Loss,
    /// The rows.
    pub body: AnswerBody,
}

/// The rows of an answer.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each variant answers the question of the same name"
)]
pub enum AnswerBody {
    Status(Status),
    Services(Vec<ServiceRow>),
    Summary(Vec<SummaryRow>),
    Metrics(Vec<MetricRow>),
    Topology {
        nodes: Vec<NodeRow>,
        edges: Vec<EdgeRow>,
    },
    Events {
        rows: Vec<Event>,
        truncated: bool,
    },
    Host(Vec<HostRow>),
    Sql(Table),
    Profile(crate::profile::Flame),
    Probe(crate::probe::ProbeLog),
    Functions(crate::probe::Functions),
    Diagnose(crate::Diagnosis),
    Incident(crate::diagnosis::Bundle),
    Evidence(crate::diagnosis::KeptEvidence),
    Requests {
        rows: Vec<RequestRow>,
        truncated: bool,
        /// Hosts whose agent did not answer in time, and why.
        silent: Vec<Observed>,
    },
}

impl AnswerBody {
    /// The word of the question that it answers.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Services(_) => "services",
            Self::Summary(_) => "summary",
            Self::Metrics(_) => "metrics",
            Self::Topology { .. } => "topology",
            Self::Events { .. } => "events",
            Self::Host(_) => "host",
            Self::Sql(_) => "sql",
            Self::Profile(_) => "profile",
            Self::Probe(_) => "probe",
            Self::Functions(_) => "functions",
            Self::Diagnose(_) => "diagnose",
            Self::Incident(_) => "incident",
            Self::Evidence(_) => "evidence",
            Self::Requests { .. } => "requests",
        }
    }
}

/// RED over the window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Red {
    /// Requests, errors, client errors.
    pub counts: Counts,
    /// Requests per second of the time that was observed; `None` when nothing was.
    pub rate_per_s: Option<f64>,
    /// Errors per request; `None` without requests.
    pub error_ratio: Option<f64>,
    /// Percentiles of the duration.
    pub p50: Option<Duration>,
    /// 90th percentile.
    pub p90: Option<Duration>,
    /// 95th percentile.
    pub p95: Option<Duration>,
    /// 99th percentile.
    pub p99: Option<Duration>,
    /// The longest, to the histogram bucket.
    pub max: Option<Duration>,
    /// How many durations the percentiles come from.
    pub samples: u64,
}

/// A service in the list of services.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceRow {
    /// Which service.
    pub service: ServiceKey,
    /// Its kind.
    pub class: ServiceClass,
    /// How many instances reported in the window.
    pub instances: u32,
    /// On how many hosts.
    pub hosts: u32,
    /// Its ports, ascending.
    pub ports: Vec<u16>,
    /// What it served; `None` when it served nothing that could be read.
    pub server: Option<Red>,
    /// What it sent.
    pub client: Option<Red>,
    /// Requests in flight on the server side, else the client side.
    pub in_flight: u64,
    /// Age of the oldest of them.
    pub oldest_in_flight: Option<Duration>,
    /// p95 over the span, oldest first; `None` where there was no request or nobody observed.
    pub trend: Vec<Option<Duration>>,
    /// Age of the newest data.
    pub stale: Option<Duration>,
    /// What it speaks.
    pub protocols: Vec<Protocol>,
    /// Processor time per time of all instances, in cores.
    pub cpu_cores: Option<f64>,
    /// Resident memory of all instances.
    pub rss_bytes: Option<u64>,
    /// What others say to it in protocols that are not read; `None` when nobody does.
    pub unread: Option<Unread>,
    /// What its health check last said, where it is connected with one.
    pub health: Option<HealthState>,
}

/// Conversations of which connections, bytes and turns are known, but no requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unread {
    /// What it looks like.
    pub protocols: Vec<Protocol>,
    /// Connections first seen in the window.
    pub connections: u64,
    /// Payload bytes to the service.
    pub bytes_received: u64,
    /// Payload bytes from it.
    pub bytes_sent: u64,
    /// Smoothed round-trip time.
    pub rtt: Option<Duration>,
    /// How often the service was spoken to and answered.
    pub turns: u64,
    /// Median time to the first byte of its answer.
    pub turn_p50: Option<Duration>,
    /// 95th percentile of it.
    pub turn_p95: Option<Duration>,
}

/// What a health check says since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthState {
    /// Whether it passes.
    pub healthy: bool,
    /// Since when it says so.
    pub since: TimeNs,
    /// What a person should read: the status or the error.
    pub text: Observed,
}

/// One request, from an agent's hour of detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// When its first byte came.
    pub at: TimeNs,
    /// Whose it is.
    pub service: ServiceKey,
    /// On which host.
    pub host: Observed,
    /// The process, 0 when unknown.
    pub pid: u32,
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
    /// The other end, as an address.
    pub peer: Observed,
}

/// RED of a service and side.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryRow {
    /// Which service.
    pub service: ServiceKey,
    /// Its kind.
    pub class: ServiceClass,
    /// Which side.
    pub side: Side,
    /// How many instances had traffic.
    pub instances: u32,
    /// On how many hosts.
    pub hosts: u32,
    /// The figures.
    pub red: Red,
    /// Requests in flight now.
    pub in_flight: u64,
    /// Age of the oldest of them.
    pub oldest_in_flight: Option<Duration>,
    /// Age of the newest data.
    pub stale: Option<Duration>,
    /// What was spoken.
    pub protocols: Vec<Protocol>,
    /// The same figures in the stretch that was compared with; `None` when none was asked for.
    pub before: Option<Red>,
}

/// RED of one route of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    /// Which side.
    pub side: Side,
    /// What was spoken.
    pub protocol: Protocol,
    /// The method.
    pub method: Method,
    /// The template, or `(unattributed)`.
    pub route: Observed,
    /// The status class.
    pub status_class: StatusClass,
    /// The figures.
    pub red: Red,
    /// The share of the requests that the percentiles come from.
    pub sampled_ratio: Option<f64>,
}

/// A node of the topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Its name: a service, or `ip:port` of an outside address.
    pub service: ServiceKey,
    /// Its kind.
    pub kind: ServiceClass,
}

/// Which ends of an edge were observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeSource {
    /// Both.
    Both,
    /// Only the caller.
    Caller,
    /// Only the callee.
    Callee,
}

impl EdgeSource {
    /// The word in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }
}

/// An edge of the topology.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeRow {
    /// Who asked.
    pub caller: ServiceKey,
    /// Who answered.
    pub callee: ServiceKey,
    /// What was spoken.
    pub protocol: Protocol,
    /// Which ends were observed; the figures are the caller's when both were.
    pub source: EdgeSource,
    /// Whether the bytes could not be read, so that requests are unknown.
    pub opaque: bool,
    /// The figures; `None` when opaque.
    pub red: Option<Red>,
    /// Requests that the callee counted, when both ends were observed: the difference is shown, not hidden.
    pub callee_requests: Option<u64>,
    /// Connections that could not be made; `None` while not observed.
    pub failures: Option<u64>,
    /// Connections first seen in the window.
    pub connections: u64,
    /// Payload bytes from caller to callee.
    pub bytes_sent: u64,
    /// Payload bytes from callee to caller.
    pub bytes_received: u64,
    /// Segments sent again.
    pub retransmits: Option<u64>,
    /// Smoothed round-trip time.
    pub rtt: Option<Duration>,
    /// Turns of a conversation that is not read further; `None` where requests are counted.
    pub turns: Option<u64>,
    /// Median time from the caller's first byte of a turn to the callee's.
    pub turn_p50: Option<Duration>,
    /// 95th percentile of it.
    pub turn_p95: Option<Duration>,
}

/// The colony and its agents.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Which colony.
    pub colony: ColonyId,
    /// The version it runs.
    pub version: String,
    /// Since when it runs.
    pub uptime: Duration,
    /// Its agents, fresh and gone.
    pub agents: Vec<AgentRow>,
    /// How many services reported in the last 15 minutes.
    pub services: u32,
}

/// An agent as the colony sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRow {
    /// What it last said of itself.
    pub health: AgentHealth,
    /// How long ago that was.
    pub last_seen: Duration,
    /// Whether its stream is open.
    pub connected: bool,
    /// The greatest age, in the last minute, that this agent's newest second had when it could first be asked for.
    pub freshness: Option<Duration>,
}

/// Percentiles from fewer requests than this are shown dim, with their number.
pub const FEW_SAMPLES: u64 = 20;
/// Rows older than this are grey.
pub const STALE_AFTER: Duration = Duration::from_secs(15);

/// One measurement of a host over the window.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRow {
    /// Whose.
    pub agent: crate::AgentId,
    /// The name of the host.
    pub host: Observed,
    /// What, from the vocabulary of [`crate::Gauge`].
    pub name: String,
    /// Of what.
    pub label: Observed,
    /// The newest value.
    pub last: f64,
    /// The smallest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// A table of an answer whose columns the asker chose.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Whether rows were left out because of the limit.
    pub truncated: bool,
}

/// A value of a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that needs the 64th bit.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Anything else, as text that somebody else may have chosen.
    Text(Observed),
}
