//! One session: its functions are found, attached to one process for a trial, then to all, and watched over.

use super::cost::{self, Meter};
use super::desk::{Desk, Found, Job};
use super::places::Places;
use crate::desired::ProbeWish;
use coral_model::Observed;
use coral_model::probe::{ProbeKind, is_secret};
use coral_model::profile::{Binary, Function};
use coral_model::want::{WantReport, WantState, session};
use coral_probes::abi::calls::{Hits, Probe, Take, end};
use coral_probes::arguments::Argument;
use coral_probes::calls::{Calls, Links, Place};
use coral_probes::probeable::Probeable;
use coral_probes::{ProbesError, abi::calls};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// How long a trial takes.
const TRIAL: Duration = Duration::from_millis(100);
/// Single calls a second, at most, whatever is wished.
const CALLS_MAX: u32 = 1_000;

/// A function that is attached to.
pub struct Attached {
    /// Its place in the kernel side's table.
    pub index: u32,
    /// What is known of it.
    pub probeable: Probeable,
    /// Its file.
    pub binary: Binary,
    /// What was counted when it was last told.
    pub told: Option<Hits>,
}

/// A file with functions.
pub struct FoundFile {
    /// The file.
    pub file: File,
    /// What it is.
    pub binary: Binary,
    /// Those that fit.
    pub functions: Vec<Probeable>,
}

/// How far it is.
enum Stage {
    /// No process is there.
    Waiting,
    /// The desk looks for the functions.
    Looking,
    /// They are found, and not attached.
    Ready(Result<Vec<FoundFile>, String>),
    /// One process is watched, to see what that costs.
    Trial(Instant),
    /// All are watched.
    Running,
}

/// A session.
pub struct Session {
    /// What is wished.
    pub wish: ProbeWish,
    /// Its place in the kernel side's table.
    pub place: u32,
    /// The kernel side's number for it.
    pub number: u32,
    /// Under which its results are told.
    pub stored: u64,
    /// When it is over.
    pub until: Instant,
    /// What is attached to.
    pub functions: Vec<Attached>,
    /// How long that took.
    pub attach: Duration,
    stage: Stage,
    links: Vec<Links>,
    targets: BTreeSet<u32>,
    hit_ns: u64,
    meter: Option<Meter>,
    may_read: bool,
    reported: Option<(WantState, String)>,
}

/// Why a session ends.
type End = (WantState, String);

impl Session {
    pub fn new(wish: ProbeWish, place: u32, number: u32, may_read: bool) -> Self {
        Self {
            stored: session(&wish.id),
            until: Instant::now() + wish.lease,
            wish,
            place,
            number,
            functions: vec![],
            attach: Duration::ZERO,
            stage: Stage::Waiting,
            links: vec![],
            targets: BTreeSet::new(),
            hit_ns: 1,
            meter: None,
            may_read,
            reported: None,
        }
    }

    /// Goes on as far as it can; a report when there is news.
    pub fn step(
        &mut self,
        there: &BTreeSet<u32>,
        calls: &mut Calls,
        desk: &Desk,
        places: &mut Places,
    ) -> Result<Option<WantReport>, End> {
        match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Waiting => self.look(there, desk),
            Stage::Looking => self.stage = Stage::Looking,
            Stage::Ready(files) => {
                let files = files.map_err(|why| (WantState::Refused, why))?;
                self.try_it(&files, there, calls, places)?;
            }
            Stage::Trial(since) => self.judge(since, there, calls)?,
            Stage::Running => {
                self.stage = Stage::Running;
                self.admit(there, calls).map_err(refused)?;
                self.govern(calls)?;
            }
        }
        Ok(self.news())
    }

    /// Has the functions of a process looked for.
    fn look(&mut self, there: &BTreeSet<u32>, desk: &Desk) {
        let spec = &self.wish.spec;
        let Some(pid) = there.first() else {
            return;
        };
        let request = coral_probes::probeable::ProbeRequest {
            functions: spec.functions.clone(),
            when: spec.when.clone(),
            has_values: spec.has_values && self.may_read,
            can_unwind: false,
            most: coral_model::probe::FUNCTIONS_MAX as u32,
        };
        if desk.ask(Job::Probe {
            id: self.wish.id.clone(),
            pid: *pid,
            request,
        }) {
            self.stage = Stage::Looking;
        }
    }

    /// The desk has found something, or nothing.
    pub fn found(&mut self, found: Found) {
        if !matches!(self.stage, Stage::Looking) {
            return;
        }
        self.stage = Stage::Ready(found.files);
    }

    /// Attaches to one process.
    fn try_it(
        &mut self,
        files: &[FoundFile],
        there: &BTreeSet<u32>,
        calls: &mut Calls,
        places: &mut Places,
    ) -> Result<(), End> {
        let begun = Instant::now();
        let first = there.first().copied();
        self.prepare(files, calls, places)?;
        calls
            .open(
                self.place,
                cost::most_in_tenth(self.hit_ns),
                self.calls_max(),
            )
            .map_err(refused)?;
        self.admit(&first.into_iter().collect(), calls)
            .map_err(refused)?;
        for file in files {
            let links = self.link(file, calls).map_err(refused)?;
            self.links.extend(links);
        }
        self.attach = begun.elapsed();
        self.meter = Some(Meter::new(0, Instant::now()));
        self.stage = Stage::Trial(Instant::now());
        Ok(())
    }

    fn calls_max(&self) -> u64 {
        self.wish.spec.calls_per_s.min(CALLS_MAX).into()
    }

    /// Gives each function a place, and tells the kernel side what it is.
    fn prepare(
        &mut self,
        files: &[FoundFile],
        calls: &Calls,
        places: &mut Places,
    ) -> Result<(), End> {
        for file in files {
            for probeable in &file.functions {
                if probeable.begin.is_none() {
                    continue;
                }
                let full = || {
                    (
                        WantState::Refused,
                        "too many functions are probed on this host".to_owned(),
                    )
                };
                let index = places.probe().ok_or_else(full)?;
                calls.set(index, &self.probe(probeable)).map_err(refused)?;
                let has_end = probeable.end != end::UNSEEN;
                self.hit_ns = self
                    .hit_ns
                    .max(cost::of_hit(probeable.predicted_ns, has_end));
                let mut probeable = probeable.clone();
                if !self.shows(&probeable) {
                    (probeable.arguments, probeable.returned) = (vec![], vec![]);
                }
                self.functions.push(Attached {
                    index,
                    probeable,
                    binary: file.binary.clone(),
                    told: None,
                });
            }
        }
        if self.functions.is_empty() {
            let notes = files.iter().flat_map(|file| &file.functions);
            let why = notes.map(|f| format!("{}: {}", f.name, f.note)).next();
            let why = why.unwrap_or_else(|| "no function of that name is there".to_owned());
            return Err((WantState::Refused, why));
        }
        Ok(())
    }

    fn probe(&self, probeable: &Probeable) -> Probe {
        let spec = &self.wish.spec;
        let mut probe = Probe {
            session: self.place,
            number: self.number,
            least_ns: u64::try_from(spec.min_duration.as_nanos()).unwrap_or(u64::MAX),
            end: probeable.end,
            is_go: probeable.is_go.into(),
            has_stack: spec.has_stacks.into(),
            ..Probe::NOTHING
        };
        if self.shows(probeable) {
            for (to, from) in probe.take.iter_mut().zip(read(&probeable.arguments)) {
                *to = from;
                probe.takes += 1;
            }
            for (to, from) in probe.give.iter_mut().zip(read(&probeable.returned)) {
                *to = from;
                probe.gives += 1;
            }
        }
        for (to, from) in probe.condition.iter_mut().zip(&probeable.conditions) {
            *to = *from;
            probe.conditions += 1;
        }
        probe
    }

    /// Whether the values of a function may be read.
    fn shows(&self, probeable: &Probeable) -> bool {
        let spec = &self.wish.spec;
        let is_secret = is_secret(&probeable.name);
        self.may_read && spec.has_values && (spec.has_secrets || !is_secret)
    }

    /// Attaches to the places of a file.
    fn link(&self, file: &FoundFile, calls: &Calls) -> Result<Vec<Links>, ProbesError> {
        let (mut at_places, mut on_return) = (vec![], vec![]);
        let of_file = self.functions.iter().filter(|f| f.binary == file.binary);
        for function in of_file {
            let own = |place: &Place| Place {
                cookie: calls::Cookie {
                    probe: function.index as u16,
                    ..place.cookie
                },
                ..*place
            };
            at_places.extend(function.probeable.begin.iter().map(own));
            let ends = function.probeable.ends.iter().map(own);
            match function.probeable.end {
                end::RETURN => on_return.extend(ends),
                _ => at_places.extend(ends),
            }
        }
        let mut links = vec![];
        // Ends first: a call whose begin is seen has an end.
        for (places, is_return) in [(&on_return, true), (&at_places, false)] {
            if !places.is_empty() {
                links.push(calls.attach(file.file.as_fd(), places, is_return)?);
            }
        }
        Ok(links)
    }

    /// After the trial: too dear is withdrawn, else all processes are watched.
    fn judge(
        &mut self,
        since: Instant,
        there: &BTreeSet<u32>,
        calls: &mut Calls,
    ) -> Result<(), End> {
        self.stage = Stage::Trial(since);
        let (hits, hit_ns) = (self.hits(calls).map_err(refused)?, self.hit_ns);
        let meter = self.meter.get_or_insert_with(|| Meter::new(0, since));
        let Some(cost) = meter.measure_after(TRIAL, hits, hit_ns, Instant::now()) else {
            return Ok(());
        };
        if cost.is_too_much() || calls.is_off(self.place).map_err(refused)? {
            return Err((WantState::Refused, cost.text(hit_ns)));
        }
        self.stage = Stage::Running;
        self.admit(there, calls).map_err(refused)
    }

    /// Hits of begins and ends, also of processes that are not meant: they cost as much.
    fn hits(&self, calls: &Calls) -> Result<u64, ProbesError> {
        let mut all = 0;
        for function in &self.functions {
            let hits = calls.hits(function.index)?;
            all += hits.hits + hits.returned + hits.foreign;
        }
        Ok(all)
    }

    /// What has become too dear is withdrawn.
    fn govern(&mut self, calls: &Calls) -> Result<(), End> {
        let (hits, hit_ns) = (self.hits(calls).map_err(refused)?, self.hit_ns);
        let is_off = calls.is_off(self.place).map_err(refused)?;
        let Some(meter) = &mut self.meter else {
            return Ok(());
        };
        let now = Instant::now();
        let cost = match is_off {
            true => meter.measure_after(Duration::from_millis(1), hits, hit_ns, now),
            false => meter.measure(hits, hit_ns, now),
        };
        match cost {
            Some(cost) if is_off || cost.is_too_much() => {
                Err((WantState::Stopped, cost.text(hit_ns)))
            }
            _ => Ok(()),
        }
    }

    /// Watches these processes and no others.
    fn admit(&mut self, there: &BTreeSet<u32>, calls: &Calls) -> Result<(), ProbesError> {
        for gone in self.targets.difference(there) {
            calls.admit(self.number, *gone, false)?;
        }
        for new in there.difference(&self.targets) {
            calls.admit(self.number, *new, true)?;
        }
        self.targets = there.clone();
        Ok(())
    }

    /// What is to be reported, when that is news.
    fn news(&mut self) -> Option<WantReport> {
        let processes = match self.targets.len() {
            1 => "1 process".to_owned(),
            n => format!("{n} processes"),
        };
        let news = match &self.stage {
            Stage::Waiting => (WantState::Pending, "no process of it is here".to_owned()),
            Stage::Looking | Stage::Ready(_) => {
                (WantState::Pending, "looks for the functions".to_owned())
            }
            Stage::Trial(_) => (WantState::Pending, "on trial".to_owned()),
            Stage::Running => (WantState::Attached, processes),
        };
        let is_news = self.reported.as_ref() != Some(&news);
        self.reported = Some(news.clone());
        is_news.then(|| WantReport {
            id: self.wish.id.clone(),
            state: news.0,
            reason: Observed::new(news.1),
        })
    }

    /// Takes everything off; counts stay until [`Self::close`].
    pub fn detach(&mut self) {
        self.links.clear();
    }

    /// Gives the kernel side's memory back.
    pub fn close(&mut self, calls: &mut Calls) -> Result<(), ProbesError> {
        let processes: Vec<u32> = self.targets.iter().copied().collect();
        calls.close(self.number, &processes)
    }
}

/// How the values are read that can be.
fn read(arguments: &[Argument]) -> impl Iterator<Item = Take> + '_ {
    arguments.iter().filter_map(|argument| argument.take.ok())
}

/// What the kernel's refusal means for a wish.
fn refused(error: ProbesError) -> End {
    (WantState::Refused, error.to_string())
}

impl Attached {
    /// What it is called.
    pub fn function(&self) -> Function {
        Function {
            name: Observed::new(self.probeable.name.clone()),
            file: self.probeable.file.clone().map(Observed::new),
            line: self.probeable.line,
        }
    }

    /// What is seen of it.
    pub fn kind(&self) -> ProbeKind {
        match self.probeable.end {
            end::SITES => ProbeKind::Sites,
            end::RETURN => ProbeKind::Return,
            _ => ProbeKind::Entry,
        }
    }
}
