//! What the colony knows of the last minutes without asking the store: the pulses of the last 15 minutes, and of each
//! agent its newest state. Bounded; what was acknowledged is in the store or comes again in a summary.

mod beats;
mod checks;
mod fresh;
mod probes;
mod wishes;

pub(crate) use beats::outside;
pub use beats::{Call, Due};
pub use checks::health_events_until;
pub use probes::{HostProbes, ProbeSession};

use crate::metrics::red::{Series, Totals};
use beats::Beats;
use checks::Checks;
use coral_model::answer::HealthState;
use coral_model::summary::Counts;
use coral_model::want::WantReport;
use coral_model::{
    AgentHealth, AgentId, Batch, Event, Histogram, InstanceKey, Item, Protocol, ServiceKey, Side,
    TimeNs, Window,
};
use coral_store::ShipState;
use fresh::Fresh;
use probes::Probes;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use wishes::WantReports;

/// How long pulses are kept.
pub const KEPT: Duration = Duration::from_secs(15 * 60);
/// How many pulses are kept in all; beyond it a key's oldest goes for its newest.
const MAX_PULSES: usize = 200_000;
/// A pulse older than this says nothing of what is in flight now.
const IN_FLIGHT_FOR: Duration = Duration::from_secs(3);
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What is counted apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PulseKey {
    /// Which process.
    pub instance: InstanceKey,
    /// Which side of it.
    pub side: Side,
    /// What was spoken.
    pub protocol: Protocol,
}

/// A second of a key.
#[derive(Debug, Clone)]
pub struct LivePulse {
    /// The end of the second.
    pub at: TimeNs,
    /// What ended in it.
    pub counts: Counts,
    /// Begun and not ended at its end.
    pub in_flight: u64,
    /// Age of the oldest of them at its end.
    pub oldest: Option<Duration>,
    /// Durations of what completed.
    pub durations: Histogram,
}

/// What is in flight of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// How many.
    pub requests: u64,
    /// Age of the oldest.
    pub oldest: Option<Duration>,
}

/// An agent, from its newest batch.
#[derive(Debug, Clone, Default)]
pub struct LiveAgent {
    /// What it last said of itself.
    pub health: Option<AgentHealth>,
    /// Up to when it has reported.
    pub newest: TimeNs,
    /// Its open streams.
    pub streams: u32,
    /// How old its data is when it can be asked for.
    pub fresh: Fresh,
}

#[derive(Debug, Default)]
struct Inner {
    agents: BTreeMap<AgentId, LiveAgent>,
    pulses: HashMap<PulseKey, VecDeque<LivePulse>>,
    held: usize,
    swept: TimeNs,
    /// What services did since the colony started.
    totals: Totals,
    /// What health checks say.
    checks: Checks,
    /// What became of wishes.
    wants: WantReports,
    /// What was seen of probed functions.
    probes: Probes,
    /// What is compared with what is usual.
    beats: Beats,
}

/// The live data, shared by ingest and query.
#[derive(Debug, Default)]
pub struct Live {
    inner: RwLock<Inner>,
}

impl Live {
    /// Begins with what the store knows of the agents.
    pub fn new(health: Vec<AgentHealth>, ships: &[ShipState], checks: Vec<Event>) -> Self {
        let mut inner = Inner {
            checks: Checks::from_events(checks),
            ..Inner::default()
        };
        for ship in ships {
            let agent = inner.agents.entry(ship.agent.clone()).or_default();
            agent.newest = agent.newest.max(ship.last);
        }
        for health in health {
            let agent = inner.agents.entry(health.id.clone()).or_default();
            agent.newest = agent.newest.max(health.at);
            agent.health = Some(health);
        }
        Self {
            inner: RwLock::new(inner),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a batch that is stored. `unknown` is what the colony skipped of this run so far.
    pub fn absorb(&self, agent: &AgentId, batch: &Batch, unknown: u64, now: TimeNs) {
        let mut inner = self.write();
        inner.totals.absorb(batch);
        let mut newest = batch.clock;
        for item in &batch.items {
            match item {
                Item::Health(health) => {
                    newest = health.at;
                    let mut health = health.clone();
                    health.loss.unknown += unknown;
                    inner.agents.entry(agent.clone()).or_default().health = Some(health);
                }
                Item::Pulse(pulse) => {
                    let Some(instance) = batch.instances.get(pulse.instance as usize) else {
                        continue;
                    };
                    let key = PulseKey {
                        instance: instance.key.clone(),
                        side: pulse.side,
                        protocol: pulse.protocol,
                    };
                    let pulse = LivePulse {
                        at: pulse.at,
                        counts: pulse.counts,
                        in_flight: pulse.in_flight,
                        oldest: pulse.oldest_in_flight,
                        durations: pulse.durations.clone(),
                    };
                    inner.add(key, pulse);
                }
                Item::Summary(_)
                | Item::Edge(_)
                | Item::Event(_)
                | Item::Host(_)
                | Item::Process(_)
                | Item::Request(_)
                | Item::Profile(_)
                | Item::Symbols(_) => {}
                Item::Want(report) => inner.wants.take(agent, report),
                Item::Probed(probed) => inner.probes.function(agent, probed),
                Item::CallPath(path) => inner.probes.path(agent, path),
                Item::Call(call) => inner.probes.call(agent, call),
                Item::HealthCheck(check) => drop(inner.checks.take(agent, check, now)),
            }
        }
        // An agent's batches come in order. When its clock went back, so does this, or it would look alive for as long
        // after its end.
        inner.agents.entry(agent.clone()).or_default().newest = newest;
        inner.beats.absorb(agent, batch, newest);
        inner.sweep(now);
    }

    /// What services did in the seconds that are complete by now and were not handed out yet; how much was dropped so far.
    pub fn due(&self, now: TimeNs) -> (Due, u64) {
        let mut inner = self.write();
        (inner.beats.take(now), inner.beats.dropped())
    }

    /// What agents say of a wish.
    pub fn want_reports(&self, id: &str) -> Vec<(AgentId, WantReport)> {
        self.read().wants.of(id)
    }

    /// What was seen of the functions of a session.
    pub fn probes(&self, session: u64) -> Option<ProbeSession> {
        self.read().probes.of(session)
    }

    /// What an agent saw up to `newest` can be asked for.
    pub fn visible(&self, agent: &AgentId, newest: TimeNs, now: TimeNs) {
        let mut inner = self.write();
        let known = inner.agents.entry(agent.clone()).or_default();
        known.fresh.note(newest, now);
    }

    /// The agents and their newest state.
    pub fn agents(&self) -> BTreeMap<AgentId, LiveAgent> {
        self.read().agents.clone()
    }

    /// What the health checks of a batch change, as events; it is not taken in by this.
    pub fn health_changes(&self, agent: &AgentId, batch: &Batch, now: TimeNs) -> Vec<Event> {
        let any = |item: &Item| matches!(item, Item::HealthCheck(_));
        if !batch.items.iter().any(any) {
            return vec![];
        }
        let mut checks = self.read().checks.clone();
        let change = |item: &Item| match item {
            Item::HealthCheck(check) => checks.take(agent, check, now),
            _ => None,
        };
        batch.items.iter().filter_map(change).collect()
    }

    /// What the health checks say of each service, where one was heard of lately.
    pub fn health(&self, now: TimeNs) -> Vec<(ServiceKey, HealthState)> {
        self.read().checks.states(now)
    }

    /// Nobody checks this service any more.
    pub fn forget_health(&self, service: &ServiceKey) {
        self.write().checks.forget(service);
    }

    /// What services did since the colony started, by service and side.
    pub fn totals(&self) -> Vec<((ServiceKey, Side), Series)> {
        self.read().totals.all()
    }

    /// A stream of the agent opened; it closes when the guard is dropped.
    pub fn connected(self: &std::sync::Arc<Self>, agent: &AgentId) -> Connected {
        self.write()
            .agents
            .entry(agent.clone())
            .or_default()
            .streams += 1;
        Connected {
            live: self.clone(),
            agent: agent.clone(),
        }
    }

    /// Calls `each` for every key with its pulses that ended in the window (`from < at <= to`); its error ends it.
    pub fn each_key<E>(
        &self,
        window: Window,
        mut each: impl FnMut(&PulseKey, &mut dyn Iterator<Item = &LivePulse>) -> Result<(), E>,
    ) -> Result<(), E> {
        let inner = self.read();
        for (key, pulses) in &inner.pulses {
            let first = pulses.partition_point(|p| p.at <= window.from);
            let mut within = pulses.range(first..).take_while(|p| p.at <= window.to);
            each(key, &mut within)?;
        }
        Ok(())
    }

    /// What each key has in flight at `now`, from its newest pulse by then.
    pub fn in_flight(&self, now: TimeNs) -> Vec<(PulseKey, InFlight)> {
        let inner = self.read();
        let of = |(key, pulses): (&PulseKey, &VecDeque<LivePulse>)| {
            let newest = pulses.iter().rev().find(|p| p.at <= now)?;
            let age = now.since(newest.at);
            (newest.in_flight > 0 && age <= IN_FLIGHT_FOR).then(|| {
                let in_flight = InFlight {
                    requests: newest.in_flight,
                    oldest: newest.oldest.map(|oldest| oldest + age),
                };
                (key.clone(), in_flight)
            })
        };
        inner.pulses.iter().filter_map(of).collect()
    }
}

impl Inner {
    fn add(&mut self, key: PulseKey, pulse: LivePulse) {
        let full = self.held >= MAX_PULSES;
        let pulses = self.pulses.entry(key).or_default();
        let oldest = pulse.at.minus(KEPT);
        let mut gone = 0;
        while pulses.front().is_some_and(|p| p.at <= oldest) || (full && gone == 0) {
            if pulses.pop_front().is_none() {
                break;
            }
            gone += 1;
        }
        let place = pulses.partition_point(|p| p.at <= pulse.at);
        pulses.insert(place, pulse);
        self.held = self.held + 1 - gone;
    }

    /// Forgets keys that have been silent, now and then.
    fn sweep(&mut self, now: TimeNs) {
        if now.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        let oldest = now.minus(KEPT);
        self.pulses
            .retain(|_, pulses| pulses.back().is_some_and(|p| p.at > oldest));
        self.held = self.pulses.values().map(VecDeque::len).sum();
    }
}

/// An open stream of an agent.
#[derive(Debug)]
pub struct Connected {
    live: std::sync::Arc<Live>,
    agent: AgentId,
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(agent) = self.live.write().agents.get_mut(&self.agent) {
            agent.streams = agent.streams.saturating_sub(1);
        }
    }
}
