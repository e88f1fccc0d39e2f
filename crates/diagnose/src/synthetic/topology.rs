//! A layered topology: a few entries, services that call later ones, dependencies outside that call nobody.

use super::random::Random;
use coral_model::Observed;

/// At most so many callees for each service.
const FAN: usize = 5;

/// Who calls whom; a service calls only later ones.
#[derive(Debug, Clone)]
pub struct Topology {
    /// Callees with how often each is called for one request.
    pub callees: Vec<Vec<(usize, f64)>>,
    /// Those without an agent.
    pub outside: Vec<bool>,
    entries: usize,
    names: Vec<Observed>,
}

impl Topology {
    pub fn new(n: usize, random: &mut Random) -> Self {
        let entries = (n / 50).clamp(1, 10);
        let outside_from = n - (n / 8).max(1);
        let mut callees: Vec<Vec<(usize, f64)>> = vec![vec![]; n];
        let calls = |random: &mut Random| match random.chance(0.7) {
            true => 1.0,
            false => random.between(0.3, 2.0),
        };
        // Everybody is called by somebody.
        for callee in entries..n {
            let near = callee.min(outside_from);
            let low = near.saturating_sub(2 + n / 4);
            let caller = low + random.below(near - low);
            let weight = calls(random);
            callees[caller].push((callee, weight));
        }
        for (caller, own) in callees.iter_mut().enumerate().take(outside_from) {
            for _ in 0..random.below(FAN) {
                let callee = caller + 1 + random.below((n - caller - 1).min(2 + n / 3));
                let known = own.iter().any(|(c, _)| *c == callee);
                if callee >= entries && !known && own.len() < FAN {
                    own.push((callee, calls(random)));
                }
            }
        }
        // A request makes about one call for each level, or times would multiply with depth.
        for own in &mut callees {
            let total: f64 = own.iter().map(|(_, calls)| calls).sum();
            let most = random.between(0.7, 1.3);
            for (_, calls) in own.iter_mut().filter(|_| total > most) {
                *calls *= most / total;
            }
        }
        let outside = (0..n).map(|s| s >= outside_from).collect();
        let names = (0..n)
            .map(|_| Observed::new(format!("s{:08x}", random.next() as u32)))
            .collect();
        Self {
            callees,
            outside,
            entries,
            names,
        }
    }

    pub fn len(&self) -> usize {
        self.callees.len()
    }

    pub fn is_entry(&self, service: usize) -> bool {
        service < self.entries
    }

    pub fn name(&self, service: usize) -> Observed {
        self.names[service].clone()
    }

    pub fn edges(&self) -> Vec<(u32, u32)> {
        let mut edges = Vec::new();
        for (caller, callees) in self.callees.iter().enumerate() {
            edges.extend(
                callees
                    .iter()
                    .map(|(callee, _)| (caller as u32, *callee as u32)),
            );
        }
        edges.sort_unstable();
        edges
    }

    /// The entry from which a service is reached in the fewest steps; itself when from none.
    pub fn entry_above(&self, service: usize) -> usize {
        let mut at = service;
        while !self.is_entry(at) {
            let callers =
                (0..at).filter(|c| self.callees[*c].iter().any(|(callee, _)| *callee == at));
            match callers.min() {
                Some(caller) => at = caller,
                None => return service,
            }
        }
        at
    }
}
