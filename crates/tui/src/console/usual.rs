//! What is usual: the p95 of each service in the same window an hour before, where it is known, else a day before. Where
//! neither is, the window itself has to say it (`trouble`). Asked for once a minute at most, the least urgent of all.

use super::questions;
use super::trouble::figures;
use coral_model::answer::{FEW_SAMPLES, ServiceRow};
use coral_model::{Answer, AnswerBody, Question, ServiceKey, Span, TimeNs, Window};
use std::collections::HashMap;
use std::time::Duration;

/// How far back, the nearer first.
const BACK: [Duration; 2] = [Duration::from_secs(3_600), Duration::from_secs(86_400)];
/// The windows move in steps of this, so that each is asked for once.
const STEP: i64 = 60_000_000_000;

/// p95 by service, and what it was worked out from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usual {
    known: HashMap<ServiceKey, Duration>,
    of: Vec<Question>,
    /// Rises with every change.
    version: u64,
}

/// What has to be asked for the window of this length that ends here.
pub fn questions(to: TimeNs, window: Duration) -> [Question; 2] {
    let to = TimeNs(to.0 - to.0.rem_euclid(STEP));
    BACK.map(|back| {
        let to = to.minus(back);
        let from = to.minus(window);
        questions::baseline(Span::Between(Window { from, to }))
    })
}

impl Usual {
    /// The usual p95 of a service; `None` when nobody knows.
    pub fn p95(&self, service: &ServiceKey) -> Option<Duration> {
        self.known.get(service).copied()
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Forgets all: another moment is shown.
    pub fn clear(&mut self) {
        if !self.of.is_empty() {
            let version = self.version + 1;
            *self = Self {
                version,
                ..Self::default()
            };
        }
    }

    /// Takes over what these answers say, the nearer first. While the next ones are on the way the last ones hold.
    pub fn learn(&mut self, answers: [(&Question, Option<&Answer>); 2]) {
        let there = answers.iter().filter(|(_, answer)| answer.is_some());
        let of: Vec<Question> = there.map(|(question, _)| (*question).clone()).collect();
        if of.is_empty() || of == self.of {
            return;
        }
        // The further one first, so that the nearer one replaces it.
        let rows = answers
            .iter()
            .rev()
            .filter_map(|(_, answer)| *answer)
            .flat_map(services);
        let p95 = |row: &ServiceRow| {
            let red = figures(row).filter(|red| red.samples >= FEW_SAMPLES)?;
            Some((row.service.clone(), red.p95?))
        };
        self.known = rows.filter_map(p95).collect();
        self.of = of;
        self.version += 1;
    }
}

/// Whether an answer says anything; when not, the day before is worth asking.
pub fn says_nothing(answer: &Answer) -> bool {
    let enough = |row: &ServiceRow| figures(row).is_some_and(|red| red.samples >= FEW_SAMPLES);
    !services(answer).iter().any(enough)
}

fn services(answer: &Answer) -> &[ServiceRow] {
    match &answer.body {
        AnswerBody::Services(rows) => rows,
        _ => &[],
    }
}
