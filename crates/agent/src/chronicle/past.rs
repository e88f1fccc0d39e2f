//! Processes that ended lately, by service.

use super::Print;
use coral_model::{ServiceKey, TimeNs};
use std::collections::HashMap;
use std::time::Duration;

/// A process that begins later after the end of another is a start, not a restart.
const RESTART: Duration = Duration::from_secs(60);
/// Ends are noticed this late, so that a successor may have begun before its predecessor is known to have ended.
const NOTICED: Duration = Duration::from_secs(2);
/// How long an end is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Ends that are remembered of one service, and services.
const ENDS_MAX: usize = 16;
const SERVICES_MAX: usize = 1000;

/// A process that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When it was noticed.
    pub at: TimeNs,
    /// The file it ran.
    pub program: Option<String>,
    /// Its pid.
    pub pid: u32,
    /// How it ended.
    pub words: String,
    /// What it ran, when it listened.
    pub print: Option<Print>,
    /// Whether a successor was found.
    pub replaced: bool,
}

/// Recent ends.
#[derive(Debug, Default)]
pub struct Past {
    ended: HashMap<ServiceKey, Vec<Ended>>,
}

impl Past {
    /// Remembers an end.
    pub fn note(&mut self, service: ServiceKey, ended: Ended) {
        if self.ended.len() >= SERVICES_MAX && !self.ended.contains_key(&service) {
            let oldest = self
                .ended
                .iter()
                .min_by_key(|(_, e)| e.last().map(|e| e.at));
            if let Some(service) = oldest.map(|(service, _)| service.clone()) {
                self.ended.remove(&service);
            }
        }
        let ends = self.ended.entry(service).or_default();
        ends.push(ended);
        if ends.len() > ENDS_MAX {
            ends.remove(0);
        }
    }

    /// The process that one of this service and program, begun at `started`, takes the place of, and how long after its
    /// end. Each is replaced once.
    pub fn replaced(
        &mut self,
        service: &ServiceKey,
        program: Option<&str>,
        started: TimeNs,
    ) -> Option<(Ended, Duration)> {
        let ends = self.ended.get_mut(service)?;
        let near = |ended: &&mut Ended| {
            !ended.replaced
                && ended.program.as_deref() == program
                && started.plus(NOTICED) >= ended.at
                && started.since(ended.at) <= RESTART
        };
        let ended = ends.iter_mut().find(near)?;
        ended.replaced = true;
        Some((ended.clone(), started.since(ended.at)))
    }

    /// What the last process of this service that listened ran.
    pub fn last_print(&self, service: &ServiceKey) -> Option<&Print> {
        let ends = self.ended.get(service)?;
        ends.iter().rev().find_map(|ended| ended.print.as_ref())
    }

    /// Forgets what is too old.
    pub fn forget(&mut self, now: TimeNs) {
        self.ended.retain(|_, ends| {
            ends.retain(|ended| now.since(ended.at) < REMEMBERED);
            !ends.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(at: i64, pid: u32) -> Ended {
        Ended {
            at: TimeNs(at * 1_000_000_000),
            program: Some("/bin/a".into()),
            pid,
            words: String::new(),
            print: None,
            replaced: false,
        }
    }

    #[test]
    fn each_end_has_one_successor_of_the_same_program_in_time() {
        let (mut past, service) = (Past::default(), ServiceKey::plain("a"));
        past.note(service.clone(), ended(100, 1));
        past.note(service.clone(), ended(101, 2));
        let mut pid = |program: &str, at: i64| {
            let started = TimeNs(at * 1_000_000_000);
            let found = past.replaced(&service, Some(program), started);
            found.map(|(ended, after)| (ended.pid, after.as_secs()))
        };
        assert_eq!(pid("/bin/b", 101), None);
        assert_eq!(pid("/bin/a", 90), None);
        assert_eq!(pid("/bin/a", 99), Some((1, 0)));
        assert_eq!(pid("/bin/a", 162), None);
        assert_eq!(pid("/bin/a", 161), Some((2, 60)));
        assert_eq!(pid("/bin/a", 130), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut past = Past::default();
        for n in 0..2000 {
            past.note(ServiceKey::plain(&format!("s{n}")), ended(n, 1));
        }
        (0..100).for_each(|n| past.note(ServiceKey::plain("x"), ended(n, 1)));
        assert!(past.ended.len() <= SERVICES_MAX);
        assert_eq!(past.ended[&ServiceKey::plain("x")].len(), ENDS_MAX);
        past.forget(TimeNs(10_000 * 1_000_000_000));
        assert!(past.ended.is_empty());
    }
}
