//! What is known beside the picture: routes, events, the past of a service, and what is compared with.

use super::{App, Page, Tab};
use crate::console::instances::{self, InstanceRow};
use crate::console::moment::Moment;
use crate::console::questions;
use crate::failure::Failure;
use coral_model::answer::{MetricRow, Red, ServiceRow, SummaryRow};
use coral_model::{Answer, AnswerBody, Event, EventKind, Question, ServiceKey, Side, Span, Window};

/// An answer that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What was answered; `None` while nothing was.
    pub answer: Option<&'a Result<Answer, Failure>>,
    /// It is about another time than the one that is shown.
    pub old: bool,
}

impl App {
    /// The service whose routes and events are shown: that of the page, else the one under the cursor.
    pub fn subject(&self) -> Option<&ServiceKey> {
        match self.spot.page {
            Page::Service => self.spot.service.as_ref(),
            _ => self.selected_service().map(|row| &row.service),
        }
    }

    /// The row of a service in the picture.
    pub fn row_of(&self, service: &ServiceKey) -> Option<&ServiceRow> {
        self.order
            .find(self.picture(), service)
            .map(|found| found.0)
    }

    pub(super) fn known(&self, question: &Question) -> Known<'_> {
        match self.asked.shown(question) {
            Some((answer, old)) => Known {
                answer: Some(answer),
                old,
            },
            None => Known {
                answer: None,
                old: false,
            },
        }
    }

    /// The routes of the subject.
    pub fn known_routes(&self) -> Known<'_> {
        match self.subject() {
            Some(service) => self.known(&questions::routes(self.time.span(), service)),
            None => Known {
                answer: None,
                old: false,
            },
        }
    }

    /// What happened, to all or to one service.
    pub fn known_events(&self, service: Option<&ServiceKey>) -> Known<'_> {
        self.known(&questions::events(self.time.span(), service, self.kinds()))
    }

    /// What asks for the instances of the service, while its page shows them.
    pub(super) fn instances_question(&self) -> Option<Question> {
        let service = self.spot.service.as_ref();
        let shown = service.filter(|_| self.tab == Tab::Instances);
        shown.map(|service| instances::question(self.time.span(), service))
    }

    /// Its instances as they were answered.
    pub fn known_instances(&self) -> Known<'_> {
        match self.instances_question() {
            Some(question) => self.known(&question),
            None => Known {
                answer: None,
                old: false,
            },
        }
    }

    pub(super) fn instance_rows(&self, question: Option<&Question>) -> Vec<InstanceRow> {
        match question.and_then(|q| self.asked.answer(q)).map(|a| &a.body) {
            Some(AnswerBody::Sql(table)) => instances::rows(table),
            _ => vec![],
        }
    }

    /// The kinds that the page lists; none are all.
    pub(super) fn kinds(&self) -> &'static [EventKind] {
        match self.spot.page == Page::Events && self.changes {
            true => &questions::CHANGES,
            false => &[],
        }
    }

    /// The events of the page, newest first, and whether there are more.
    pub fn page_events(&self) -> (&[Event], bool) {
        let service = match self.spot.page {
            Page::Service => self.spot.service.as_ref(),
            _ => None,
        };
        events_of(self.known_events(service).answer)
    }

    /// The metric rows of the subject, of the side that it is judged by.
    pub fn route_rows(&self) -> &[MetricRow] {
        match self.known_routes().answer {
            Some(Ok(Answer {
                body: AnswerBody::Metrics(rows),
                ..
            })) => rows,
            _ => &[],
        }
    }

    /// The window that is shown.
    pub fn window(&self, now: Moment) -> Window {
        self.time.window_at(self.newest(now))
    }

    /// The figures of each slice of a window of a service, oldest first; `None` where nothing is known.
    pub fn slices(&self, service: &ServiceKey, window: Window) -> Vec<(Window, Option<Red>)> {
        let red = |slice: Window| {
            let question = questions::summary(Span::Between(slice), service);
            summary_red(self.asked.answer(&question)?, service)
        };
        questions::slices(window)
            .into_iter()
            .map(|slice| (slice, red(slice)))
            .collect()
    }

    /// What the window is compared with, once it is known: the row of this service then.
    pub fn row_before(&self, service: &ServiceKey) -> Option<&ServiceRow> {
        let place = self.derived.before.get().get(service)?;
        let question = self.derived.before_question.as_ref()?;
        match &self.asked.answer(question)?.body {
            AnswerBody::Services(rows) => rows.get(*place),
            _ => None,
        }
    }
}

/// The rows of an answer about events, and whether there are more.
pub(in crate::console) fn events_of(answer: Option<&Result<Answer, Failure>>) -> (&[Event], bool) {
    match answer {
        Some(Ok(Answer {
            body: AnswerBody::Events { rows, truncated },
            ..
        })) => (rows, *truncated),
        _ => (&[], false),
    }
}

/// What a service served, else what it sent.
fn summary_red(answer: &Answer, service: &ServiceKey) -> Option<Red> {
    let AnswerBody::Summary(rows) = &answer.body else {
        return None;
    };
    let of = |side: Side| {
        let fits = move |row: &&SummaryRow| row.side == side && row.service == *service;
        rows.iter().find(fits)
    };
    of(Side::Server)
        .or_else(|| of(Side::Client))
        .map(|row| row.red.clone())
}
