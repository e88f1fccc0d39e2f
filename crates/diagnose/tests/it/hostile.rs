//! Bundles that nobody means well with: a clear error or an abstention, never a panic, never without bound.

use coral_diagnose::bundle::{BundleError, COLUMNS_MAX, Files, parse};
use coral_diagnose::diagnose;
use coral_model::Diagnosis;
use std::fmt::Write as _;

const HEAD: &str = r#"{"version":1,"name":"x"}"#;

fn said(head: &str, metrics: &str, edges: &str, events: &str) -> Result<Diagnosis, BundleError> {
    let files = Files {
        incident: head.as_bytes(),
        metrics: metrics.as_bytes(),
        edges: (!edges.is_empty()).then_some(edges.as_bytes()),
        events: (!events.is_empty()).then_some(events.as_bytes()),
    };
    parse(&files).map(|incident| diagnose(&incident))
}

fn error(head: &str, metrics: &str) -> String {
    said(head, metrics, "", "").unwrap_err().to_string()
}

#[test]
fn errors_name_the_file_and_the_line() {
    for (head, metrics, words) in [
        ("", "", "incident.json: no JSON"),
        ("[]", "", "one object"),
        ("{}", "", "`version` is missing"),
        (r#"{"version":2}"#, "", "version 2"),
        (r#"{"version":"1"}"#, "", "must be a number"),
        (HEAD, "", "metrics.csv must begin with"),
        (HEAD, "when,a|b\n", "metrics.csv must begin with"),
        (HEAD, "time,a\n", "`a` is no `service|metric`"),
        (HEAD, "time,a|b,a|b\n", "stands there twice"),
        (HEAD, "time,a|b\nx,1\n", "line 2: the time"),
        (HEAD, "time,a|b\n1e300,1\n", "line 2: the time"),
        (
            HEAD,
            "time,a|b\n1,\u{1b}[2J\n",
            "line 2: `\\u{1b}[2J` is no number",
        ),
        (HEAD, "time,a|b\n1,2,3\n", "more values than columns"),
        (
            r#"{"version":1,"normal":{"from":2,"to":1}}"#,
            "",
            "ends before it begins",
        ),
        (
            r#"{"version":1,"anomalous":{"from":2}}"#,
            "",
            "needs `from` and `to`",
        ),
        (r#"{"version":1,"symptom":"slow"}"#, "", "must be an object"),
        (
            r#"{"version":1,"symptom":{"at":1e99}}"#,
            "",
            "must be unix seconds",
        ),
    ] {
        let text = error(head, metrics);
        assert!(text.contains(words), "{head} {metrics}: {text}");
    }
    assert!(
        parse(&Files {
            incident: b"\xff",
            ..Files::default()
        })
        .is_err()
    );
    let edges = said(HEAD, "time,a|b\n", "from,to\na,b\n", "").unwrap_err();
    assert!(
        edges.to_string().contains("edges.csv must begin"),
        "{edges}"
    );
    let events = said(HEAD, "time,a|b\n", "", "time,service\nsoon,a\n").unwrap_err();
    assert!(
        events.to_string().contains("events.csv, line 2"),
        "{events}"
    );
}

#[test]
fn too_little_to_compare_is_an_abstention_that_says_so() {
    let mut nothing = "time,a|latency\n".to_owned();
    for at in 0..50 {
        let _ = writeln!(nothing, "{at},NaN");
    }
    for metrics in [
        "time\n",
        "time,a|latency\n",
        "time,a|latency\n1,5\n",
        "time,a|latency\n1,5\n2,9\n",
        &nothing,
    ] {
        let said = said(HEAD, metrics, "", "").unwrap();
        assert!(said.abstained, "{metrics:?}");
        assert!(!said.blind.is_empty(), "{metrics:?}");
    }
}

#[test]
fn a_million_columns_are_refused_before_they_are_kept() {
    let mut metrics = "time".to_owned();
    for i in 0..1_000_000 {
        let _ = write!(metrics, ",s{i}|cpu");
    }
    let refused = said(HEAD, &metrics, "", "").unwrap_err();
    let expected = BundleError::TooMany {
        file: "metrics.csv",
        most: COLUMNS_MAX,
        what: "columns",
    };
    assert_eq!(refused, expected);
}

#[test]
fn odd_values_times_and_names_are_data_like_others() {
    let head = r#"{"version":1,"name":"../../etc","symptom":{"service":"../../etc/passwd","signal":"errors","at":99999999999},
        "normal":{"from":0,"to":10},"anomalous":{"from":5000000000,"to":6000000000}}"#;
    let mut metrics = "time,../..|latency,\"a\u{202e}b,\"\"c|cpu\",|,=cmd|errors\n".to_owned();
    for at in 0..60 {
        let odd = ["1e308", "-inf", "nan", "", "null", "-1e-300"][at % 6];
        let _ = writeln!(metrics, "{},{odd},{odd},,{at}", at / 2);
    }
    let edges = "caller,callee\n../..,../..\n../..,=cmd\n=cmd,../..\nnobody,nowhere\n,x\n";
    let events = "time,service,kind,text\n-1,nobody,deployment,\n9e11,,crash,later\n";
    let said = said(head, &metrics, edges, events).unwrap();
    assert!(
        said.blind.iter().any(|b| b.what.raw().contains("passwd")),
        "{:?}",
        said.blind
    );
}

#[test]
fn the_same_bytes_give_the_same_words() {
    for known in crate::training::incidents().iter().take(3) {
        let once = format!("{:?}", diagnose(&known.incident));
        assert_eq!(once, format!("{:?}", diagnose(&known.incident)));
    }
}
