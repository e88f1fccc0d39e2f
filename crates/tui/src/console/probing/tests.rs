//! What becomes of sessions while the colony tells of them.

use super::*;
use coral_model::TimeNs;
use coral_model::probe::{CallCounts, ProbeKind, ProbedRow};
use coral_model::profile::Function;

fn at(ms: u64) -> Moment {
    Moment {
        wall: TimeNs(i64::try_from(ms).unwrap() * 1_000_000),
        up: Duration::from_millis(ms),
    }
}

fn wish(session: &Session, state: &str) -> Wish {
    Wish {
        id: session.id.clone(),
        state: state.into(),
        reason: String::new(),
        want: session.want(),
    }
}

fn started(now: Moment) -> Session {
    Session::start(Target::service("pay"), vec!["f".into()], now)
}

fn log(hits: &[u64]) -> ProbeLog {
    let row = |hits: &u64| ProbedRow {
        function: Function {
            name: "f".into(),
            file: None,
            line: None,
        },
        binary: "pay".into(),
        offset: *hits,
        kind: ProbeKind::Sites,
        predicted: Duration::ZERO,
        note: "".into(),
        attach: Duration::ZERO,
        counts: CallCounts {
            hits: *hits,
            ..CallCounts::default()
        },
        p50: None,
        p95: Some(Duration::from_nanos(*hits)),
        p99: None,
        max: None,
    };
    ProbeLog {
        functions: hits.iter().map(row).collect(),
        ..ProbeLog::default()
    }
}

#[test]
fn a_session_is_asked_for_attached_and_over() {
    let (mut sessions, session) = (Sessions::default(), started(at(0)));
    let id = session.id.clone();
    sessions.add(session.clone());
    sessions.listed(vec![], at(10));
    assert!(
        sessions.get(&id).unwrap().is_on(),
        "the list was older than the wish"
    );
    sessions.told(&id, Ok(()), at(20));
    sessions.listed(vec![wish(&session, "attached")], at(30));
    assert_eq!(sessions.attached(), 1);
    let left = sessions.get(&id).unwrap().left(at(20_000));
    assert_eq!(left, Some(Duration::from_secs(40)));
    sessions.listed(vec![], at(30_000));
    let over = sessions.get(&id).unwrap();
    assert_eq!(
        (over.state, over.left(at(30_000))),
        (Some(WantState::Stopped), None)
    );
    assert!(over.is_told_of(at(31_000)) && !over.is_told_of(at(34_000)));
    sessions.listed(vec![wish(&session, "attached")], at(60_000));
    sessions.listed(vec![], at(61_000));
    assert_eq!(sessions.get(&id).unwrap().state, Some(WantState::Expired));
    assert_eq!(sessions.attached(), 0);
}

#[test]
fn a_refusal_keeps_its_words_and_comes_last() {
    let mut sessions = Sessions::default();
    let (refused, other) = (started(at(0)), started(at(1)));
    sessions.add(other.clone());
    sessions.add(refused.clone());
    let failure = Failure::failed("probe needs the role operator", "ask its owner");
    sessions.told(&refused.id, Err(failure), at(2));
    sessions.listed(vec![wish(&other, "pending")], at(3));
    let last = &sessions.all()[1];
    assert_eq!(last.state, Some(WantState::Refused));
    assert_eq!(
        last.reason.raw(),
        "probe needs the role operator · ask its owner"
    );
}

#[test]
fn those_that_are_over_are_bounded() {
    let mut sessions = Sessions::default();
    for ms in 0..50 {
        let session = started(at(ms));
        sessions.listed(vec![wish(&session, "attached")], at(ms));
    }
    assert_eq!(sessions.all().len(), 1 + OVER_MAX);
    assert_eq!(sessions.attached(), 1);
}

#[test]
fn the_rate_is_that_of_the_last_seconds() {
    let mut seen = Seen::default();
    seen.take(&log(&[100, 20]), at(0));
    assert_eq!((seen.rate(), seen.hits()), (None, Some(120)));
    for second in 1..=9_u64 {
        // Ten a second, and forty from the fourth second on.
        let hits = 120 + 10 * second + 30 * second.saturating_sub(4);
        seen.take(&log(&[hits, 0]), at(second * 1_000));
    }
    assert_eq!(seen.rate(), Some(40.0));
    assert_eq!(seen.p95, Some(Duration::from_nanos(360)));
    let many = (0..100).map(|ms| at(10_000 + ms));
    many.for_each(|now| seen.take(&log(&[400]), now));
    assert!(seen.counts.len() <= COUNTS_MAX);
}
