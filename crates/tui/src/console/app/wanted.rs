//! Which questions the screen needs answered now, the most urgent first.

use super::{App, Body, LinkState, Mode, Outcome, Page};
use crate::console::event::Action;
use crate::console::layout;
use crate::console::moment::Moment;
use crate::console::questions;
use crate::console::time::Shown;
use crate::console::usual;
use crate::failure::Failure;
use coral_model::{Answer, Question, ServiceKey, Span};

impl App {
    pub(super) fn ask(&mut self, now: Moment) -> Vec<Action> {
        if self.link != LinkState::Open || self.picture().head().is_none() {
            return vec![];
        }
        let wanted = self.wanted(now);
        self.asked.want(wanted, now)
    }

    fn wanted(&self, now: Moment) -> Vec<Question> {
        let (span, mut wanted) = (self.time.span(), vec![]);
        if let Shown::At(_) = self.time.shown {
            wanted.extend([questions::services(span), questions::topology(span)]);
        }
        if self.body() != Body::Page || layout::is_small(self.size) || self.mode == Mode::Help {
            return wanted;
        }
        wanted.extend(self.functions_wanted());
        let service = self.spot.service.as_ref();
        match self.spot.page {
            Page::Services if layout::shows_detail(self, now) => {
                wanted.extend(self.subject().map(|s| questions::routes(span, s)));
            }
            Page::Events => wanted.push(questions::events(span, None, self.kinds())),
            Page::Service => {
                wanted.extend(service.map(|s| questions::routes(span, s)));
                wanted.extend(service.map(|s| questions::events(span, Some(s), &[])));
                wanted.extend(self.instances_question());
            }
            Page::Profiles => wanted.extend(self.profile_question()),
            Page::Diagnose => {
                // What is read comes before what it is chosen from.
                wanted.push(self.diagnosis_question());
                wanted.push(self.anomalies_question());
                wanted.push(self.whole_question());
            }
            Page::Probes => wanted.extend(self.probes_wanted(now)),
            Page::Services | Page::Topology | Page::Fleet => {}
        }
        wanted.extend(self.reading.opening.clone());
        if matches!(self.spot.page, Page::Services | Page::Service) {
            let compared = self.time.compared(self.newest(now));
            wanted.extend(compared.map(|w| questions::services(Span::Between(w))));
        }
        if self.spot.page == Page::Service {
            wanted.extend(service.into_iter().flat_map(|s| self.chart_of(s, now)));
        }
        wanted.extend(self.usual_wanted(now));
        wanted
    }

    /// What says what is usual: an hour before; a day before only where that says nothing.
    fn usual_wanted(&self, now: Moment) -> Vec<Question> {
        let [hour, day] = usual::questions(self.window(now).to, self.time.window);
        let nothing = match self.asked.get(&hour) {
            None => return vec![hour],
            Some(Ok(answer)) => usual::says_nothing(answer),
            Some(Err(_)) => true,
        };
        if nothing { vec![hour, day] } else { vec![hour] }
    }

    /// The charts of a service from now back, then those of the time that is compared with.
    fn chart_of(&self, service: &ServiceKey, now: Moment) -> Vec<Question> {
        let compared = self.time.compared(self.newest(now));
        let windows = [Some(self.window(now)), compared].into_iter().flatten();
        let slices = windows.flat_map(|window| questions::slices(window).into_iter().rev());
        slices
            .map(|slice| questions::summary(Span::Between(slice), service))
            .collect()
    }

    pub(super) fn answered(
        &mut self,
        question: &Question,
        answer: Result<Answer, Failure>,
        now: Moment,
    ) -> Outcome {
        let opened = self.reading.opening.as_ref() == Some(question);
        let evidence = opened.then(|| answer.clone());
        if !self.asked.came(question, answer, now) {
            return Outcome::default();
        }
        self.saw_probe(question, now);
        self.hold(now);
        match evidence {
            Some(answer) => self.evidence_opened(answer, now),
            None => Outcome::drawn(),
        }
    }
}
