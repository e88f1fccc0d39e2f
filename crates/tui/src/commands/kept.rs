//! Says when an answer begins later than it was asked for: what was before is no longer kept.

use coral_model::{Answer, Question, Span};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Windows of the past are cut to whole minutes or hours without a word.
const CUT: Duration = Duration::from_secs(2 * 3600);

pub(super) fn note(question: &Question, answer: &Answer, zone: &TimeZone) -> Option<String> {
    let span = match question {
        Question::Services { span, .. }
        | Question::Summary { span, .. }
        | Question::Metrics { span, .. }
        | Question::Topology { span }
        | Question::Host { span, .. } => *span,
        Question::Status
        | Question::Events { .. }
        | Question::Requests { .. }
        | Question::Profile { .. }
        | Question::Diagnose { .. }
        | Question::Incident { .. }
        | Question::Probe { .. }
        | Question::Functions { .. }
        | Question::Evidence { .. }
        | Question::Sql { .. } => return None,
    };
    let missing = match span {
        Span::Last(length) => length.saturating_sub(answer.window.length()),
        Span::Between(window) => answer.window.from.since(window.from),
    };
    if missing < CUT {
        return None;
    }
    let from = Timestamp::from_nanosecond(answer.window.from.0.into()).ok()?;
    let from = from.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z");
    Some(format!(
        "note: what was before {from} is no longer kept; the figures begin there"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{AnswerBody, Loss, TimeNs, Window};

    #[test]
    fn only_a_real_cut_is_said() {
        let note = |asked_h: u64, kept_h: u64| {
            let length = |h: u64| Duration::from_secs(h * 3600);
            let question = Question::Topology {
                span: Span::Last(length(asked_h)),
            };
            let to = TimeNs(1_795_181_790_000_000_000);
            let answer = Answer {
                window: Window {
                    from: to.minus(length(kept_h)),
                    to,
                },
                complete_until: None,
                loss: Loss::default(),
                body: AnswerBody::Summary(vec![]),
            };
            super::note(&question, &answer, &TimeZone::UTC)
        };
        assert_eq!(note(24, 24), None);
        assert_eq!(note(24, 23), None);
        let said = note(24, 10).unwrap();
        assert!(said.contains("2026-11-20 03:36 UTC"), "{said}");
    }
}
