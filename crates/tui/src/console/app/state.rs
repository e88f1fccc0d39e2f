//! The parts of the console's state.

use crate::console::event::Action;
#[cfg(test)]
use crate::console::keys::Scope;
use crate::console::link::Lost;
use crate::console::moment::Moment;
use crate::console::time::Time;
use crate::failure::Failure;
use coral_model::ServiceKey;
use std::time::Duration;

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the page of that name")]
pub enum Page {
    Services,
    Topology,
    Events,
    Profiles,
    Probes,
    Diagnose,
    Fleet,
    /// One service; no page of its own key, `Enter` leads into it.
    Service,
}

/// Pages with their key and name, in their order.
pub const PAGES: [(Page, &str, &str); 7] = [
    (Page::Services, "1", "Services"),
    (Page::Topology, "2", "Topology"),
    (Page::Events, "3", "Events"),
    (Page::Profiles, "5", "Profiles"),
    (Page::Probes, "6", "Probes"),
    (Page::Diagnose, "7", "Diagnose"),
    (Page::Fleet, "9", "Fleet"),
];

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The page.
    pub page: Page,
    /// The service of [`Page::Service`], of a flame graph, and what a diagnosis is about.
    pub service: Option<ServiceKey>,
}

impl Spot {
    /// A page with a key of its own.
    pub fn page(page: Page) -> Self {
        Self {
            page,
            service: None,
        }
    }

    /// The page of a service.
    pub fn service(service: ServiceKey) -> Self {
        Self {
            page: Page::Service,
            service: Some(service),
        }
    }
}

/// A place that `Esc` leads back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What was looked at.
    pub spot: Spot,
    /// When, where the step on led to another time.
    pub time: Option<Time>,
}

/// The lists on the page of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named by its rows")]
pub enum Tab {
    Routes,
    Callers,
    Callees,
    Instances,
    Changes,
}

/// The tabs in their order, with their names.
pub const TABS: [(Tab, &str); 5] = [
    (Tab::Routes, "Routes"),
    (Tab::Callers, "Callers"),
    (Tab::Callees, "Callees"),
    (Tab::Instances, "Instances"),
    (Tab::Changes, "Changes"),
];

/// Who takes the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by what takes the keys")]
pub enum Mode {
    Page,
    Filter,
    Pick,
    Note,
    Palette,
    Menu,
    Help,
    /// The functions of a service to choose from.
    Attach,
    /// Whether a probe is to be detached.
    Confirm,
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
    /// Nothing is kept of the moment that was picked.
    NothingThen,
    /// The colony does not answer what was asked of the past.
    Refused(&'a Failure),
    /// An incident on disk has a diagnosis and nothing else.
    OnlyDiagnosis,
    /// The page.
    Page,
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

/// A word to the person that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// Whether it worked.
    pub good: bool,
    /// Until when it stands there, on the steady clock.
    pub until: Duration,
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
        use Scope as S;
        let page = |own: &[Scope]| {
            let mut scopes = vec![S::Start, S::Leads, S::Subject, S::Act, S::Probing];
            scopes.extend_from_slice(own);
            scopes.extend([S::Rows, S::Time, S::Pages, S::Everywhere]);
            scopes
        };
        vec![
            (page(&[S::Services, S::Sorted, S::Panes]), "Services"),
            (page(&[S::Topology, S::Panes]), "Topology"),
            (page(&[S::Events]), "Events"),
            (page(&[S::Panes]), "Fleet"),
            (page(&[S::Probes, S::Detach, S::Panes]), "Probes"),
            (page(&[S::Diagnose, S::Panes]), "Diagnose"),
            (
                vec![
                    S::Start,
                    S::Subject,
                    S::Act,
                    S::Probing,
                    S::Profile,
                    S::Rows,
                    S::Time,
                    S::Pages,
                    S::Everywhere,
                ],
                "a flame graph",
            ),
            (page(&[S::Service, S::Sorted]), "a service"),
            (vec![S::Start, S::Time, S::Pages, S::Everywhere], "no data"),
            (vec![S::Typing, S::Everywhere], "a text"),
            (vec![S::Palette, S::Everywhere], "the palette"),
            (vec![S::Menu, S::Everywhere], "a menu"),
            (vec![S::Help, S::Everywhere], "the help"),
            (vec![S::Attach, S::Everywhere], "functions to choose from"),
            (vec![S::Confirm, S::Everywhere], "a question"),
        ]
    }
}
