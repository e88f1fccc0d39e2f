//! Probes that somebody wished for: functions of running programs that are watched until the lease is over by this agent's
//! own clock, the wish is withdrawn, they cost too much, or the agent ends. This process owns what is attached, so nothing
//! stays when it dies.

mod cost;
mod desk;
mod places;
mod session;
mod tell;

pub use desk::{Ask, Asked, door};

use crate::clock::Clock;
use crate::desired::ProbeWish;
use crate::enrich::Processes;
use crate::profile::{Met, meant};
use coral_model::want::{WantReport, WantState};
use coral_model::{Item, Observed, TimeNs};
use coral_probes::ProbesError;
use coral_probes::abi::calls::Call;
use coral_probes::calls::Calls;
use desk::{Desk, Found, Job};
use places::Places;
use session::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;
use tokio::sync::mpsc;

/// Single calls that wait to be told of, at most.
const SINGLE_MAX: usize = 8_192;

/// What this host's policy allows, and what the host is called in wishes.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Whether functions may be probed.
    pub probes: bool,
    /// Whether values of calls may be read.
    pub values: bool,
    /// The host's name, its agent's id.
    pub names: Vec<String>,
}

/// All probes of an agent.
pub struct Prober {
    calls: Calls,
    desk: Desk,
    allowed: Allowed,
    places: Places,
    running: BTreeMap<String, Session>,
    /// Wishes that ended here, which a set may still hold.
    over: BTreeSet<String>,
    /// What somebody asks about functions.
    asked: mpsc::Receiver<Asked>,
    /// Single calls that no session has told of yet.
    single: Vec<Call>,
    reports: Vec<WantReport>,
    items: Vec<Item>,
}

impl Prober {
    /// Ready to attach; nothing is yet.
    ///
    /// # Errors
    /// When there is no room for a thread.
    pub fn new(
        calls: Calls,
        program: &Path,
        asked: mpsc::Receiver<Asked>,
    ) -> Result<Self, ProbesError> {
        let desk = Desk::start(program.to_owned()).map_err(|source| ProbesError::Call {
            call: "start",
            what: "the thread that finds functions".to_owned(),
            source,
        })?;
        Ok(Self {
            calls,
            desk,
            allowed: Allowed::default(),
            places: Places::default(),
            running: BTreeMap::new(),
            over: BTreeSet::new(),
            asked,
            single: vec![],
            reports: vec![],
            items: vec![],
        })
    }

    /// With what may be probed here.
    #[must_use]
    pub fn allowing(self, allowed: Allowed) -> Self {
        Self { allowed, ..self }
    }

    /// What the colony wishes now: what is new begins, what is missing ends.
    pub fn wish(&mut self, mut wishes: Vec<ProbeWish>, clock: &Clock, now: TimeNs) {
        let names = &self.allowed.names;
        let is_here = |host: &String| names.contains(host);
        wishes.retain(|wish| wish.spec.target.host.as_ref().is_none_or(is_here));
        let ids: BTreeSet<&String> = wishes.iter().map(|wish| &wish.id).collect();
        self.over.retain(|id| ids.contains(id));
        let gone = self.running.keys().filter(|id| !ids.contains(id));
        for id in gone.cloned().collect::<Vec<_>>() {
            self.end(&id, WantState::Stopped, "", (clock, now));
        }
        for wish in wishes {
            if !self.running.contains_key(&wish.id) && !self.over.contains(&wish.id) {
                self.begin(wish);
            }
        }
    }

    fn begin(&mut self, wish: ProbeWish) {
        let id = wish.id.clone();
        if !self.allowed.probes {
            return self.refuse(id, "the policy of this host allows no probes");
        }
        let Some((place, number)) = self.places.session() else {
            let most = coral_probes::abi::calls::SESSIONS;
            return self.refuse(
                id,
                &format!("{most} probes are attached on this host already"),
            );
        };
        let session = Session::new(wish, place, number, self.allowed.values);
        self.running.insert(id, session);
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

    /// Detaches a session, and tells what it counted last.
    fn end(&mut self, id: &str, state: WantState, why: &str, at: (&Clock, TimeNs)) {
        let Some(mut session) = self.running.remove(id) else {
            return;
        };
        session.detach();
        self.single.extend(self.calls.single(SINGLE_MAX));
        let told = session.tell(&mut self.calls, &self.single, at, true);
        self.items.extend(told);
        self.single.retain(|call| call.number != session.number);
        if let Err(error) = session.close(&mut self.calls) {
            tracing::warn!("a probe that ended: {error}");
        }
        self.places.give_back(&session);
        if self.running.is_empty() {
            self.calls.rest();
        }
        self.over.insert(id.to_owned());
        self.report(id.to_owned(), state, why);
    }

    /// Several times a second: what was found is attached, what costs too much or is over ends.
    pub fn between(&mut self, processes: &Processes, met: &Met, at: (&Clock, TimeNs)) {
        self.answer(processes, met);
        for found in self.desk.found().collect::<Vec<_>>() {
            self.take(found);
        }
        let mut ended = vec![];
        for (id, session) in &mut self.running {
            let there = meant(&session.wish.spec.target, processes, met);
            let step = session.step(&there, &mut self.calls, &self.desk, &mut self.places);
            match step {
                Ok(Some(news)) => self.reports.push(news),
                Ok(None) => {}
                Err((state, why)) => ended.push((id.clone(), state, why)),
            }
        }
        for (id, state, why) in ended {
            self.end(&id, state, &why, at);
        }
        let over = |(_, session): &(&String, &Session)| session.until <= Instant::now();
        let over = self.running.iter().filter(over).map(|(id, _)| id.clone());
        for id in over.collect::<Vec<_>>() {
            self.end(&id, WantState::Expired, "", at);
        }
    }

    /// What the desk found out for a session.
    fn take(&mut self, found: Found) {
        if let Some(session) = self.running.get_mut(&found.id) {
            session.found(found);
        }
    }

    /// Hands questions about functions to the desk, with the processes that are meant.
    fn answer(&mut self, processes: &Processes, met: &Met) {
        while let Ok(asked) = self.asked.try_recv() {
            let there = meant(&asked.ask.target, processes, met);
            self.desk.ask(Job::Search(asked, there));
        }
    }

    /// What there is to tell each second.
    pub fn second(&mut self, at: (&Clock, TimeNs)) -> Vec<Item> {
        let mut single = std::mem::take(&mut self.single);
        single.extend(self.calls.single(SINGLE_MAX));
        for session in self.running.values_mut() {
            let told = session.tell(&mut self.calls, &single, at, false);
            self.items.extend(told);
        }
        let reports = std::mem::take(&mut self.reports);
        let items = std::mem::take(&mut self.items);
        items
            .into_iter()
            .chain(reports.into_iter().map(Item::Want))
            .collect()
    }
}
