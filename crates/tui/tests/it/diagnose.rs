//! `coral diagnose --bundle` and `coral incident import`: forms, exit codes, and folders that nobody means well with; `coral
//! open` of evidence.

use crate::colony::Colony;
use crate::commands::{code, coral, error, stdout};
use crate::pty::Pty;
use coral_config::Folders;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const TRAINING: &str = "../../assets/incidents/petshop-train/petshop-low_traffic-train-issue_0";

fn folder() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TRAINING);
    path.to_string_lossy().into_owned()
}

#[test]
fn only_commands_that_there_are_come_next() {
    let home = tempfile::tempdir().unwrap();
    let all = Path::new(&folder()).parent().unwrap().to_owned();
    let bundles = fs::read_dir(all).unwrap().flatten();
    let bundles: Vec<_> = bundles.map(|b| b.path()).filter(|b| b.is_dir()).collect();
    assert_eq!(bundles.len(), 16);
    for bundle in bundles {
        let bundle = bundle.to_string_lossy();
        let said = stdout(&coral(home.path(), &["diagnose", "--bundle", &bundle]));
        for missing in [
            "profile offcpu",
            "profile heap",
            "profile lock",
            "profile io",
            "debug",
        ] {
            assert!(
                !said.contains(&format!("coral {missing}")),
                "{bundle}: {said}"
            );
        }
    }
}

#[test]
fn a_bundle_is_diagnosed_in_every_form() {
    let home = tempfile::tempdir().unwrap();
    let json = coral(
        home.path(),
        &["diagnose", "--bundle", &folder(), "-o", "json"],
    );
    assert_eq!(code(&json), 0);
    let said: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(said["symptom"]["service"], "PetSite");
    assert_eq!(said["abstained"], false);
    let first = &said["causes"][0];
    assert_eq!(first["rank"], 1);
    for field in [
        "service",
        "kind",
        "score",
        "confidence",
        "path",
        "evidence",
        "against",
        "next",
    ] {
        assert!(!first[field].is_null(), "{field}");
    }
    assert!(said["elapsed_ms"].as_f64().unwrap() < 1_000.0);
    let table = stdout(&coral(home.path(), &["diagnose", "--bundle", &folder()]));
    assert!(
        table.starts_with("PetSite is slow since 2023-04-18"),
        "{table}"
    );
    assert!(table.lines().count() <= 25);
    let page = stdout(&coral(
        home.path(),
        &["diagnose", "--bundle", &folder(), "-o", "md"],
    ));
    assert!(page.starts_with("# PetSite is slow"), "{page}");
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_code() {
    let home = tempfile::tempdir().unwrap();
    let bundle = tempfile::tempdir().unwrap();
    let at = bundle.path().to_str().unwrap();
    let run = || coral(home.path(), &["diagnose", "--bundle", at, "-o", "json"]);
    assert_eq!(code(&run()), 1, "no files");
    fs::write(bundle.path().join("incident.json"), r#"{"version":1}"#).unwrap();
    symlink("/etc/passwd", bundle.path().join("metrics.csv")).unwrap();
    assert_eq!(code(&run()), 1, "a link is not followed");
    fs::remove_file(bundle.path().join("metrics.csv")).unwrap();
    fs::write(bundle.path().join("metrics.csv"), "time,x\n").unwrap();
    let refused = run();
    assert_eq!(code(&refused), 1);
    let message = error(&refused)["error"]["message"].to_string();
    assert!(message.contains("metrics.csv, line 1"), "{message}");
    fs::write(bundle.path().join("metrics.csv"), "time,a|cpu\n1,2\n").unwrap();
    let said = run();
    assert_eq!(code(&said), 0, "an abstention is an answer");
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["abstained"], true);
    assert_eq!(code(&coral(home.path(), &["diagnose"])), 3, "no colony");
    let both = &["diagnose", "cart", "--bundle", at];
    assert_eq!(code(&coral(home.path(), both)), 2);
}

#[test]
fn a_bundle_opens_in_the_console_without_a_colony() {
    let home = tempfile::tempdir().unwrap();
    let mut console = Pty::coral(home.path(), &["incident", "import", &folder()], (120, 40));
    console.wait_for("PetSite is slow since 2023-04-18");
    console.wait_for("◀ BUNDLE 2023-04-18");
    console.keys("2");
    console.wait_for("no data for Topology");
    console.keys("7");
    console.wait_for("found by rules");
    console.keys("q");
    assert_eq!(console.end(), (0, true));
}

#[test]
fn what_is_no_bundle_opens_no_console() {
    let home = tempfile::tempdir().unwrap();
    let bundle = tempfile::tempdir().unwrap();
    let at = bundle.path().to_str().unwrap();
    let run = |more: &[&str]| coral(home.path(), &[&["incident", "import", at], more].concat());
    let said = run(&["-o", "json"]);
    assert_eq!(code(&said), 1);
    assert!(
        error(&said)["error"]["message"]
            .to_string()
            .contains("incident.json")
    );
    fs::write(bundle.path().join("incident.json"), r#"{"version":9}"#).unwrap();
    fs::write(bundle.path().join("metrics.csv"), "time,a|cpu\n1,2\n").unwrap();
    assert_eq!(code(&run(&[])), 1, "a version that nobody knows");
    fs::write(bundle.path().join("incident.json"), r#"{"version":1}"#).unwrap();
    let said = run(&["-o", "json"]);
    assert_eq!(code(&said), 2, "no terminal");
    let hint = error(&said)["error"]["hint"].to_string();
    assert!(hint.contains("coral diagnose --bundle"), "{hint}");
}

#[test]
fn evidence_is_opened_by_its_id() {
    let home = tempfile::tempdir().unwrap();
    let socket = Folders::below(home.path()).colony("local").unwrap().socket;
    let _colony = Colony::start(&socket);
    let said = coral(home.path(), &["open", "eaaaaaaa3", "-o", "json"]);
    assert_eq!(code(&said), 0, "{said:?}");
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(json["evidence"]["id"], "eaaaaaaa3");
    assert_eq!(json["evidence"]["question"], "metrics");
    assert_eq!(json["evidence"]["service"], "payments");
    assert!(!json["answer"]["rows"].as_array().unwrap().is_empty());
    let text = stdout(&coral(home.path(), &["open", "eaaaaaaa3"]));
    assert!(
        text.starts_with("eaaaaaaa3  payments  latency_p95_ms"),
        "{text}"
    );
    assert!(text.contains("/cart/:id"), "{text}");
    assert_eq!(code(&coral(home.path(), &["open", "nonsense"])), 2);
    let unknown = coral(home.path(), &["open", "eggggggg2", "-o", "json"]);
    assert_eq!(code(&unknown), 1);
    let said = &error(&unknown)["error"];
    assert!(
        said["message"].to_string().contains("eggggggg2 is kept"),
        "{said}"
    );
    assert!(
        said["hint"].to_string().contains("coral diagnose"),
        "{said}"
    );
    let mut console = Pty::coral(home.path(), &["open", "e7k2m3qx4"], (120, 40));
    console.wait_for("payments::charge");
    console.wait_for("◀ AT");
    console.keys("q");
    console.wait_for("CPU%");
    console.keys("q");
    assert_eq!(console.end(), (0, true));
}
