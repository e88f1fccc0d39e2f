//! The cursors of all lists, and what each stays on.

use crate::console::select::Select;
use coral_model::{AgentId, Event, Observed, ServiceKey, TimeNs};

/// A list with a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by its rows")]
pub enum List {
    Services,
    Edges,
    Events,
    Agents,
    Tab,
    /// The services of page 5.
    Profiled,
    /// The functions of a profile.
    Functions,
    /// The findings of page 7, below one row for all.
    Findings,
    /// The probes of page 6.
    Probes,
}

/// What a cursor stays on.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is a row of that kind")]
pub enum RowKey {
    Service(ServiceKey),
    Edge(String),
    Event(Box<Event>),
    Agent(AgentId),
    Route(String),
    Instance(String, u64),
    Function(Box<(Observed, Observed)>),
    Finding(Option<Box<(TimeNs, Observed)>>),
    Probe(String),
}

/// The cursors of all lists.
#[derive(Debug, Default)]
pub(in crate::console) struct Cursors {
    services: Select<RowKey>,
    edges: Select<RowKey>,
    events: Select<RowKey>,
    agents: Select<RowKey>,
    tab: Select<RowKey>,
    profiled: Select<RowKey>,
    functions: Select<RowKey>,
    findings: Select<RowKey>,
    probes: Select<RowKey>,
}

impl Cursors {
    pub(in crate::console) fn of(&self, list: List) -> &Select<RowKey> {
        match list {
            List::Services => &self.services,
            List::Edges => &self.edges,
            List::Events => &self.events,
            List::Agents => &self.agents,
            List::Tab => &self.tab,
            List::Profiled => &self.profiled,
            List::Functions => &self.functions,
            List::Findings => &self.findings,
            List::Probes => &self.probes,
        }
    }

    pub(super) fn of_mut(&mut self, list: List) -> &mut Select<RowKey> {
        match list {
            List::Services => &mut self.services,
            List::Edges => &mut self.edges,
            List::Events => &mut self.events,
            List::Agents => &mut self.agents,
            List::Tab => &mut self.tab,
            List::Profiled => &mut self.profiled,
            List::Functions => &mut self.functions,
            List::Findings => &mut self.findings,
            List::Probes => &mut self.probes,
        }
    }
}
