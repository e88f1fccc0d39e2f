//! Measures the console and prints one JSON object as its last line: `cargo run --release -p coral-tui --example
//! bench_tui`, after `cargo build --release -p coral-tui`.
//!
//! `first_frame_ms`: from the start of `coral` without a colony to its first frame on a pseudo-terminal, the middle of
//! several. `key_p99_ms`: from a key to the last byte of its frame, at 200x60 with 10,000 services, moving, filtering and
//! sorting. `frame_ms`: processor time to build such a frame, 99 of 100 are cheaper. `idle_cpu_percent`: of one core while a
//! colony changes each second and nobody touches anything, for a minute or as many seconds as are named after the program.
//! `flame_tree_ms`: to build the tree of 50,000 stacks, `flame_frame_ms`: to move in it and build the frame, 99 of 100 are
//! cheaper. `rss_mb`: the most that was resident, with the 10,000 services. Beside them stand the middle and the extremes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a measurement may fail"
)]

#[path = "../tests/it/colony.rs"]
mod colony;
#[path = "../tests/it/fixture.rs"]
mod fixture;
#[path = "../tests/it/screen.rs"]
mod screen;

use colony::{Colony, Script};
use coral_config::Folders;
use coral_model::{Answer, AnswerBody, Question, TimeNs};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::flame::{Shape, Tree};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use screen::Screen;
use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const SIZE: (u16, u16) = (200, 60);
const ROWS: usize = 10_000;
/// Keys that take longer are named.
const SLOW: Duration = Duration::from_millis(12);
/// A frame ends with this.
const FRAME_END: &[u8] = b"\x1b[?2026l";

struct Pty {
    _master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Each piece of output with its moment.
    output: Receiver<(Instant, Vec<u8>)>,
}

impl Pty {
    fn coral(home: &Path, (cols, rows): (u16, u16)) -> Self {
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().parent().unwrap().join("coral");
        assert!(program.is_file(), "build it first: {}", program.display());
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.env("CORAL_HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("CORAL_COLONY");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(n) = reader.read(&mut bytes) {
                if n == 0 || send.send((Instant::now(), bytes[..n].to_vec())).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self {
            _master: pair.master,
            writer,
            child,
            output,
        }
    }

    /// When the next frame ends; nothing within `patience` is `None`.
    fn frame(&self, patience: Duration) -> Option<Instant> {
        let (start, mut tail) = (Instant::now(), vec![]);
        loop {
            let left = patience.checked_sub(start.elapsed())?;
            let (at, bytes) = self.output.recv_timeout(left).ok()?;
            tail.extend(bytes);
            if tail.windows(FRAME_END.len()).any(|w| w == FRAME_END) {
                return Some(at);
            }
        }
    }

    /// Reads until nothing comes for so long.
    fn settle(&self, quiet: Duration) {
        while self.output.recv_timeout(quiet).is_ok() {}
    }

    fn key(&mut self, key: &str) {
        self.writer.write_all(key.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn stop(mut self) {
        self.key("\x03");
        let _ = self.child.wait();
    }
}

fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e5).round() / 100.0
}

fn percentile(mut spans: Vec<Duration>, part: f64) -> Duration {
    spans.sort();
    spans[((spans.len() - 1) as f64 * part).ceil() as usize]
}

/// How often the program is started for its first frame.
const STARTS: usize = 9;

fn first_frames() -> Vec<Duration> {
    let once = || {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let pty = Pty::coral(dir.path(), SIZE);
        let frame = pty.frame(Duration::from_secs(10)).unwrap();
        pty.stop();
        frame.duration_since(start)
    };
    (0..STARTS).map(|_| once()).collect()
}

fn many(question: &Question, now: TimeNs) -> Answer {
    let mut answer = fixture::many_answer(question, now);
    if let AnswerBody::Services(rows) = &mut answer.body {
        *rows = fixture::many_rows(ROWS);
        // As a colony does: no trend for who asks for none.
        if matches!(
            question,
            Question::Services {
                trend_points: 0,
                ..
            }
        ) {
            rows.iter_mut().for_each(|row| row.trend.clear());
        }
    }
    answer
}

fn keys() -> Vec<String> {
    let mut keys: Vec<String> = vec![];
    for round in 0..4 {
        keys.extend(["j"; 40].map(str::to_owned));
        keys.extend(["k"; 20].map(str::to_owned));
        keys.push("/".to_owned());
        keys.extend("svc-1 p95>100".chars().map(String::from));
        keys.extend(["\r", "n", "\x1b"].map(str::to_owned));
        keys.push("s".to_owned());
        keys.extend((0..=round).map(|_| "j".to_owned()));
        keys.push("\r".to_owned());
        keys.extend(["G", "g", "w", "w", " ", " "].map(str::to_owned));
    }
    keys
}

/// From each key to its frame, and the memory at the end.
fn keys_to_frames(home: &Path) -> (Vec<Duration>, f64) {
    let mut pty = Pty::coral(home, SIZE);
    std::thread::sleep(Duration::from_secs(4));
    pty.settle(Duration::from_millis(300));
    let mut spans = vec![];
    for key in keys() {
        pty.settle(Duration::from_millis(12));
        let pressed = Instant::now();
        pty.key(&key);
        // A key that changes nothing draws nothing.
        if let Some(drawn) = pty.frame(Duration::from_millis(400)) {
            let span = drawn.duration_since(pressed);
            if span > SLOW {
                eprintln!("  {:.1} ms after {key:?}", ms(span));
            }
            spans.push(span);
        }
    }
    let (_, rss) = usage(pty.child.process_id().unwrap());
    pty.stop();
    (spans, rss)
}

fn frame_builds() -> Vec<Duration> {
    let mut screen = Screen::new(SIZE.0, SIZE.1);
    screen.answers = Some(|question, now| Ok(many(question, now)));
    screen.send(coral_tui::console::event::Event::Link(
        coral_tui::console::link::LinkEvent::Open,
    ));
    let services = fixture::services(fixture::many_rows(ROWS));
    screen.change(Change::Snapshot(Topic::Status, fixture::two_agents()));
    screen.change(Change::Snapshot(Topic::Services, services));
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    let mut spans = vec![];
    for _ in 0..300 {
        screen.keys("j");
        let start = worked();
        terminal
            .draw(|frame| screen.app.draw(frame, screen.now))
            .unwrap();
        spans.push(worked() - start);
    }
    spans
}

/// Stacks of the large profile.
const STACKS: usize = 50_000;

/// The tree of a large profile, and frames of it.
fn flame_builds() -> (Vec<Duration>, Vec<Duration>) {
    static FLAME: std::sync::LazyLock<coral_model::profile::Flame> =
        std::sync::LazyLock::new(|| fixture::large_flame(STACKS));
    let build = || {
        let start = worked();
        let tree = Tree::build(&FLAME, Shape::default());
        assert!(tree.samples() == FLAME.samples);
        worked() - start
    };
    let builds = (0..9).map(|_| build()).collect();
    let services = fixture::services(fixture::shop_rows());
    let mut screen = Screen::with(SIZE.0, SIZE.1, [(Topic::Services, services)]);
    screen.answers = Some(|question, now| {
        let mut answer = fixture::answer_to(question, now);
        if let AnswerBody::Profile(flame) = &mut answer.body {
            flame.clone_from(&FLAME);
        }
        Ok(answer)
    });
    screen.keys("5");
    screen.keys("\n");
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    let mut spans = vec![];
    for key in ["j", "j", "j", "→", "j", "→", "k", "←"].repeat(40) {
        let start = worked();
        screen.keys(key);
        terminal
            .draw(|frame| screen.app.draw(frame, screen.now))
            .unwrap();
        spans.push(worked() - start);
    }
    (builds, spans)
}

/// Processor time of this thread: a busy machine makes no frame dearer.
fn worked() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).unwrap().into()
}

/// Processor time in clock ticks, and resident bytes.
fn usage(pid: u32) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let pages: f64 = fields[21].parse().unwrap();
    (ticks, pages * 4096.0)
}

fn idle(home: &Path, span: Duration) -> (f64, f64) {
    let pty = Pty::coral(home, (120, 40));
    std::thread::sleep(Duration::from_secs(3));
    let pid = pty.child.process_id().unwrap();
    let (before, start) = (usage(pid).0, Instant::now());
    std::thread::sleep(span);
    let (after, rss) = usage(pid);
    let seconds = start.elapsed().as_secs_f64();
    pty.stop();
    ((after - before) / seconds, rss / 1e6)
}

fn serve(script: Script) -> (tempfile::TempDir, Colony) {
    let dir = tempfile::tempdir().unwrap();
    let socket = Folders::below(dir.path()).colony("local").unwrap().socket;
    let colony = Colony::with(&socket, script);
    (dir, colony)
}

fn main() {
    let argument = std::env::args().nth(1);
    let idle_s = argument.map_or(60, |text| text.parse().unwrap());
    let first = first_frames();
    eprintln!("first frames {first:?}");
    let frames = frame_builds();
    let (trees, flames) = flame_builds();
    let still = |answer| Script {
        answer,
        live: false,
        news: false,
    };
    let (dir, colony) = serve(still(many));
    let (keys, rss_many) = keys_to_frames(dir.path());
    drop(colony);
    let (dir, colony) = serve(Script {
        answer: fixture::trembling_answer,
        live: true,
        news: false,
    });
    let (cpu, rss) = idle(dir.path(), Duration::from_secs(idle_s));
    drop(colony);
    let at = |spans: &Vec<Duration>, part| ms(percentile(spans.clone(), part));
    println!(
        "{}",
        serde_json::json!({
            "first_frame_ms": at(&first, 0.5), "first_frame_most_ms": at(&first, 1.0),
            "key_p99_ms": at(&keys, 0.99), "key_p50_ms": at(&keys, 0.5), "key_most_ms": at(&keys, 1.0),
            "keys": keys.len(),
            "frame_ms": at(&frames, 0.99), "frame_p50_ms": at(&frames, 0.5),
            "flame_tree_ms": at(&trees, 0.5), "flame_frame_ms": at(&flames, 0.99),
            "flame_frame_p50_ms": at(&flames, 0.5), "flame_frame_most_ms": at(&flames, 1.0),
            "idle_cpu_percent": (cpu * 100.0).round() / 100.0, "idle_s": idle_s,
            "rss_mb": (rss.max(rss_many / 1e6) * 10.0).round() / 10.0,
        })
    );
}
