//! profiler: what 19 samples a second cost, always, and 99 more in a session, on a host whose processors are all busy: time
//! of the kernel program, of the agent's processes, and of the interrupts themselves.

use super::Wish;
use super::cpu;
use super::lab::{Agent, Lab};
use super::page::Page;
use super::spread::{Spread, rounded};
use crate::failure::{Failure, Trying as _};
use crate::program;
use crate::steps::Steps;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub const STEPS: usize = 5;
/// The kernel program.
const PROGRAM: &str = "coral_profile";
/// The service of the load.
const SERVICE: &str = "bench-busy";
/// The design measures for a minute; `--seconds` is a sixth of it.
const FACTOR: u32 = 6;
/// After its start the agent reads the host once, and tables of what is met.
const SETTLE: Duration = Duration::from_secs(25);
/// The longest pause of an agent between two looks at the names of a file: so long is measured when its first minutes are
/// over, for all files to be looked at once.
const ROUND_OF_NAMES: Duration = Duration::from_secs(160);
/// Seconds of a round of throughput, without and with.
const ROUND_S: u32 = 4;

/// Stacks twenty deep without frame pointers, of several threads' worth of places; says each second what it has done.
const SOURCE: &str = r#"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#define APART __attribute__((noinline, noipa))
APART uint64_t stir(uint64_t x) { for (int i = 0; i < 2000; i++) x = x * 6364136223846793005u + 1; return x; }
APART uint64_t deep(uint64_t x, unsigned n) {
    volatile uint64_t kept[6]; kept[n % 6] = x;
    if (n == 0) return stir(x);
    return n & x & 1 ? deep(x ^ n, n - 1) + kept[n % 6] : deep(x + n, n - 1) * 3 + kept[n % 6];
}
int main(int count, char **words) {
    double limit = count > 1 ? atof(words[1]) : 1e9;
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    uint64_t x = 1, done = 0;
    do {
        for (int i = 0; i < 500; i++, done++) x = deep(x, 20);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - from.tv_sec + (now.tv_nsec - from.tv_nsec) / 1e9 < limit);
    printf("%llu\n", (unsigned long long)done);
    return x == 42;
}
"#;

pub fn run(lab: &Lab, wish: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    lab.alone()?;
    steps.next("what an empty interrupt costs");
    let tick = tick()?;
    let busy = compile(lab.home())?;
    steps.next(&format!(
        "{} rounds without and with the agent",
        wish.rounds
    ));
    let ratios = throughput(lab, wish, &busy, cores)?;
    steps.next("19 a second, in the first minutes");
    let agent = lab.agent()?;
    let load = Load::start(&busy, cores)?;
    thread::sleep(SETTLE);
    let seconds = wish.seconds * FACTOR;
    let early = Cost::measure(&agent, seconds, cores)?;
    steps.next("19 a second, later");
    let used = SETTLE + Duration::from_secs(seconds.into());
    thread::sleep((ROUND_OF_NAMES + SETTLE).saturating_sub(used));
    let always = Cost::measure(&agent, ROUND_OF_NAMES.as_secs() as u32, cores)?;
    steps.next("and 99 more in a session");
    let mut session = session(lab, seconds + 10)?;
    thread::sleep(Duration::from_secs(4));
    let finer = Cost::measure(&agent, seconds, cores)?;
    super::lab::end(&mut session);
    drop(load);
    Ok(page(wish, cores, &tick, [&early, &always, &finer], &ratios))
}

/// Nanoseconds of an empty interrupt: the median of rounds, the least, the most.
fn tick() -> Result<[f64; 3], Failure> {
    let root = crate::house::root()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "-p", "coral-probes"]);
    let printed = program::output(cargo.args(["--example", "ticks"]).current_dir(root))?;
    let line = printed.lines().last().unwrap_or_default();
    let said: Value = serde_json::from_str(line).trying("read what an interrupt costs")?;
    let ns = |name: &str| said[name].as_f64().unwrap_or(0.0);
    Ok(["ns", "least", "most"].map(ns))
}

fn compile(home: &Path) -> Result<PathBuf, Failure> {
    let program = home.join(SERVICE);
    let source = home.join("busy.c");
    std::fs::write(&source, SOURCE).trying("write the load")?;
    let mut cc = program::command("cc", home);
    cc.args(["-O2", "-fomit-frame-pointer"]).arg(&source);
    program::run(cc.arg("-o").arg(&program))?;
    Ok(program)
}

/// One busy process for each processor; they are gone after this.
struct Load(Vec<Child>);

impl Load {
    fn start(program: &Path, cores: usize) -> Result<Self, Failure> {
        let one = |_| {
            let mut command = Command::new(program);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.spawn().trying("start the load")
        };
        Ok(Self((0..cores).map(one).collect::<Result<_, _>>()?))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(super::lab::end);
    }
}

/// A session about the load.
fn session(lab: &Lab, seconds: u32) -> Result<Child, Failure> {
    lab.eventually("the load is known", || {
        let services = lab.ask(&["services", "--all"]).unwrap_or_default();
        let rows = services["services"].as_array().cloned().unwrap_or_default();
        rows.iter().any(|row| row["service"] == SERVICE)
    })?;
    let length = format!("{seconds}s");
    let mut coral = lab.command("coral");
    coral.args([
        "--colony",
        "bench",
        "profile",
        "cpu",
        SERVICE,
        "--hz",
        "99",
        "--duration",
        &length,
    ]);
    let quiet = coral.stdin(Stdio::null()).stdout(Stdio::null());
    quiet
        .stderr(Stdio::null())
        .spawn()
        .trying("start coral profile")
}

/// What a stretch cost, in seconds of processors.
#[derive(Debug)]
struct Cost {
    kernel_s: f64,
    processes_s: f64,
    /// Of that, the one that reads symbols.
    symbols_s: f64,
    interrupts: f64,
    /// Seconds that all processors had.
    had_s: f64,
}

impl Cost {
    fn measure(agent: &Agent, seconds: u32, cores: usize) -> Result<Self, Failure> {
        let accounting = cpu::Accounting::start()?;
        let (before, own) = (cpu::program_runs(PROGRAM)?, cpu::used_by(agent.pid()));
        let core = cpu::used_by_itself(agent.pid());
        let begun = Instant::now();
        thread::sleep(Duration::from_secs(seconds.into()));
        let (after, had_s) = (cpu::program_runs(PROGRAM)?, begun.elapsed().as_secs_f64());
        let processes_s = cpu::used_by(agent.pid()) - own;
        let cost = Self {
            kernel_s: after.0 - before.0,
            processes_s,
            symbols_s: processes_s - (cpu::used_by_itself(agent.pid()) - core),
            interrupts: after.1 - before.1,
            had_s: had_s * cores as f64,
        };
        drop(accounting);
        eprintln!("  {cost:?}");
        Ok(cost)
    }

    fn percent(&self, tick_ns: f64) -> f64 {
        let all = self.kernel_s + self.processes_s + self.interrupts * tick_ns / 1e9;
        rounded(all / self.had_s * 100.0, 4)
    }

    fn part(&self, seconds: f64) -> String {
        format!("{:.4}", seconds / self.had_s * 100.0)
    }
}

/// What the load does with the agent, of what it does without, round by round.
fn throughput(lab: &Lab, wish: &Wish, busy: &Path, cores: usize) -> Result<Spread, Failure> {
    let mut ratios = vec![];
    for round in 0..wish.rounds {
        let mut done = [0.0; 2];
        // Who goes first changes, so that neither has the warmer machine.
        for with in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            lab.alone()?;
            let agent = if with == 1 { Some(lab.agent()?) } else { None };
            thread::sleep(Duration::from_secs(3));
            done[with] = work(busy, cores)?;
            drop(agent);
        }
        eprintln!("  round {}: {:.4}", round + 1, done[1] / done[0]);
        ratios.push(done[1] / done[0]);
    }
    Ok(Spread::of(ratios))
}

/// What all processors do in a while.
fn work(busy: &Path, cores: usize) -> Result<f64, Failure> {
    let start = |_| {
        let mut command = Command::new(busy);
        command.arg(ROUND_S.to_string()).stdout(Stdio::piped());
        command.spawn().trying("start the load")
    };
    let children: Vec<Child> = (0..cores).map(start).collect::<Result<_, _>>()?;
    let mut all = 0.0;
    for child in children {
        let output = child.wait_with_output().trying("await the load")?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        all += printed
            .trim()
            .parse::<f64>()
            .trying("read what the load did")?;
    }
    Ok(all)
}

fn page(
    wish: &Wish,
    cores: usize,
    tick: &[f64; 3],
    [early, always, finer]: [&Cost; 3],
    ratios: &Spread,
) -> Page {
    let [tick_ns, least, most] = *tick;
    let seconds = wish.seconds * FACTOR;
    let (cost_19, cost_99) = (always.percent(tick_ns), finer.percent(tick_ns));
    let per_sample = |c: &Cost| rounded(c.kernel_s * 1e9 / c.interrupts.max(1.0), 0);
    let round = ROUND_OF_NAMES.as_secs();
    let cost_early = early.percent(tick_ns);
    let figures = json!({
        "cost_19hz_percent": cost_19, "cost_99hz_percent": cost_99, "interrupt_ns": tick_ns,
        "kernel_ns_per_sample": per_sample(always), "throughput_ratio": rounded(ratios.median(), 4),
        "seconds": seconds, "cost_19hz_early_percent": cost_early,
    });
    let method = format!(
        "All {cores} processors are kept busy by programs without frame pointers, stacks of twenty frames. For {seconds} s \
        each, and for {round} s when the agent's first minutes are over, in which it looks once at the names of all files: \
        run_time_ns of the kernel program `{PROGRAM}`, the time of all the agent's processes with the one that reads \
        symbols, and the interrupts (run_cnt) times the cost of an empty one, measured in the same run; of what the \
        processors had. With 99 a second in a session the 19 go on, and are in the figure. The agent does everything else \
        that it does as well. The throughput ratio is of what the load does in {ROUND_S} s with and without the agent, in \
        turns; its noise is larger than what it is to show."
    );
    let mut page = Page::new("What profiling costs", method, figures);
    page.row("19 a second, % of the host", format!("{cost_19:.4}"), "0.1");
    page.row(
        "the same in the first minutes",
        format!("{cost_early:.4}"),
        "",
    );
    page.row(
        "and 99 in a session, % of the host",
        format!("{cost_99:.4}"),
        "0.3",
    );
    for (name, cost) in [("19", always), ("19 at first", early), ("99", finer)] {
        page.row(
            &format!("{name}: kernel program, %"),
            cost.part(cost.kernel_s),
            "",
        );
        page.row(
            &format!("{name}: processes, %"),
            cost.part(cost.processes_s),
            "",
        );
        page.row(
            &format!("{name}: of that, the reader of symbols, %"),
            cost.part(cost.symbols_s),
            "",
        );
        let interrupts = cost.interrupts * tick_ns / 1e9;
        page.row(&format!("{name}: interrupts, %"), cost.part(interrupts), "");
    }
    page.row(
        "an empty interrupt, ns",
        format!("{tick_ns:.0} ({least:.0} to {most:.0})"),
        "",
    );
    page.row("throughput with / without", ratios.text(4), "");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_parts_are_in_the_cost() {
        let cost = Cost {
            kernel_s: 0.01,
            processes_s: 0.02,
            symbols_s: 0.01,
            interrupts: 10_000.0,
            had_s: 100.0,
        };
        assert_eq!(cost.percent(1_000.0), 0.04);
        let wish = Wish {
            seconds: 1,
            rounds: 1,
            folder: None,
            synthetic: false,
        };
        let page = page(
            &wish,
            2,
            &[1_000.0, 1.0, 2.0],
            [&cost; 3],
            &Spread::of([1.0]),
        );
        assert_eq!(page.figures()["cost_19hz_percent"], 0.04);
        assert_eq!(page.figures()["kernel_ns_per_sample"], 1_000.0);
    }
}
