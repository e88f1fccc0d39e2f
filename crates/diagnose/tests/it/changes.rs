//! Cause apart from victim in small systems that are written out.

use coral_diagnose::bundle::{Files, parse};
use coral_diagnose::{Incident, diagnose};
use coral_model::{CauseKind, Diagnosis};
use std::fmt::Write as _;

const NORMAL: usize = 60;
const TROUBLE: usize = 20;

/// A bundle of these columns: name, value before, value in the trouble; NaN is no data.
fn incident(columns: &[(&str, f64, f64)], edges: &str, events: &str) -> Incident {
    let mut metrics = "time".to_owned();
    for (name, ..) in columns {
        let _ = write!(metrics, ",{name}");
    }
    for at in 0..NORMAL + TROUBLE {
        let _ = write!(metrics, "\n{}", 1_000 + 10 * at);
        for (number, (_, before, after)) in columns.iter().enumerate() {
            let value = if at < NORMAL { before } else { after };
            // A little noise that is the same in every run.
            let noise = ((at * 31 + number * 17) % 13) as f64 / 13.0 - 0.5;
            match value * (1.0 + 0.06 * noise) {
                value if value.is_nan() => metrics.push(','),
                value => drop(write!(metrics, ",{value}")),
            }
        }
    }
    parse(&Files {
        incident: br#"{"version":1,"name":"small"}"#,
        metrics: metrics.as_bytes(),
        edges: Some(edges.as_bytes()),
        events: Some(events.as_bytes()),
    })
    .unwrap()
}

fn first(said: &Diagnosis) -> (&str, CauseKind) {
    assert!(!said.abstained, "{said:?}");
    (said.causes[0].service.raw(), said.causes[0].kind)
}

const CHAIN: &str = "caller,callee\nfront,mid\nmid,db\n";

#[test]
fn who_is_slow_because_a_callee_is_slow_is_a_victim() {
    let columns = [
        ("front|latency", 100.0, 290.0),
        ("mid|latency", 50.0, 240.0),
        ("mid|cpu", 0.2, 0.2),
        ("db|latency", 10.0, 200.0),
    ];
    let said = diagnose(&incident(&columns, CHAIN, ""));
    assert_eq!(first(&said), ("db", CauseKind::DependencySlow));
    let victims: Vec<_> = said.victims.iter().map(|v| v.raw()).collect();
    assert_eq!(victims, ["mid", "front"]);
}

#[test]
fn a_busy_processor_is_the_cause_and_its_callers_are_not() {
    let columns = [
        ("front|latency", 100.0, 290.0),
        ("mid|latency", 50.0, 240.0),
        ("mid|cpu", 0.2, 0.9),
        ("db|latency", 10.0, 10.0),
    ];
    assert_eq!(
        first(&diagnose(&incident(&columns, CHAIN, ""))),
        ("mid", CauseKind::Cpu)
    );
}

#[test]
fn more_load_at_the_entry_floods_those_below() {
    let columns = [
        ("front|requests", 100.0, 400.0),
        ("front|latency", 100.0, 180.0),
        ("mid|requests", 100.0, 400.0),
        ("mid|latency", 50.0, 130.0),
        ("mid|cpu", 0.2, 0.8),
    ];
    let said = diagnose(&incident(&columns, CHAIN, ""));
    assert_eq!(first(&said), ("front", CauseKind::LoadSurge));
    assert!(said.victims.iter().any(|v| v.raw() == "mid"));
}

#[test]
fn a_service_that_falls_silent_is_the_cause_and_a_blind_spot() {
    let columns = [
        ("front|errors", 0.0, 9.0),
        ("front|latency", 100.0, 100.0),
        ("mid|latency", 50.0, f64::NAN),
        ("mid|cpu", 0.2, f64::NAN),
        ("db|latency", 10.0, 10.0),
    ];
    let said = diagnose(&incident(&columns, CHAIN, ""));
    assert_eq!(first(&said), ("mid", CauseKind::Crash));
    assert!(
        said.blind.iter().any(|b| b.what.raw() == "mid"),
        "{:?}",
        said.blind
    );
}

#[test]
fn a_deployment_right_before_is_named() {
    let columns = [
        ("front|latency", 100.0, 160.0),
        ("front|error_rate", 0.001, 0.04),
        ("mid|error_rate", 0.001, 0.05),
        ("mid|latency", 50.0, 110.0),
    ];
    let events = "time,service,kind,text\n1590,mid,deployment,build 7\n1100,front,deployment,old\n";
    let said = diagnose(&incident(&columns, CHAIN, events));
    assert_eq!(first(&said), ("mid", CauseKind::Deployment));
    let named = said.causes[0]
        .evidence
        .iter()
        .any(|e| e.text.raw().contains("build 7"));
    assert!(named, "{:?}", said.causes[0].evidence);
}

#[test]
fn who_finds_all_its_dependencies_slow_is_slow_itself() {
    let edges = "caller,callee\nfront,mid\nmid,db\nmid,queue\nmid,mail\n";
    let columns = [
        ("front|latency", 100.0, 290.0),
        ("mid|latency", 50.0, 240.0),
        ("db|latency", 10.0, 50.0),
        ("queue|latency", 8.0, 60.0),
        ("mail|latency", 20.0, 90.0),
    ];
    assert_eq!(first(&diagnose(&incident(&columns, edges, ""))).0, "mid");
}

#[test]
fn nothing_is_said_when_nothing_is_wrong() {
    let columns = [("front|latency", 100.0, 101.0), ("mid|latency", 50.0, 50.0)];
    let said = diagnose(&incident(&columns, CHAIN, ""));
    assert!(said.abstained && said.began.is_none() && said.victims.is_empty());
    assert_eq!(said.checked.services, 2);
    assert!(
        said.blind.iter().any(|b| b.what.raw() == "db"),
        "{:?}",
        said.blind
    );
}

#[test]
fn edges_that_go_in_circles_end() {
    let edges = "caller,callee\nfront,mid\nmid,front\nmid,mid\nmid,x\nx,y\ny,mid\n";
    let columns = [("front|latency", 100.0, 290.0), ("mid|latency", 5.0, 195.0)];
    assert_eq!(first(&diagnose(&incident(&columns, edges, ""))).0, "mid");
}

#[test]
fn who_begins_to_fail_is_seen_beside_those_who_always_fail() {
    let mut columns = vec![
        ("front|error_ratio", 0.0, 0.03),
        ("front|requests_per_s", 30.0, 30.0),
        ("mid|error_ratio", 0.0, 0.26),
        ("mid|requests_per_s", 6.0, 6.0),
        ("db|error_ratio", 0.0, 0.0),
        ("db|requests_per_s", 6.0, 6.0),
    ];
    let failing = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}|error_ratio"));
    columns.extend(failing.iter().map(|name| (name.as_str(), 1.0, 1.0)));
    let said = diagnose(&incident(&columns, CHAIN, ""));
    assert_eq!(first(&said), ("mid", CauseKind::ErrorsInCode));
}
