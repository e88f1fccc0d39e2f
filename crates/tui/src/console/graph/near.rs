//! The neighbourhood of a service: what is drawn when there is more than a drawing can hold.

use std::collections::{HashMap, HashSet, VecDeque};

/// An edge between nodes, and how much passes over it.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The caller's number.
    pub from: usize,
    /// The callee's number.
    pub to: usize,
    /// Requests per second.
    pub rate: f64,
}

/// The nodes that are at most `depth` edges away from one of these, the busiest ones first, and no more than `most`.
pub fn near(edges: &[Edge], focus: &[usize], depth: usize, most: usize) -> HashSet<usize> {
    let mut beside: HashMap<usize, Vec<(usize, f64)>> = HashMap::new();
    for edge in edges {
        beside
            .entry(edge.from)
            .or_default()
            .push((edge.to, edge.rate));
        beside
            .entry(edge.to)
            .or_default()
            .push((edge.from, edge.rate));
    }
    for others in beside.values_mut() {
        others.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    }
    let mut found: HashSet<usize> = focus.iter().copied().collect();
    let mut queue: VecDeque<(usize, usize)> = focus.iter().map(|&node| (node, 0)).collect();
    while let Some((node, away)) = queue.pop_front() {
        if away == depth {
            continue;
        }
        for &(other, _) in beside.get(&node).map_or(&[][..], Vec::as_slice) {
            if found.len() >= most {
                return found;
            }
            if found.insert(other) {
                queue.push_back((other, away + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_neighbours_come_first() {
        let edge = |from, to, rate| Edge { from, to, rate };
        let edges = [
            edge(0, 1, 5.0),
            edge(0, 2, 9.0),
            edge(2, 3, 1.0),
            edge(4, 0, 7.0),
        ];
        let sorted = |depth, most| {
            let mut found: Vec<usize> = near(&edges, &[0], depth, most).into_iter().collect();
            found.sort_unstable();
            found
        };
        assert_eq!(sorted(1, 10), [0, 1, 2, 4]);
        assert_eq!(sorted(2, 10), [0, 1, 2, 3, 4]);
        assert_eq!(sorted(1, 3), [0, 2, 4]);
    }
}
