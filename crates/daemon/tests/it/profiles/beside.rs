//! perf beside it: the same program, the same clock, the same answer.

use super::run::Running;
use super::session::{Session, await_aimed, settle, stacks};
use crate::world::{World, able, text};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

const BURN_MS: u64 = 8_000;
const POINTS: f64 = 0.03;
/// Shares of less are not compared.
const LEAST: f64 = 0.01;

/// Frames from the outermost, and samples.
type Stacks = Vec<(Vec<String>, f64)>;

/// Functions by their share.
type Shares = BTreeMap<String, f64>;

#[test]
#[ignore = "full tier"]
fn perf_finds_the_same_shares_of_the_innermost_functions() {
    if !able(&["cc", "perf", "bpftool"]) {
        return;
    }
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    // The work is in the three functions themselves, not in what they call: both look for the innermost. Without debug
    // information, because perf shows no inlined functions.
    let build =
        "sed 's/APART uint64_t stir/static inline uint64_t stir/' burn.c | cat - drive.c > one.c
        cc -O3 -fno-omit-frame-pointer one.c -o out";
    let mut program = Running::start(folder.path(), "beside", build, BURN_MS);
    let session = Session::begin(&world, &program.name);
    await_aimed(&world, 1);
    let data = folder.path().join("perf.data");
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-e", "cpu-clock", "-F", "999", "-g", "-p"]);
    let perf = perf.arg(program.pid().to_string()).arg("-o").arg(&data);
    let mut perf = perf.stdin(Stdio::null()).spawn().unwrap();
    crate::world::eventually("perf records", || data.exists());
    program.go();
    program.took_ns();
    settle(&world, &[&program.name]);
    let profile = session.end();
    drop(program);
    perf.wait().unwrap();
    let mut script = Command::new("perf");
    script.args(["script", "-F", "ip,sym", "-i"]).arg(&data);
    let output = script.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let of_perf = of_perf(&String::from_utf8_lossy(&output.stdout));
    let names = |frames: &[&str]| frames.iter().map(|f| (*f).to_owned()).collect();
    let of_coral = stacks(&profile).into_iter();
    let of_coral = of_coral
        .map(|(frames, n)| (names(&frames), n as f64))
        .collect();
    agree("innermost", &innermost(&of_perf), &innermost(&of_coral));
    agree("in stacks", &parts(&of_perf), &parts(&of_coral));
}

fn agree(what: &str, of_perf: &Shares, of_coral: &Shares) {
    for (name, share) in of_perf.iter().filter(|(_, share)| **share >= LEAST) {
        let own = of_coral.get(name).copied().unwrap_or(0.0);
        eprintln!("{what}: {name}: perf {share:.4}, coral {own:.4}");
        assert!(
            (own - share).abs() < POINTS,
            "{name}: perf {share}, coral {own}"
        );
    }
}

/// The stacks that perf has sampled, from the outermost frame: lines of an address and a name, the innermost first.
fn of_perf(printed: &str) -> Stacks {
    let name = |line: &str| Some(line.trim().split_once(' ')?.1.trim().to_owned());
    let stack = |text: &str| text.lines().rev().filter_map(name).collect::<Vec<_>>();
    let all = printed.split("\n\n").map(|text| (stack(text), 1.0));
    all.filter(|(frames, _)| !frames.is_empty()).collect()
}

fn innermost(stacks: &Stacks) -> Shares {
    shares(stacks, |frames| frames.last().cloned())
}

/// The three functions, whomever they called.
fn parts(stacks: &Stacks) -> Shares {
    let is_part = |f: &&String| ["sixty", "thirty", "ten"].contains(&f.as_str());
    shares(stacks, |frames| frames.iter().find(is_part).cloned())
}

fn shares(stacks: &Stacks, key: impl Fn(&[String]) -> Option<String>) -> Shares {
    let all: f64 = stacks.iter().map(|(_, n)| n).sum();
    let mut shares = Shares::new();
    for (frames, n) in stacks {
        if let Some(key) = key(frames) {
            *shares.entry(key).or_default() += n / all;
        }
    }
    shares
}
