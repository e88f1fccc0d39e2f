//! Time and memory as the kernel accounts them: of the whole machine, of a tree of processes, of the kernel programs.

use super::read;
use crate::failure::{Failure, Trying as _};
use crate::program;
use serde_json::Value;
use std::fs;
use std::process::Command;
use std::time::Instant;

/// `USER_HZ`: fixed for every architecture that Coral runs on.
const TICKS_PER_S: f64 = 100.0;

/// Seconds of all CPUs since the boot.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Machine {
    /// Everything but idle, waiting for disks and what the hypervisor took.
    busy: f64,
    /// Of that, interrupts: work for sockets that is booked to no process.
    interrupts: f64,
}

impl Machine {
    fn now() -> Result<Self, Failure> {
        let stat = read("/proc/stat")?;
        Self::of(&stat).ok_or_else(|| Failure::new("/proc/stat is not as expected"))
    }

    fn of(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<f64> = line
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal
        let [user, nice, system, _, _, irq, softirq] = *ticks.first_chunk::<7>()?;
        let interrupts = (irq + softirq) / TICKS_PER_S;
        Some(Self {
            busy: (user + nice + system) / TICKS_PER_S + interrupts,
            interrupts,
        })
    }
}

/// What everybody but this process and its children takes of the machine.
pub struct Others {
    begun: Instant,
    machine: Machine,
    own: f64,
}

/// What was taken meanwhile.
pub struct Taken {
    /// Seconds of this process, its children, and of interrupts.
    pub ours: f64,
    /// Percent of one core, of all others.
    pub others_percent: f64,
}

impl Others {
    pub fn watch() -> Result<Self, Failure> {
        Ok(Self {
            begun: Instant::now(),
            machine: Machine::now()?,
            own: used_by(std::process::id()),
        })
    }

    pub fn taken(&self) -> Result<Taken, Failure> {
        let own = used_by(std::process::id()) - self.own;
        let now = Machine::now()?;
        let ours = own + now.interrupts - self.machine.interrupts;
        let others = (now.busy - self.machine.busy - ours).max(0.0);
        Ok(Taken {
            ours,
            others_percent: others / self.begun.elapsed().as_secs_f64() * 100.0,
        })
    }
}

/// A process and its descendants.
pub fn tree(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, field(pid, 1)? as u32)))
        .collect();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| pid),
        );
        at += 1;
    }
    found
}

/// The n-th field of /proc/PID/stat after the program's name.
fn field(pid: u32, n: usize) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(n)?.parse().ok()
}

/// CPU seconds of a process and its descendants, those that have ended included.
pub fn used_by(pid: u32) -> f64 {
    let of = |pid: u32| (11..15).filter_map(|n| field(pid, n)).sum::<f64>();
    tree(pid).into_iter().map(of).sum::<f64>() / TICKS_PER_S
}

/// CPU seconds of a process alone.
pub fn used_by_itself(pid: u32) -> f64 {
    (11..13).filter_map(|n| field(pid, n)).sum::<f64>() / TICKS_PER_S
}

/// Proportional set size of a process and its descendants in MB.
pub fn pss_mb(pid: u32) -> Result<f64, Failure> {
    let of = |pid: u32| -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let kib: f64 = tree(pid).into_iter().filter_map(of).sum();
    if kib == 0.0 {
        return Err(Failure::new(format!("process {pid} has ended")));
    }
    Ok(kib * 1024.0 / 1e6)
}

/// Lets the kernel add up the time of its programs while this lives; that itself costs a little.
pub struct Accounting {
    before: String,
}

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

impl Accounting {
    pub fn start() -> Result<Self, Failure> {
        let before = read(SWITCH)?;
        fs::write(SWITCH, "1").trying("let the kernel account its programs")?;
        Ok(Self { before })
    }

    /// Seconds that all kernel programs of Coral have run.
    pub fn seconds(&self) -> Result<f64, Failure> {
        Ok(run_time(&kernel_programs()?) / 1e9)
    }
}

/// Seconds that one kernel program has run, and how often: of all agents on this machine.
pub fn program_runs(name: &str) -> Result<(f64, f64), Failure> {
    let programs = kernel_programs()?;
    let own: Vec<&Value> = named_coral(&programs)
        .filter(|p| p["name"] == name)
        .collect();
    let sum = |field: &str| own.iter().filter_map(|p| p[field].as_f64()).sum::<f64>();
    Ok((sum("run_time_ns") / 1e9, sum("run_cnt")))
}

fn kernel_programs() -> Result<Value, Failure> {
    let mut bpftool = Command::new("bpftool");
    let printed = program::output(bpftool.args(["-j", "prog", "show"]))
        .map_err(|failure| failure.hint("run: apt-get install bpftool"))?;
    serde_json::from_str(&printed).trying("read bpftool's list")
}

/// How many kernel programs of Coral there are: without our own agent, those of others.
pub fn count_kernel_programs() -> Result<usize, Failure> {
    Ok(named_coral(&kernel_programs()?).count())
}

/// Their names begin with `coral_`.
fn named_coral(programs: &Value) -> impl Iterator<Item = &Value> {
    let programs = programs.as_array().map_or(&[][..], Vec::as_slice);
    programs.iter().filter(|program| {
        let name = program["name"].as_str();
        name.is_some_and(|name| name.starts_with("coral_"))
    })
}

fn run_time(programs: &Value) -> f64 {
    let times = named_coral(programs).filter_map(|program| program["run_time_ns"].as_f64());
    times.sum()
}

impl Drop for Accounting {
    fn drop(&mut self) {
        let _ = fs::write(SWITCH, self.before.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_accounts() {
        let machine = Machine::of("cpu  100 20 30 1000 50 3 7 9 0 0\ncpu0 1\n").unwrap();
        assert!((machine.busy - 1.6).abs() < 1e-9 && (machine.interrupts - 0.1).abs() < 1e-9);
        let own = std::process::id();
        assert!(tree(own).contains(&own) && pss_mb(own).unwrap() > 0.1);
        let programs = serde_json::json!([
            { "name": "coral_ingress", "run_time_ns": 7 }, { "name": "other", "run_time_ns": 9 },
            { "name": "coral_egress" },
        ]);
        assert_eq!(run_time(&programs), 7.0);
    }
}
