//! What is kept because a person said so, apart from what agents ship: notes, and services connected by name.

use coral_model::{Connect, Event, TimeNs};

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

/// A change of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Something happened that no agent ships.
    Event(Event),
    /// Connect this, instead of what has the same id.
    Connect(KeptConnect),
    /// Forget the one with this id.
    Withdraw(String),
}
