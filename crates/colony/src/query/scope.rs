//! What all answers of one question share: the window, one snapshot of the store, the agents and how long each observed,
//! the instances, and the exact figures as one stream of rows.

use super::Uses;
use crate::live::{InFlight, KEPT, Live, LiveAgent};
use coral_model::answer::STALE_AFTER;
use coral_model::summary::{Counts, PULSE, SUMMARY};
use coral_model::{AgentId, Histogram, InstanceKey, Protocol, ServiceKey, Side, TimeNs, Window};
use coral_store::{InstanceId, Read, Routes, SeenInstance, Snapshot, StoreError, SummaryFilter};
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

/// A stretch of an instance, side and protocol: a stored interval and status class, or a second of a pulse.
pub(super) struct Exact<'a> {
    pub seen: &'a SeenInstance,
    pub window: Window,
    pub side: Side,
    pub protocol: Protocol,
    pub counts: Counts,
    pub durations: &'a Histogram,
}

impl<'a> Scope<'a> {
    pub fn new(
        store: &dyn Read,
        live: &'a Live,
        window: Window,
        now: TimeNs,
    ) -> Result<Self, StoreError> {
        let snapshot = store.snapshot()?;
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

    /// Calls `each` for all exact figures of the window, of these instances or all.
    pub fn each_exact(
        &self,
        only: Option<&[ServiceKey]>,
        mut each: impl FnMut(Exact<'_>),
    ) -> Result<(), StoreError> {
        let filter = SummaryFilter {
            window: self.window,
            instances: only.map(|services| self.ids_of(services)),
            routes: Routes::Exact,
        };
        for row in self.snapshot.summaries(&filter)? {
            if let Some(seen) = self.instance(row.instance) {
                each(Exact {
                    seen,
                    window: row.window,
                    side: row.side,
                    protocol: row.protocol,
                    counts: row.counts,
                    durations: &row.durations,
                });
            }
        }
        let recent = Window {
            from: self.window.from.max(self.now.minus(KEPT)),
            to: self.window.to,
        };
        let covered = Covered::new(self.snapshot.covered(recent.from)?);
        self.live.each_pulse(recent, |key, pulse| {
            if let Some(seen) = self.by_key(&key.instance)
                && only.is_none_or(|services| services.contains(&seen.instance.service))
                && !covered.holds(&key.instance.agent, pulse.at)
            {
                each(Exact {
                    seen,
                    window: Window {
                        from: pulse.at.minus(PULSE),
                        to: pulse.at,
                    },
                    side: key.side,
                    protocol: key.protocol,
                    counts: pulse.counts,
                    durations: &pulse.durations,
                });
            }
        });
        Ok(())
    }

    /// Calls `each` for every instance with requests in the window, once or more.
    pub fn each_active(&self, mut each: impl FnMut(&SeenInstance)) -> Result<(), StoreError> {
        for id in self.snapshot.active(self.window)? {
            self.instance(id).into_iter().for_each(&mut each);
        }
        self.live.each_pulse(self.window, |key, _| {
            self.by_key(&key.instance).into_iter().for_each(&mut each);
        });
        Ok(())
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

    /// Whether the second that ends at `at` is spoken for.
    fn holds(&self, agent: &AgentId, at: TimeNs) -> bool {
        let stretches = self.0.get(agent).map_or(&[][..], Vec::as_slice);
        let after = stretches.partition_point(|w| w.from < at);
        after > 0 && at <= stretches[after - 1].to
    }
}
