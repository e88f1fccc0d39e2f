//! Page 7: the findings, and the diagnosis of the one under the cursor.

use super::known::Known;
use super::{App, List, Outcome, Page, RowKey, Spot, Tab};
use crate::console::filter::Filter;
use crate::console::findings::{self, Finding, LOOK_BACK, TextLine};
use crate::console::moment::Moment;
use crate::console::questions;
use coral_model::{AnswerBody, Diagnosis, Question, ServiceKey, Span, TimeNs, Window};
use std::time::Duration;

/// The findings of the page.
#[derive(Debug, Default)]
pub(in crate::console) struct Findings {
    /// Those that pass the filter.
    pub(in crate::console) rows: Vec<Finding>,
    /// How many there are.
    pub(in crate::console) all: usize,
}

impl App {
    /// What asks for the anomalies: over the window, and over some hours where that is shorter.
    pub(super) fn anomalies_question(&self) -> Question {
        let length = self.time.window.max(LOOK_BACK);
        let span = match self.time.end() {
            None => Span::Last(length),
            Some(to) => Span::Between(Window {
                from: to.minus(length),
                to,
            }),
        };
        questions::anomalies(span, self.spot.service.as_ref())
    }

    /// The anomalies, as they were answered.
    pub fn known_anomalies(&self) -> Known<'_> {
        self.known(&self.anomalies_question())
    }

    /// The findings below the first row, which stands for all of the page.
    pub fn findings(&self) -> &[Finding] {
        &self.derived.findings.get().rows
    }

    pub(super) fn make_findings(&self, filter: &Filter) -> Findings {
        let (events, _) = super::known::events_of(self.known_anomalies().answer);
        let mut rows = findings::of(events);
        let all = rows.len();
        rows.retain(|row| filter.passes(&row));
        Findings { rows, all }
    }

    /// The finding under the cursor; `None` on the first row.
    pub fn selected_finding(&self) -> Option<&Finding> {
        let index = self.cursors.of(List::Findings).index();
        self.findings().get(index.checked_sub(1)?)
    }

    /// The row at this place: that for all, or a finding.
    pub(super) fn finding_key(&self, index: usize) -> Option<RowKey> {
        let Some(place) = index.checked_sub(1) else {
            return Some(RowKey::Finding(None));
        };
        let finding = self.findings().get(place)?;
        let key = (finding.began, finding.what.clone());
        Some(RowKey::Finding(Some(Box::new(key))))
    }

    /// Whether the row goes on.
    pub(super) fn ongoing(&self, index: usize) -> bool {
        let row = index.checked_sub(1).and_then(|i| self.findings().get(i));
        row.is_some_and(|finding| finding.ended.is_none())
    }

    /// What asks for the diagnosis of the first row.
    pub(super) fn whole_question(&self) -> Question {
        questions::diagnosis(self.time.span(), self.spot.service.as_ref(), None)
    }

    /// What asks for the diagnosis of a finding: over the window that is shown when it began in that, else over one of the same
    /// length that shows its begin.
    pub(super) fn question_of(&self, finding: &Finding) -> Question {
        let head = self.picture().head().map(|head| head.window.from);
        let length = self.time.window;
        let span = match head.is_none_or(|from| finding.began >= from) {
            true => self.time.span(),
            false => {
                let from = finding.began.minus(length / 3);
                let to = from.plus(length);
                Span::Between(Window { from, to })
            }
        };
        questions::diagnosis(span, finding.service.as_ref(), Some(finding.began))
    }

    /// What asks for the diagnosis that is shown.
    pub fn diagnosis_question(&self) -> Question {
        match self.selected_finding() {
            Some(finding) => self.question_of(finding),
            None => self.whole_question(),
        }
    }

    /// The diagnosis that is shown, as it was answered.
    pub fn known_diagnosis(&self) -> Known<'_> {
        match &self.config.replay {
            Some(replay) => Known {
                answer: Some(&replay.answer),
                old: false,
            },
            None => self.known(&self.diagnosis_question()),
        }
    }

    /// How long an answer has been awaited.
    pub fn asked_for(&self, question: &Question, now: Moment) -> Option<Duration> {
        let since = self.asked.since(question)?;
        Some(now.up.saturating_sub(since))
    }

    /// The diagnosis that is shown, once it is known.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        diagnosis_of(self.known_diagnosis())
    }

    /// The diagnosis of the first row, once it is known.
    pub fn whole_diagnosis(&self) -> Option<&Diagnosis> {
        match self.config.replay {
            Some(_) => self.diagnosis(),
            None => diagnosis_of(self.known(&self.whole_question())),
        }
    }

    /// Whether the diagnosis of the first row could not be had.
    pub fn whole_failed(&self) -> bool {
        let known = match &self.config.replay {
            Some(_) => self.known_diagnosis(),
            None => self.known(&self.whole_question()),
        };
        matches!(known.answer, Some(Err(_)))
    }

    /// The diagnosis of a finding, once it is known.
    pub fn diagnosis_of(&self, finding: &Finding) -> Option<&Diagnosis> {
        diagnosis_of(self.known(&self.question_of(finding)))
    }

    /// The text of the page, laid out.
    pub fn diagnosis_lines(&self, columns: u16, now: Moment) -> Vec<TextLine> {
        let Some(diagnosis) = self.diagnosis() else {
            return vec![];
        };
        let live = self.config.replay.is_none();
        let began = diagnosis.began.filter(|_| live && !diagnosis.abstained);
        let ago = began.map(|began| self.newest(now).since(began));
        let columns = usize::from(columns);
        findings::lay_out(diagnosis, &self.config.zone, ago, columns)
    }

    /// What is wrong with the service under the cursor, or with all.
    pub(super) fn diagnose(&mut self, now: Moment) -> Outcome {
        let event = self.event_here();
        let service = match self.spot.page {
            Page::Service => self.end_here().or(self.spot.service.clone()),
            _ => self.service_here(),
        };
        let spot = Spot {
            page: Page::Diagnose,
            service,
        };
        match self.spot.page == Page::Diagnose && spot.service.is_none() {
            true => return Outcome::drawn(),
            false => self.lead_to(spot),
        }
        match event {
            Some(at) => self.go_around(at, now),
            None => Outcome::drawn(),
        }
    }

    /// When the event under the cursor was.
    fn event_here(&self) -> Option<TimeNs> {
        let index = self.cursors.of(self.list()).index();
        let on_events = match self.spot.page {
            Page::Events => true,
            page => page == Page::Service && self.tab == Tab::Changes,
        };
        let event = on_events.then(|| self.event_rows().get(index).copied())?;
        event.map(|event| event.at)
    }

    /// The other end of the call under the cursor, on the page of a service.
    fn end_here(&self) -> Option<ServiceKey> {
        let calls = matches!(self.tab, Tab::Callers | Tab::Callees);
        let index = self.cursors.of(self.list()).index();
        let edge = calls.then(|| self.tab_edges().get(index).copied())?;
        edge.map(|edge| super::other_end(edge, self.tab).clone())
    }

    /// The service of the text or the row.
    pub(super) fn diagnosed_service(&self) -> Option<ServiceKey> {
        if self.config.replay.is_some() {
            return None;
        }
        if let Some((cause, _)) = self.selected_evidence() {
            let key = questions::key_of(cause.service.raw());
            return self.row_of(&key).map(|row| row.service.clone());
        }
        match self.selected_finding() {
            Some(finding) => finding.service.clone(),
            None => self.spot.service.clone(),
        }
    }
}

fn diagnosis_of(known: Known<'_>) -> Option<&Diagnosis> {
    match &known.answer?.as_ref().ok()?.body {
        AnswerBody::Diagnose(diagnosis) => Some(diagnosis),
        _ => None,
    }
}
