//! The built `coral` on a real pseudo-terminal, driven by keys, its screen read by a terminal emulator.

use crate::colony::Colony;
use coral_config::Folders;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Names a folder into which the screens of these tests are written as ANSI, for `--example screenshot`.
const DUMP_VARIABLE: &str = "CORAL_SCREEN_DUMPS";
/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    /// The terminal is closed: nobody reads any more.
    closed: Arc<AtomicBool>,
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// How much of the output is whole: a terminal shows nothing of a frame that is not complete.
fn whole_frames(output: &[u8]) -> usize {
    const BEGIN: &[u8] = b"\x1b[?2026h";
    const END: &[u8] = b"\x1b[?2026l";
    let last = |marker: &[u8]| output.windows(marker.len()).rposition(|w| w == marker);
    if let Some(begin) = last(BEGIN).filter(|begin| Some(*begin) > last(END)) {
        return begin;
    }
    // What may become the mark of a beginning.
    let part = (1..BEGIN.len())
        .rev()
        .find(|&n| output.ends_with(&BEGIN[..n]));
    output.len() - part.unwrap_or(0)
}

impl Pty {
    pub fn coral(home: &Path, args: &[&str], size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_coral"));
        command.args(args);
        Self::run(command, home, size)
    }

    /// Runs a program of the test's own choice.
    pub fn run(mut command: CommandBuilder, home: &Path, (cols, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(pty_size(cols, rows)).unwrap();
        command.env("CORAL_HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command.env("LC_ALL", "C.UTF-8");
        command.cwd(home);
        command.env_remove("CORAL_THEME");
        command.env_remove("NO_COLOR");
        command.env_remove("CORAL_COLONY");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0);
        let screen = Arc::new(Mutex::new(parser));
        let raw = Arc::new(Mutex::new(vec![]));
        let (to_screen, to_raw) = (screen.clone(), raw.clone());
        let closed = Arc::new(AtomicBool::new(false));
        let stop = closed.clone();
        std::thread::spawn(move || {
            let (mut bytes, mut held) = ([0; 8192], vec![]);
            while let Ok(n) = reader.read(&mut bytes) {
                if n == 0 || stop.load(Ordering::Relaxed) {
                    break;
                }
                to_raw.lock().unwrap().extend_from_slice(&bytes[..n]);
                held.extend_from_slice(&bytes[..n]);
                let rest = held.split_off(whole_frames(&held));
                to_screen.lock().unwrap().process(&held);
                held = rest;
            }
            to_screen.lock().unwrap().process(&held);
        });
        Self {
            master: pair.master,
            writer,
            child,
            screen,
            raw,
            closed,
        }
    }

    pub fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    pub fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !holds(&self.text()) {
            assert!(start.elapsed() < PATIENCE, "no {what} in\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The screen once it has stood still for a moment.
    pub fn settled(&self) -> String {
        let (start, mut seen, mut since) = (Instant::now(), self.text(), Instant::now());
        while since.elapsed() < Duration::from_millis(700) {
            assert!(start.elapsed() < PATIENCE, "never still:\n{seen}");
            std::thread::sleep(Duration::from_millis(20));
            let now = self.text();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
        seen
    }

    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// Everything that was written to the terminal so far.
    pub fn raw(&self) -> Vec<u8> {
        self.raw.lock().unwrap().clone()
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.process_id().unwrap()).unwrap()
    }

    /// Clicks the first place that shows this text.
    pub fn click_on(&mut self, text: &str) {
        self.wait_for(text);
        let screen = self.text();
        let row = screen.lines().position(|line| line.contains(text)).unwrap();
        let line = screen.lines().nth(row).unwrap();
        let before = line.split(text).next().unwrap();
        let column = coral_report::text::width(before);
        self.keys(&format!("\x1b[<0;{};{}M", column + 1, row + 1));
        self.keys(&format!("\x1b[<0;{};{}m", column + 1, row + 1));
    }

    /// Closes the terminal, as a window that is closed; whether the program ends.
    pub fn close(self) -> bool {
        let Self {
            master,
            writer,
            mut child,
            closed,
            ..
        } = self;
        // The reader lets go of the terminal after the next bytes.
        closed.store(true, Ordering::Relaxed);
        drop((master, writer));
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn resize(&self, cols: u16, rows: u16) {
        let mut screen = self.screen.lock().unwrap();
        screen
            .screen_mut()
            .set_size(rows.try_into().unwrap(), cols.try_into().unwrap());
        drop(screen);
        self.master.resize(pty_size(cols, rows)).unwrap();
    }

    /// Waits for the end; the exit code, and whether the terminal is as it was before.
    pub fn end(mut self) -> (u32, bool) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "still there:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        };
        std::thread::sleep(Duration::from_millis(50));
        let raw = self.raw.lock().unwrap();
        let last = |sequence: &[u8]| raw.windows(sequence.len()).rposition(|w| w == sequence);
        let left = last(b"\x1b[?1049l") > last(b"\x1b[?1049h");
        let cursor = last(b"\x1b[?25h") > last(b"\x1b[?25l");
        let mouse = last(b"\x1b[?1000l") > last(b"\x1b[?1000h");
        (status.exit_code(), left && cursor && mouse)
    }

    pub fn dump(&self, name: &str) {
        if let Some(folder) = std::env::var_os(DUMP_VARIABLE) {
            let screen = self.screen.lock().unwrap();
            let ansi = screen.screen().contents_formatted();
            std::fs::write(Path::new(&folder).join(format!("{name}.ansi")), ansi).unwrap();
        }
    }
}

pub fn home() -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let socket = Folders::below(dir.path()).colony("local").unwrap().socket;
    (dir, socket)
}

#[test]
fn without_a_colony_the_console_says_so_and_leaves_the_terminal_as_it_was() {
    let (dir, _) = home();
    let start = Instant::now();
    let mut coral = Pty::coral(dir.path(), &[], (100, 30));
    coral.wait_for("1 Services");
    println!("first frame after {:?}", start.elapsed());
    coral.wait_for("No colony local runs");
    coral.dump("no_colony");
    coral.keys("?");
    coral.wait_for("page 2, Topology");
    coral.keys("\x1b");
    coral.wait_for("No colony local runs");
    coral.keys("2");
    coral.resize(60, 12);
    coral.wait_for("80x24 shows everything");
    coral.resize(120, 40);
    coral.wait_for("No colony local runs");
    coral.keys("q");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn ctrl_c_and_a_signal_end_it_as_well() {
    let (dir, _) = home();
    let mut coral = Pty::coral(dir.path(), &[], (80, 24));
    coral.wait_for("No colony");
    coral.keys("\x03");
    assert_eq!(coral.end(), (0, true));
    let coral = Pty::coral(dir.path(), &["--no-color"], (80, 24));
    coral.wait_for("No colony");
    let pid = i32::try_from(coral.child.process_id().unwrap()).unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn with_a_colony_the_pages_are_driven_by_keys() {
    let (dir, socket) = home();
    let colony = Colony::start(&socket);
    let mut coral = Pty::coral(dir.path(), &[], (120, 40));
    coral.wait_for("newcomer");
    coral.wait_for("payments: routes");
    coral.wait_for("/cart/:id/pay");
    coral.wait_until("no mailer", |screen| !screen.contains("mailer"));
    coral.dump("services");
    coral.keys("/err>1");
    coral.wait_for("1 of 9 services");
    coral.keys("\x1b");
    coral.wait_for("load-generator");
    coral.keys("sj\r");
    coral.wait_for("SERVICE↓");
    coral.keys("2jjjjjj");
    coral.wait_for("checkout → payments");
    coral.dump("topology");
    coral.keys("\r");
    coral.wait_for("Callers");
    coral.wait_for("duration ms");
    coral.dump("service");
    coral.keys("q1");
    coral.wait_for(": routes");
    // The colony goes and comes back; the sort stays.
    drop(colony);
    coral.wait_for("colony away");
    coral.dump("away");
    let _again = Colony::start(&socket);
    coral.wait_for("LIVE");
    coral.wait_for("SERVICE↓");
    coral.keys("q");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn a_flame_graph_is_driven_by_keys_alone() {
    let (dir, socket) = home();
    let colony = Colony::start(&socket);
    let mut coral = Pty::coral(dir.path(), &[], (120, 40));
    coral.wait_for("payments: routes");
    for (keys, shows) in [
        ("5", "CPU%"),
        ("/payments\r", "1 match"),
        ("\r", "all 100.0%"),
        ("jjj", "dispatch.rs:160"),
        ("\r", "Esc zooms out"),
        ("/serde\r", "18.9 % of the samples"),
        ("n", "de.rs:1340"),
        ("i", "inverted"),
        ("i\t", "SELF%"),
        ("\t=", "before 100.0 %"),
        ("==", "at 19 Hz · 97.1 %"),
    ] {
        coral.keys(keys);
        coral.wait_for(shows);
        match keys {
            "jjj" => coral.dump("profiles"),
            "\t=" => coral.dump("profiles_compared"),
            _ => {}
        }
    }
    coral.keys("p");
    coral.wait_for("of 30 s");
    coral.wait_until("the wish", |_| colony.wishes.all().len() == 1);
    coral.dump("finer");
    coral.keys("D");
    coral.wait_for("finer profile of");
    coral.wait_until("no wish", |_| colony.wishes.all().is_empty());
    for gone in ["Esc clears", "finer profile of", "all 100.0%"] {
        coral.keys("\x1b");
        coral.wait_until(&format!("end of {gone}"), |screen| !screen.contains(gone));
    }
    coral.wait_for("CPU%");
    coral.keys("q");
    assert_eq!(coral.end(), (0, true));
}

#[test]
fn a_flame_graph_is_driven_by_the_mouse_alone() {
    let (dir, socket) = home();
    let _colony = Colony::start(&socket);
    let mut coral = Pty::coral(dir.path(), &[], (200, 60));
    coral.wait_for("payments: routes");
    coral.click_on("5 Profiles");
    coral.wait_for("CPU%↓");
    coral.click_on("postgres ");
    coral.settled();
    coral.click_on("postgres ");
    coral.wait_for("all 100.0%");
    coral.click_on("payments::charge");
    coral.wait_for("src/charge.rs:41");
    coral.click_on("payments::charge");
    coral.click_on("Esc zooms out");
    coral.wait_until("whole graph", |screen| !screen.contains("Esc zooms out"));
    coral.click_on("i invert");
    coral.wait_for("inverted:");
    coral.click_on("i from the start");
    coral.wait_until("the usual form", |screen| !screen.contains("inverted:"));
    coral.click_on("_int_malloc");
    coral.wait_for("self 8.6 %");
    coral.click_on("q back");
    coral.wait_for("Enter zoom");
    coral.click_on("q back");
    coral.wait_for("CPU%");
    coral.click_on("q quit");
    assert_eq!(coral.end(), (0, true));
}

/// What a program put into the clipboard last (OSC 52).
fn copied(raw: &[u8]) -> String {
    const BEGIN: &[u8] = b"\x1b]52;c;";
    let at = raw.windows(BEGIN.len()).rposition(|w| w == BEGIN);
    let rest = &raw[at.unwrap() + BEGIN.len()..];
    let coded = rest.iter().take_while(|b| !matches!(b, b'\x07' | b'\x1b'));
    decoded(&coded.copied().collect::<Vec<_>>())
}

fn decoded(base64: &[u8]) -> String {
    let letters: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain([b'+', b'/'])
        .collect();
    let place = |b: &u8| letters.iter().position(|l| l == b);
    let (mut bits, mut count, mut out) = (0_usize, 0, vec![]);
    for value in base64.iter().filter_map(place) {
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_copied_link_opens_the_same_screen() {
    let (dir, socket) = home();
    let script = crate::colony::Script {
        news: false,
        ..crate::colony::Script::SHOP
    };
    let _colony = Colony::with(&socket, script);
    for (way, shows) in [
        ("/checkout\r\r\t\t[", "cart"),
        ("3v[[", "v all events"),
        ("1/err>0.1\r[", "2 of 9"),
    ] {
        let mut coral = Pty::coral(dir.path(), &["--colony", "local"], (120, 40));
        coral.wait_for("payments: routes");
        for key in way.split_inclusive('\r') {
            coral.keys(key);
            std::thread::sleep(Duration::from_millis(200));
        }
        coral.wait_for("◀ AT");
        coral.wait_for(shows);
        let seen = coral.settled();
        coral.keys("yjjj\r");
        coral.wait_for("copied the link");
        let link = copied(&coral.raw());
        assert!(link.starts_with("coral://local/"), "{link}");
        coral.keys("\x03");
        assert_eq!(coral.end(), (0, true));
        let mut coral = Pty::coral(dir.path(), &["open", &link], (120, 40));
        coral.wait_for("◀ AT");
        coral.wait_for(shows);
        let same = |now: &str| without_ages(now) == without_ages(&seen);
        coral.wait_until(&format!("the same screen as\n{seen}\n"), same);
        coral.keys("\x03");
        assert_eq!(coral.end(), (0, true));
    }
}

/// The screen below the line that says how old everything is.
fn without_ages(screen: &str) -> String {
    let lines = screen.lines().skip(1).map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}
