//! Every way the console can wake, and everything that it can wish for. The loop turns the one into the other.

use super::link::LinkEvent;
use crate::client::wants::Wish;
use crate::failure::Failure;
use crate::lifecycle::privilege::AgentStart;
use coral_model::{Answer, Question, ServiceKey, TimeNs, Want};
use crossterm::event::{KeyEvent, MouseEvent};
use std::time::Duration;

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
    /// A question was answered.
    Answer {
        /// Which.
        question: Question,
        /// The answer.
        answer: Box<Result<Answer, Failure>>,
    },
    /// The wishes that the colony keeps.
    Listed(Result<Vec<Wish>, Failure>),
    /// Something was copied or written, or could not be.
    Said(Result<String, String>),
    /// What the colony says of a finer profile or a probe: its state, and the reason.
    Wished {
        /// Which.
        id: String,
        /// What it says.
        said: Result<(String, String), Failure>,
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
    /// Ask the colony.
    Ask(Question),
    /// Watch this window up to now.
    Watch(Duration),
    /// Write something down on the timeline.
    Note {
        /// When it was; `None` = now.
        at: Option<TimeNs>,
        /// About which service.
        service: Option<ServiceKey>,
        /// What.
        text: String,
    },
    /// Put a text into the clipboard.
    Copy {
        /// What it is, for the person.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Write a new file where the console was started.
    Save {
        /// The name of the file.
        name: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// List the wishes that the colony keeps.
    List,
    /// Put a wish: a finer profile, a probe.
    Wish {
        /// The id of the wish.
        id: String,
        /// The wish.
        want: Want,
    },
    /// Take a probe's wish back.
    Detach(String),
    /// Ask what the colony says of a finer profile.
    LookAtProfile(String),
    /// End a finer profile.
    EndProfile(String),
    /// Whether the console takes the mouse; else the terminal selects text with it.
    Mouse(bool),
    /// Find out how an agent gets its rights here.
    FindPrivilege,
    /// Ask the person for a password on the bare terminal.
    AskPassword,
    /// Start a colony and an agent here.
    Start(AgentStart),
}
