//! Which processes are Coral's: those that run one of its programs, and whatever those have started (ssh to a colony on
//! another machine does leave).

use std::collections::HashMap;

/// Programs of Coral; the demo application belongs to it here.
const PROGRAMS: [&str; 4] = ["coral", "coral-daemon", "coral-colony", "coral-shop"];

/// A process of Coral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: u32,
    /// Its program's file name, else the kernel's name for it.
    pub name: String,
}

/// All that run on this machine, by their number.
pub(super) fn of_coral() -> Vec<Process> {
    let mut all: HashMap<u32, (u32, String)> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|n| n.parse().ok());
        if let Some((pid, found)) = pid.and_then(|pid| Some((pid, look(pid)?))) {
            all.insert(pid, found);
        }
    }
    let mut own: Vec<Process> = all
        .iter()
        .filter(|(pid, _)| is_corals(**pid, &all))
        .map(|(&pid, (_, name))| Process {
            pid,
            name: name.clone(),
        })
        .collect();
    own.sort_by_key(|process| process.pid);
    own
}

/// The parent and the name of a process; `None` when it is gone or a zombie, which holds nothing.
fn look(pid: u32) -> Option<(u32, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (parent, state, comm) = stat_fields(&stat)?;
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let file = program.as_ref().and_then(|path| path.file_name());
    let name = file.map_or(comm, |name| {
        name.to_string_lossy()
            .trim_end_matches(" (deleted)")
            .to_owned()
    });
    (state != "Z").then_some((parent, name))
}

/// Parent, state and name; the name stands in parentheses and may hold anything.
fn stat_fields(stat: &str) -> Option<(u32, &str, String)> {
    let (before, after) = stat.rsplit_once(") ")?;
    let comm = before.split_once('(')?.1;
    let mut rest = after.split(' ');
    let state = rest.next()?;
    Some((rest.next()?.parse().ok()?, state, comm.to_owned()))
}

fn is_corals(pid: u32, all: &HashMap<u32, (u32, String)>) -> bool {
    let (mut at, mut steps) = (pid, 0);
    while let Some((parent, name)) = all.get(&at) {
        if PROGRAMS.contains(&name.as_str()) {
            return true;
        }
        steps += 1;
        // Numbers are used again while we look; a circle has no end.
        if *parent == 0 || steps > all.len() {
            return false;
        }
        at = *parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_corals_processes_start_is_looked_at_as_well() {
        let all: HashMap<u32, (u32, String)> = [
            (1, (0, "systemd")),
            (5, (1, "coral")),
            (6, (5, "ssh")),
            (7, (6, "sh")),
            (8, (1, "nginx")),
            (9, (10, "a")),
            (10, (9, "b")),
        ]
        .map(|(pid, (parent, name))| (pid, (parent, name.to_owned())))
        .into();
        let own: Vec<u32> = [1, 5, 6, 7, 8, 9]
            .into_iter()
            .filter(|&p| is_corals(p, &all))
            .collect();
        assert_eq!(own, [5, 6, 7]);
    }

    #[test]
    fn a_name_may_hold_anything() {
        let fields = stat_fields("7 (a) S 1 (x)) R 3 4").unwrap();
        assert_eq!(fields, (3, "R", "a) S 1 (x)".to_owned()));
        assert!(of_coral().iter().all(|p| p.pid > 0));
    }
}
