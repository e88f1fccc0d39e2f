//! The commands about this machine and this person, and the forms of output, as a script runs them.

use crate::colony::Colony;
use crate::commands::{code, coral, error, stdout};
use coral_config::Folders;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn json(home: &Path, args: &[&str]) -> Value {
    let output = coral(home, &[args, &["-o", "json"]].concat());
    assert_eq!(code(&output), 0, "{args:?} {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_shell_completes_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&coral(dir.path(), &["completion", shell]));
        for word in ["topology", "doctor", "completion", "--since"] {
            assert!(
                script.contains(word.trim_start_matches('-')),
                "{shell} {word}"
            );
        }
    }
    assert_eq!(code(&coral(dir.path(), &["completion", "tcsh"])), 2);
}

#[test]
fn init_and_use_choose_the_colony_that_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    assert_eq!(json(home, &["init", "shop"])["colony"], "shop");
    assert_eq!(code(&coral(home, &["init", "shop"])), 1);
    assert_eq!(code(&coral(home, &["init", "No Name"])), 2);
    assert_eq!(code(&coral(home, &["init"])), 2);
    let nobody = coral(home, &["status", "-o", "json"]);
    assert!(
        error(&nobody)["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/shop/colony.sock")
    );
    let remote = json(home, &["use", "prod", "--ssh", "me@web-1", "--as", "shop"]);
    assert_eq!(remote["address"], "ssh://me@web-1");
    let colonies = json(home, &["colonies"]);
    let row = |name: &str| {
        let rows = colonies["colonies"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(row("prod")["current"], true);
    assert_eq!(row("prod")["state"], Value::Null);
    assert_eq!(row("shop")["state"], "stopped");
    assert_eq!(row("local")["current"], false);
    assert!(stdout(&coral(home, &["colonies"])).contains("* prod"));
    let elsewhere = coral(home, &["up"]);
    assert_eq!(code(&elsewhere), 2, "{elsewhere:?}");
    assert_eq!(code(&coral(home, &["use", "shop"])), 0);
    let typo = coral(home, &["use", "prdo", "-o", "json"]);
    assert_eq!(error(&typo)["error"]["hint"], "did you mean `prod`?");
    let bad = coral(home, &["use", "x", "--ssh", "-oProxyCommand=x"]);
    assert_ne!(code(&bad), 0);
}

/// A person's ssh that reaches nobody, and one that reaches a shell without coral-daemon.
#[test]
fn what_ssh_says_is_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    let ssh = dir.path().join("ssh");
    // Another process writes it: a file that this one had open while another test forks could not be run.
    let write = r#"printf '#!/bin/sh\necho "%s" >&2\nexit 255\n' "$2" > "$1" && chmod 755 "$1""#;
    let say = "Permission denied (publickey).";
    let written = Command::new("sh")
        .args(["-c", write, "sh"])
        .arg(&ssh)
        .arg(say)
        .status();
    assert!(written.unwrap().success());
    let output = Command::new(env!("CARGO_BIN_EXE_coral"))
        .args(["--colony", "ssh://me@web-1/shop", "status", "-o", "json"])
        .env("CORAL_HOME", dir.path())
        .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()))
        .output()
        .unwrap();
    assert_eq!(code(&output), 3);
    let message = error(&output)["error"]["message"].to_string();
    assert!(
        message.contains("ssh://me@web-1") && message.contains(say),
        "{message}"
    );
}

#[test]
fn doctor_names_every_setting_with_its_origin_and_every_lack_with_its_fix() {
    let dir = tempfile::tempdir().unwrap();
    let report = json(dir.path(), &["doctor"]);
    let settings = report["settings"].as_array().unwrap();
    let origin = |key: &str| {
        let row = settings.iter().find(|row| row["key"] == key);
        row.unwrap()["origin"].as_str().unwrap().to_owned()
    };
    assert_eq!(origin("colony"), "default");
    assert_eq!(origin("run folder"), "environment CORAL_HOME");
    let checks = report["checks"].as_array().unwrap();
    for what in [
        "kernel",
        "kernel types (BTF)",
        "root of cgroup v2",
        "rights of the agent",
    ] {
        assert!(checks.iter().any(|check| check["what"] == what), "{what}");
    }
    for check in checks.iter().filter(|check| check["state"] == "missing") {
        assert!(
            check["fix"].is_string() || check["costs"].is_string(),
            "{check}"
        );
    }
    assert_eq!(code(&coral(dir.path(), &["init", "shop"])), 0);
    let report = json(dir.path(), &["doctor"]);
    assert_eq!(report["settings"][1]["origin"], "config file");
    let flag = json(dir.path(), &["doctor", "--colony", "x"]);
    assert_eq!(flag["settings"][1]["origin"], "flag --colony");
    assert!(stdout(&coral(dir.path(), &["doctor"])).starts_with("settings\n"));
}

#[test]
fn answers_come_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let _colony = Colony::start(&Folders::below(dir.path()).colony("local").unwrap().socket);
    let in_form = |form| stdout(&coral(dir.path(), &["services", "-o", form]));
    let csv = in_form("csv");
    assert!(csv.starts_with("service,namespace,class,"), "{csv}");
    assert_eq!(csv.lines().count(), 14);
    let yaml = in_form("yaml");
    assert!(yaml.contains("\nservices:\n  - service: "), "{yaml}");
    let md = in_form("md");
    assert!(
        md.starts_with("| service |") && md.contains("| ---: |"),
        "{md}"
    );
    let topology = stdout(&coral(dir.path(), &["topology", "-o", "csv"]));
    assert!(topology.starts_with("caller,callee,"), "{topology}");
    assert!(stdout(&coral(dir.path(), &["version", "-o", "yaml"])).starts_with("version: "));
}

#[test]
fn watch_asks_again_and_ends_with_its_reader() {
    let dir = tempfile::tempdir().unwrap();
    let _colony = Colony::start(&Folders::below(dir.path()).colony("local").unwrap().socket);
    let mut watch = Command::new(env!("CARGO_BIN_EXE_coral"))
        .args(["status", "--watch", "1", "-o", "json"])
        .env("CORAL_HOME", dir.path())
        .env_remove("CORAL_COLONY")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = lines.next().unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["colony"]["state"], "running");
    }
    drop(lines);
    assert!(watch.wait().unwrap().success());
    assert_eq!(code(&coral(dir.path(), &["down", "--watch", "1"])), 2);
    assert_eq!(code(&coral(dir.path(), &["status", "--watch", "0"])), 2);
}

#[test]
fn a_mistyped_command_is_answered_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let typo = coral(dir.path(), &["topolgy", "-o", "json"]);
    assert_eq!(code(&typo), 2);
    assert_eq!(error(&typo)["error"]["hint"], "did you mean `topology`?");
    let text = coral(dir.path(), &["stauts"]);
    assert!(String::from_utf8_lossy(&text.stderr).contains("'status'"));
}

/// A process that ends with the test, however that ends.
struct Ending(std::process::Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process with the name of one of Coral's whose socket leads away. UDP is connected without sending anything.
fn liar(dir: &Path) -> Ending {
    let program = dir.join("coral-shop");
    std::fs::copy("/bin/bash", &program).unwrap();
    let script = "exec 3<>/dev/udp/192.0.2.1/9; echo open; read -r _";
    let mut child = Command::new(&program)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert_eq!(line, "open\n");
    Ending(child)
}

#[test]
fn doctor_shows_that_nothing_leaves_and_what_does() {
    let dir = tempfile::tempdir().unwrap();
    let socket = Folders::below(dir.path()).colony("local").unwrap().socket;
    let _colony = Colony::start(&socket);
    // A command that stays: it holds a connection to the colony.
    let mut watching = Command::new(env!("CARGO_BIN_EXE_coral"))
        .args(["status", "--watch", "60"])
        .env("CORAL_HOME", dir.path())
        .env_remove("CORAL_COLONY")
        .stdout(Stdio::piped())
        .spawn()
        .map(Ending)
        .unwrap();
    let mut first = String::new();
    BufReader::new(watching.0.stdout.as_mut().unwrap())
        .read_line(&mut first)
        .unwrap();
    let row = |found: &Value, pid: u32| {
        let rows = found["processes"].as_array().unwrap();
        rows.iter().find(|row| row["pid"] == pid).cloned()
    };
    // Other processes of Coral on this machine may be anybody's; these two are ours.
    let output = coral(dir.path(), &["doctor", "--offline", "-o", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let own = row(&found, watching.0.id()).unwrap();
    let sockets = own["sockets"].as_array().unwrap();
    assert!(sockets.iter().all(|s| s["stays"] == true), "{own}");
    assert_eq!(code(&output) == 0, found["ok"] == true);
    let liar = liar(dir.path());
    let output = coral(dir.path(), &["doctor", "--offline", "-o", "json"]);
    assert_eq!(code(&output), 1, "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let theirs = row(&found, liar.0.id()).unwrap();
    let away = theirs["sockets"].as_array().unwrap();
    assert!(
        away.iter()
            .any(|s| s["stays"] == false && s["kind"] == "udp"),
        "{theirs}"
    );
    let message = error(&output)["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().contains("coral-shop"),
        "{message}"
    );
    let text = coral(dir.path(), &["doctor", "--offline"]);
    assert!(stdout(&text).contains("-> 192.0.2.1:9"), "{text:?}");
}
