//! Events of processes: start, restart, exit, crash, out of memory, change.
//!
//! A process is worth events when it listens, or has lived and talked for a while. Workers that a master forks are not
//! known by themselves, so their ends are not seen unless they open connections of their own. How a process ended is
//! known where the kernel tells strangers (`proc::exit`); elsewhere it just "ended".

mod bound;
pub mod mask;
mod past;

use crate::enrich::{Begun, Enrich, Gone, InstanceId, Processes};
use crate::host::{Groups, OomWatch};
use crate::proc::build::Builds;
use crate::proc::exit::Exit;
use crate::proc::facts;
use coral_model::{Event, EventKind, Instance, Observed, TimeNs};
use past::{Ended, Past};
use std::collections::HashMap;

/// A command line in an event is cut to this.
const COMMAND_MAX: usize = 300;
/// Characters of a build in an event; the rest says nothing to people.
const BUILD_SHOWN: usize = 12;

/// What a listening process runs. Two processes of one service with the same are of one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    command: String,
    build: Option<String>,
}

/// Remembers what is needed to tell a restart from a start, and a change from both.
#[derive(Debug)]
pub struct Chronicle {
    oom: OomWatch,
    builds: Builds,
    prints: HashMap<InstanceId, Print>,
    past: Past,
    /// Events that were too many to be told.
    pub untold: u64,
}

impl Chronicle {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self {
            oom: OomWatch::new(),
            builds: Builds::default(),
            prints: HashMap::new(),
            past: Past::default(),
            untold: 0,
        }
    }

    /// The events of the second that ends at `now`.
    pub fn second(&mut self, enrich: &mut Enrich, groups: &mut Groups, now: TimeNs) -> Vec<Event> {
        let gone = enrich.processes.ended();
        let mut events = self.ends(&gone, &enrich.processes, groups, now);
        let begun = enrich.begun(now);
        for begun in begun {
            self.begin(&begun, &enrich.processes, &mut events);
        }
        self.past.forget(now);
        let (events, untold) = bound::bounded(events);
        self.untold += untold;
        events
    }

    fn ends(
        &mut self,
        gone: &[Gone],
        processes: &Processes,
        groups: &mut Groups,
        now: TimeNs,
    ) -> Vec<Event> {
        let killable = |g: &&Gone| matches!(g.exit, None | Some(Exit::Signal(libc::SIGKILL)));
        let ids: Vec<InstanceId> = gone.iter().filter(killable).map(|g| g.id).collect();
        let killed = self.oom.killed(&ids, groups);
        let mut events = vec![];
        for gone in gone {
            let print = self.prints.remove(&gone.id);
            let Some(instance) = processes.get(gone.id).filter(|_| gone.announced) else {
                continue;
            };
            let (kind, words) = ending(gone.exit, killed.contains(&gone.id));
            events.push(event(kind, now, instance, &words));
            let ended = Ended {
                at: now,
                program: processes.program(gone.id).map(str::to_owned),
                pid: instance.key.pid,
                words,
                print,
                replaced: false,
            };
            self.past.note(instance.service.clone(), ended);
        }
        events
    }

    fn begin(&mut self, begun: &Begun, processes: &Processes, events: &mut Vec<Event>) {
        let Some(instance) = processes.get(begun.id) else {
            return;
        };
        let program = processes.program(begun.id);
        if begun.new {
            let before = self
                .past
                .replaced(&instance.service, program, begun.started);
            events.push(match before {
                Some((old, after)) => {
                    let seconds = after.as_secs_f64();
                    let (pid, words) = (old.pid, &old.words);
                    let words = format!("restarted {seconds:.1} s after pid {pid} {words}");
                    event(EventKind::Restart, begun.started, instance, &words)
                }
                None => event(EventKind::Start, begun.started, instance, "started"),
            });
        }
        if begun.listens {
            self.change(begun, instance, processes, events);
        }
    }

    /// A listening process that runs something else than those of its service that live, and than the last that ended.
    fn change(
        &mut self,
        begun: &Begun,
        instance: &Instance,
        processes: &Processes,
        events: &mut Vec<Event>,
    ) {
        let pid = instance.key.pid;
        let Some(print) = self.print(pid, instance.key.start_ticks) else {
            return;
        };
        let service = |id: &InstanceId| {
            let other = processes.get(*id).filter(|_| processes.is_alive(*id));
            other.is_some_and(|other| other.service == instance.service)
        };
        let living = self.prints.iter().filter(|(id, _)| service(id));
        let living = living.map(|(_, print)| print);
        let last = self.past.last_print(&instance.service);
        let before: Vec<&Print> = last.into_iter().chain(living).collect();
        if begun.new
            && let Some(old) = before.first()
            && !before.contains(&&print)
        {
            let words = difference(old, &print);
            events.push(event(EventKind::Change, begun.started, instance, &words));
        }
        self.prints.insert(begun.id, print);
    }

    fn print(&mut self, pid: u32, start_ticks: u64) -> Option<Print> {
        let facts = facts::read(pid).filter(|f| f.start_ticks == start_ticks)?;
        let command: String = mask::masked(&facts.args)
            .chars()
            .take(COMMAND_MAX)
            .collect();
        let build = self.builds.of(pid);
        Some(Print { command, build })
    }
}

fn ending(exit: Option<Exit>, out_of_memory: bool) -> (EventKind, String) {
    match exit {
        _ if out_of_memory => {
            let words = "was killed by the kernel for lack of memory";
            (EventKind::OutOfMemory, words.to_owned())
        }
        None => (EventKind::Exit, "ended".to_owned()),
        Some(exit) if exit.is_crash() => {
            (EventKind::Crash, format!("crashed: ended {}", exit.words()))
        }
        Some(exit) => (EventKind::Exit, format!("ended {}", exit.words())),
    }
}

fn difference(old: &Print, new: &Print) -> String {
    let mut parts = vec![];
    if old.build != new.build {
        let shown = |print: &Print| {
            let build = print.build.as_deref().unwrap_or("unknown");
            build.chars().take(BUILD_SHOWN).collect::<String>()
        };
        parts.push(format!("build {} instead of {}", shown(new), shown(old)));
    }
    if old.command != new.command {
        parts.push(format!(
            "command `{}` instead of `{}`",
            new.command, old.command
        ));
    }
    format!("changed: {}", parts.join("; "))
}

fn event(kind: EventKind, at: TimeNs, instance: &Instance, words: &str) -> Event {
    let name = instance.service.name.visible();
    Event {
        at,
        until: None,
        kind,
        agent: instance.key.agent.clone(),
        service: Some(instance.service.clone()),
        instance: Some(instance.key.clone()),
        text: Observed::new(format!("{name} (pid {}) {words}", instance.key.pid)),
    }
}

/// Fuzz target: foreign command lines; the words of their arguments are separated by NUL.
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let args: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let _ = mask::masked(&args);
}

#[cfg(test)]
mod tests;
