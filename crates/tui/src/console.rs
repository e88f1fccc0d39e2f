//! The full-screen console. One loop (`run`) owns the terminal and every event; the state (`app`) answers events with
//! wishes and does no IO; views (`draw`) borrow the state for a frame. Data flows link -> change -> picture -> view.

pub mod address;
mod alert;
pub mod app;
mod asked;
pub mod change;
mod clipboard;
mod draw;
mod drawing;
pub mod event;
pub(crate) mod evidence;
pub mod filter;
pub mod findings;
pub mod finer;
pub mod flame;
pub mod glyphs;
mod graph;
pub mod guard;
mod hands;
pub mod instances;
pub mod keys;
mod layout;
pub mod link;
pub mod look;
mod memo;
pub mod moment;
mod notes;
pub mod order;
mod palette;
mod pick;
pub mod picture;
pub mod probing;
pub mod questions;
mod run;
mod select;
pub mod sort;
mod subjects;
pub mod take;
pub mod terminal;
pub mod theme;
pub mod time;
mod tree;
mod trouble;
mod usual;

use crate::failure::Failure;
use crate::place::Place;
use address::Address;
use coral_model::{Answer, Observed};
use glyphs::Glyphs;
use jiff::tz::TimeZone;
use std::time::Duration;
use theme::Palette;

/// What the console is told once, at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The colony's name.
    pub colony: String,
    /// Where its socket is.
    pub socket: String,
    /// Where its agent's log is.
    pub agent_log: String,
    /// The command that starts it.
    pub up_command: String,
    /// The window of every figure at the start, up to now.
    pub window: Duration,
    /// The colours of the terminal.
    pub palette: Palette,
    /// The characters of the terminal.
    pub glyphs: Glyphs,
    /// Whether what acts on the system is hidden.
    pub read_only: bool,
    /// The zone of the clock.
    pub zone: TimeZone,
    /// Where it opens once it knows anything, instead of at page 1 and now.
    pub open_at: Option<Address>,
    /// An incident on disk that is shown instead of a colony.
    pub replay: Option<Replay>,
}

/// The diagnosis of an incident bundle.
#[derive(Debug, Clone)]
pub struct Replay {
    /// What the bundle is called.
    pub name: Observed,
    /// Where it lies.
    pub folder: String,
    /// What was found in it.
    pub answer: Result<Answer, Failure>,
}

impl Config {
    /// For this colony.
    pub fn new(
        place: &Place,
        window: Duration,
        (palette, glyphs): (Palette, Glyphs),
        zone: TimeZone,
    ) -> Self {
        Self {
            colony: place.name.to_string(),
            socket: place.address(),
            agent_log: place.folder.logs.join("agent.log").display().to_string(),
            up_command: place.up_command(),
            window,
            palette,
            glyphs,
            read_only: false,
            zone,
            open_at: None,
            replay: None,
        }
    }
}

/// Shows the console until the person leaves it.
///
/// # Errors
/// [`Failure`] when the terminal cannot be used.
pub async fn run(place: Place, config: Config) -> Result<(), Failure> {
    run::run(place, config).await
}
