//! What is usual: the p95 of each service in the same window an hour before, where it is known, else a day before. Where
//! neither is, the window itself has to say it (`trouble`). Asked for once a minute at most, the least urgent of all.

use super::questions;
use super::trouble::figures;
use crate::failure::Failure;
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

    /// Takes over what these answers say, the nearer first. While one that may say more is on the way the last ones hold;
    /// when none says anything, nothing is known.
    pub fn learn(&mut self, answers: [(&Question, Option<&Result<Answer, Failure>>); 2]) {
        let [(_, Some(nearer)), (_, further)] = answers else {
            return;
        };
        if further.is_none() && !nearer.as_ref().is_ok_and(|answer| !says_nothing(answer)) {
            return;
        }
        let told = answers.iter().filter_map(|(question, answer)| {
            let answer = answer.and_then(|answer| answer.as_ref().ok())?;
            Some((*question, answer))
        });
        let told: Vec<(&Question, &Answer)> = told.collect();
        let of: Vec<Question> = told
            .iter()
            .map(|(question, _)| (*question).clone())
            .collect();
        if of == self.of {
            return;
        }
        let p95 = |row: &ServiceRow| {
            let red = figures(row).filter(|red| red.samples >= FEW_SAMPLES)?;
            Some((row.service.clone(), red.p95?))
        };
        // The further one first, so that the nearer one replaces it.
        let rows = told.iter().rev().flat_map(|(_, answer)| services(answer));
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
