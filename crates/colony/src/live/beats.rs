//! What services did second by second, and what they asked of each other in ten: added up over their instances until every
//! fresh agent has reported it, then handed out once. A service that was observed and did nothing has a pulse of zeros.

use coral_diagnose::baseline::Pulse;
use coral_model::summary::{Counts, SUMMARY};
use coral_model::{
    AgentId, Batch, Endpoint, Histogram, Instance, Item, Observed, ServiceClass, ServiceKey, Side,
    TimeNs,
};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

/// An agent that has not reported for so many seconds is not waited for.
const FRESH_S: i64 = 5;
/// No second is handed out earlier than this.
const SETTLED_S: i64 = 2;
/// At most so many seconds or intervals are held; what is older when it comes is dropped and counted.
const HELD: usize = 30;
/// More services or edges are not followed.
const MOST: usize = 10_000;
/// A service without a request for so many seconds is no longer followed.
const FOLLOWED_S: i64 = 900;
const EDGE_S: i64 = SUMMARY.as_secs() as i64;

/// A caller and what it calls: a service, or an address without an agent.
pub type Call = (ServiceKey, Observed);

/// What is complete, in order of time: unix seconds (of an edge the number of its interval), whose, and what it did.
#[derive(Debug, Default)]
pub struct Due {
    /// Seconds of services.
    pub services: Vec<(i64, ServiceKey, Pulse)>,
    /// Intervals of calls.
    pub calls: Vec<(i64, Call, Pulse)>,
}

#[derive(Debug, Clone, Default)]
struct Sum {
    counts: Counts,
    durations: Histogram,
}

impl Sum {
    fn add(&mut self, counts: Counts, durations: &Histogram) {
        self.counts.add(counts);
        self.durations.merge(durations);
    }

    fn pulse(&self) -> Pulse {
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Pulse {
            requests: count(self.counts.requests),
            errors: count(self.counts.errors),
            latency: self.durations.quantile(0.5).map(|ns| ns as f64 / 1e6),
        }
    }
}

/// Steps of one kind, not handed out yet.
#[derive(Debug)]
struct Steps<K> {
    held: BTreeMap<i64, HashMap<K, Sum>>,
    /// Who is followed: the agents that spoke of it, and the last step with requests.
    known: HashMap<K, (Vec<AgentId>, i64)>,
    done: i64,
}

impl<K> Default for Steps<K> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            known: HashMap::new(),
            done: i64::MIN,
        }
    }
}

impl<K: Clone + Eq + std::hash::Hash + Ord> Steps<K> {
    /// Takes in a part of a step; whether there was room.
    fn add(&mut self, step: i64, key: K, agent: &AgentId, sum: (Counts, &Histogram)) -> bool {
        let is_new = !self.known.contains_key(&key);
        let late = step <= self.done || (self.held.len() >= HELD && !self.held.contains_key(&step));
        if late || (is_new && self.known.len() >= MOST) {
            return false;
        }
        let (agents, last) = self.known.entry(key.clone()).or_default();
        *last = (*last).max(step);
        if !agents.contains(agent) {
            agents.push(agent.clone());
        }
        let held = self.held.entry(step).or_default();
        held.entry(key).or_default().add(sum.0, sum.1);
        true
    }

    /// Hands out all steps up to `until`; of a service whose agents had reported the step, also when it did nothing.
    fn take(
        &mut self,
        until: i64,
        followed: i64,
        reported: impl Fn(&AgentId, i64) -> bool,
    ) -> Vec<(i64, K, Pulse)> {
        let first = match self.held.keys().next() {
            Some(first) if self.done == i64::MIN => *first,
            None if self.done == i64::MIN => return vec![],
            _ => (self.done + 1).max(until - HELD as i64),
        };
        let mut out = vec![];
        for step in first..=until {
            let sums = self.held.remove(&step).unwrap_or_default();
            for (key, (agents, _)) in &self.known {
                match sums.get(key) {
                    Some(sum) => out.push((step, key.clone(), sum.pulse())),
                    None if agents.iter().any(|agent| reported(agent, step)) => {
                        out.push((step, key.clone(), Sum::default().pulse()));
                    }
                    None => {}
                }
            }
            self.done = step;
        }
        let done = self.done;
        self.held.retain(|step, _| *step > done);
        self.known
            .retain(|_, (_, last)| done.saturating_sub(*last) < followed);
        out.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        out
    }

    /// Forgets agents that are gone: where hosts come and go, a service outlives them.
    fn forget(&mut self, is_there: impl Fn(&AgentId) -> bool) {
        for (agents, _) in self.known.values_mut() {
            agents.retain(&is_there);
        }
    }
}

/// What is not complete yet.
#[derive(Debug, Default)]
pub(super) struct Beats {
    services: Steps<ServiceKey>,
    calls: Steps<Call>,
    /// Up to which second each agent has reported.
    agents: HashMap<AgentId, i64>,
    dropped: u64,
}

impl Beats {
    /// Takes in a batch whose newest moment is `newest`.
    pub fn absorb(&mut self, agent: &AgentId, batch: &Batch, newest: TimeNs) {
        self.agents
            .insert(agent.clone(), newest.0.div_euclid(1_000_000_000));
        for item in &batch.items {
            let taken = match item {
                Item::Pulse(pulse) if pulse.side == Side::Server => {
                    let Some(service) = own(batch, pulse.instance) else {
                        continue;
                    };
                    let second = (pulse.at.0 - 1).div_euclid(1_000_000_000) + 1;
                    let sum = (pulse.counts, &pulse.durations);
                    self.services.add(second, service.clone(), agent, sum)
                }
                Item::Edge(edge) if edge.side == Side::Client && edge.protocol.is_read() => {
                    let Some(call) = call(batch, &edge.caller, &edge.callee) else {
                        continue;
                    };
                    let interval = (edge.window.to.0 - 1).div_euclid(EDGE_S * 1_000_000_000) + 1;
                    let sum = (edge.counts, &edge.durations);
                    self.calls.add(interval, call, agent, sum)
                }
                _ => continue,
            };
            self.dropped += u64::from(!taken);
        }
    }

    /// What is complete at `now`.
    pub fn take(&mut self, now: TimeNs) -> Due {
        let now = now.0.div_euclid(1_000_000_000);
        let fresh = self.agents.values().filter(|at| now - **at <= FRESH_S);
        let until = fresh.copied().min().unwrap_or(now).min(now - SETTLED_S);
        let agents = &self.agents;
        let reached = |agent: &AgentId, second| agents.get(agent).is_some_and(|at| *at >= second);
        // A summary comes a moment after the last pulse of its interval.
        let interval = (until - SETTLED_S).div_euclid(EDGE_S);
        let due = Due {
            services: self.services.take(until, FOLLOWED_S, reached),
            calls: self
                .calls
                .take(interval, FOLLOWED_S / EDGE_S, |agent, step| {
                    reached(agent, step * EDGE_S)
                }),
        };
        let before = self.agents.len();
        self.agents.retain(|_, at| now - *at < FOLLOWED_S);
        if self.agents.len() < before {
            let agents = &self.agents;
            self.services.forget(|agent| agents.contains_key(agent));
            self.calls.forget(|agent| agents.contains_key(agent));
        }
        due
    }

    /// How much came too late, or found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// The service of an instance, when it is a program of the people who watch.
fn own(batch: &Batch, instance: u32) -> Option<&ServiceKey> {
    let instance: &Instance = batch.instances.get(instance as usize)?;
    (instance.class == ServiceClass::App).then_some(&instance.service)
}

fn call(batch: &Batch, caller: &Endpoint, callee: &Endpoint) -> Option<Call> {
    let Endpoint::Instance(caller) = *caller else {
        return None;
    };
    let caller = own(batch, caller)?.clone();
    let callee = match *callee {
        Endpoint::Instance(id) => own(batch, id)?.name.clone(),
        Endpoint::Address { ip, port } => outside(ip, port),
    };
    Some((caller, callee))
}

/// An address without an agent, as what is called.
pub fn outside(ip: IpAddr, port: u16) -> Observed {
    Observed::new(SocketAddr::new(ip, port).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{BootId, Epoch, InstanceKey, Protocol, Pulse as Second, Seq};

    fn batch(agent: &AgentId, second: i64) -> (Batch, TimeNs) {
        let at = TimeNs(second * 1_000_000_000);
        let instance = Instance {
            key: InstanceKey {
                agent: agent.clone(),
                boot: BootId::new("b").unwrap(),
                pid: 1,
                start_ticks: 1,
            },
            service: ServiceKey::plain("pay"),
            class: ServiceClass::App,
            host: "h".into(),
            started: None,
            ports: vec![],
        };
        let pulse = Second {
            at,
            instance: 0,
            side: Side::Server,
            protocol: Protocol::Http1,
            counts: Counts::default(),
            in_flight: 0,
            oldest_in_flight: None,
            durations: Histogram::default(),
        };
        let batch = Batch {
            epoch: Epoch(1),
            seq: Seq(second as u64),
            clock: at,
            instances: vec![instance],
            items: vec![Item::Pulse(pulse)],
            unknown: 0,
        };
        (batch, at)
    }

    #[test]
    fn agents_that_are_gone_are_forgotten_though_their_service_is_not() {
        let mut beats = Beats::default();
        let [gone, stays] = ["gone", "stays"].map(|name| AgentId::new(name).unwrap());
        let pay = ServiceKey::plain("pay");
        for second in 1..=FOLLOWED_S + 5 {
            for agent in [&gone, &stays].into_iter().skip(usize::from(second > 1)) {
                let (batch, at) = batch(agent, second);
                beats.absorb(agent, &batch, at);
            }
            beats.take(TimeNs(second * 1_000_000_000));
            let known = if second <= FOLLOWED_S { 2 } else { 1 };
            assert_eq!(beats.services.known[&pay].0.len(), known, "{second}");
        }
        assert_eq!(beats.services.known[&pay].0, [stays]);
    }
}
