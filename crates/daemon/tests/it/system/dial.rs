//! `dial-stdio`: bytes pass both ways, and a `coral` that reaches a colony through ssh gets the same answers.

use crate::world::{World, able, beside, text};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

fn dial(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coral-daemon"));
    command
        .args(["dial-stdio", "--colony", "local"])
        .env("CORAL_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

#[test]
fn bytes_pass_both_ways_and_either_end_ends_it() {
    let home = tempfile::Builder::new().prefix("coral").tempdir().unwrap();
    let nobody = dial(home.path()).output().unwrap();
    assert_eq!(nobody.stdout, b"coral-dial 1 nobody\n");
    assert!(!nobody.status.success());
    let run = home.path().join("run/local");
    std::fs::create_dir_all(&run).unwrap();
    let listener = UnixListener::bind(run.join("colony.sock")).unwrap();
    let mut child = dial(home.path()).spawn().unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "coral-dial 1 ok\n");
    let mut stdin = child.stdin.take().unwrap();
    // More than any buffer on the way, with bytes that are no text.
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let expected = sent.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&sent));
    let mut got = vec![0; expected.len()];
    socket.read_exact(&mut got).unwrap();
    assert!(got == expected);
    // stdin has ended by now, and so the colony's end of file.
    writer.join().unwrap().unwrap();
    assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    socket.write_all(b"answer").unwrap();
    drop(socket);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "answer");
    assert!(child.wait().unwrap().success());
}

/// Takes what stands before the command away, as ssh does, and runs it here.
const SSH: &str = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift 2\nexec \"$@\"\n";

#[test]
fn a_colony_answers_through_ssh_as_through_its_socket() {
    if !able(&[]) {
        return;
    }
    let world = World::start_shared();
    let bin = world.home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let write =
        "printf %s \"$2\" > \"$1/ssh\" && chmod 755 \"$1/ssh\" && ln -s \"$3\" \"$1/coral-daemon\"";
    let daemon = beside("coral-daemon");
    let written = Command::new("sh")
        .args(["-c", write, "sh"])
        .args([&bin, Path::new(SSH), &daemon])
        .status();
    assert!(written.unwrap().success());
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = world
        .command(&beside("coral"))
        .args([
            "--colony",
            "ssh://me@web-1:2222/local",
            "status",
            "-o",
            "json",
        ])
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let remote: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let here = world.json(&["status"]);
    assert_eq!(remote["colony"]["id"], here["colony"]["id"]);
    assert_eq!(remote["agents"][0]["id"], here["agents"][0]["id"]);
}
