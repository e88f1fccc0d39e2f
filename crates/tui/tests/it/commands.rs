//! The commands as a script runs them: output, errors and exit codes.

use crate::colony::{Colony, Script};
use coral_config::Folders;
use std::path::Path;
use std::process::{Command, Output};

pub fn coral(home: &Path, args: &[&str]) -> Output {
    run(Path::new(env!("CARGO_BIN_EXE_coral")), home, args)
}

fn run(program: &Path, home: &Path, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .env("CORAL_HOME", home)
        .env("TZ", "UTC")
        .env_remove("CORAL_COLONY")
        .output()
        .unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn error(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stderr).unwrap()
}

#[test]
fn answers_come_as_tables_and_json() {
    let dir = tempfile::tempdir().unwrap();
    let _colony = Colony::start(&Folders::below(dir.path()).colony("local").unwrap().socket);
    let plain = coral(dir.path(), &[]);
    assert_eq!(code(&plain), 0);
    assert!(
        stdout(&plain).starts_with("colony shop runs"),
        "{}",
        stdout(&plain)
    );
    let services = coral(dir.path(), &["services", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&services.stdout).unwrap();
    assert_eq!(
        json["services"].as_array().unwrap().len(),
        13,
        "the parts are joined"
    );
    let topology = stdout(&coral(dir.path(), &["topology"]));
    assert!(topology.contains("fraud-api.example:443") && !topology.contains("sshd"));
    for args in [
        &["query", "summary"][..],
        &["query", "events"],
        &["query", "metrics", "cart"],
        &["query", "changes", "cart"],
        &["query", "summary", "--compare", "1h"],
        &["query", "host", "web-1"],
        &["query", "sql", "SELECT 1", "-o", "csv"],
        &["services", "-o", "csv"],
    ] {
        let output = coral(dir.path(), args);
        assert_eq!(code(&output), 0, "{args:?}");
    }
    let missing = coral(dir.path(), &["query", "metrics", "nosuch", "-o", "json"]);
    assert_eq!(code(&missing), 1);
    assert!(
        error(&missing)["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("coral services")
    );
}

#[test]
fn errors_say_what_to_do_and_have_their_code() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = coral(dir.path(), &["status", "-o", "json"]);
    assert_eq!(code(&nobody), 3);
    assert_eq!(error(&nobody)["error"]["code"], "not_reachable");
    assert!(
        error(&nobody)["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("coral up")
    );
    let usage = coral(dir.path(), &["query", "metrics", "--output=json"]);
    assert_eq!(
        (code(&usage), error(&usage)["error"]["code"].clone()),
        (2, "usage".into())
    );
    let builds = ["query", "summary", "--compare", "previous", "-o", "json"];
    let builds = coral(dir.path(), &builds);
    assert_eq!(
        (code(&builds), error(&builds)["error"]["code"].clone()),
        (2, "usage".into())
    );
    for args in [
        &["--since", "1w", "status"][..],
        &["--colony", "../x", "status"],
    ] {
        assert_eq!(code(&coral(dir.path(), args)), 2, "{args:?}");
    }
    let down = coral(dir.path(), &["down"]);
    assert_eq!(
        (code(&down), stdout(&down).contains("does not run")),
        (0, true)
    );
    assert_eq!(code(&coral(dir.path(), &["version"])), 0);
}

#[test]
fn a_table_becomes_a_file_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let _colony = Colony::start(&Folders::below(dir.path()).colony("local").unwrap().socket);
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let export = |table: &str, name: &str, more: &[&str]| {
        let to = file(name);
        coral(
            dir.path(),
            &[&["export", table, "--to", &to], more].concat(),
        )
    };
    let done = export("requests", "r.csv", &[]);
    assert_eq!(code(&done), 0, "{done:?}");
    let read = || std::fs::read_to_string(file("r.csv")).unwrap();
    assert_eq!(read(), "at,service\n1,cart\n");
    std::fs::write(file("r.csv"), "mine").unwrap();
    let again = export("requests", "r.csv", &["-o", "json"]);
    assert_eq!((code(&again), read().as_str()), (1, "mine"));
    assert!(
        error(&again)["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("--force")
    );
    assert_eq!(code(&export("requests", "r.csv", &["--force"])), 0);
    assert_eq!(read(), "at,service\n1,cart\n");
    assert_eq!(code(&export("broken", "b.json", &[])), 1);
    assert_eq!(code(&export("nosuch", "n.parquet", &[])), 2);
    assert_eq!(code(&export("requests", "r.xlsx", &[])), 2);
    assert_eq!(code(&export("requests", "no/folder.csv", &[])), 1);
    let left = std::fs::read_dir(files.path()).unwrap();
    let left: Vec<_> = left.map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["r.csv"]);
}

/// A daemon that holds the supervisor's lock until it is told to end, and writes its arguments down.
const SUPERVISOR: &str = r#"#!/bin/sh
echo "$@" > "$CORAL_HOME/arguments"
mkdir -p "$CORAL_HOME/run/local"
exec 9> "$CORAL_HOME/run/local/supervisor.lock"
flock 9
printf %s $$ >&9
trap 'exit 0' TERM
while :; do sleep 0.05 9>&-; done
"#;

/// `coral` beside a daemon of the test's own. Other programs write the two files: a file that this process had open for
/// writing while another test forks could not be run.
fn beside(dir: &Path, daemon: &str) -> std::path::PathBuf {
    let program = dir.join("coral");
    let write = r#"cp "$1" "$2/coral" && printf %s "$3" > "$2/coral-daemon" && chmod 755 "$2/coral-daemon""#;
    let written = Command::new("sh")
        .args(["-c", write, "sh", env!("CARGO_BIN_EXE_coral")])
        .arg(dir)
        .arg(daemon)
        .status()
        .unwrap();
    assert!(written.success());
    program
}

#[test]
fn up_starts_the_supervisor_and_down_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let program = beside(dir.path(), SUPERVISOR);
    let socket = Folders::below(dir.path()).colony("local").unwrap().socket;
    let _colony = Colony::with(&socket, Script::YOUNG);
    let up = run(&program, dir.path(), &["up", "--demo", "--fault", "lock"]);
    assert_eq!(code(&up), 0, "{up:?}");
    assert!(
        stdout(&up).contains("agent on web-1 counts requests"),
        "{}",
        stdout(&up)
    );
    let arguments = dir.path().join("arguments");
    let wait = std::time::Instant::now();
    while !arguments.exists() && wait.elapsed().as_secs() < 10 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    let told = std::fs::read_to_string(arguments).unwrap();
    assert!(
        told.starts_with("supervise --colony local --shop --fault lock --agent "),
        "{told}"
    );
    let twice = run(&program, dir.path(), &["up"]);
    assert!(
        stdout(&twice).contains("runs already"),
        "{}",
        stdout(&twice)
    );
    let down = run(&program, dir.path(), &["down"]);
    assert_eq!(
        (code(&down), stdout(&down).as_str()),
        (0, "colony local: stopped supervisor\n")
    );
}

#[test]
fn up_shows_the_log_when_the_supervisor_gives_up() {
    let dir = tempfile::tempdir().unwrap();
    let program = beside(
        dir.path(),
        "#!/bin/sh\necho 'the store is locked' >&2\nexit 7\n",
    );
    let up = run(&program, dir.path(), &["up"]);
    assert_eq!(code(&up), 1);
    let text = String::from_utf8_lossy(&up.stderr);
    assert!(
        text.contains("ended at once") && text.contains("the store is locked"),
        "{text}"
    );
}

#[test]
fn a_bad_configuration_is_named_before_a_screen_opens() {
    let dir = tempfile::tempdir().unwrap();
    let folders = Folders::below(dir.path());
    std::fs::create_dir_all(&folders.config).unwrap();
    let file = folders.config.join("config.toml");
    for (text, words) in [
        ("\ncolny = \"x\"\n", &["config.toml", "colny", "colony"][..]),
        ("colony = 3\n", &["config.toml", "line 1", "string"]),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = coral(dir.path(), &[]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 1, "{error}");
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let theme = coral(dir.path(), &["--theme", "pink"]);
    let error = String::from_utf8_lossy(&theme.stderr).into_owned();
    assert_eq!(code(&theme), 2);
    assert!(error.contains("16") && error.contains("ascii"), "{error}");
}
