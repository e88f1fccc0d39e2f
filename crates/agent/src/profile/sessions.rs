//! Profiles that somebody wished for: more samples of one service's processes, until the lease is over by this agent's own
//! clock, or the wish is withdrawn.

use crate::desired::ProfileWish;
use crate::enrich::Processes;
use crate::proc::is_there;
use coral_model::profile::Target;
use coral_model::want::{WantReport, WantState, session};
use coral_model::{Observed, ServiceKey};
use coral_probes::sampler::Sampler;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Sessions at once; each is an event a processor.
const MOST: usize = 8;

/// Processes that were at work: whose they are, and the tick when they were met last.
pub type Met = BTreeMap<u32, (ServiceKey, u32)>;

/// The number under which samples are stored, and the time that each stands for.
type Stored = (u64, Duration);

/// Instead of a process: all of the host.
const ALL: u32 = 0;

/// Samples of a session that ended are taken for so many ticks.
const AFTER_TICKS: u8 = 2;

/// A session.
#[derive(Debug)]
struct Session {
    wish: ProfileWish,
    /// The kernel side's number for it.
    number: u32,
    until: Instant,
    targets: BTreeSet<u32>,
    reported: Option<WantState>,
}

/// All that run or ran.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Whether this host's policy allows any.
    pub is_allowed: bool,
    /// What this host is called: its name, its agent's id.
    pub names: Vec<String>,
    running: BTreeMap<String, Session>,
    /// Those that ended a moment ago, by number: how their last samples are stored, which the kernel side still has.
    ended: BTreeMap<u32, (Stored, u8)>,
    /// Wishes that ended here, which a set may still hold.
    over: BTreeSet<String>,
    next: u32,
    reports: Vec<WantReport>,
}

impl Sessions {
    /// What the colony wishes now: what is new begins, what is missing ends.
    pub fn wish(&mut self, mut wishes: Vec<ProfileWish>, sampler: &mut Sampler) {
        wishes.retain(|wish| self.is_here(&wish.target));
        let ids: BTreeSet<&String> = wishes.iter().map(|w| &w.id).collect();
        self.over.retain(|id| ids.contains(id));
        let gone = self.running.keys().filter(|id| !ids.contains(id));
        for id in gone.cloned().collect::<Vec<_>>() {
            self.end(&id, WantState::Stopped, sampler);
        }
        for wish in wishes {
            if !self.running.contains_key(&wish.id) && !self.over.contains(&wish.id) {
                self.begin(wish, sampler);
            }
        }
    }

    fn is_here(&self, target: &Target) -> bool {
        let is_this = |host: &String| self.names.contains(host);
        target.host.as_ref().is_none_or(is_this)
    }

    fn begin(&mut self, wish: ProfileWish, sampler: &mut Sampler) {
        if !self.is_allowed {
            return self.refuse(wish.id, "the policy of this host allows no profiles");
        }
        if self.running.len() >= MOST {
            let why = format!("{MOST} profiles are taken on this host already");
            return self.refuse(wish.id, &why);
        }
        self.next = self.next.checked_add(1).unwrap_or(1);
        if let Err(error) = sampler.begin(self.next, wish.hz.into()) {
            return self.refuse(wish.id, &error.to_string());
        }
        let session = Session {
            number: self.next,
            until: Instant::now() + wish.lease,
            targets: BTreeSet::new(),
            reported: None,
            wish,
        };
        self.running.insert(session.wish.id.clone(), session);
    }

    fn refuse(&mut self, id: String, why: &str) {
        self.over.insert(id.clone());
        self.report(id, WantState::Refused, why);
    }

    fn report(&mut self, id: String, state: WantState, reason: &str) {
        self.reports.push(WantReport {
            id,
            state,
            reason: Observed::new(reason),
        });
    }

    fn end(&mut self, id: &str, state: WantState, sampler: &mut Sampler) {
        let Some(session) = self.running.remove(id) else {
            return;
        };
        sampler.end(session.number);
        let ended = (session.stored(), AFTER_TICKS);
        self.ended.insert(session.number, ended);
        for tgid in session.targets {
            let _ = sampler.aim(session.number, tgid, false);
        }
        self.over.insert(id.to_owned());
        self.report(id.to_owned(), state, "");
    }

    /// Aims at the processes that there are now, those that were met at work among them, and ends what is over; what there
    /// is to report.
    pub fn tick(
        &mut self,
        processes: &Processes,
        met: &Met,
        sampler: &mut Sampler,
    ) -> Vec<WantReport> {
        let now = Instant::now();
        self.ended.retain(|_, (_, ticks)| {
            *ticks -= 1;
            *ticks > 0
        });
        let over = self.running.values().filter(|s| s.until <= now);
        for id in over.map(|s| s.wish.id.clone()).collect::<Vec<_>>() {
            self.end(&id, WantState::Expired, sampler);
        }
        for session in self.running.values_mut() {
            let there = meant(&session.wish.target, processes, met);
            self.reports.extend(session.aim(there, sampler));
        }
        std::mem::take(&mut self.reports)
    }

    /// How samples of a session are stored; of one that has just ended too.
    pub fn stored_as(&self, number: u32) -> Option<Stored> {
        let running = self.running.values().find(|s| s.number == number);
        let ended = || self.ended.get(&number).map(|(stored, _)| *stored);
        running.map(Session::stored).or_else(ended)
    }
}

/// The processes that a target means now; [`ALL`] for those of the whole host. Most programs have no socket, and no entry
/// of their own: they are known by where samples were.
pub fn meant(target: &Target, processes: &Processes, met: &Met) -> BTreeSet<u32> {
    let Some(name) = &target.service else {
        let all = || BTreeSet::from([ALL]);
        let one = target.pid.map(|pid| Some(pid).filter(|pid| is_there(*pid)));
        return one.map_or_else(all, |pid| pid.into_iter().collect());
    };
    let own = met.iter().filter(|(_, (of, _))| of.is_called(name));
    let own = own.map(|(tgid, _)| *tgid).filter(|tgid| is_there(*tgid));
    let known = processes.pids_of(|service| service.is_called(name));
    let is_meant = |pid: &u32| target.pid.is_none_or(|wanted| wanted == *pid);
    own.chain(known).filter(is_meant).collect()
}

impl Session {
    /// Aims at these processes and no others; a report when that is news.
    fn aim(&mut self, there: BTreeSet<u32>, sampler: &mut Sampler) -> Option<WantReport> {
        for tgid in self.targets.difference(&there) {
            let _ = sampler.aim(self.number, *tgid, false);
        }
        for tgid in there.difference(&self.targets) {
            if let Err(error) = sampler.aim(self.number, *tgid, true) {
                tracing::warn!("{error}");
            }
        }
        let (state, reason) = match there.len() {
            0 => (WantState::Pending, "no process of it is here".to_owned()),
            _ if there.contains(&ALL) => (WantState::Attached, "all processes".to_owned()),
            1 => (WantState::Attached, "1 process".to_owned()),
            n => (WantState::Attached, format!("{n} processes")),
        };
        let is_news = self.reported != Some(state) || self.targets != there;
        (self.reported, self.targets) = (Some(state), there);
        is_news.then(|| WantReport {
            id: self.wish.id.clone(),
            state,
            reason: Observed::new(reason),
        })
    }

    fn stored(&self) -> Stored {
        let period = Duration::from_nanos(1_000_000_000 / u64::from(self.wish.hz.max(1)));
        (session(&self.wish.id), period)
    }
}
