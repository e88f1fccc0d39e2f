//! perf beside it: the same program, the same clock, the same answer.

use super::run::Running;
use super::session::{Session, await_aimed, samples, settle, stacks};
use crate::world::{World, able, text};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

const BURN_MS: u64 = 8_000;
const POINTS: f64 = 0.03;
/// Shares of less are not compared.
const LEAST: f64 = 0.01;

/// The innermost functions by their share.
type Shares = BTreeMap<String, f64>;

#[test]
#[ignore = "full tier"]
fn perf_finds_the_same_shares_of_the_innermost_functions() {
    if !able(&["cc", "perf", "bpftool"]) {
        return;
    }
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    // Its frames have pointers, so that perf walks them too; both look at where the program is.
    let build = "cc -O2 -g -fno-omit-frame-pointer burn.c drive.c -o out";
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
    let mut ours = Shares::new();
    for (frames, n) in stacks(&profile) {
        let leaf = frames.last().copied().unwrap_or_default().to_owned();
        *ours.entry(leaf).or_default() += n as f64;
    }
    let ours = shares(ours);
    eprintln!("perf {of_perf:?}\ncoral {ours:?}");
    for (name, share) in of_perf.iter().filter(|(_, share)| **share >= LEAST) {
        let own = ours.get(name).copied().unwrap_or(0.0);
        assert!(
            (own - share).abs() < POINTS,
            "{name}: perf {share}, coral {own}"
        );
    }
    for part in ["sixty", "thirty", "ten"] {
        assert!(samples(&profile, |f| f.contains(&part)) > 0);
    }
}

/// The innermost frame of each sample, which is its first line: an address and a name.
fn of_perf(printed: &str) -> Shares {
    let mut all = Shares::new();
    for stack in printed.split("\n\n") {
        let line = stack.lines().find(|l| !l.trim().is_empty());
        if let Some((_, name)) = line.and_then(|l| l.trim().split_once(' ')) {
            *all.entry(name.trim().to_owned()).or_default() += 1.0;
        }
    }
    shares(all)
}

fn shares(counts: Shares) -> Shares {
    let all: f64 = counts.values().sum();
    counts
        .into_iter()
        .map(|(name, n)| (name, n / all))
        .collect()
}
