//! A diagnosis as JSON, as text of at most 25 lines of 100 columns, and as Markdown.

use coral_model::diagnosis::{Blind, Checked, Next, ProfileKind, Symptom};
use coral_model::{Cause, CauseKind, Confidence, Diagnosis, Evidence, Observed, TimeNs};
use coral_report::{DiagnosisReport, diagnosis_markdown, diagnosis_text, text};
use jiff::tz::TimeZone;
use std::time::Duration;

fn observed(text: &str) -> Observed {
    Observed::new(text)
}

fn evidence(id: &str, text: &str) -> Evidence {
    Evidence {
        id: id.to_owned(),
        text: observed(text),
        trend: vec![Some(1.0), Some(1.2), None, Some(9.0)],
    }
}

fn cause(rank: u32, service: &str, kind: CauseKind, score: f64) -> Cause {
    let service = observed(service);
    Cause {
        rank,
        kind,
        metric: Some(observed("latency_p95")),
        function: None,
        score,
        confidence: Confidence::High,
        path: vec![observed("checkout"), service.clone()],
        evidence: vec![
            evidence("eaaaaaaaa", "latency_p95 61.2 -> 2190 (35.8x)"),
            evidence("ebbbbbbbb", "lock_wait 1.1 -> 1810 (1645.5x)"),
        ],
        against: vec![observed("as usual: requests 1x, cpu 1.02x")],
        next: vec![Next::Profile {
            service: service.clone(),
            kind: ProfileKind::Lock,
        }],
        service,
    }
}

fn diagnosis() -> Diagnosis {
    Diagnosis {
        symptom: Some(Symptom {
            service: observed("checkout"),
            signal: observed("latency"),
            at: Some(TimeNs(1_795_181_530_000_000_000)),
        }),
        began: Some(TimeNs(1_795_181_530_000_000_000)),
        elapsed: Some(Duration::from_millis(310)),
        abstained: false,
        checked: Checked {
            services: 12,
            metrics: 130,
            edges: 19,
            events: 2,
            points: 300,
        },
        causes: vec![
            cause(1, "payments", CauseKind::Lock, 0.71),
            cause(2, "web-2", CauseKind::Disk, 0.58),
        ],
        victims: vec![observed("checkout"), observed("frontend")],
        blind: vec![Blind {
            what: observed("search"),
            why: observed("its data ends when the trouble begins"),
            fix: observed("see whether it runs, and its agent"),
        }],
    }
}

fn zone() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(1))
}

#[test]
fn every_form_of_a_diagnosis() {
    let said = diagnosis();
    let json = serde_json::to_string_pretty(&DiagnosisReport::from(&said)).unwrap();
    insta::assert_snapshot!("diagnosis_json", json);
    insta::assert_snapshot!("diagnosis_text", diagnosis_text(&said, &zone()));
    insta::assert_snapshot!("diagnosis_markdown", diagnosis_markdown(&said, &zone()));
}

#[test]
fn who_abstains_names_no_cause() {
    let mut said = diagnosis();
    (said.abstained, said.began) = (true, None);
    let report = DiagnosisReport::from(&said);
    assert!(report.causes.is_empty() && report.nearest.len() == 2);
    let text = diagnosis_text(&said, &zone());
    assert!(
        text.starts_with("nothing stands out") && text.contains("nearest"),
        "{text}"
    );
    assert!(!text.contains("high"), "{text}");
}

#[test]
fn the_text_keeps_its_lines_and_columns_whatever_the_names() {
    let long = "\u{1b}]52;c;aGk=\u{7}\n数据库\u{202e}".repeat(40);
    let mut said = diagnosis();
    said.causes = (1..30)
        .map(|rank| cause(rank, &long, CauseKind::PoolExhausted, 0.5))
        .collect();
    said.causes[0].path = vec![observed(&long); 12];
    said.causes[0].evidence = vec![evidence("ecccccccc", &long); 9];
    said.causes[0].against = vec![observed(&long); 9];
    said.victims = vec![observed(&long); 40];
    let one = said.blind[0].clone();
    said.blind = vec![
        Blind {
            what: observed(&long),
            why: observed(&long),
            ..one
        };
        9
    ];
    let out = diagnosis_text(&said, &zone());
    assert!(out.lines().count() <= 25, "{out}");
    assert!(out.lines().all(|line| text::width(line) <= 100), "{out}");
    for out in [out, diagnosis_markdown(&said, &zone())] {
        assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{out}");
        assert!(!out.contains('\u{202e}'));
    }
}
