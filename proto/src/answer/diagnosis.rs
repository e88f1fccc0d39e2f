//! Diagnoses and incident bundles between the model and the wire. Kinds travel as their words: a console that does not know
//! one refuses the answer and does not guess.

use super::{dur, opt_ns};
use crate::common::{Bad, need};
use crate::v1::{self, next_step};
use coral_model::diagnosis::{Blind, Bundle, Checked, Next, ProfileKind, Symptom};
use coral_model::{Cause, CauseKind, Confidence, Diagnosis, Evidence, Observed, TimeNs};

fn raw(text: &Observed) -> String {
    text.raw().to_owned()
}

fn raws(texts: &[Observed]) -> Vec<String> {
    texts.iter().map(raw).collect()
}

fn observed(texts: Vec<String>) -> Vec<Observed> {
    texts.into_iter().map(Observed::new).collect()
}

/// The one of these that has this word.
fn by_word<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    word: &str,
    field: &'static str,
) -> Result<T, Bad> {
    let found = all.iter().copied().find(|one| name(*one) == word);
    found.ok_or(Bad::Missing(field))
}

impl From<&Diagnosis> for v1::Diagnosis {
    fn from(diagnosis: &Diagnosis) -> Self {
        let checked = &diagnosis.checked;
        Self {
            symptom: diagnosis.symptom.as_ref().map(|s| v1::Symptom {
                service: raw(&s.service),
                signal: raw(&s.signal),
                at_ns: s.at.map(|at| at.0),
            }),
            began_ns: diagnosis.began.map(|at| at.0),
            elapsed_ns: opt_ns(diagnosis.elapsed),
            abstained: diagnosis.abstained,
            services: checked.services,
            metrics: checked.metrics,
            edges: checked.edges,
            events: checked.events,
            points: checked.points,
            causes: diagnosis.causes.iter().map(Into::into).collect(),
            victims: raws(&diagnosis.victims),
            blind: diagnosis.blind.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Diagnosis> for Diagnosis {
    type Error = Bad;
    fn try_from(wire: v1::Diagnosis) -> Result<Self, Bad> {
        let causes = wire.causes.into_iter().map(TryInto::try_into);
        Ok(Self {
            symptom: wire.symptom.map(|s| Symptom {
                service: Observed::new(s.service),
                signal: Observed::new(s.signal),
                at: s.at_ns.map(TimeNs),
            }),
            began: wire.began_ns.map(TimeNs),
            elapsed: dur(wire.elapsed_ns),
            abstained: wire.abstained,
            checked: Checked {
                services: wire.services,
                metrics: wire.metrics,
                edges: wire.edges,
                events: wire.events,
                points: wire.points,
            },
            causes: causes.collect::<Result<_, Bad>>()?,
            victims: observed(wire.victims),
            blind: wire.blind.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<&Cause> for v1::Cause {
    fn from(cause: &Cause) -> Self {
        Self {
            rank: cause.rank,
            service: raw(&cause.service),
            kind: cause.kind.name().to_owned(),
            metric: cause.metric.as_ref().map(raw),
            function: cause.function.as_ref().map(raw),
            score: cause.score,
            confidence: cause.confidence.name().to_owned(),
            path: raws(&cause.path),
            evidence: cause.evidence.iter().map(Into::into).collect(),
            against: raws(&cause.against),
            next: cause.next.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Cause> for Cause {
    type Error = Bad;
    fn try_from(wire: v1::Cause) -> Result<Self, Bad> {
        let (kinds, steps) = (CauseKind::ALL, Confidence::ALL);
        let next = wire.next.into_iter().map(TryInto::try_into);
        Ok(Self {
            rank: wire.rank,
            service: Observed::new(wire.service),
            kind: by_word(kinds, CauseKind::name, &wire.kind, "a known cause.kind")?,
            metric: wire.metric.map(Observed::new),
            function: wire.function.map(Observed::new),
            score: wire.score,
            confidence: by_word(
                steps,
                Confidence::name,
                &wire.confidence,
                "a known cause.confidence",
            )?,
            path: observed(wire.path),
            evidence: wire.evidence.into_iter().map(Into::into).collect(),
            against: observed(wire.against),
            next: next.collect::<Result<_, Bad>>()?,
        })
    }
}

impl From<&Evidence> for v1::Evidence {
    fn from(evidence: &Evidence) -> Self {
        let point = |value: &Option<f64>| value.unwrap_or(f64::NAN);
        Self {
            id: evidence.id.clone(),
            text: raw(&evidence.text),
            trend: evidence.trend.iter().map(point).collect(),
        }
    }
}

impl From<v1::Evidence> for Evidence {
    fn from(wire: v1::Evidence) -> Self {
        let point = |value: f64| value.is_finite().then_some(value);
        Self {
            id: Observed::new(wire.id).visible().into_owned(),
            text: Observed::new(wire.text),
            trend: wire.trend.into_iter().map(point).collect(),
        }
    }
}

impl From<&Next> for v1::NextStep {
    fn from(next: &Next) -> Self {
        let kind = match next {
            Next::Profile { service, kind } => next_step::Kind::Profile(v1::ProfileStep {
                service: raw(service),
                kind: kind.name().to_owned(),
            }),
            Next::Probe { service } => next_step::Kind::Probe(raw(service)),
            Next::Changes { service } => next_step::Kind::Changes(raw(service)),
            Next::Metrics { service } => next_step::Kind::Metrics(raw(service)),
            Next::Host => next_step::Kind::Host(true),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::NextStep> for Next {
    type Error = Bad;
    fn try_from(wire: v1::NextStep) -> Result<Self, Bad> {
        use next_step::Kind;
        let service = |name: String| Observed::new(name);
        Ok(match need(wire.kind, "next.kind")? {
            Kind::Profile(step) => {
                let (all, field) = (ProfileKind::ALL, "a known next.profile.kind");
                Self::Profile {
                    kind: by_word(all, ProfileKind::name, &step.kind, field)?,
                    service: service(step.service),
                }
            }
            Kind::Probe(name) => Self::Probe {
                service: service(name),
            },
            Kind::Changes(name) => Self::Changes {
                service: service(name),
            },
            Kind::Metrics(name) => Self::Metrics {
                service: service(name),
            },
            Kind::Host(_) => Self::Host,
        })
    }
}

impl From<&Blind> for v1::Blind {
    fn from(blind: &Blind) -> Self {
        Self {
            what: raw(&blind.what),
            why: raw(&blind.why),
            fix: raw(&blind.fix),
        }
    }
}

impl From<v1::Blind> for Blind {
    fn from(wire: v1::Blind) -> Self {
        Self {
            what: Observed::new(wire.what),
            why: Observed::new(wire.why),
            fix: Observed::new(wire.fix),
        }
    }
}

impl From<&Bundle> for v1::Bundle {
    fn from(bundle: &Bundle) -> Self {
        Self {
            incident: bundle.incident.clone(),
            metrics: bundle.metrics.clone(),
            edges: bundle.edges.clone(),
            events: bundle.events.clone(),
        }
    }
}

impl From<v1::Bundle> for Bundle {
    fn from(wire: v1::Bundle) -> Self {
        Self {
            incident: wire.incident,
            metrics: wire.metrics,
            edges: wire.edges,
            events: wire.events,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn diagnosis() -> Diagnosis {
        let name = || Observed::new("pay\u{1b}ments");
        let next = [
            Next::Profile {
                service: name(),
                kind: ProfileKind::Lock,
            },
            Next::Probe { service: name() },
            Next::Changes { service: name() },
            Next::Metrics { service: name() },
            Next::Host,
        ];
        let cause = Cause {
            rank: 1,
            service: name(),
            kind: CauseKind::NoisyNeighbour,
            metric: Some("latency_p95_ms".into()),
            function: Some("main".into()),
            score: 0.9,
            confidence: Confidence::High,
            path: vec!["checkout".into(), name()],
            evidence: vec![Evidence {
                id: "eabcdefgh".into(),
                text: "61 -> 2190".into(),
                trend: vec![Some(1.0), None, Some(2.0)],
            }],
            against: vec!["no deployment".into()],
            next: next.to_vec(),
        };
        Diagnosis {
            symptom: Some(Symptom {
                service: "checkout".into(),
                signal: "latency".into(),
                at: Some(TimeNs(5)),
            }),
            began: Some(TimeNs(4)),
            elapsed: Some(Duration::from_millis(300)),
            abstained: false,
            checked: Checked {
                services: 1,
                metrics: 2,
                edges: 3,
                events: 4,
                points: 5,
            },
            causes: vec![cause],
            victims: vec!["checkout".into()],
            blind: vec![Blind {
                what: "a".into(),
                why: "b".into(),
                fix: "c".into(),
            }],
        }
    }

    #[test]
    fn a_diagnosis_comes_back_as_it_was() {
        let wire = v1::Diagnosis::from(&diagnosis());
        assert_eq!(Diagnosis::try_from(wire), Ok(diagnosis()));
    }

    #[test]
    fn a_word_that_is_not_known_is_refused() {
        let mut wire = v1::Diagnosis::from(&diagnosis());
        wire.causes[0].kind = "gremlins".into();
        assert!(Diagnosis::try_from(wire).is_err());
    }
}
