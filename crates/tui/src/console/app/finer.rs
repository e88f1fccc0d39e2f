//! Has a finer profile taken, looks after it, ends it.

use super::profiled::flame_of;
use super::{App, Outcome};
use crate::console::event::Action;
use crate::console::finer::{Finer, Progress};
use crate::console::moment::Moment;
use crate::console::time::{Compare, Shown, Time};
use crate::failure::Failure;
use coral_model::Question;

impl App {
    /// The finer profile, while it is what is shown: it is of now, and compared with nothing.
    pub fn finer_shown(&self) -> Option<&Finer> {
        let service = self.profiled_service()?;
        let now = self.time.is_live() && self.time.compare == Compare::Off;
        let finer = self.finer.as_ref().filter(|_| now)?;
        (finer.service == *service && finer.is_taken()).then_some(finer)
    }

    /// A finer profile of the service under the cursor, from now on, and its page.
    pub(super) fn take_profile(&mut self, now: Moment) -> Outcome {
        let Some(service) = self.service_here() else {
            return Outcome::default();
        };
        self.open_profile(service.clone());
        let newest = self.newest(now);
        let mut finer = Finer::start(service, now, newest);
        if self.config.read_only {
            let hint = "this console only reads: the samples that are always taken are shown";
            let needed = finer.want().role().name();
            let message = format!("a finer profile needs the role {needed}");
            finer.progress = Progress::Refused(Failure::failed(message, hint));
            self.finer = Some(finer);
            return Outcome::drawn();
        }
        let running = self.finer.as_ref().filter(|f| f.is_running(now));
        if running.is_some_and(|f| f.service == finer.service) {
            return self.back_to_present(now);
        }
        let mut outcome = self.end_profile(now);
        outcome.actions.push(Action::Wish {
            id: finer.id.clone(),
            want: finer.want(),
        });
        self.finer = Some(finer);
        outcome.actions.extend(self.back_to_present(now).actions);
        outcome
    }

    /// What is taken now is seen live, and compared with nothing.
    fn back_to_present(&mut self, now: Moment) -> Outcome {
        let time = Time {
            shown: Shown::Live,
            compare: Compare::Off,
            ..self.time
        };
        self.retime(time, now)
    }

    /// Ends the finer profile early.
    pub(super) fn end_profile(&mut self, now: Moment) -> Outcome {
        let mut outcome = Outcome::drawn();
        if let Some(finer) = self.finer.as_mut().filter(|f| f.is_running(now)) {
            finer.end(now);
            let id = finer.id.clone();
            outcome.actions.push(Action::EndProfile(id));
        }
        outcome
    }

    /// What the colony says of the finer profile, or of a probe.
    pub(super) fn wished(
        &mut self,
        id: &str,
        said: Result<(String, String), Failure>,
        now: Moment,
    ) -> Outcome {
        match self.finer.as_mut().filter(|f| f.id == id) {
            Some(finer) => finer.told(said),
            None => self.probing.sessions.told(id, said.map(drop), now),
        }
        Outcome::drawn()
    }

    /// While no sample has come, what the agents say of it is looked at.
    pub(super) fn look_after_finer(&mut self, now: Moment) -> Option<Action> {
        let met = |question: &Question| match flame_of(self.asked.get(question)) {
            Some((_, flame)) => flame.samples > 0,
            None => false,
        };
        let any = self.finer.as_ref().is_some_and(|f| met(&f.question()));
        let finer = self.finer.as_mut().filter(|_| !any)?;
        let looks = finer.looks(now);
        looks.then(|| Action::LookAtProfile(finer.id.clone()))
    }
}
