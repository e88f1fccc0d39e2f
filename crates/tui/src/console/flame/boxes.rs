//! Where the boxes of a flame graph lie, in columns and rows. A box has at least a column; brothers that are narrower lie
//! side by side and share one box, so that every sample is in some box of its row or ends above it.

use super::{Node, Tree};
use std::ops::Range;

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A node.
    Node(u32),
    /// Children of a node that are too narrow, from this one on.
    Rest {
        /// Whose.
        parent: u32,
        /// From which of its children on.
        from: u32,
    },
}

impl Default for Place {
    fn default() -> Self {
        Self::Node(Tree::ALL)
    }
}

/// What fills the whole width: a node with its children from one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zoom {
    /// Which.
    pub node: u32,
    /// Its children before this one are left out.
    pub from: u32,
}

/// A box on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// What it stands for.
    pub place: Place,
    /// Its first column.
    pub x: u16,
    /// Its columns.
    pub width: u16,
}

impl Slot {
    /// Whether a column is in it.
    pub fn holds(&self, x: u16) -> bool {
        (self.x..self.x + self.width).contains(&x)
    }
}

/// The boxes by row; the first row is the zoomed node.
pub type Rows = Vec<Vec<Slot>>;

/// Lays out as many rows as are wanted over a width. Rows before the range are empty: only what is seen costs memory.
pub fn lay_out(tree: &Tree, zoom: Zoom, width: u16, rows: Range<usize>) -> Rows {
    let mut out = vec![];
    let whole = Slot {
        place: Place::Node(zoom.node),
        x: 0,
        width,
    };
    let mut row = vec![whole];
    while !row.is_empty() && out.len() < rows.end && width > 0 {
        let mut next = vec![];
        for slot in &row {
            if let Place::Node(node) = slot.place {
                let from = if node == zoom.node { zoom.from } else { 0 };
                divide(tree, Zoom { node, from }, *slot, &mut next);
            }
        }
        let seen = out.len() >= rows.start;
        let row = std::mem::replace(&mut row, next);
        out.push(if seen { row } else { vec![] });
    }
    out
}

/// Samples of a box: now, and before.
pub fn samples(tree: &Tree, place: Place) -> (u64, u64) {
    let of = |node: &Node| (node.samples, node.before);
    match place {
        Place::Node(node) => of(tree.node(node)),
        Place::Rest { parent, from } => {
            let rest = tree.children(parent).iter().skip(from as usize);
            let all = rest.map(|child| of(tree.node(*child)));
            all.fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1))
        }
    }
}

/// Puts the children of a node below it.
fn divide(tree: &Tree, zoom: Zoom, slot: Slot, out: &mut Vec<Slot>) {
    let children = tree.children(zoom.node);
    let from = (zoom.from as usize).min(children.len());
    let children = &children[from..];
    let node = tree.node(zoom.node);
    let all = match from {
        0 => tree.weight(node.samples - node.own, node.before - node.own_before),
        _ => children.iter().map(|child| tree.width(*child)).sum(),
    };
    let whole = match from {
        0 => tree.width(zoom.node),
        _ => all,
    };
    if children.is_empty() || whole <= 0.0 {
        return;
    }
    // Sums of fractions are a little off.
    const ONE: f64 = 1.0 - 1e-9;
    let scale = f64::from(slot.width) / whole;
    let columns = |child: &u32| tree.width(*child) * scale;
    let wide = children.iter().take_while(|c| columns(c) >= ONE);
    let (mut edges, mut sum) = (vec![0], 0.0);
    for child in wide {
        sum += columns(child);
        edges.push((sum.round() as u16).min(slot.width));
    }
    let mut count = edges.len() - 1;
    let mut widths: Vec<u16> = edges.windows(2).map(|edge| edge[1] - edge[0]).collect();
    if count < children.len() {
        let end = ((all * scale).round() as u16).clamp(edges[count], slot.width);
        widths.push((end - edges[count]).max(1));
        count = make_room(&mut widths, slot.width) - 1;
    }
    let mut x = slot.x;
    for (number, width) in widths.into_iter().enumerate() {
        let alone = number + 1 == children.len();
        let place = match number < count || alone {
            true => Place::Node(children[number]),
            false => Place::Rest {
                parent: zoom.node,
                from: (from + number) as u32,
            },
        };
        out.push(Slot { place, x, width });
        x += width;
    }
}

/// Makes the widths fit: the widest gives a column; where none has two, the last two become one. How many are left.
fn make_room(widths: &mut Vec<u16>, room: u16) -> usize {
    while widths.iter().sum::<u16>() > room && widths.len() > 1 {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 1 => *widest -= 1,
            _ => drop(widths.pop()),
        }
    }
    widths.len()
}
