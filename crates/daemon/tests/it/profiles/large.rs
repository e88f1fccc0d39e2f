//! A program of 500 MB with its debug information: the agent stays within its memory, and the process that reads it is gone
//! when nobody asks.

use super::crowds::{AGENT_MB, READER_MB, children, pss_mb};
use super::run::Running;
use super::session::{always, follows, samples};
use crate::world::{World, able};
use std::time::{Duration, Instant};

/// The reader is gone so long after the last question.
const GONE: Duration = Duration::from_secs(30);

/// Real debug information, and 500 MB more of it that nobody wrote: the place of a section is a hole in the file.
const BUILD: &str = "cc -O2 -g burn.c drive.c -o small
    truncate -s 500M padding
    objcopy --add-section .debug_padding=padding small whole
    cp --sparse=always whole out
    rm small whole padding";

#[test]
fn a_program_of_500_mb_is_read_within_bounds_by_a_process_that_then_goes() {
    if !able(&["cc", "objcopy"]) {
        return;
    }
    let world = World::start();
    let agent = world.pid("agent");
    let before = pss_mb(agent);
    let folder = tempfile::tempdir().unwrap();
    let mut program = Running::start(folder.path(), "large", BUILD, 4_000);
    assert!(std::fs::metadata(&program.path).unwrap().len() > 500 << 20);
    program.go();
    let (mut most, mut reader) = (0.0_f64, 0.0_f64);
    let profile = always(&world, &program.name, "it has names and lines", |p| {
        let now = pss_mb(agent);
        (most, reader) = (most.max(now.0), reader.max(now.1));
        samples(p, |frames| follows(frames, &["work", "sixty", "stir"])) > 20
    });
    let functions = profile["functions"].as_array().unwrap();
    let sixty = functions.iter().find(|f| f["function"] == "sixty").unwrap();
    let file = sixty["file"].as_str().unwrap();
    assert!(file.ends_with("burn.c"), "{sixty}");
    let said = format!("agent {before:?} MB before, {most:.1} at most, reader {reader:.1}");
    eprintln!("{said}");
    assert!(most < AGENT_MB && reader < READER_MB, "{said}");
    // Other programs of this machine may be new to it and are asked about: it has to be seen gone once.
    let since = Instant::now();
    while !children(agent).is_empty() {
        assert!(
            since.elapsed() < GONE,
            "the reader is still there: {:?}",
            children(agent)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(world.pid("agent"), agent, "{}", world.shown());
}
