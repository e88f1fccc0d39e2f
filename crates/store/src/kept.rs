//! What is kept apart from what agents ship: notes and services connected by name, because a person said so, and the
//! evidence of diagnoses.

use coral_model::{Connect, Event, Observed, ServiceKey, TimeNs};

/// A service that a person connected by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptConnect {
    /// The client's own id.
    pub id: String,
    /// Since when.
    pub at: TimeNs,
    /// By whom.
    pub caller: String,
    /// What.
    pub connect: Connect,
}

/// A piece of evidence, and what shows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvidence {
    /// Its id.
    pub id: String,
    /// When it was last found.
    pub at: TimeNs,
    /// About which service, when that has instances.
    pub service: Option<ServiceKey>,
    /// The question that shows it, as it travels.
    pub question: Vec<u8>,
    /// What it said.
    pub text: Observed,
}

/// A change of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Something happened that no agent ships.
    Event(Event),
    /// Connect this, instead of what has the same id.
    Connect(KeptConnect),
    /// Forget the one with this id.
    Withdraw(String),
    /// A diagnosis found these.
    Evidence(Vec<KeptEvidence>),
}
