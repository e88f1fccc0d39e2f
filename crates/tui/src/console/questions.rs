//! The questions that the console asks, each written in one place.

use super::time::Compare;
use coral_model::profile::{ProfileKind, Target};
use coral_model::{
    Compare as Earlier, EventKind, Observed, Question, ServiceKey, Span, TimeNs, Window,
};
use std::time::Duration;

/// Points of the p95 trend over the window.
pub const TREND_POINTS: u16 = 60;
/// More events than this are not listed; the answer says when there are more.
const EVENTS_MAX: u32 = 2000;
/// Functions that are listed to choose from.
const FUNCTIONS_MAX: u32 = 100;
/// Single calls that are listed.
const CALLS_MAX: u32 = 100;
/// A chart over time has at most so many points.
const SLICES: u32 = 45;
/// Stored figures are ten seconds apart; a finer slice says nothing.
const SLICE_MIN: Duration = Duration::from_secs(10);

/// What changed or broke, of all that happens.
pub const CHANGES: [EventKind; 6] = [
    EventKind::Change,
    EventKind::Regression,
    EventKind::Restart,
    EventKind::Start,
    EventKind::Crash,
    EventKind::OutOfMemory,
];

/// One row a service.
pub fn services(span: Span) -> Question {
    Question::Services {
        span,
        trend_points: TREND_POINTS,
    }
}

/// One row a service, without what only a chart needs.
pub fn baseline(span: Span) -> Question {
    Question::Services {
        span,
        trend_points: 0,
    }
}

/// Who talks to whom.
pub fn topology(span: Span) -> Question {
    Question::Topology { span }
}

/// The routes of a service.
pub fn routes(span: Span, service: &ServiceKey) -> Question {
    Question::Metrics {
        span,
        service: full_name(service),
    }
}

/// RED of one service over a stretch.
pub fn summary(span: Span, service: &ServiceKey) -> Question {
    Question::Summary {
        span,
        service: Some(full_name(service)),
        compare: None,
    }
}

/// What happened, to all or to one service; no kinds are all.
pub fn events(span: Span, service: Option<&ServiceKey>, kinds: &[EventKind]) -> Question {
    Question::Events {
        span,
        service: service.map(full_name),
        kinds: kinds.to_vec(),
        limit: EVENTS_MAX,
    }
}

/// What was or is no longer as usual.
pub fn anomalies(span: Span, service: Option<&ServiceKey>) -> Question {
    events(
        span,
        service,
        &[EventKind::AnomalyBegan, EventKind::AnomalyEnded],
    )
}

/// What is wrong and why, with all or with one service; at a moment when that is known.
pub fn diagnosis(span: Span, service: Option<&ServiceKey>, at: Option<TimeNs>) -> Question {
    Question::Diagnose {
        span,
        service: service.map(full_name),
        at,
    }
}

/// What shows a piece of evidence again.
pub fn evidence(id: &str) -> Question {
    Question::Evidence { id: id.to_owned() }
}

/// Where the processors were in the code of a service: the samples that are always taken.
pub fn profile(span: Span, service: &ServiceKey, compare: Compare) -> Question {
    Question::Profile {
        span,
        target: Target::service(full_name(service)),
        kind: ProfileKind::Cpu,
        session: 0,
        compare: compare.back().map(|(back, _)| Earlier::Back(back)),
    }
}

/// The samples of a finer profile.
pub fn profile_of(window: Window, service: &ServiceKey, session: u64) -> Question {
    Question::Profile {
        span: Span::Between(window),
        target: Target::service(full_name(service)),
        kind: ProfileKind::Cpu,
        session,
        compare: None,
    }
}

/// The functions of a service that could be probed.
pub fn functions(service: &ServiceKey, pattern: &str) -> Question {
    Question::Functions {
        target: Target::service(full_name(service)),
        pattern: pattern.to_owned(),
        limit: FUNCTIONS_MAX,
    }
}

/// What was seen of a probe, with its newest calls or without.
pub fn probe(id: &str, has_calls: bool) -> Question {
    Question::Probe {
        id: id.to_owned(),
        limit: if has_calls { CALLS_MAX } else { 0 },
    }
}

/// The stretch that a question is about; the status has none.
pub fn span(question: &Question) -> Option<Span> {
    match question {
        Question::Services { span, .. }
        | Question::Summary { span, .. }
        | Question::Metrics { span, .. }
        | Question::Topology { span }
        | Question::Events { span, .. }
        | Question::Requests { span, .. }
        | Question::Profile { span, .. }
        | Question::Diagnose { span, .. }
        | Question::Incident { span, .. }
        | Question::Host { span, .. } => Some(*span),
        Question::Status
        | Question::Probe { .. }
        | Question::Functions { .. }
        | Question::Evidence { .. }
        | Question::Sql { .. } => None,
    }
}

/// A service as questions name it: its name, after its namespace when it has one.
pub fn full_name(service: &ServiceKey) -> String {
    match service.namespace.raw() {
        "" => service.name.raw().to_owned(),
        namespace => format!("{namespace}/{}", service.name.raw()),
    }
}

/// The service that a name means: behind the last slash stands its own, before it the namespace.
pub fn key_of(name: &str) -> ServiceKey {
    let (namespace, name) = name.rsplit_once('/').unwrap_or(("", name));
    ServiceKey {
        namespace: Observed::new(namespace),
        name: Observed::new(name),
    }
}

/// The stretches whose figures make a chart of the window, oldest first. Their edges lie at multiples of their length, so
/// that what was asked once is not asked again while the window moves on.
pub fn slices(window: Window) -> Vec<Window> {
    let wanted = (window.length() / SLICES).max(SLICE_MIN);
    let steps = wanted.as_nanos().div_ceil(SLICE_MIN.as_nanos());
    let length = SLICE_MIN * u32::try_from(steps).unwrap_or(u32::MAX);
    let width = i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
    let end = window.to.0 - window.to.0.rem_euclid(width);
    let count = (window.length().as_nanos() / length.as_nanos().max(1)).min(u128::from(SLICES));
    let count = i64::try_from(count).unwrap_or(1).max(1);
    (0..count)
        .map(|i| end - (count - i) * width)
        .map(|from| Window {
            from: TimeNs(from),
            to: TimeNs(from + width),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_lie_still_while_the_window_moves() {
        let window = |to: i64| Window {
            from: TimeNs((to - 900) * 1_000_000_000),
            to: TimeNs(to * 1_000_000_000),
        };
        let first = slices(window(10_003));
        assert_eq!(first.len(), 45);
        assert_eq!(first[0].length(), Duration::from_secs(20));
        assert_eq!(first[44].to, TimeNs(10_000_000_000_000));
        assert_eq!(slices(window(10_019)), first);
        assert_eq!(slices(window(10_020))[..44], first[1..]);
    }
}
