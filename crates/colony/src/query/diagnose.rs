//! What is wrong and why: fills an incident from the store, lets the engine judge it, and adds what only the colony knows:
//! functions out of stored profiles, agents that are away, loss.

mod axis;
mod blind;
mod descent;
mod events;
mod evidence;
mod fill;
mod hosts;
mod opened;
mod stated;

use super::scope::Scope;
use super::{Query, QueryError, loss, names, sane};
use axis::{Axis, Wanted};
use coral_diagnose::{Incident, Range, Stated, bundle};
use coral_model::{
    Answer, AnswerBody, Caller, Observed, Question, ServiceKey, Span, TimeNs, Window,
};
use coral_store::{Keep, KeptEvidence, Reach};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is normal is read from so long before the stretch that is asked about.
const BEFORE: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// So many points before it are enough to take the rest for the stretch in which something is wrong.
const ENOUGH: usize = 20;

/// What is complained about.
pub(super) struct Complaint<'a> {
    pub span: Span,
    pub service: Option<&'a str>,
    pub at: Option<TimeNs>,
}

impl<'a> Complaint<'a> {
    /// Of a question that is one.
    pub fn of(question: &'a Question) -> Option<Self> {
        match question {
            Question::Diagnose { span, service, at } | Question::Incident { span, service, at } => {
                Some(Self {
                    span: *span,
                    service: service.as_deref(),
                    at: *at,
                })
            }
            _ => None,
        }
    }
}

/// An incident, and where it comes from.
struct Found<'a> {
    scope: Scope<'a>,
    axis: Axis,
    incident: Incident,
    /// The services of the incident that have instances, by number.
    keys: Vec<Option<ServiceKey>>,
    window: Window,
}

impl Query {
    /// Answers what is wrong, and keeps what shows the evidence again before anybody hears of it.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn diagnose(
        self: &Arc<Self>,
        question: Question,
        caller: Caller,
        now: TimeNs,
    ) -> Result<Answer, QueryError> {
        let query = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            query.allowed(&question, &caller)?;
            let complaint = Complaint::of(&question);
            let complaint = complaint.ok_or(QueryError::NotAnswered(question.name()))?;
            query.diagnosed(&question, &complaint, now)
        });
        let ended = |_| coral_store::StoreError::Closed;
        let (answer, found) = work.await.map_err(ended)??;
        if let Some(sink) = self.sink.as_ref().filter(|_| !found.is_empty()) {
            // A diagnosis is worth more than its links.
            if let Err(error) = sink.keep(Keep::Evidence(found)).await {
                tracing::warn!(%error, "evidence of a diagnosis is not kept");
            }
        }
        Ok(answer)
    }

    /// Answers what is wrong, with what shows its evidence again, or with the files that say so.
    pub(super) fn diagnosed(
        &self,
        question: &Question,
        complaint: &Complaint<'_>,
        now: TimeNs,
    ) -> Result<(Answer, Vec<KeptEvidence>), QueryError> {
        let begun = Instant::now();
        let found = self.incident(complaint, now)?;
        let loss = loss::within(&found.scope)?;
        let mut kept = vec![];
        let body = match question {
            Question::Incident { .. } => AnswerBody::Incident(bundle::write(&found.incident)),
            _ => {
                let mut diagnosis = coral_diagnose::diagnose(&found.incident);
                hosts::neighbours(&found, &mut diagnosis);
                self.descend(&found, &mut diagnosis, now)?;
                kept = evidence::number(&found, &mut diagnosis, now);
                blind::add(&found, &loss, &mut diagnosis);
                diagnosis.elapsed = Some(begun.elapsed());
                AnswerBody::Diagnose(diagnosis)
            }
        };
        let answer = Answer {
            window: found.window,
            complete_until: found.scope.complete_until(super::Uses::Intervals),
            loss,
            body,
        };
        Ok((answer, kept))
    }

    fn incident(&self, complaint: &Complaint<'_>, now: TimeNs) -> Result<Found<'_>, QueryError> {
        let asked = sane(complaint.span.resolve(now))?;
        let snapshot = self.store.snapshot()?;
        let asked = match snapshot.reach(asked)? {
            Reach::Kept(asked) => asked,
            Reach::Gone(from) => return Err(QueryError::Gone { from }),
            Reach::Coarse(level) => return Err(QueryError::Coarse { level }),
        };
        let whole = Window {
            from: asked.from.minus(BEFORE),
            to: asked.to,
        };
        drop(snapshot);
        let scope = Scope::new(&*self.store, &self.live, whole, now)?;
        let stated = stated(&scope, complaint)?;
        let complete = scope.complete_until(super::Uses::Intervals);
        let lived = Window {
            from: whole.from.max(scope.begin()).min(whole.to),
            ..whole
        };
        let axis = Axis::new(&Wanted {
            asked,
            begin: scope.begin(),
            complete: complete.unwrap_or(asked.to),
            instances: axis::present(scope.instances(), lived),
            age: now.since(asked.from),
        });
        let mut fill = fill::Fill::new(&scope, &axis);
        fill.served()?;
        fill.talked()?;
        fill.used()?;
        fill.hosts()?;
        fill.happened()?;
        let (mut incident, keys) = fill.incident();
        incident.name = Observed::new("from a living system");
        incident.chosen = true;
        incident.anomalous = axis.asked(ENOUGH).map(|(from, to)| Range { from, to });
        incident.stated = stated.map(|stated| stated::heard(stated, &incident));
        Ok(Found {
            scope,
            axis,
            incident,
            keys,
            window: asked,
        })
    }
}

/// What was complained about, by its full name.
fn stated(scope: &Scope<'_>, complaint: &Complaint<'_>) -> Result<Option<Stated>, QueryError> {
    let service = match complaint.service {
        None => None,
        Some(name) => names::resolve(scope, name)?.into_iter().next(),
    };
    if service.is_none() && complaint.at.is_none() {
        return Ok(None);
    }
    Ok(Some(Stated {
        service: service.as_ref().map(full).unwrap_or_default(),
        index: None,
        signal: Observed::default(),
        at: complaint.at.map(|at| at.0 as f64 / 1e9),
    }))
}

/// A service as one name.
fn full(service: &ServiceKey) -> Observed {
    match service.namespace.raw() {
        "" => service.name.clone(),
        namespace => Observed::new(format!("{namespace}/{}", service.name.raw())),
    }
}
