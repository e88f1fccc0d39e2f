//! The topology as neighbours: services without any data are looked through. Circles end where they began.

use crate::incident::Incident;
use crate::suspect::Suspect;
use std::collections::VecDeque;

/// Services without data are looked through at most so deep.
const DEPTH: usize = 8;
/// And at most so many neighbours are kept for one service.
const NEIGHBOURS: usize = 4096;

/// Who calls whom.
pub struct Graph {
    callees: Vec<Vec<u32>>,
    callers: Vec<Vec<u32>>,
}

impl Graph {
    /// Of an incident's edges.
    pub fn of(incident: &Incident, suspects: &[Suspect]) -> Self {
        let n = incident.services.len();
        let (mut down, mut up) = (vec![vec![]; n], vec![vec![]; n]);
        for &(caller, callee) in &incident.edges {
            if (caller as usize) < n && (callee as usize) < n {
                down[caller as usize].push(callee);
                up[callee as usize].push(caller);
            }
        }
        let dark = |s: u32| !suspects[s as usize].known;
        let seen_through = |near: &Vec<Vec<u32>>| {
            (0..n as u32)
                .map(|s| through(s, near, dark))
                .collect::<Vec<_>>()
        };
        Self {
            callees: seen_through(&down),
            callers: seen_through(&up),
        }
    }

    /// Whom a service calls.
    pub fn callees(&self, service: u32) -> &[u32] {
        &self.callees[service as usize]
    }

    /// Who calls it.
    pub fn callers(&self, service: u32) -> &[u32] {
        &self.callers[service as usize]
    }

    /// Whether there is a topology at all.
    pub fn has_edges(&self) -> bool {
        self.callees.iter().any(|callees| !callees.is_empty())
    }

    /// What is below a service, passing only where `pass` holds; not itself.
    pub fn below(&self, from: u32, pass: impl Fn(u32) -> bool) -> Vec<u32> {
        flood(from, &self.callees, pass)
    }

    /// What is above a service, passing only where `pass` holds; not itself.
    pub fn above(&self, from: u32, pass: impl Fn(u32) -> bool) -> Vec<u32> {
        flood(from, &self.callers, pass)
    }

    /// The shortest way down, inner services only where `pass` holds.
    pub fn path(&self, from: u32, to: u32, pass: impl Fn(u32) -> bool) -> Option<Vec<u32>> {
        let mut before: Vec<Option<u32>> = vec![None; self.callees.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            if at == to {
                let mut path = vec![to];
                while let Some(&last) = path.last().filter(|last| **last != from) {
                    path.push(before[last as usize]?);
                }
                path.reverse();
                return Some(path);
            }
            for &next in &self.callees[at as usize] {
                if next != from && before[next as usize].is_none() && (next == to || pass(next)) {
                    before[next as usize] = Some(at);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// The neighbours of a service, with those behind dark ones in their place.
fn through(service: u32, near: &[Vec<u32>], dark: impl Fn(u32) -> bool) -> Vec<u32> {
    let direct = &near[service as usize];
    if !direct.iter().any(|&s| dark(s)) {
        return direct.clone();
    }
    let mut found = std::collections::BTreeSet::new();
    let mut queue: VecDeque<(u32, usize)> = direct.iter().map(|&s| (s, 0)).collect();
    while let Some((at, depth)) = queue.pop_front() {
        if at == service || found.len() >= NEIGHBOURS || !found.insert(at) {
            continue;
        }
        if dark(at) && depth < DEPTH {
            queue.extend(near[at as usize].iter().map(|&s| (s, depth + 1)));
        }
    }
    found.into_iter().collect()
}

fn flood(from: u32, near: &[Vec<u32>], pass: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut seen = vec![false; near.len()];
    let mut found = Vec::new();
    let mut queue = vec![from];
    seen[from as usize] = true;
    while let Some(at) = queue.pop() {
        for &next in &near[at as usize] {
            if !std::mem::replace(&mut seen[next as usize], true) {
                found.push(next);
                if pass(next) {
                    queue.push(next);
                }
            }
        }
    }
    found.sort_unstable();
    found
}
