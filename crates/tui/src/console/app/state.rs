//! The parts of the console's state.

use crate::console::event::Action;
#[cfg(test)]
use crate::console::keys::Scope;
use crate::console::link::Lost;
use crate::console::moment::Moment;
use crate::failure::Failure;
use coral_model::{Answer, ServiceKey};
use std::time::Duration;

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the page of that name")]
pub enum Page {
    Services,
    Topology,
}

/// Pages with their key and name, in their order.
pub const PAGES: [(Page, &str, &str); 2] = [
    (Page::Services, "1", "Services"),
    (Page::Topology, "2", "Topology"),
];

/// Who takes the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by what takes the keys")]
pub enum Mode {
    Page,
    Filter,
    Menu,
    Help,
}

/// How the link is.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkState {
    /// The first try is under way.
    Opening,
    /// Updates come.
    Open,
    /// It is lost, since when, and when it is tried again.
    Away {
        /// Since when.
        since: Moment,
        /// When it is tried again, on the steady clock.
        retry_at: Duration,
        /// Why.
        why: Lost,
    },
}

/// How far starting a colony from here is.
#[derive(Debug, Clone, PartialEq)]
pub enum Starting {
    /// Nobody asked for it.
    No,
    /// Under way.
    Since(Moment),
    /// It did not work.
    Failed(Failure),
}

/// What is drawn between the pages and the last line.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<'a> {
    /// Nothing is known yet.
    Loading,
    /// Nobody listens.
    NoColony,
    /// Somebody listens, but not to us.
    Unreachable(&'a Failure),
    /// The colony has neither agent nor data.
    NoAgent,
    /// The page.
    Page,
}

/// The routes of the selected service, as they were last asked for.
#[derive(Debug, Default)]
pub struct Routes {
    /// Of which service.
    pub service: Option<ServiceKey>,
    /// What was answered last for it.
    pub answer: Option<Result<Answer, Failure>>,
    pub(super) asked: Option<Duration>,
    pub(super) pending: bool,
}

/// The lower or hidden pane of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pane {
    /// Whether it has the keys.
    pub focused: bool,
    /// Whether the pane with the keys fills the page.
    pub zoomed: bool,
    /// Its first line.
    pub offset: usize,
}

/// What a step asks of the loop.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the screen changed.
    pub draw: bool,
    /// What only the loop can do.
    pub actions: Vec<Action>,
}

impl Outcome {
    pub(super) fn drawn() -> Self {
        Self {
            draw: true,
            actions: vec![],
        }
    }

    pub(super) fn wish(action: Action) -> Self {
        Self {
            draw: true,
            actions: vec![action],
        }
    }
}

#[cfg(test)]
impl Mode {
    /// Every set of scopes that can hold at the same time, for the test of the key table.
    pub(in crate::console) fn every_stack() -> Vec<(Vec<Scope>, &'static str)> {
        use Scope::{Everywhere, Filter, Help, Menu, Pages, Rows, Services, Start, Topology};
        vec![
            (vec![Start, Services, Rows, Pages, Everywhere], "Services"),
            (vec![Start, Topology, Rows, Pages, Everywhere], "Topology"),
            (vec![Start, Pages, Everywhere], "no colony"),
            (vec![Filter, Everywhere], "the filter"),
            (vec![Menu, Everywhere], "the menu"),
            (vec![Help, Everywhere], "the help"),
        ]
    }
}
