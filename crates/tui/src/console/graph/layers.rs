//! Which column a service stands in, and in which order the services of a column stand.

use std::collections::HashSet;

/// Something with a row in a column: a service, or a long edge on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Item {
    Node(usize),
    /// The edge at this place passes through.
    Pass(usize),
}

/// Nodes and passing edges in columns.
#[derive(Debug)]
pub(super) struct Layered {
    pub layers: Vec<Vec<Item>>,
    /// The stretches between a column and the next: from, to, edge.
    pub channels: Vec<Vec<(Item, Item, usize)>>,
    /// Edges that lead back.
    pub back: Vec<usize>,
}

/// Sweeps that bring the items of a column nearer to those they hang on.
const SWEEPS: usize = 4;

impl Layered {
    pub fn new(edges: &[(usize, usize)], nodes: usize) -> Self {
        let back = back_edges(edges, nodes);
        let forward = |i: &usize| !back.contains(i);
        let ahead: Vec<usize> = (0..edges.len()).filter(forward).collect();
        let depth = depths(edges, &ahead, nodes);
        let last = depth.iter().copied().max().unwrap_or(0);
        let mut layers = vec![vec![]; last + 1];
        for (node, &layer) in depth.iter().enumerate() {
            layers[layer].push(Item::Node(node));
        }
        let mut channels = vec![vec![]; last];
        for &edge in &ahead {
            let (from, to) = edges[edge];
            let mut at = Item::Node(from);
            for layer in depth[from]..depth[to] {
                let next = match layer + 1 == depth[to] {
                    true => Item::Node(to),
                    false => Item::Pass(edge),
                };
                if next == Item::Pass(edge) {
                    layers[layer + 1].push(next);
                }
                channels[layer].push((at, next, edge));
                at = next;
            }
        }
        let mut back: Vec<usize> = back.into_iter().collect();
        back.sort_unstable();
        let mut layered = Self {
            layers,
            channels,
            back,
        };
        for sweep in 0..SWEEPS {
            layered.sweep(sweep % 2 == 0);
        }
        layered
    }

    /// Orders each column by the mean place of what its items hang on.
    fn sweep(&mut self, rightwards: bool) {
        let count = self.layers.len();
        let order: Vec<usize> = match rightwards {
            true => (1..count).collect(),
            false => (0..count.saturating_sub(1)).rev().collect(),
        };
        for layer in order {
            let (beside, channel) = match rightwards {
                true => (layer - 1, layer - 1),
                false => (layer + 1, layer),
            };
            let place = |item: Item| self.layers[beside].iter().position(|&i| i == item);
            let mean = |item: Item, own: usize| {
                let places: Vec<usize> = self.channels[channel]
                    .iter()
                    .filter_map(|&(from, to, _)| match rightwards {
                        true if to == item => place(from),
                        false if from == item => place(to),
                        _ => None,
                    })
                    .collect();
                match places.is_empty() {
                    true => own as f64,
                    false => places.iter().sum::<usize>() as f64 / places.len() as f64,
                }
            };
            let items = &self.layers[layer];
            let mut ranked: Vec<(f64, usize, Item)> = items
                .iter()
                .enumerate()
                .map(|(own, &item)| (mean(item, own), own, item))
                .collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            self.layers[layer] = ranked.into_iter().map(|r| r.2).collect();
        }
    }
}

/// The edges that close a cycle when the graph is walked from its entry points, and loops.
fn back_edges(edges: &[(usize, usize)], nodes: usize) -> HashSet<usize> {
    let mut out = vec![vec![]; nodes];
    let mut called = vec![false; nodes];
    for (i, &(from, to)) in edges.iter().enumerate() {
        out[from].push(i);
        called[to] |= from != to;
    }
    let (mut state, mut back) = (vec![0u8; nodes], HashSet::new());
    let starts = (0..nodes).filter(|&n| !called[n]).chain(0..nodes);
    for start in starts.collect::<Vec<_>>() {
        // A stack of (node, next of its edges); 1 = on the way, 2 = done.
        let mut stack = vec![(start, 0)];
        if state[start] != 0 {
            continue;
        }
        state[start] = 1;
        while let Some((node, next)) = stack.last_mut() {
            let Some(&edge) = out[*node].get(*next) else {
                state[*node] = 2;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = edges[edge].1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    stack.push((to, 0));
                }
                1 => {
                    back.insert(edge);
                }
                _ => {}
            }
        }
    }
    back
}

/// The longest way to each node.
fn depths(edges: &[(usize, usize)], ahead: &[usize], nodes: usize) -> Vec<usize> {
    let mut depth = vec![0; nodes];
    // Without cycles this settles after at most as many rounds as there are nodes.
    for _ in 0..nodes {
        let mut moved = false;
        for &edge in ahead {
            let (from, to) = edges[edge];
            if depth[to] < depth[from] + 1 {
                depth[to] = depth[from] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    depth
}
