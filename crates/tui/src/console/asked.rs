//! Answers that are asked for apart from the watch. Whatever the screen needs is asked while it is on the screen: what
//! reaches up to now again and again, what lies in the past once. Few questions are under way at a time.

use super::event::Action;
use super::moment::Moment;
use super::questions;
use crate::failure::{Code, Failure};
use coral_model::{Answer, Question, Span, TimeNs};
use std::collections::HashMap;
use std::time::Duration;

/// How old an answer about the present may get while it is on the screen.
const FRESH: Duration = Duration::from_secs(2);
/// How old a sample may get.
const SAMPLED: Duration = Duration::from_secs(10);
/// A question that failed is not asked again before.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Agents report later than things happen; so long after its end a stretch is settled.
const SETTLED: Duration = Duration::from_secs(30);
/// Questions under way at a time.
const PENDING_MAX: usize = 4;
/// How old the answer about a finer profile or the probe under the cursor may get.
const WATCHED: Duration = Duration::from_secs(1);
/// Functions change only where a program starts.
const NAMED: Duration = Duration::from_secs(30);
/// Large answers that nobody looked at for this long go.
const LARGE_KEPT: Duration = Duration::from_secs(10);
/// Answers that nobody looked at for this long may go when there are many.
const KEPT: Duration = Duration::from_secs(60);
const MANY: usize = 400;

/// The list that a question fills: its kind, whom it is about, and which part of the kind it asks for; 0 is all.
type Kind = (&'static str, Option<String>, usize);

/// A question and what came of it.
#[derive(Debug, Default)]
struct Entry {
    asked: Option<Duration>,
    pending: bool,
    answer: Option<Result<Answer, Failure>>,
    /// Whether the answer cannot change any more.
    settled: bool,
    wanted: Duration,
    /// Rises with every answer.
    version: u64,
    /// Asked again it was not answered: the answer is an older one.
    late: bool,
}

/// The questions that were asked, with their answers.
#[derive(Debug, Default)]
pub struct Asked {
    entries: HashMap<Question, Entry>,
    /// The last answered question of each kind and service, which stands in until the one of another moment is answered.
    latest: HashMap<Kind, Question>,
    /// Rises with every answer, so that what is derived from them is worked out once.
    version: u64,
}

impl Asked {
    /// What was answered last.
    pub fn get(&self, question: &Question) -> Option<&Result<Answer, Failure>> {
        self.entries.get(question)?.answer.as_ref()
    }

    /// Since when an answer is awaited.
    pub fn since(&self, question: &Question) -> Option<Duration> {
        let entry = self.entries.get(question)?;
        entry.asked.filter(|_| entry.pending)
    }

    /// The answer, when there is one.
    pub fn answer(&self, question: &Question) -> Option<&Answer> {
        self.get(question)?.as_ref().ok()
    }

    /// The answer, else the last one to the same question about another time; and whether it is old: that, or one that
    /// could not be had anew.
    pub fn shown(&self, question: &Question) -> Option<(&Result<Answer, Failure>, bool)> {
        if let Some(answer) = self.get(question) {
            let late = self.entries.get(question).is_some_and(|e| e.late);
            return Some((answer, late));
        }
        let latest = self.latest.get(&kind(question)?)?;
        Some((self.get(latest)?, true))
    }

    /// The question whose answer [`Self::shown`] gives, and which answer to it that is.
    pub fn standing(&self, question: &Question) -> Option<(Question, u64)> {
        let question = match self.get(question) {
            Some(_) => question,
            None => self.latest.get(&kind(question)?)?,
        };
        let entry = self.entries.get(question)?;
        entry
            .answer
            .as_ref()
            .map(|_| (question.clone(), entry.version))
    }

    /// All answers that are kept.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.entries
            .values()
            .filter_map(|e| e.answer.as_ref()?.as_ref().ok())
    }

    /// Rises with every answer.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes an answer in; whether it was awaited.
    pub fn came(
        &mut self,
        question: &Question,
        answer: Result<Answer, Failure>,
        now: Moment,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(question) else {
            return false;
        };
        entry.pending = false;
        let lost = matches!(&answer, Err(failure) if failure.code == Code::NotReachable);
        // What is known stays on the screen while the colony is away.
        let known = matches!(entry.answer, Some(Ok(_)));
        if lost && known {
            return false;
        }
        // A profile or a probe that could not be had anew is looked at as it was.
        let stays = is_large(question) || matches!(question, Question::Probe { .. });
        if known && stays && answer.is_err() {
            entry.late = true;
            return true;
        }
        entry.late = false;
        if let Some(kind) = kind(question).filter(|_| answer.is_ok()) {
            self.latest.insert(kind, question.clone());
        }
        entry.settled = !lost && is_settled(question, answer.as_ref().ok(), now);
        entry.answer = Some(answer);
        self.version += 1;
        entry.version = self.version;
        true
    }

    /// Forgets failures: a colony that is back may answer.
    pub fn forget_failures(&mut self) {
        self.entries
            .retain(|_, e| e.pending || !matches!(e.answer, Some(Err(_))));
    }

    /// What must be asked now so that all of this is known and fresh; the first are the most urgent.
    pub fn want(&mut self, questions: Vec<Question>, now: Moment) -> Vec<Action> {
        let mut pending = self.entries.values().filter(|e| e.pending).count();
        let mut actions = vec![];
        for question in questions {
            let entry = self.entries.entry(question.clone()).or_default();
            entry.wanted = now.up;
            if pending >= PENDING_MAX || entry.pending || !entry.is_due(&question, now) {
                continue;
            }
            (entry.asked, entry.pending) = (Some(now.up), true);
            pending += 1;
            actions.push(Action::Ask(question));
        }
        let latest = &self.latest;
        self.entries.retain(|question, e| {
            let stands = || latest.values().any(|q| q == question);
            let idle = now.up.saturating_sub(e.wanted) > LARGE_KEPT;
            !(is_large(question) && idle) || e.pending || stands()
        });
        if self.entries.len() > MANY {
            let old = |e: &Entry| now.up.saturating_sub(e.wanted) > KEPT;
            self.entries.retain(|_, e| e.pending || !old(e));
        }
        actions
    }
}

/// Which list a question fills; the pieces of a chart fill none.
fn kind(question: &Question) -> Option<Kind> {
    match question {
        Question::Metrics { service, .. } => Some((question.name(), Some(service.clone()), 0)),
        Question::Events { service, kinds, .. } => {
            let part = kinds.iter().map(|kind| 1 << kind.code()).sum();
            Some((question.name(), service.clone(), part))
        }
        // What began at a moment stands for itself.
        Question::Diagnose {
            service, at: None, ..
        } => Some((question.name(), service.clone(), 0)),
        // A finer profile stands for itself.
        Question::Profile {
            target,
            session: 0,
            compare,
            ..
        } => Some((
            question.name(),
            target.service.clone(),
            usize::from(compare.is_some()),
        )),
        _ => None,
    }
}

/// Whether the answer may be as large as a thousand others.
fn is_large(question: &Question) -> bool {
    matches!(
        question,
        Question::Profile { .. } | Question::Functions { .. }
    )
}

impl Entry {
    fn is_due(&self, question: &Question, now: Moment) -> bool {
        let Some(asked) = self.asked else {
            return true;
        };
        let pause = match (&self.answer, question) {
            (Some(Err(_)), _) => AFTER_FAILURE,
            // What is asked in SQL, what is always sampled, and what a diagnosis looks at comes every ten seconds.
            (
                _,
                Question::Sql { .. }
                | Question::Profile { session: 0, .. }
                | Question::Diagnose { .. },
            ) => SAMPLED,
            (_, Question::Profile { .. } | Question::Probe { limit: 1.., .. }) => WATCHED,
            (_, Question::Functions { .. }) => NAMED,
            _ => FRESH,
        };
        !self.settled && now.up.saturating_sub(asked) >= pause
    }
}

/// Whether every agent has reported what the question is about.
fn is_settled(question: &Question, answer: Option<&Answer>, now: Moment) -> bool {
    let Some(Span::Between(window)) = questions::span(question) else {
        return false;
    };
    let complete = |until: TimeNs| until >= window.to;
    answer.and_then(|a| a.complete_until).is_some_and(complete)
        || now.wall.since(window.to) > SETTLED
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{AnswerBody, Loss, ServiceKey, Window};

    fn at(s: u64) -> Moment {
        Moment {
            wall: TimeNs(i64::try_from(s).unwrap() * 1_000_000_000),
            up: Duration::from_secs(s),
        }
    }

    fn answer() -> Result<Answer, Failure> {
        Ok(Answer {
            window: Window {
                from: TimeNs(0),
                to: TimeNs(1),
            },
            complete_until: None,
            loss: Loss::default(),
            body: AnswerBody::Summary(vec![]),
        })
    }

    #[test]
    fn the_present_is_asked_again_and_the_past_once() {
        let mut asked = Asked::default();
        let live = questions::topology(Span::Last(Duration::from_secs(60)));
        let past = questions::topology(Span::Between(Window {
            from: TimeNs(0),
            to: TimeNs(9),
        }));
        let both = || vec![live.clone(), past.clone()];
        assert_eq!(asked.want(both(), at(100)).len(), 2);
        assert!(asked.want(both(), at(101)).is_empty(), "under way");
        for question in both() {
            assert!(asked.came(&question, answer(), at(101)));
        }
        assert!(asked.want(both(), at(101)).is_empty(), "fresh");
        assert_eq!(asked.want(both(), at(103)), [Action::Ask(live.clone())]);
        assert!(!asked.came(
            &questions::routes(Span::Last(FRESH), &ServiceKey::plain("x")),
            answer(),
            at(3)
        ));
    }

    #[test]
    fn a_profile_that_could_not_be_had_anew_stays_and_is_old() {
        let mut asked = Asked::default();
        let span = Span::Last(Duration::from_secs(60));
        let service = ServiceKey::plain("x");
        let profile = questions::profile(span, &service, crate::console::time::Compare::Off);
        asked.want(vec![profile.clone()], at(1));
        asked.came(&profile, answer(), at(1));
        asked.came(
            &profile,
            Err(Failure::failed("no answer within 10 s", "")),
            at(20),
        );
        assert!(matches!(asked.shown(&profile), Some((Ok(_), true))));
        asked.came(&profile, answer(), at(30));
        assert!(matches!(asked.shown(&profile), Some((Ok(_), false))));
        asked.want(vec![], at(50));
        assert!(
            asked.shown(&profile).is_some(),
            "it stands in for another time"
        );
    }

    #[test]
    fn a_link_that_broke_takes_nothing_from_the_screen() {
        let mut asked = Asked::default();
        let live = questions::topology(Span::Last(Duration::from_secs(60)));
        asked.want(vec![live.clone()], at(1));
        asked.came(&live, answer(), at(1));
        asked.want(vec![live.clone()], at(5));
        assert!(!asked.came(
            &live,
            Err(Failure::not_reachable("the link broke", "")),
            at(5)
        ));
        assert!(asked.answer(&live).is_some());
        asked.want(vec![live.clone()], at(9));
        asked.came(&live, Err(Failure::failed("no", "")), at(9));
        assert!(asked.get(&live).unwrap().is_err());
        assert!(asked.want(vec![live.clone()], at(12)).is_empty());
        asked.forget_failures();
        assert_eq!(asked.want(vec![live.clone()], at(12)).len(), 1);
    }
}
