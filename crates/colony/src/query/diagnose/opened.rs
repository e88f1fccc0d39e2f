//! What shows a piece of evidence again, by its id, as long as it is kept.

use crate::query::{Query, QueryError};
use coral_model::diagnosis::{KeptEvidence, is_evidence_id};
use coral_model::{Answer, AnswerBody, Loss, Question, Span, TimeNs, Window};
use coral_proto::v1;
use coral_store::StoreError;
use prost::Message as _;

impl Query {
    /// Answers with the question of an id; what that question shows is another answer.
    pub(in crate::query) fn evidence(&self, id: &str, now: TimeNs) -> Result<Answer, QueryError> {
        if !is_evidence_id(id) {
            return Err(QueryError::NoEvidenceId);
        }
        let kept = self.store.snapshot()?.evidence(id)?;
        let kept = kept.ok_or_else(|| QueryError::NoSuchEvidence { id: id.to_owned() })?;
        let bad = |error: &dyn std::fmt::Display| {
            StoreError::Corrupt(format!("the question of evidence {id}: {error}"))
        };
        let wire = v1::Question::decode(&*kept.question).map_err(|e| bad(&e))?;
        let question = Question::try_from(wire).map_err(|e| bad(&e))?;
        let window = match super::super::span(&question) {
            Span::Between(window) => window,
            Span::Last(_) => Window { from: now, to: now },
        };
        Ok(Answer {
            window,
            complete_until: None,
            loss: Loss::default(),
            body: AnswerBody::Evidence(KeptEvidence {
                id: kept.id,
                text: kept.text,
                service: kept.service,
                question: Box::new(question),
                at: kept.at,
            }),
        })
    }
}
