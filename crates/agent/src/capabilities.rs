//! Which capabilities the agent has, and what it cannot do without those that it lacks. Root without limits has all; the
//! five below are enough for everything that the agent does today.

use crate::proc::text::Reader;
use coral_model::Missing;
use coral_probes::ProbesError;
use std::path::Path;

/// A capability: its name and bit (`include/uapi/linux/capability.h`), and the wider ones that include it.
struct Capability {
    name: &'static str,
    bits: &'static [u8],
}

const BPF: Capability = Capability {
    name: "CAP_BPF",
    bits: &[39, 21],
};
const PERFMON: Capability = Capability {
    name: "CAP_PERFMON",
    bits: &[38, 21],
};
const NET_ADMIN: Capability = Capability {
    name: "CAP_NET_ADMIN",
    bits: &[12],
};
const SYS_PTRACE: Capability = Capability {
    name: "CAP_SYS_PTRACE",
    bits: &[19],
};
const DAC_READ_SEARCH: Capability = Capability {
    name: "CAP_DAC_READ_SEARCH",
    bits: &[2, 1],
};

/// What needs which, and what is lost without.
struct Feature {
    name: &'static str,
    needs: &'static [Capability],
    loses: &'static str,
}

const REQUESTS: Feature = Feature {
    name: "requests",
    needs: &[BPF, PERFMON, NET_ADMIN],
    loses: "kernel programs cannot be loaded and attached, so requests are not counted",
};
const SERVICES: Feature = Feature {
    name: "services",
    needs: &[SYS_PTRACE, DAC_READ_SEARCH],
    loses: "programs and sockets of other users cannot be read, so their services are named by port or not found",
};

/// What is missing: features whose capabilities lack, or the kernel's own words when it refused with all of them there.
pub fn missing(refused: Option<&ProbesError>, program: &Path) -> Vec<Missing> {
    if let Some(error) = refused {
        tracing::warn!("requests are not counted: {error}");
    }
    let mut reader = Reader::default();
    let effective = reader
        .read("/proc/self/status")
        .and_then(|text| effective(&text));
    let root = nix::unistd::geteuid().is_root();
    of(effective, refused, &fix(program, root))
}

/// That processors are not sampled, and why.
pub fn no_profiles(error: &ProbesError, program: &Path) -> Missing {
    tracing::warn!("processors are not sampled: {error}");
    let text = error.to_string();
    Missing {
        feature: "profiles".to_owned(),
        why: text.lines().next().unwrap_or_default().into(),
        fix: fix(program, nix::unistd::geteuid().is_root()),
    }
}

/// That functions cannot be probed, and why.
pub fn no_probes(error: &dyn std::fmt::Display, program: &Path) -> Missing {
    tracing::warn!("functions are not probed: {error}");
    let text = error.to_string();
    Missing {
        feature: "probes".to_owned(),
        why: text.lines().next().unwrap_or_default().into(),
        fix: fix(program, nix::unistd::geteuid().is_root()),
    }
}

fn of(effective: Option<u64>, refused: Option<&ProbesError>, fix: &str) -> Vec<Missing> {
    let lacking = |feature: &Feature| {
        let has = |c: &&Capability| {
            let bit = |bit: &u8| effective.is_none_or(|set| set >> bit & 1 == 1);
            c.bits.iter().any(bit)
        };
        let names: Vec<&str> = feature
            .needs
            .iter()
            .filter(|c| !has(c))
            .map(|c| c.name)
            .collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let why = format!("{} {verb} missing: {}", names.join(", "), feature.loses);
        (!names.is_empty()).then(|| Missing {
            feature: feature.name.to_owned(),
            why: why.as_str().into(),
            fix: fix.to_owned(),
        })
    };
    let requests = refused.map(|error| {
        lacking(&REQUESTS).unwrap_or_else(|| {
            let text = error.to_string();
            Missing {
                feature: REQUESTS.name.to_owned(),
                why: text.lines().next().unwrap_or_default().into(),
                fix: "coral doctor".to_owned(),
            }
        })
    });
    requests.into_iter().chain(lacking(&SERVICES)).collect()
}

/// The set that is in force, from `/proc/self/status`.
fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn fix(program: &Path, root: bool) -> String {
    let list = "cap_bpf,cap_perfmon,cap_net_admin,cap_sys_ptrace,cap_dac_read_search";
    if root {
        return format!("start the agent with all of {list}");
    }
    let program = program.display();
    format!("coral down && sudo coral up; or, for good: sudo setcap {list}=ep {program}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 1 << 39 | 1 << 38 | 1 << 12 | 1 << 19 | 1 << 2;

    fn told(effective: u64, refused: bool) -> Vec<(String, String)> {
        let error = ProbesError::Refused {
            what: "the object".to_owned(),
            message: "its words\nand a log".to_owned(),
        };
        let missing = of(Some(effective), refused.then_some(&error), "fix");
        let pair = |m: Missing| (m.feature, m.why.raw().to_owned());
        missing.into_iter().map(pair).collect()
    }

    #[test]
    fn the_lacking_capability_is_named() {
        assert_eq!(told(BASE, false), []);
        for (bit, feature, name) in [
            (39, "requests", "CAP_BPF is missing: kernel"),
            (38, "requests", "CAP_PERFMON is missing: kernel"),
            (12, "requests", "CAP_NET_ADMIN is missing: kernel"),
            (19, "services", "CAP_SYS_PTRACE is missing: programs"),
            (2, "services", "CAP_DAC_READ_SEARCH is missing: programs"),
        ] {
            let told = told(BASE & !(1 << bit), feature == "requests");
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0].0, feature);
            assert!(told[0].1.starts_with(name), "{told:?}");
        }
        let all = told(0, true);
        let want = "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN are missing";
        assert!(all.len() == 2 && all[0].1.starts_with(want), "{all:?}");
    }

    #[test]
    fn a_refusal_with_all_of_them_has_the_kernels_words() {
        let told = told(BASE, true);
        assert_eq!(told.len(), 1);
        assert!(told[0].1.ends_with("its words"), "{told:?}");
        assert_eq!(effective("Name:\tx\nCapEff:\t000001ff\n"), Some(0x1ff));
    }
}
