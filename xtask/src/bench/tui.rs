//! tui: how fast the console is there, answers a key and draws, and what it takes while nobody touches it. The measuring
//! itself is the example `bench_tui` of the crate: it needs a pseudo-terminal and a colony of its own.

use super::Wish;
use super::page::Page;
use crate::failure::{Failure, Trying as _};
use crate::program;
use crate::steps::Steps;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

pub const STEPS: usize = 2;
/// Idling is measured longer than the rest: there is little of it to see.
const IDLE_FACTOR: u32 = 6;

pub fn run(root: &Path, wish: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    steps.next("build: the console as a release");
    let package = ["--release", "--package", "coral-tui"];
    let cargo = |word: &str| {
        let mut cargo = program::command("cargo", root);
        cargo.arg(word).args(package);
        cargo
    };
    program::run(cargo("build").args(["--bin", "coral", "--example", "bench_tui"]))?;
    let idle_s = wish.seconds * IDLE_FACTOR;
    steps.next(&format!("measure; a minute, and idle for {idle_s} s"));
    let mut bench = cargo("run");
    bench.args(["--quiet", "--example", "bench_tui", "--"]);
    page(&measured(bench.arg(idle_s.to_string()))?)
}

/// The last line that the example prints.
fn measured(bench: &mut Command) -> Result<Value, Failure> {
    let (code, printed) = program::bytes(bench.stdout(Stdio::piped()))?;
    if code != Some(0) {
        return Err(Failure::new("bench_tui failed").hint("what it says stands above"));
    }
    let text = String::from_utf8(printed).trying("read what bench_tui printed")?;
    let line = text.lines().next_back().unwrap_or_default();
    serde_json::from_str(line).trying("read the figures of bench_tui")
}

fn page(figures: &Value) -> Result<Page, Failure> {
    let number = |name: &str| {
        let missing = || Failure::new(format!("bench_tui does not say {name}"));
        figures[name].as_f64().ok_or_else(missing)
    };
    let (keys, idle_s) = (number("keys")?, number("idle_s")?);
    let method = format!(
        "The release build of `coral` in a pseudo-terminal. First frame: from starting the program, with no colony, to the \
        last byte of its first frame, the middle of nine. Key to frame: from writing a key to the last byte of the frame \
        that follows, at 200x60 with 10,000 services, {keys} keys that move, filter, sort and change columns; 99 of 100 are \
        faster. Frame build: processor time of drawing such a frame into memory, 99 of 100 are cheaper. Idle: processor time \
        at 120x40 over {idle_s} s while a colony sends new figures each second. Memory: resident, the larger of both. A \
        small colony in the same test program answers; the machine has other work of its own, and nothing is subtracted."
    );
    let mut page = Page::new("How fast the console is", method, figures.clone());
    let spread = |middle: &str, most: &str| -> Result<String, Failure> {
        Ok(format!(
            "p50 {:.1}, most {:.1}",
            number(middle)?,
            number(most)?
        ))
    };
    let rows = [
        (
            "first frame, ms",
            "first_frame_ms",
            format!("most {:.1}", number("first_frame_most_ms")?),
            "100",
        ),
        (
            "key to frame, p99, ms",
            "key_p99_ms",
            spread("key_p50_ms", "key_most_ms")?,
            "16",
        ),
        (
            "frame build, p99, ms",
            "frame_ms",
            format!("p50 {:.2}", number("frame_p50_ms")?),
            "4",
        ),
        (
            "CPU idle, % of a core",
            "idle_cpu_percent",
            String::new(),
            "0.5",
        ),
        ("memory, MB", "rss_mb", String::new(), "60"),
    ];
    for (what, name, beside, goal) in rows {
        let figure = number(name)?;
        let beside = if beside.is_empty() {
            beside
        } else {
            format!(" ({beside})")
        };
        page.row(what, format!("{figure}{beside}"), goal);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_holds_what_the_example_says() {
        let figures = json!({
            "first_frame_ms": 20.5, "first_frame_most_ms": 30.0, "key_p99_ms": 9.0, "key_p50_ms": 5.0,
            "key_most_ms": 11.0, "keys": 300, "frame_ms": 2.0, "frame_p50_ms": 1.0,
            "idle_cpu_percent": 0.3, "idle_s": 60, "rss_mb": 40.0,
        });
        assert_eq!(page(&figures).unwrap().figures(), &figures);
        let error = page(&json!({ "keys": 1 })).err().unwrap().to_string();
        assert!(error.contains("idle_s"), "{error}");
    }
}
