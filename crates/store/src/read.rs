//! Reading: a snapshot, and the typed queries that the colony's query layer needs. Rows carry the store's own instance
//! ids; histograms are merged by whoever asks.
//!
//! An interval belongs to a window when its end does: `from < end <= to`. So neighbouring windows share no row. A row may
//! stand for several intervals: all those of a bucket of a coarser [`Level`] that lies in the window.

use crate::StoreError;
use crate::duck::Format;
use crate::kept::{KeptConnect, KeptEvidence};
use crate::level::{Level, Reach};
use crate::profile::{ProfileFilter, ProfiledBuild, StoredProfile};
use crate::sql::SqlError;
use crate::tally::Durations;
use coral_model::answer::Table;
use coral_model::profile::ProfileKind;
use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AuditRow, Endpoint, Epoch, Event, EventKind, Histogram, Instance, Method,
    Observed, Protocol, Route, Seq, ServiceKey, Side, StatusClass, TimeNs, Window,
};
use std::fs::File;
use std::time::Duration;

/// An instance by its number in this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

/// An instance and when agents spoke of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInstance {
    /// Its number.
    pub id: InstanceId,
    /// The newest description of it.
    pub instance: Instance,
    /// The earliest moment that a batch said something of it.
    pub first_seen: TimeNs,
    /// The latest, to about ten seconds.
    pub last_seen: TimeNs,
}

/// How far an agent's run is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipState {
    /// Whose.
    pub agent: AgentId,
    /// Which run.
    pub epoch: Epoch,
    /// Its last stored batch.
    pub seq: Seq,
    /// The clock of its first batch.
    pub first: TimeNs,
    /// The latest clock of its batches.
    pub last: TimeNs,
    /// Items of it that were skipped.
    pub unknown: u64,
}

/// Which rows of the summary table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// The exact ones: [`Route::All`].
    Exact,
    /// Those by route, which add up to the exact ones.
    Split,
}

/// Which summaries.
#[derive(Debug, Clone)]
pub struct SummaryFilter {
    /// Whose end lies in here.
    pub window: Window,
    /// Only those of these instances.
    pub instances: Option<Vec<InstanceId>>,
    /// Exact or by route.
    pub routes: Routes,
    /// Rows of wider buckets only where there are no others.
    pub widest: Level,
}

/// A stored summary, or several added up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the model's Summary")]
pub struct SummaryRow<D = Histogram> {
    pub window: Window,
    pub instance: InstanceId,
    pub side: Side,
    pub protocol: Protocol,
    pub route: Route,
    pub method: Method,
    pub status_class: StatusClass,
    pub counts: Counts,
    pub durations: D,
}

impl SummaryRow<Durations<'_>> {
    fn owned(self) -> Result<SummaryRow, StoreError> {
        Ok(SummaryRow {
            window: self.window,
            instance: self.instance,
            side: self.side,
            protocol: self.protocol,
            route: self.route,
            method: self.method,
            status_class: self.status_class,
            counts: self.counts,
            durations: self.durations.to_histogram()?,
        })
    }
}

/// Which edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// All.
    All,
    /// Those of protocols whose requests are not counted.
    Unread,
}

/// A stored edge, or several added up; [`Endpoint::Instance`] holds the number of an [`InstanceId`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields of the model's EdgeSummary, and whose it is"
)]
pub struct EdgeRow<D = Histogram> {
    pub window: Window,
    pub agent: AgentId,
    pub side: Side,
    pub protocol: Protocol,
    pub caller: Endpoint,
    pub callee: Endpoint,
    pub counts: Counts,
    pub durations: D,
    pub connections: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub retransmits: Option<u64>,
    pub rtt: Option<Duration>,
}

impl EdgeRow<Durations<'_>> {
    fn owned(self) -> Result<EdgeRow, StoreError> {
        Ok(EdgeRow {
            window: self.window,
            agent: self.agent,
            side: self.side,
            protocol: self.protocol,
            caller: self.caller,
            callee: self.callee,
            counts: self.counts,
            durations: self.durations.to_histogram()?,
            connections: self.connections,
            bytes_sent: self.bytes_sent,
            bytes_received: self.bytes_received,
            retransmits: self.retransmits,
            rtt: self.rtt,
        })
    }
}

/// Which events.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Which touch this window.
    pub window: Window,
    /// Only of these services, when not empty.
    pub services: Vec<ServiceKey>,
    /// Only of these kinds, when not empty.
    pub kinds: Vec<EventKind>,
    /// At most so many, the newest.
    pub limit: usize,
}

/// One measurement of one host over a window.
#[derive(Debug, Clone, PartialEq)]
pub struct GaugeRow {
    /// Whose host.
    pub agent: AgentId,
    /// What.
    pub name: String,
    /// Of what.
    pub label: Observed,
    /// The newest value.
    pub last: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// Their sum.
    pub total: f64,
    /// How many there are.
    pub samples: u64,
}

/// What a process used over a window.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessUse {
    /// Which.
    pub instance: InstanceId,
    /// Processor time in nanoseconds.
    pub cpu_ns: f64,
    /// Its resident memory when it was last seen.
    pub rss_bytes: u64,
    /// When that was.
    pub last: TimeNs,
}

/// What one process used in an interval, or in several added up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessPoint {
    /// The interval.
    pub window: Window,
    /// Which.
    pub instance: InstanceId,
    /// Processor time in nanoseconds.
    pub cpu_ns: f64,
    /// Its resident memory at the end.
    pub rss_bytes: u64,
}

/// One measurement of one host in an interval; the mean of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaugePoint<'a> {
    /// The interval.
    pub window: Window,
    /// Whose host.
    pub agent: &'a str,
    /// What.
    pub name: &'a str,
    /// Of what.
    pub label: &'a str,
    /// How much.
    pub value: f64,
}

/// A statement in SQL, over the views that its caller may ask.
#[derive(Debug, Clone)]
pub struct Statement {
    /// As it was typed.
    pub text: String,
    /// Whether the views of admins may be asked as well.
    pub admin: bool,
    /// At most so many rows.
    pub limit: u32,
    /// How long it may run.
    pub longest: Duration,
    /// What `now()` means.
    pub now: TimeNs,
}

/// The reading side of a store.
pub trait Read: Send + Sync + 'static {
    /// A view of all commits so far, unmoved by later ones. Blocks; not for an async thread.
    ///
    /// # Errors
    /// The engine's.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;
}

/// One consistent view. Every method blocks, and fails with the engine's error or for a row that no build wrote.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Snapshot {
    /// The instances that a batch spoke of in the window, by number.
    fn instances(&self, window: Window) -> Result<Vec<SeenInstance>, StoreError>;

    /// Every service that was ever seen, ascending.
    fn services(&self) -> Result<Vec<ServiceKey>, StoreError>;

    /// How much of the window is kept.
    fn reach(&self, window: Window) -> Result<Reach, StoreError>;

    /// Calls `each` for summaries, in no order.
    fn each_summary(
        &self,
        filter: &SummaryFilter,
        each: &mut dyn FnMut(SummaryRow<Durations<'_>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Summaries, by the end of their interval.
    fn summaries(&self, filter: &SummaryFilter) -> Result<Vec<SummaryRow>, StoreError> {
        let mut rows = vec![];
        self.each_summary(filter, &mut |row| {
            rows.push(row.owned()?);
            Ok(())
        })?;
        rows.sort_by_key(|row| row.window.to);
        Ok(rows)
    }

    /// The instances with exact summaries in the window, ascending.
    fn active(&self, window: Window) -> Result<Vec<InstanceId>, StoreError>;

    /// The intervals that end after `since` and for which an agent's exact summaries are stored.
    fn covered(&self, since: TimeNs) -> Result<Vec<(AgentId, Window)>, StoreError>;

    /// Calls `each` for edges whose interval ends in the window, in no order; stretches wider than `widest` come only where
    /// there are no others.
    fn each_edge(
        &self,
        window: Window,
        which: Edges,
        widest: Level,
        each: &mut dyn FnMut(EdgeRow<Durations<'_>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Edges whose interval ends in the window, by that end.
    fn edges(&self, window: Window) -> Result<Vec<EdgeRow>, StoreError> {
        let mut rows = vec![];
        self.each_edge(window, Edges::All, Level::Hour, &mut |row| {
            rows.push(row.owned()?);
            Ok(())
        })?;
        rows.sort_by_key(|row| row.window.to);
        Ok(rows)
    }

    /// What each instance speaks, by the edges of the window: what it called with, and what it was called with.
    fn spoken(&self, window: Window) -> Result<Vec<(InstanceId, Protocol)>, StoreError>;

    /// Events, newest first.
    fn events(&self, filter: &EventFilter) -> Result<Vec<Event>, StoreError>;

    /// What was measured on hosts in the window, by agent, name and label.
    fn gauges(&self, window: Window) -> Result<Vec<GaugeRow>, StoreError>;

    /// What processes used in the window, by instance.
    fn processes(&self, window: Window) -> Result<Vec<ProcessUse>, StoreError>;

    /// Calls `each` for what processes used in each interval that ends in the window, in no order.
    fn each_process(
        &self,
        window: Window,
        widest: Level,
        each: &mut dyn FnMut(ProcessPoint) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Calls `each` for these measurements of hosts in each interval that ends in the window, in no order.
    fn each_gauge(
        &self,
        window: Window,
        widest: Level,
        names: &[&str],
        each: &mut dyn FnMut(GaugePoint<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Where processors were, a row a stack, with all that the rows speak of.
    fn profile(&self, filter: &ProfileFilter) -> Result<StoredProfile, StoreError>;

    /// When the builds of instances were sampled, as far as intervals end after a moment; to the bucket of the widest level
    /// that may answer.
    fn profiled_builds(
        &self,
        kind: ProfileKind,
        since: TimeNs,
        widest: Level,
    ) -> Result<Vec<ProfiledBuild>, StoreError>;

    /// The agents' states that were kept in the window, oldest first.
    fn health(&self, window: Window) -> Result<Vec<AgentHealth>, StoreError>;

    /// The newest state of every agent.
    fn newest_health(&self) -> Result<Vec<AgentHealth>, StoreError>;

    /// How far every run of every agent is stored.
    fn ship_states(&self) -> Result<Vec<ShipState>, StoreError>;

    /// The services that people connected by name, by their ids.
    fn connects(&self) -> Result<Vec<KeptConnect>, StoreError>;

    /// What shows a piece of evidence again, while it is kept.
    fn evidence(&self, id: &str) -> Result<Option<KeptEvidence>, StoreError>;

    /// The answer to a statement.
    ///
    /// # Errors
    /// [`SqlError`]: it is not allowed, has reached a limit, or the engine could not run it.
    fn sql(&self, statement: &Statement) -> Result<Table, SqlError>;

    /// The rows of a view whose time is in the window, as a file without a name.
    ///
    /// # Errors
    /// [`SqlError`]: there is no such view or form, a limit was reached, or the engine could not write.
    fn export(&self, view: &str, format: Format, window: Window) -> Result<File, SqlError>;

    /// How many bytes the store holds.
    fn bytes(&self) -> Result<u64, StoreError>;

    /// The newest rows of the audit log, newest first.
    fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError>;
}
