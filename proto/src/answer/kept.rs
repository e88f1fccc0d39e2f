//! Kept evidence between the model and the wire.

use crate::common::{Bad, need};
use crate::v1;
use coral_model::diagnosis::KeptEvidence;
use coral_model::{Observed, TimeNs};

impl From<&KeptEvidence> for v1::KeptEvidence {
    fn from(kept: &KeptEvidence) -> Self {
        Self {
            id: kept.id.clone(),
            text: kept.text.raw().to_owned(),
            service: kept.service.as_ref().map(Into::into),
            question: Some((&*kept.question).into()),
            at_ns: kept.at.0,
        }
    }
}

impl TryFrom<v1::KeptEvidence> for KeptEvidence {
    type Error = Bad;
    fn try_from(wire: v1::KeptEvidence) -> Result<Self, Bad> {
        let question = need(wire.question, "evidence.question")?;
        Ok(Self {
            id: wire.id,
            text: Observed::new(wire.text),
            service: wire.service.map(Into::into),
            question: Box::new(question.try_into()?),
            at: TimeNs(wire.at_ns),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{Question, ServiceKey, Span, Window};

    #[test]
    fn evidence_comes_back_with_its_question() {
        let window = Window {
            from: TimeNs(1),
            to: TimeNs(2),
        };
        let kept = KeptEvidence {
            id: "e7k2m3qx4".to_owned(),
            text: "latency_p95_ms 61 -> \u{1b}2190".into(),
            service: Some(ServiceKey::plain("payments")),
            question: Box::new(Question::Metrics {
                span: Span::Between(window),
                service: "payments".to_owned(),
            }),
            at: TimeNs(3),
        };
        let wire = v1::KeptEvidence::from(&kept);
        assert_eq!(KeptEvidence::try_from(wire.clone()), Ok(kept));
        let lost = v1::KeptEvidence {
            question: None,
            ..wire
        };
        assert!(KeptEvidence::try_from(lost).is_err());
    }
}
