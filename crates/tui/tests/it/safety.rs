//! What the terminal gets to see: no hostile byte, little when nothing happens, and the shell as it was at every end.

use crate::colony::{Colony, Script};
use crate::fixture;
use crate::pty::{Pty, home};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::CommandBuilder;
use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Control sequences of the recording, without their parameters; panics on anything else that a terminal obeys.
fn sequences(raw: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(raw).unwrap();
    let (mut found, mut chars) = (vec![], text.chars().peekable());
    while let Some(c) = chars.next() {
        assert!(!('\u{80}'..='\u{9f}').contains(&c), "a raw C1 {c:?}");
        match c {
            '\x1b' => match chars.next() {
                Some('[') => {
                    let mut sequence = "[".to_owned();
                    for c in chars.by_ref() {
                        sequence.push(c);
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                    found.push(sequence);
                }
                Some(']') => {
                    let end = |c: &char| *c == '\x07' || *c == '\x1b';
                    let body: String = std::iter::from_fn(|| chars.next_if(|c| !end(c))).collect();
                    found.push(format!("]{body}"));
                    chars.next();
                }
                Some('\\') => {}
                other => panic!("an escape before {other:?}"),
            },
            c => assert!(!c.is_control() || c == '\r' || c == '\n', "a raw {c:?}"),
        }
    }
    found
}

#[test]
fn hostile_names_reach_no_terminal() {
    let (dir, socket) = home();
    let _colony = Colony::with(&socket, Script::HOSTILE);
    let mut coral = Pty::coral(dir.path(), &[], (120, 40));
    coral.wait_for("aGk=");
    for (keys, text) in [
        ("\r", "Routes"),
        ("\t", "Callers"),
        ("\t", "Callees"),
        ("\t", "FDS"),
        ("\t", "Changes"),
        ("2", "┃"),
        ("w", "SPEAKS"),
        ("3", "KIND"),
        ("v", "v all events"),
        ("v", "v changes"),
        ("\r", "Routes"),
        ("5", "CPU%"),
        ("\r", "all 100"),
        ("jjjjl", "aGk="),
        ("i", "inverted"),
        ("iT", "by thread"),
        ("\t", "SELF%"),
        ("=", "CHANGE"),
        ("p", "of 30 s"),
        ("D", "finer profile of"),
        ("6", "No probe is attached"),
        ("1", "SERVICE"),
        ("a", "any letters"),
        ("j \r", "ARGUMENTS"),
        ("v", "% self"),
        ("v", "OF ITS CALLER"),
        ("D", "somebody else"),
        ("n", "OF ITS CALLER"),
        ("a", "any letters"),
        ("\x1b", "OF ITS CALLER"),
        ("7", "BEGAN"),
        ("\r", "found by rules"),
        ("9", "MISSING"),
        ("\r", "observes"),
        ("1", "SERVICE"),
        (":x", "go to anything"),
        ("\x1b", "SERVICE"),
        ("e\x1b", "SERVICE"),
        ("/aGk\r", "Esc clears"),
        ("\x1b", "line⏎break"),
        ("y", "copy"),
    ] {
        coral.keys(keys);
        coral.wait_for(text);
        std::thread::sleep(Duration::from_millis(60));
    }
    let before = sequences(&coral.raw());
    assert!(!before.iter().any(|s| s.starts_with(']')), "{before:?}");
    coral.keys("\r");
    coral.wait_for("copied the name");
    let copied: Vec<String> = sequences(&coral.raw())
        .into_iter()
        .filter(|s| s.starts_with(']'))
        .collect();
    assert_eq!(copied.len(), 1, "{copied:?}");
    assert!(copied[0].starts_with("]52;c;"), "{copied:?}");
    coral.keys("q");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn a_screen_that_nobody_touches_writes_little() {
    let (dir, socket) = home();
    let _colony = Colony::with(&socket, TREMBLING);
    writes_little(dir.path());
}

#[test]
fn over_a_slow_link_as_well() {
    let (dir, socket) = home();
    let far = socket.with_file_name("far.sock");
    let _colony = Colony::with(&far, TREMBLING);
    slow_link(&socket, far);
    writes_little(dir.path());
}

/// Figures that tremble each second.
const TREMBLING: Script = Script {
    answer: fixture::trembling_answer,
    live: true,
    news: false,
};

/// How long each byte is under way, in each direction.
const DELAY: Duration = Duration::from_millis(200);

/// Joins each connection at `near` to one of its own at `far`; bytes come late, and in order.
fn slow_link(near: &Path, far: PathBuf) {
    let listener = UnixListener::bind(near).unwrap();
    std::fs::set_permissions(near, Permissions::from_mode(0o600)).unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = UnixStream::connect(&far).unwrap();
            for (from, to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ] {
                carry_slowly(from, to);
            }
        }
    });
}

fn carry_slowly(mut from: UnixStream, mut to: UnixStream) {
    let (out, late) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if out
                .send((Instant::now() + DELAY, bytes[..n].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in late {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn writes_little(home: &Path) {
    let mut coral = Pty::coral(home, &[], (120, 40));
    coral.wait_for("/cart/:id/pay");
    for (page, shows, seconds) in [
        ("1", "payments: routes", 10),
        ("2", "▶┃", 4),
        ("1\r", "duration ms", 4),
    ] {
        coral.keys(page);
        coral.wait_for(shows);
        std::thread::sleep(Duration::from_secs(2));
        let (start, before) = (Instant::now(), coral.raw().len());
        std::thread::sleep(Duration::from_secs(seconds));
        let written = (coral.raw().len() - before) as f64 / start.elapsed().as_secs_f64();
        println!("{page:?}: {written:.0} bytes a second");
        assert!(written <= 4096.0, "{page:?}: {written:.0} bytes a second");
        assert!(written > 10.0, "{page:?} is live");
    }
    coral.keys("qq");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn it_can_be_suspended_and_comes_back() {
    let (dir, socket) = home();
    let _colony = Colony::start(&socket);
    let mut bash = CommandBuilder::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    bash.env("PS1", "shell> ");
    let mut shell = Pty::run(bash, dir.path(), (100, 30));
    shell.wait_for("shell>");
    shell.keys(&format!("{}\n", env!("CARGO_BIN_EXE_coral")));
    shell.wait_for("payments");
    shell.keys("\x1a");
    shell.wait_for("Stopped");
    shell
        .keys("stty -a | tr ' ' '\\n' | grep -xE -- '-?(icanon|echo|isig)' | tr '\\n' '.'; echo\n");
    shell.wait_for("isig.icanon.echo.");
    shell.keys("fg\n");
    shell.wait_for("payments");
    shell.keys("2");
    shell.wait_for("frontend");
    shell.keys("q");
    shell.wait_for("shell>");
    shell.keys("echo back $?\n");
    shell.wait_for("back 0");
    shell.keys("exit\n");
    let (code, restored) = shell.end();
    assert_eq!((code, restored), (0, true));
}

#[test]
fn signals_leave_the_terminal_as_it_was() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let (dir, socket) = home();
        let _colony = Colony::start(&socket);
        let coral = Pty::coral(dir.path(), &[], (80, 24));
        coral.wait_for("payments");
        kill(Pid::from_raw(coral.pid()), signal).unwrap();
        assert_eq!(coral.end(), (0, true), "{signal}");
    }
}

#[test]
fn a_kill_that_nobody_can_catch_leaves_the_shell_sane() {
    let (dir, socket) = home();
    let _colony = Colony::start(&socket);
    let mut shell = CommandBuilder::new("sh");
    shell.env("PS1", "shell> ");
    let mut shell = Pty::run(shell, dir.path(), (100, 30));
    shell.wait_for("shell>");
    shell.keys(&format!(
        "sh -c 'echo $$ > pid; exec {}'\n",
        env!("CARGO_BIN_EXE_coral")
    ));
    shell.wait_for("payments");
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    kill(
        Pid::from_raw(-pid.trim().parse::<i32>().unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    shell.wait_until("screen of the shell", |screen| !screen.contains("payments"));
    shell.keys("echo $((40 + 2)) works\n");
    shell.wait_for("42 works");
    let ends = |mark: &[u8]| shell.raw().windows(mark.len()).any(|w| w == mark);
    for mark in [&b"\x1b[?1049l"[..], b"\x1b[?1000l", b"\x1b[?25h"] {
        assert!(ends(mark), "{}", String::from_utf8_lossy(mark));
    }
    shell.keys("exit\n");
    let (_, restored) = shell.end();
    assert!(restored, "modes of the terminal");
}

#[test]
fn a_closed_terminal_ends_it() {
    let (dir, socket) = home();
    let _colony = Colony::start(&socket);
    let coral = Pty::coral(dir.path(), &[], (80, 24));
    coral.wait_for("payments");
    assert!(coral.close(), "it goes on without a terminal");
}

/// Run by the next test on a terminal of its own. A program apart would not be there when this binary alone is built.
#[test]
#[ignore = "takes the terminal"]
fn takes_the_terminal_and_panics() {
    let _terminal = coral_tui::console::terminal::Terminal::take().unwrap();
    panic!("as if it had a mistake");
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_reports() {
    let (dir, _) = home();
    let mut own = CommandBuilder::new(std::env::current_exe().unwrap());
    own.args([
        "--exact",
        "safety::takes_the_terminal_and_panics",
        "--ignored",
        "--nocapture",
    ]);
    let run = Pty::run(own, dir.path(), (100, 30));
    run.wait_for("as if it had a mistake");
    let raw = run.raw();
    let at = |text: &[u8]| raw.windows(text.len()).position(|w| w == text);
    assert!(at(b"\x1b[?1049l") < at(b"as if it had a mistake"));
    let (code, restored) = run.end();
    assert!(code != 0 && restored, "{code} {restored}");
}
