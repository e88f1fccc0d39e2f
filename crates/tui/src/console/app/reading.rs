//! The ways of a person in the text of page 7: from one piece of evidence to the next, and to what shows it.

use super::commands::WAY_MAX;
use super::{App, Outcome, Page, Way};
use crate::console::evidence;
use crate::console::layout;
use crate::console::moment::Moment;
use crate::console::questions;
use crate::console::time::Time;
use crate::failure::Failure;
use coral_model::diagnosis::KeptEvidence;
use coral_model::{Answer, AnswerBody, Cause, Evidence, Question, Window};
use ratatui::layout::{Position, Rect};

/// Where a person is in the text.
#[derive(Debug, Default)]
pub(in crate::console) struct Reading {
    /// Which diagnosis is read.
    of: Option<Question>,
    /// The piece of evidence under the cursor.
    pub(in crate::console) link: usize,
    /// The first line on the screen.
    pub(in crate::console) offset: usize,
    /// The evidence whose question is asked for.
    pub(super) opening: Option<Question>,
}

impl App {
    /// The evidence that the text shows, in its order.
    fn links(&self) -> Vec<(&Cause, &Evidence)> {
        let Some(diagnosis) = self.diagnosis() else {
            return vec![];
        };
        coral_report::diagnosis_evidence(diagnosis)
    }

    /// The evidence under the cursor, and its cause, while the text has the keys.
    pub fn selected_evidence(&self) -> Option<(&Cause, &Evidence)> {
        let on_text = self.spot.page == Page::Diagnose && self.pane.focused;
        let links = on_text.then(|| self.links())?;
        links.get(self.reading.link).copied()
    }

    /// Whether `Enter` leads to a view of the colony.
    pub(super) fn opens_evidence(&self) -> bool {
        self.config.replay.is_none() && self.selected_evidence().is_some()
    }

    /// To another piece of evidence; where there is none the text moves by a line.
    pub(super) fn move_in_text(&mut self, by: isize) {
        let count = self.links().len();
        let next = self.reading.link.saturating_add_signed(by);
        let next = next.min(count.saturating_sub(1));
        match next == self.reading.link {
            true => self.scroll_text(by.signum()),
            false => {
                self.reading.link = next;
                self.reading.offset = usize::MAX;
            }
        }
    }

    pub(super) fn scroll_text(&mut self, by: isize) {
        self.reading.offset = self.reading.offset.saturating_add_signed(by);
    }

    /// Brings the text and its cursor onto the screen.
    pub(super) fn settle_text(&mut self, now: Moment) {
        if self.spot.page != Page::Diagnose {
            return;
        }
        let of = self.diagnosis_question();
        if self.reading.of.as_ref() != Some(&of) {
            (self.reading.of, self.reading.link, self.reading.offset) = (Some(of), 0, 0);
        }
        let last = self.links().len().saturating_sub(1);
        self.reading.link = self.reading.link.min(last);
        let Some(area) = layout::text(self, layout::regions(self, now).body) else {
            return;
        };
        let lines = self.diagnosis_lines(area.width, now);
        let height = usize::from(area.height);
        let most = lines.len().saturating_sub(height);
        if self.reading.offset == usize::MAX {
            // The cursor went to another piece of evidence: with the lines around it.
            let link = Some(self.reading.link);
            let at = lines.iter().position(|line| line.evidence == link);
            self.reading.offset = at.unwrap_or(0).saturating_sub(height / 2);
        }
        self.reading.offset = self.reading.offset.min(most);
    }

    /// Which piece of evidence stands at a place of the screen.
    pub(super) fn evidence_at(&self, at: Position, text: Rect, now: Moment) -> Option<usize> {
        let line = self.reading.offset + usize::from(at.y.checked_sub(text.y)?);
        self.diagnosis_lines(text.width, now).get(line)?.evidence
    }

    pub(super) fn put_link(&mut self, link: usize) {
        self.reading.link = link;
    }

    /// To what shows the evidence under the cursor; the colony says where that is.
    pub(super) fn open_evidence(&mut self, now: Moment) -> Outcome {
        let id = self.selected_evidence().map(|(_, e)| e.id.clone());
        let Some(id) = id.filter(|_| self.opens_evidence()) else {
            return Outcome::drawn();
        };
        let question = questions::evidence(&id);
        match self.asked.answer(&question).cloned() {
            Some(answer) => self.evidence_opened(Ok(answer), now),
            None => {
                self.reading.opening = Some(question);
                Outcome::drawn()
            }
        }
    }

    /// Goes where the evidence that was asked for is seen.
    pub(super) fn evidence_opened(
        &mut self,
        answer: Result<Answer, Failure>,
        now: Moment,
    ) -> Outcome {
        self.reading.opening = None;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return self.said(Err(failure.message), now),
        };
        let AnswerBody::Evidence(kept) = &answer.body else {
            return Outcome::drawn();
        };
        self.go_to_evidence(kept, answer.window, now)
    }

    fn go_to_evidence(&mut self, kept: &KeptEvidence, window: Window, now: Moment) -> Outcome {
        let (there, said) = evidence::place_of(kept, window, &self.config.colony);
        self.push_way(Some(self.time));
        let mut outcome = self.go_there(there, now);
        if let Some(said) = said {
            outcome.actions.extend(self.said(Ok(said), now).actions);
        }
        outcome
    }

    /// Remembers where `Esc` leads back to.
    pub(super) fn push_way(&mut self, time: Option<Time>) {
        let spot = self.spot.clone();
        self.from.push(Way { spot, time });
        if self.from.len() > WAY_MAX {
            self.from.remove(0);
        }
    }

    /// Whether `Esc` leads back to the text that led here.
    pub(super) fn came_by_evidence(&self) -> bool {
        self.from.last().is_some_and(|way| way.time.is_some())
    }
}
