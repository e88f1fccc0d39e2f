//! Attaching, in the process that drains: it owns the links, so nothing stays when it dies.

use crate::{Loaded, ProbesError, cgroup, sys};
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};

/// `enum bpf_attach_type`, include/uapi/linux/bpf.h.
const CGROUP_INET_INGRESS: u32 = 0;
const CGROUP_INET_EGRESS: u32 = 1;
const CGROUP_INET4_CONNECT: u32 = 10;
const CGROUP_INET6_CONNECT: u32 = 11;

/// In this order: owners and ends are known before the first request is.
const CGROUP_PROGRAMS: [(&str, u32); 4] = [
    ("coral_connect4", CGROUP_INET4_CONNECT),
    ("coral_connect6", CGROUP_INET6_CONNECT),
    ("coral_ingress", CGROUP_INET_INGRESS),
    ("coral_egress", CGROUP_INET_EGRESS),
];
const TRACEPOINT_PROGRAMS: [&str; 2] = ["coral_state", "coral_unix"];

/// Attaches every program; the descriptors are the links.
pub(crate) fn attach(loaded: &Loaded) -> Result<Vec<OwnedFd>, ProbesError> {
    let root: File = cgroup::open_root()?;
    let mut links = vec![];
    for name in TRACEPOINT_PROGRAMS {
        let fd = program(loaded, name)?;
        links.push(sys::link_tracepoint(fd.as_fd()).map_err(|e| failed("attach", name, e))?);
    }
    for (name, attach_type) in CGROUP_PROGRAMS {
        let fd = program(loaded, name)?;
        let link = sys::link_cgroup(fd.as_fd(), root.as_fd(), attach_type);
        links.push(link.map_err(|e| failed("attach", name, e))?);
    }
    Ok(links)
}

/// Attaches the program that finds memory; it is needed for a moment only.
pub(crate) fn attach_search(loaded: &Loaded) -> Result<OwnedFd, ProbesError> {
    let name = "coral_memory";
    let link = sys::link_tracepoint(program(loaded, name)?.as_fd());
    link.map_err(|e| failed("attach", name, e))
}

fn program<'a>(loaded: &'a Loaded, name: &str) -> Result<&'a OwnedFd, ProbesError> {
    loaded
        .programs
        .get(name)
        .ok_or_else(|| ProbesError::Handover(format!("program {name} is missing")))
}

fn failed(call: &'static str, what: &str, source: std::io::Error) -> ProbesError {
    ProbesError::Call {
        call,
        what: what.to_owned(),
        source,
    }
}
