//! Starting a colony from inside: the same as `coral up`, step by step, because a password may have to be asked for.

use super::{App, LinkState, Outcome, Starting};
use crate::console::event::Action;
use crate::console::link::Lost;
use crate::console::moment::Moment;
use crate::failure::Failure;
use crate::lifecycle::privilege::AgentStart;

impl App {
    /// Whether `u` works now: nobody listens, and nothing is under way.
    pub fn can_start(&self) -> bool {
        let nobody = matches!(
            &self.link,
            LinkState::Away {
                why: Lost::Nobody,
                ..
            }
        );
        nobody && !self.config.read_only && !matches!(self.starting, Starting::Since(_))
    }

    pub(super) fn start(&mut self, now: Moment) -> Outcome {
        self.starting = Starting::Since(now);
        Outcome::wish(Action::FindPrivilege)
    }

    pub(super) fn privilege_found(&mut self, found: Option<AgentStart>) -> Outcome {
        Outcome::wish(match found {
            Some(start) => Action::Start(start),
            None => Action::AskPassword,
        })
    }

    pub(super) fn started(&mut self, result: Result<(), Failure>) -> Outcome {
        self.starting = match result {
            Ok(()) => Starting::No,
            Err(failure) => Starting::Failed(failure),
        };
        Outcome::drawn()
    }
}
