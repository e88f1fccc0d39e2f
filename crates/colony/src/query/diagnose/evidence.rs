//! Numbers each piece of evidence by the question and the window that show it: the same figures have the same number on every
//! console.

use super::Found;
use super::fill::rounded;
use coral_model::profile::{ProfileKind, Target};
use coral_model::{Diagnosis, Question, ServiceKey, Span, TimeNs, Window};
use coral_proto::v1;
use coral_store::KeptEvidence;
use prost::Message as _;
use std::time::Duration;

/// What shows a piece of evidence besides what happened.
const FIGURES: [&str; 4] = ["requests_", "error_", "latency_", "connection_"];
const USED: [&str; 2] = ["cpu_cores", "memory_rss"];
const LEAD: Duration = Duration::from_secs(60);
/// A window that goes on ends at a multiple of this: a diagnosis that is asked for again and again numbers anew once a minute.
const STEP: i64 = 60_000_000_000;

/// Numbers the evidence of all causes; what shows each again.
pub(super) fn number(
    found: &Found<'_>,
    diagnosis: &mut Diagnosis,
    now: TimeNs,
) -> Vec<KeptEvidence> {
    let window = window(found, diagnosis.began);
    let mut kept = vec![];
    for cause in &mut diagnosis.causes {
        let at = found
            .incident
            .services
            .iter()
            .position(|s| *s == cause.service);
        let key = at.and_then(|at| found.keys[at].as_ref());
        for evidence in &mut cause.evidence {
            let question = wire(&shown_by(evidence.text.raw(), key), window);
            evidence.id = id(&question);
            kept.push(KeptEvidence {
                id: evidence.id.clone(),
                at: now,
                service: key.cloned(),
                question,
                text: evidence.text.clone(),
            });
        }
        cause.score = rounded(cause.score);
    }
    kept
}

/// From a little before it began up to the newest whole minute.
fn window(found: &Found<'_>, began: Option<TimeNs>) -> Window {
    let began = began.unwrap_or(found.window.from);
    let end = found.axis.whole().to.max(found.window.from);
    let whole = TimeNs(end.0 - end.0.rem_euclid(STEP));
    Window {
        from: began.minus(LEAD),
        to: if whole > began { whole } else { end },
    }
}

/// The question that shows it.
fn shown_by(text: &str, service: Option<&ServiceKey>) -> Question {
    let span = Span::Last(Duration::ZERO);
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let Some(service) = service.map(|key| super::full(key).raw().to_owned()) else {
        return match begins(&FIGURES) {
            true => Question::Topology { span },
            false => Question::Host { span, host: None },
        };
    };
    match () {
        () if begins(&FIGURES) => Question::Metrics { span, service },
        () if begins(&USED) => Question::Services {
            span,
            trend_points: 0,
        },
        () if text.starts_with(super::descent::WORD) => Question::Profile {
            span,
            target: Target::service(service),
            kind: ProfileKind::Cpu,
            session: 0,
            compare: None,
        },
        () => Question::Events {
            span,
            service: Some(service),
            kinds: vec![],
            limit: 200,
        },
    }
}

/// The question about the window, as it travels.
fn wire(question: &Question, window: Window) -> Vec<u8> {
    let question = v1::Question {
        span: Some((&Span::Between(window)).into()),
        ..v1::Question::from(question)
    };
    question.encode_to_vec()
}

/// `e` and eight characters of base32 over a hash (FNV-1a, 64 bits) of the question as it travels, its window in it.
fn id(question: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = question.iter().fold(0xcbf2_9ce4_8422_2325, step);
    let letter = |i: u32| char::from(LETTERS[(hash >> (5 * i) & 31) as usize]);
    std::iter::once('e').chain((0..8).map(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_of_question_and_window() {
        let window = |to| Window {
            from: TimeNs(0),
            to: TimeNs(to),
        };
        let pay = ServiceKey::plain("payments");
        let of = |text: &str, to| id(&wire(&shown_by(text, Some(&pay)), window(to)));
        let first = of("latency_p95_ms 61 -> 2190", 10);
        assert!(coral_model::diagnosis::is_evidence_id(&first), "{first}");
        assert_eq!(first, of("latency_mean_ms 50 -> 900", 10));
        assert_ne!(first, of("latency_p95_ms 61 -> 2190", 20));
        assert_ne!(first, of("cpu_cores 0.1 -> 1", 10));
        assert_ne!(first, of("deployment 40 s before it began", 10));
    }
}
