//! The tree of a profile: stacks that begin alike share their first nodes. Nodes lie in the order of a walk that goes down
//! first, so that whatever is summed needs one pass from the end.

mod paths;

use super::{Key, Shape};
use coral_model::profile::Flame;
use paths::Paths;

/// A frame with everything that it is called by and calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// What it is: index into the keys; [`Tree::ALL`] has none.
    pub key: u32,
    /// What it hangs on.
    pub parent: u32,
    /// Samples of it and of all below.
    pub samples: u64,
    /// The same in the stretch that is compared with.
    pub before: u64,
    /// Samples that end at it.
    pub own: u64,
    /// The same in the stretch that is compared with.
    pub own_before: u64,
    /// How many rows are below it.
    pub height: u32,
    first: u32,
    count: u32,
}

/// All stacks of a profile.
#[derive(Debug, Clone)]
pub struct Tree {
    keys: Vec<Key>,
    nodes: Vec<Node>,
    children: Vec<u32>,
    compared: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self::build(&Flame::default(), Shape::default())
    }
}

const NONE: u32 = u32::MAX;

impl Tree {
    /// The node that everything hangs on.
    pub const ALL: u32 = 0;

    /// Builds it.
    pub fn build(flame: &Flame, shape: Shape) -> Self {
        let (mut keys, paths) = Paths::of(flame, shape);
        let mut nodes = nodes_of(flame, &paths);
        keys.shrink_to_fit();
        sum(&mut nodes);
        let mut tree = Self {
            keys,
            nodes,
            children: vec![],
            compared: flame.before_samples.is_some(),
        };
        tree.link();
        tree
    }

    /// What frames are.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Every node; what hangs on a node comes after it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node; one that is gone is the first.
    pub fn node(&self, node: u32) -> &Node {
        self.nodes.get(node as usize).unwrap_or(&self.nodes[0])
    }

    /// What a node is; the first is nothing.
    pub fn key(&self, node: u32) -> Option<&Key> {
        self.keys.get(self.node(node).key as usize)
    }

    /// What hangs on a node, the widest first.
    pub fn children(&self, node: u32) -> &[u32] {
        let node = self.node(node);
        let (first, count) = (node.first as usize, node.count as usize);
        &self.children[first..first + count]
    }

    /// All samples.
    pub fn samples(&self) -> u64 {
        self.nodes[0].samples
    }

    /// All samples of the stretch that is compared with.
    pub fn before(&self) -> Option<u64> {
        self.compared.then(|| self.nodes[0].before)
    }

    /// How wide a number of samples is. Compared, both stretches count the same: what is gone now is still seen.
    pub fn weight(&self, samples: u64, before: u64) -> f64 {
        let part = |part: u64, whole: u64| part as f64 / (whole.max(1)) as f64;
        match self.compared {
            false => samples as f64,
            true => part(samples, self.samples()) + part(before, self.nodes[0].before),
        }
    }

    /// How wide a node is.
    pub fn width(&self, node: u32) -> f64 {
        let node = self.node(node);
        self.weight(node.samples, node.before)
    }

    /// The nodes from the first to this one, both with it.
    pub fn path(&self, node: u32) -> Vec<u32> {
        let mut path = vec![node];
        while let Some(&last) = path.last().filter(|&&last| last != Self::ALL) {
            path.push(self.node(last).parent);
        }
        path.reverse();
        path
    }

    /// Where a node of another tree is here, or the last node on its way that is; and whether it is that itself.
    pub fn find(&self, other: &Self, node: u32) -> (u32, bool) {
        let mut here = Self::ALL;
        for step in other.path(node).into_iter().skip(1) {
            let wanted = other.key(step);
            let mut children = self.children(here).iter();
            let same = |child: &&u32| match (self.key(**child), wanted) {
                (Some(key), Some(wanted)) => key.is(wanted),
                _ => false,
            };
            match children.find(same) {
                Some(child) => here = *child,
                None => return (here, false),
            }
        }
        (here, true)
    }

    /// Puts the children of each node side by side, the widest first.
    fn link(&mut self) {
        let mut at = 0;
        for node in &mut self.nodes {
            (node.first, at) = (at, at + node.count);
        }
        self.children = vec![0; at as usize];
        let mut filled: Vec<u32> = self.nodes.iter().map(|node| node.first).collect();
        for (number, node) in self.nodes.iter().enumerate().skip(1) {
            let place = &mut filled[node.parent as usize];
            self.children[*place as usize] = number as u32;
            *place += 1;
        }
        let mut children = std::mem::take(&mut self.children);
        for node in self.nodes.iter().filter(|node| node.count > 1) {
            let (first, count) = (node.first as usize, node.count as usize);
            let name = |n: &u32| self.keys[self.node(*n).key as usize].name();
            children[first..first + count].sort_by(|a, b| {
                let wider = self.width(*b).total_cmp(&self.width(*a));
                wider.then_with(|| name(a).cmp(name(b))).then(a.cmp(b))
            });
        }
        self.children = children;
    }
}

/// The nodes with what ends at each of them.
fn nodes_of(flame: &Flame, paths: &Paths) -> Vec<Node> {
    let node = |key, parent| Node {
        key,
        parent,
        samples: 0,
        before: 0,
        own: 0,
        own_before: 0,
        height: 0,
        first: 0,
        count: 0,
    };
    let mut nodes = vec![node(NONE, 0)];
    let mut open: Vec<u32> = vec![0];
    let mut last: &[u32] = &[];
    for &(start, end, stack) in &paths.spans {
        let path = &paths.keys[start as usize..end as usize];
        let alike = path.iter().zip(last).take_while(|(a, b)| a == b).count();
        open.truncate(alike + 1);
        for &key in &path[alike..] {
            nodes.push(node(key, open[open.len() - 1]));
            open.push(nodes.len() as u32 - 1);
        }
        let stack = &flame.stacks[stack as usize];
        let leaf = &mut nodes[open[open.len() - 1] as usize];
        leaf.own += stack.samples;
        leaf.own_before += stack.before;
        last = path;
    }
    nodes
}

/// Adds every node to the one that it hangs on.
fn sum(nodes: &mut [Node]) {
    for number in (0..nodes.len()).rev() {
        let node = &mut nodes[number];
        node.samples += node.own;
        node.before += node.own_before;
        let (samples, before, height) = (node.samples, node.before, node.height);
        if number > 0 {
            let parent = node.parent as usize;
            let parent = &mut nodes[parent];
            parent.samples += samples;
            parent.before += before;
            parent.count += 1;
            parent.height = parent.height.max(height + 1);
        }
    }
}

#[cfg(test)]
mod tests;
