//! What of this machine's kernel and rights the agent needs. Everything is read from /proc and /sys, so that on a machine
//! without them the answer is "not there" and nothing breaks.

use super::checks::{Check, State};
use crate::lifecycle::privilege::{self, AgentStart};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Supported and tested from here on; features load one by one from the older one on.
const TESTED: (u32, u32) = (6, 1);
const LOADS: (u32, u32) = (5, 15);
/// One link attaches a probe to many sites.
const UPROBE_MULTI: (u32, u32) = (6, 6);
/// Memory of kernel maps is no longer counted against a limit of the process.
const MAPS_WITHOUT_LIMIT: (u32, u32) = (5, 11);
const BTF: &str = "/sys/kernel/btf/vmlinux";
/// The root directory of a cgroup2 hierarchy has this inode number (`kernfs`).
const CGROUP_ROOT_INODE: u64 = 1;

/// Capability, its bit, and what is lost without it.
const CAPABILITIES: [(&str, u32, &str); 9] = [
    ("BPF", 39, "everything from the kernel"),
    ("PERFMON", 38, "everything from the kernel"),
    ("NET_ADMIN", 12, "requests, errors and durations"),
    ("SYS_PTRACE", 19, "names of other users' processes"),
    ("DAC_READ_SEARCH", 2, "names of other users' programs"),
    (
        "SYS_ADMIN",
        21,
        "probes before Linux 6.6, other network namespaces",
    ),
    ("SYSLOG", 34, "names of kernel functions"),
    ("CHECKPOINT_RESTORE", 40, "programs whose file was replaced"),
    (
        "SYS_RESOURCE",
        24,
        "everything from the kernel before Linux 5.11",
    ),
];

fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// All of them.
pub(super) fn all() -> Vec<Check> {
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = version(&release);
    let mut checks = vec![
        kernel(&release, version),
        btf(),
        bpf(),
        cgroup(),
        many_probes(version),
    ];
    checks.extend(lockdown(
        &read("/sys/kernel/security/lockdown").unwrap_or_default(),
    ));
    checks.push(rights(version));
    checks
}

/// `6.12.1-amd64` is 6.12.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-', '+']);
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn kernel(release: &str, version: Option<(u32, u32)>) -> Check {
    let what = "kernel";
    let costs = "requests; the agent reads /proc alone";
    match version {
        Some(version) if version >= TESTED => {
            Check::new(State::Ok, what, format!("Linux {release}"))
        }
        Some(version) if version >= LOADS => {
            let found = format!("Linux {release}, which is not tested");
            Check::new(State::Note, what, found).fix("6.1 or newer is")
        }
        Some(_) => Check::there(what, false, format!("Linux {release}, too old"), costs)
            .fix("run Linux 6.1 or newer"),
        None => Check::there(what, false, "this is no Linux", costs)
            .fix("run the agent on the machines that are observed"),
    }
}

fn btf() -> Check {
    let there = Path::new(BTF).exists();
    let found = if there {
        BTF.to_owned()
    } else {
        format!("no {BTF}")
    };
    Check::there(
        "kernel types (BTF)",
        there,
        found,
        "requests, profiles, probes",
    )
    .fix("boot a kernel with CONFIG_DEBUG_INFO_BTF=y")
}

/// The switch exists when the kernel has the system call.
fn bpf() -> Check {
    let there = read("/proc/sys/kernel/unprivileged_bpf_disabled").is_some();
    let found = if there { "there" } else { "not in this kernel" };
    Check::there(
        "bpf system call",
        there,
        found,
        "requests, profiles, probes",
    )
    .fix("boot a kernel with CONFIG_BPF_SYSCALL=y")
}

fn cgroup() -> Check {
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    let is_root =
        |path: &&str| std::fs::metadata(path).is_ok_and(|meta| meta.ino() == CGROUP_ROOT_INODE);
    let mut found = cgroup2_mounts(&mounts).peekable();
    let any = found.peek().is_some();
    let root = found.find(is_root);
    let found = match root {
        Some(path) => format!("mounted at {path}"),
        None if any => "only a part of it is mounted here, as in a container".to_owned(),
        None => "not mounted".to_owned(),
    };
    Check::there("root of cgroup v2", root.is_some(), found, "requests")
        .fix("mount -t cgroup2 cgroup2 /sys/fs/cgroup, or run the agent outside of the container")
}

/// Mount points of type cgroup2 (proc(5), mountinfo: the type comes first after the lone dash).
fn cgroup2_mounts(mountinfo: &str) -> impl Iterator<Item = &str> {
    mountinfo.lines().filter_map(|line| {
        let (fields, rest) = line.split_once(" - ")?;
        let is_it = rest.split(' ').next()? == "cgroup2";
        is_it.then(|| fields.split(' ').nth(4))?
    })
}

fn many_probes(version: Option<(u32, u32)>) -> Check {
    let what = "many probes at once";
    match version {
        Some(version) if version >= UPROBE_MULTI => Check::new(State::Ok, what, "there"),
        _ => Check::new(State::Note, what, "at most 32 sites a session").fix("Linux 6.6 or newer"),
    }
}

/// In mode `confidentiality` the kernel lets nobody read it.
fn lockdown(modes: &str) -> Option<Check> {
    modes.contains("[confidentiality]").then(|| {
        let found = "the kernel is locked down (confidentiality)";
        Check::there("lockdown", false, found, "requests, profiles, probes")
            .fix("boot with lockdown=integrity or without lockdown")
    })
}

/// Either this user has the capabilities, or sudo gives the agent all of them.
fn rights(version: Option<(u32, u32)>) -> Check {
    let what = "rights of the agent";
    let status = read("/proc/self/status").unwrap_or_default();
    let lacking = lacking(effective(&status).unwrap_or(0), version);
    if lacking.is_empty() {
        return Check::new(State::Ok, what, "every capability it can use");
    }
    let names: Vec<_> = lacking.iter().map(|(name, _)| *name).collect();
    let found = format!("this user lacks {}", names.join(", "));
    match privilege::probe() {
        Some(AgentStart::Sudo | AgentStart::SudoTicket) => {
            Check::new(State::Ok, what, "sudo gives them without a password")
        }
        None => Check::new(
            State::Note,
            what,
            format!("{found}; sudo asks for a password"),
        ),
        Some(AgentStart::Direct) => {
            let costs: Vec<_> = lacking.iter().map(|(_, costs)| *costs).collect();
            Check::there(what, false, found, costs[0]).fix("run `sudo coral up`")
        }
    }
}

/// The effective capabilities in /proc/PID/status.
fn effective(status: &str) -> Option<u64> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn lacking(mask: u64, version: Option<(u32, u32)>) -> Vec<(&'static str, &'static str)> {
    let needless = |name: &str| name == "SYS_RESOURCE" && version >= Some(MAPS_WITHOUT_LIMIT);
    let lacks = |bit: u32| mask >> bit & 1 == 0;
    CAPABILITIES
        .into_iter()
        .filter(|(name, bit, _)| lacks(*bit) && !needless(name))
        .map(|(name, _, costs)| (name, costs))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_told_apart() {
        let state = |release: &str| kernel(release, version(release)).state;
        assert_eq!(state("6.12.1-cloud-amd64"), State::Ok);
        assert_eq!(state("6.1.0"), State::Ok);
        assert_eq!(state("5.15.0-91-generic"), State::Note);
        assert_eq!(state("4.19.0"), State::Missing);
        assert_eq!(state("24.1"), State::Ok);
        assert_eq!(state(""), State::Missing);
        assert_eq!(many_probes(Some((6, 5))).state, State::Note);
        assert!(lockdown("none integrity [confidentiality]").is_some());
        assert!(lockdown("[none] integrity confidentiality").is_none());
    }

    #[test]
    fn a_missing_capability_is_named_with_its_cost() {
        let status = "Name:\tx\nCapEff:\t000001ffffffffff\n";
        assert!(lacking(effective(status).unwrap(), None).is_empty());
        let without_net_admin = 0x1ff_ffff_ffff & !(1 << 12);
        assert_eq!(
            lacking(without_net_admin, None),
            [("NET_ADMIN", "requests, errors and durations")]
        );
        assert_eq!(lacking(0, Some((5, 10))).len(), 9);
        assert_eq!(lacking(0, Some((6, 1))).len(), 8);
        let mounts = "31 25 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs ro\n\
                      32 31 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found: Vec<_> = cgroup2_mounts(mounts).collect();
        assert_eq!(found, ["/sys/fs/cgroup/unified"]);
    }
}
