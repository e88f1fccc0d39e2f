//! A finer profile that a person asked for: a leased wish whose samples are asked for while they come.

use super::moment::Moment;
use super::questions;
use crate::failure::Failure;
use coral_model::profile::Target;
use coral_model::want::session;
use coral_model::{Question, ServiceKey, TimeNs, Want, Window};
use std::time::Duration;

/// How long one lasts; of `coral profile cpu` too, when nobody says.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a second it looks. A prime would be better, but people expect this one.
pub const HZ: u16 = 99;
/// The last samples are stored within this time.
pub const SETTLES: Duration = Duration::from_secs(3);
/// The clocks of the console and of the agents may differ by this.
const SLACK: Duration = Duration::from_secs(10);
/// How often it is looked at whether an agent has taken it.
const LOOK: Duration = Duration::from_secs(1);

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The colony was asked.
    Asked,
    /// The colony keeps the wish; what its agents say while none has taken it.
    Taken(String),
    /// It was ended, so long after its start.
    Ended(Duration),
    /// It cannot be.
    Refused(Failure),
}

/// A finer profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Finer {
    /// Of which service.
    pub service: ServiceKey,
    /// The wish.
    pub id: String,
    /// How far it is.
    pub progress: Progress,
    started: Moment,
    from: TimeNs,
    looked: Duration,
}

impl Finer {
    /// One that begins now; `newest` is the end of the newest data.
    pub fn start(service: ServiceKey, now: Moment, newest: TimeNs) -> Self {
        Self {
            service,
            id: format!("profile/{}/console", now.wall.0),
            progress: Progress::Asked,
            started: now,
            from: newest.min(now.wall).minus(SLACK),
            looked: now.up,
        }
    }

    /// The wish for it.
    pub fn want(&self) -> Want {
        Want::Profile {
            target: Target::service(questions::full_name(&self.service)),
            hz: HZ,
            lease: LEASE,
        }
    }

    /// What asks for its samples.
    pub fn question(&self) -> Question {
        let window = Window {
            from: self.from,
            to: self.from.plus(LEASE + 2 * SLACK + SETTLES),
        };
        questions::profile_of(window, &self.service, session(&self.id))
    }

    /// How long it has lasted.
    pub fn elapsed(&self, now: Moment) -> Duration {
        match self.progress {
            Progress::Ended(after) => after,
            _ => now.up.saturating_sub(self.started.up).min(LEASE),
        }
    }

    /// Whether it can be ended.
    pub fn is_running(&self, now: Moment) -> bool {
        let open = matches!(self.progress, Progress::Asked | Progress::Taken(_));
        open && self.elapsed(now) < LEASE
    }

    /// Whether samples can be there.
    pub fn is_taken(&self) -> bool {
        !matches!(self.progress, Progress::Refused(_))
    }

    /// When it began.
    pub fn began(&self) -> TimeNs {
        self.started.wall
    }

    /// Whether it should be looked at what agents say of it.
    pub fn looks(&mut self, now: Moment) -> bool {
        let open = matches!(self.progress, Progress::Taken(_)) && self.is_running(now);
        let due = open && now.up.saturating_sub(self.looked) >= LOOK;
        if due {
            self.looked = now.up;
        }
        due
    }

    /// It was ended by hand.
    pub fn end(&mut self, now: Moment) {
        self.progress = Progress::Ended(self.elapsed(now));
    }

    /// Takes in what the colony says of the wish: its state and the reason.
    pub fn told(&mut self, said: Result<(String, String), Failure>) {
        if matches!(self.progress, Progress::Ended(_)) {
            return;
        }
        self.progress = match said {
            Err(failure) => Progress::Refused(failure),
            Ok((state, reason)) if state == "refused" => Progress::Refused(Failure::failed(
                format!("the agent takes no profile: {reason}"),
                "page 9 shows what is missing there",
            )),
            Ok((state, _)) if state == "attached" => Progress::Taken(String::new()),
            Ok((_, reason)) => Progress::Taken(reason),
        };
    }
}
