//! Every way the console can wake, and everything that it can wish for. The loop turns the one into the other.

use super::link::LinkEvent;
use crate::failure::Failure;
use crate::lifecycle::privilege::AgentStart;
use coral_model::{Answer, ServiceKey};
use crossterm::event::{KeyEvent, MouseEvent};

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has this size now: columns, rows.
    Resize(u16, u16),
    /// The link to the colony.
    Link(LinkEvent),
    /// The routes of a service, as they were asked for.
    Routes {
        /// Of which service.
        service: ServiceKey,
        /// The answer.
        answer: Result<Answer, Failure>,
    },
    /// It is known how the agent gets its rights; `None` when the person must be asked.
    Privilege(Option<AgentStart>),
    /// The colony that was started here is up, or is not.
    Started(Result<(), Failure>),
    /// Time went by.
    Tick,
    /// The process is told to end.
    Terminate,
}

/// Something that only the loop can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// Give the terminal back to the shell until it says go on.
    Suspend,
    /// Draw every cell anew.
    Repaint,
    /// Ask for the routes of this service.
    AskRoutes(ServiceKey),
    /// Find out how an agent gets its rights here.
    FindPrivilege,
    /// Ask the person for a password on the bare terminal.
    AskPassword,
    /// Start a colony and an agent here.
    Start(AgentStart),
}
