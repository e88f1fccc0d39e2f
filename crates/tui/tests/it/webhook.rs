//! `coral diagnose --watch --webhook URL`: what a server gets, and what no screen shows.

use crate::colony::{Colony, Script};
use crate::fixture;
use coral_config::Folders;
use coral_model::{Answer, AnswerBody, Question, TimeNs};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// The shop, in which something began twenty seconds ago.
const NEWS: Script = Script {
    answer: news,
    ..Script::SHOP
};

fn news(question: &Question, now: TimeNs) -> Answer {
    let mut answer = fixture::answer_to(question, now);
    if let (Question::Events { .. }, AnswerBody::Events { rows, .. }) = (question, &mut answer.body)
    {
        rows.retain(|event| event.text.raw().starts_with("payments"));
        let ago = Duration::from_secs(20);
        rows.iter_mut().for_each(|event| event.at = now.minus(ago));
    }
    answer
}

/// A request as a server sees it: its head and its body.
type Posted = (String, String);

/// A server that answers each request with this.
fn server(answer: String) -> (String, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let Some(posted) = one(stream, &answer) else {
                continue;
            };
            if sender.send(posted).is_err() {
                return;
            }
        }
    });
    (at, receiver)
}

fn one(stream: TcpStream, answer: &str) -> Option<Posted> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        head.push_str(&std::mem::take(&mut line));
    }
    let length = head.to_lowercase();
    let length = length.split("content-length: ").nth(1)?;
    let length: usize = length.lines().next()?.trim().parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let head_of_answer =
        format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all(head_of_answer.as_bytes()).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

fn watching(home: &Path, url: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_coral"))
        .args(["diagnose", "--watch", "1", "-o", "json", "--webhook", url])
        .env("CORAL_HOME", home)
        .env_remove("CORAL_COLONY")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Ends it; what it wrote.
fn ended(mut child: Child) -> (String, String) {
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn each_line_is_posted_as_it_is_printed() {
    let home = tempfile::tempdir().unwrap();
    let socket = Folders::below(home.path()).colony("local").unwrap().socket;
    let _colony = Colony::with(&socket, NEWS);
    let (at, posted) = server("204 No Content".to_owned());
    let child = watching(
        home.path(),
        &format!("http://ada:hunter2@{at}/T0/hunter2?key=hunter2"),
    );
    let began = posted.recv_timeout(PATIENCE).unwrap();
    let cause = posted.recv_timeout(PATIENCE).unwrap();
    let (stdout, stderr) = ended(child);
    assert!(
        began.0.starts_with("POST /T0/hunter2?key=hunter2 HTTP/1.1"),
        "{}",
        began.0
    );
    let head = began.0.to_lowercase();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("authorization: basic"), "{head}");
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(read(&began.1)["what"], "began");
    assert_eq!(read(&cause.1)["what"], "cause");
    assert_eq!(
        read(&cause.1)["diagnosis"]["causes"][0]["service"],
        "payments"
    );
    let lines: Vec<_> = stdout.lines().map(read).collect();
    assert_eq!(lines, [read(&began.1), read(&cause.1)]);
    assert_eq!(stderr, "");
}

#[test]
fn a_redirect_is_not_followed_and_no_secret_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let socket = Folders::below(home.path()).colony("local").unwrap().socket;
    let _colony = Colony::with(&socket, NEWS);
    let (elsewhere, stolen) = server("204 No Content".to_owned());
    let (at, posted) = server(format!(
        "307 Temporary Redirect\r\nlocation: http://{elsewhere}/"
    ));
    let child = watching(
        home.path(),
        &format!("http://ada:hunter2@{at}/hunter2?hunter2"),
    );
    posted.recv_timeout(PATIENCE).unwrap();
    posted.recv_timeout(PATIENCE).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let (_, stderr) = ended(child);
    assert!(stolen.try_recv().is_err(), "nothing is sent elsewhere");
    let port = at.rsplit(':').next().unwrap();
    let said = format!(
        "error: webhook 127.0.0.1:{port}: 307 Temporary Redirect: redirects are not followed"
    );
    assert!(stderr.contains(&said), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn https_begins_with_a_handshake() {
    let home = tempfile::tempdir().unwrap();
    let socket = Folders::below(home.path()).colony("local").unwrap().socket;
    let _colony = Colony::with(&socket, NEWS);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let child = watching(
        home.path(),
        &format!("https://{}/hunter2", listener.local_addr().unwrap()),
    );
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut hello = [0; 3];
    stream.read_exact(&mut hello).unwrap();
    // A TLS record of a handshake.
    assert_eq!(hello[..2], [22, 3]);
    ended(child);
}

#[test]
fn a_webhook_that_is_none_is_refused_at_once() {
    let home = tempfile::tempdir().unwrap();
    let said = crate::commands::coral(
        home.path(),
        &["diagnose", "--watch", "--webhook", "hunter2", "-o", "json"],
    );
    assert_eq!(crate::commands::code(&said), 2);
    assert!(!String::from_utf8(said.stderr).unwrap().contains("hunter2"));
}
