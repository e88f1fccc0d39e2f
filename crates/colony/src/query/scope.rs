//! What all answers of one question share: the window, one snapshot of the store, the agents and how long each observed,
//! the instances, and the exact figures as one stream of rows.

use super::{QueryError, Uses};
use crate::live::{InFlight, KEPT, Live, LiveAgent};
use coral_model::answer::STALE_AFTER;
use coral_model::summary::{Counts, PULSE, SUMMARY};
use coral_model::{AgentId, InstanceKey, Protocol, ServiceKey, Side, TimeNs, Window};
use coral_store::{
    Durations, InstanceId, Level, Reach, Read, Routes, SeenInstance, Snapshot, StoreError,
    SummaryFilter,
};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The frame of an answer.
pub(super) struct Scope<'a> {
    pub window: Window,
    pub now: TimeNs,
    pub live: &'a Live,
    pub agents: BTreeMap<AgentId, LiveAgent>,
    snapshot: Box<dyn Snapshot>,
    /// First and last batch of each run of each agent.
    runs: BTreeMap<AgentId, Vec<(TimeNs, TimeNs)>>,
    instances: BTreeMap<InstanceId, SeenInstance>,
    ids: HashMap<InstanceKey, InstanceId>,
}

/// A stretch of an instance, side and protocol: stored intervals and status class, or a second of a pulse.
pub(super) struct Exact<'a> {
    pub seen: &'a SeenInstance,
    pub window: Window,
    pub side: Side,
    pub protocol: Protocol,
    pub counts: Counts,
    pub durations: Durations<'a>,
}

impl<'a> Scope<'a> {
    pub fn new(
        store: &dyn Read,
        live: &'a Live,
        window: Window,
        now: TimeNs,
    ) -> Result<Self, StoreError> {
        Self::over(store.snapshot()?, live, window, now)
    }

    /// The frame of an answer with figures: of the window as much as is kept.
    ///
    /// # Errors
    /// [`QueryError::Gone`] and [`QueryError::Coarse`] when that is nothing.
    pub fn of_figures(
        store: &dyn Read,
        live: &'a Live,
        window: Window,
        now: TimeNs,
    ) -> Result<Self, QueryError> {
        let snapshot = store.snapshot()?;
        match snapshot.reach(window)? {
            Reach::Kept(window) => Ok(Self::over(snapshot, live, window, now)?),
            Reach::Gone(from) => Err(QueryError::Gone { from }),
            Reach::Coarse(level) => Err(QueryError::Coarse { level }),
        }
    }

    fn over(
        snapshot: Box<dyn Snapshot>,
        live: &'a Live,
        window: Window,
        now: TimeNs,
    ) -> Result<Self, StoreError> {
        let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ship in snapshot.ship_states()? {
            let run = (ship.first.minus(PULSE), ship.last);
            runs.entry(ship.agent).or_default().push(run);
        }
        let seen = snapshot.instances(window)?;
        Ok(Self {
            window,
            now,
            live,
            agents: live.agents(),
            snapshot,
            runs,
            ids: seen
                .iter()
                .map(|s| (s.instance.key.clone(), s.id))
                .collect(),
            instances: seen.into_iter().map(|s| (s.id, s)).collect(),
        })
    }

    pub fn snapshot(&self) -> &dyn Snapshot {
        &*self.snapshot
    }

    /// The instances of the window, by number.
    pub fn instances(&self) -> impl Iterator<Item = &SeenInstance> {
        self.instances.values()
    }

    pub fn instance(&self, id: InstanceId) -> Option<&SeenInstance> {
        self.instances.get(&id)
    }

    fn by_key(&self, key: &InstanceKey) -> Option<&SeenInstance> {
        self.instances.get(self.ids.get(key)?)
    }

    /// The numbers of these services' instances.
    pub fn ids_of(&self, services: &[ServiceKey]) -> Vec<InstanceId> {
        let of = |s: &&SeenInstance| services.contains(&s.instance.service);
        self.instances().filter(of).map(|s| s.id).collect()
    }

    /// Up to when every fresh agent has reported; `None` when none is fresh.
    pub fn complete_until(&self, uses: Uses) -> Option<TimeNs> {
        let fresh = |a: &&LiveAgent| self.now.since(a.newest) <= STALE_AFTER;
        let newest = self.agents.values().filter(fresh).map(|a| a.newest);
        let newest = newest.min()?.min(self.window.to);
        Some(match uses {
            Uses::Pulses => newest,
            Uses::Intervals => interval_start(newest),
        })
    }

    /// Age of the agent's newest data.
    pub fn stale(&self, agent: &AgentId) -> Option<Duration> {
        Some(self.now.since(self.agents.get(agent)?.newest))
    }

    /// The first moment that any agent reported of.
    pub fn begin(&self) -> TimeNs {
        let firsts = self.runs.values().flatten().map(|(first, _)| *first);
        firsts.min().unwrap_or(self.window.to)
    }

    /// Whether the agent observed all of the window and has reported it.
    pub fn covers(&self, agent: &AgentId, window: Window) -> bool {
        let runs = self.runs.get(agent).map_or(&[][..], Vec::as_slice);
        let whole = |(first, last): &(TimeNs, TimeNs)| *first <= window.from && window.to <= *last;
        runs.iter().any(whole)
    }

    /// How long the agent observed within the window, as far as the figures reach.
    pub fn observed(&self, agent: &AgentId, uses: Uses) -> Duration {
        // Intervals count by their end, so the figures begin with the interval that holds the window's begin.
        let from = interval_start(self.window.from);
        let newest = self.agents.get(agent).map_or(TimeNs(0), |a| a.newest);
        let reach = newest.min(self.window.to);
        let to = match uses {
            Uses::Pulses if newest <= self.window.to => reach,
            Uses::Pulses | Uses::Intervals => interval_start(reach),
        };
        let runs = self.runs.get(agent).map_or(&[][..], Vec::as_slice);
        let within = |&(first, last): &(TimeNs, TimeNs)| last.min(to).since(first.max(from));
        runs.iter().map(within).sum()
    }

    /// Calls `each` for all exact figures of the window, of these instances or all; stretches wider than `widest` come only
    /// where there are no others.
    pub fn each_exact(
        &self,
        only: Option<&[ServiceKey]>,
        widest: Level,
        mut each: impl FnMut(Exact<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let filter = SummaryFilter {
            window: self.window,
            instances: only.map(|services| self.ids_of(services)),
            routes: Routes::Exact,
            widest,
        };
        self.snapshot.each_summary(&filter, &mut |row| {
            let Some(seen) = self.instance(row.instance) else {
                return Ok(());
            };
            each(Exact {
                seen,
                window: row.window,
                side: row.side,
                protocol: row.protocol,
                counts: row.counts,
                durations: row.durations,
            })
        })?;
        self.each_uncovered(only, each)
    }

    /// Calls `each` for the pulses that no stored interval speaks for.
    fn each_uncovered(
        &self,
        only: Option<&[ServiceKey]>,
        mut each: impl FnMut(Exact<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let recent = Window {
            from: self.window.from.max(self.now.minus(KEPT)),
            to: self.window.to,
        };
        if recent.from >= recent.to {
            return Ok(());
        }
        let covered = Covered::new(self.snapshot.covered(recent.from)?);
        self.live.each_key(recent, |key, pulses| {
            let Some(seen) = self.by_key(&key.instance) else {
                return Ok(());
            };
            if only.is_some_and(|services| !services.contains(&seen.instance.service)) {
                return Ok(());
            }
            let stretches = covered.of(&key.instance.agent);
            for pulse in pulses.filter(|p| !holds(stretches, p.at)) {
                each(Exact {
                    seen,
                    window: Window {
                        from: pulse.at.minus(PULSE),
                        to: pulse.at,
                    },
                    side: key.side,
                    protocol: key.protocol,
                    counts: pulse.counts,
                    durations: Durations::Histogram(&pulse.durations),
                })?;
            }
            Ok(())
        })
    }

    /// Calls `each` for every instance with requests in the window, once or more.
    pub fn each_active(&self, mut each: impl FnMut(&SeenInstance)) -> Result<(), StoreError> {
        for id in self.snapshot.active(self.window)? {
            self.instance(id).into_iter().for_each(&mut each);
        }
        self.live.each_key(self.window, |key, pulses| {
            if pulses.next().is_some() {
                self.by_key(&key.instance).into_iter().for_each(&mut each);
            }
            Ok(())
        })
    }

    /// What is in flight at the end of the window.
    pub fn each_in_flight(&self, mut each: impl FnMut(&SeenInstance, Side, Protocol, InFlight)) {
        for (key, in_flight) in self.live.in_flight(self.now.min(self.window.to)) {
            if let Some(seen) = self.by_key(&key.instance) {
                each(seen, key.side, key.protocol, in_flight);
            }
        }
    }
}

/// The begin of the interval that holds `at`.
pub(super) fn interval_start(at: TimeNs) -> TimeNs {
    TimeNs(at.0 - at.0.rem_euclid(SUMMARY.as_nanos() as i64))
}

/// The stretches that stored summaries speak for, by agent: ascending and apart.
struct Covered(HashMap<AgentId, Vec<Window>>);

impl Covered {
    fn new(mut intervals: Vec<(AgentId, Window)>) -> Self {
        intervals.sort_by_key(|(_, window)| window.from);
        let mut covered: HashMap<AgentId, Vec<Window>> = HashMap::new();
        for (agent, window) in intervals {
            let stretches = covered.entry(agent).or_default();
            match stretches.last_mut() {
                Some(last) if window.from <= last.to => last.to = last.to.max(window.to),
                _ => stretches.push(window),
            }
        }
        Self(covered)
    }

    fn of(&self, agent: &AgentId) -> &[Window] {
        self.0.get(agent).map_or(&[][..], Vec::as_slice)
    }
}

/// Whether the stretches speak for the second that ends at `at`.
fn holds(stretches: &[Window], at: TimeNs) -> bool {
    let after = stretches.partition_point(|w| w.from < at);
    after > 0 && at <= stretches[after - 1].to
}
