//! Where a person is in a flame graph: the box under the cursor, the zoom, the first row on the screen. It stays there
//! while answers come: what it stands on is found again by name.

use super::boxes::{Place, Rows, Slot, Zoom, lay_out};
use super::{Shape, Tree};

/// A step from box to box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the direction of that name")]
pub enum Way {
    Up,
    Down,
    Left,
    Right,
}

/// The place of a person in a flame graph.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// How stacks become a tree.
    pub shape: Shape,
    /// What fills the width, and what did before.
    zooms: Vec<Zoom>,
    /// The box under the cursor.
    pub at: Place,
    /// The box under the mouse.
    pub hover: Option<Place>,
    /// The first row on the screen.
    pub top: usize,
    /// The wheel chose the rows, not the cursor.
    is_free: bool,
}

impl Graph {
    /// What fills the width.
    pub fn zoom(&self) -> Zoom {
        self.zooms.last().copied().unwrap_or_default()
    }

    /// Whether a part of it fills the width.
    pub fn is_zoomed(&self) -> bool {
        !self.zooms.is_empty()
    }

    /// How many rows there are below the zoom, with its own.
    pub fn depth(&self, tree: &Tree) -> usize {
        tree.node(self.zoom().node).height as usize + 1
    }

    /// The boxes of the rows from `top` on.
    pub fn rows(&self, tree: &Tree, width: u16, height: usize) -> Rows {
        lay_out(tree, self.zoom(), width, self.top..self.top + height)
    }

    /// Another form of the same stacks begins at its start.
    pub fn reshape(&mut self, shape: Shape) {
        *self = Self {
            shape,
            ..Self::default()
        };
    }

    /// Takes in that a tree took the place of another one.
    pub fn follow(&mut self, old: &Tree, new: &Tree) {
        let node = |node| new.find(old, node);
        self.at = match self.at {
            Place::Node(at) => Place::Node(node(at).0),
            Place::Rest { parent, from } => match node(parent) {
                (parent, true) if (from as usize) < new.children(parent).len() => {
                    Place::Rest { parent, from }
                }
                (parent, _) => Place::Node(parent),
            },
        };
        let kept = self.zooms.iter().map_while(|zoom| match node(zoom.node) {
            (node, true) if (zoom.from as usize) < new.children(node).len().max(1) => {
                Some(Zoom { node, ..*zoom })
            }
            _ => None,
        });
        self.zooms = kept.collect();
        self.hover = None;
    }

    /// Brings the cursor onto a box that there is at this width, and onto the screen.
    pub fn settle(&mut self, tree: &Tree, width: u16, height: usize) {
        if !self.is_below(tree) {
            self.at = Place::Node(self.zoom().node);
        }
        let rows = lay_out(tree, self.zoom(), width, 0..self.row(tree) + 1);
        if find(&rows, self.at).is_none() {
            self.at = self.shown(tree, &rows);
        }
        let row = find(&rows, self.at).map_or(0, |found| found.0);
        let height = height.max(1);
        if !self.is_free {
            self.top = self.top.clamp((row + 1).saturating_sub(height), row);
        }
        let deepest = self.depth(tree).saturating_sub(height);
        self.top = self.top.min(deepest);
    }

    /// The box that holds what the cursor is on, when that has none of its own.
    fn shown(&self, tree: &Tree, rows: &Rows) -> Place {
        let node = match self.at {
            Place::Node(node) => node,
            Place::Rest { parent, .. } => {
                let last = rows.iter().flatten().rev();
                let mut rests = last.map(|slot| slot.place);
                let rest =
                    rests.find(|p| matches!(p, Place::Rest { parent: p, .. } if *p == parent));
                return rest.unwrap_or(Place::Node(parent));
            }
        };
        let path = tree.path(node);
        for step in path.iter().rev() {
            if find(rows, Place::Node(*step)).is_some() {
                return Place::Node(*step);
            }
            let parent = tree.node(*step).parent;
            let place = tree.children(parent).iter().position(|c| c == step);
            let holds = |slot: &&Slot| matches!(slot.place, Place::Rest { parent: p, from } if p == parent && place.is_some_and(|at| at >= from as usize));
            if let Some(slot) = rows.iter().flatten().find(holds) {
                return slot.place;
            }
        }
        Place::Node(self.zoom().node)
    }

    /// The row of the cursor, from the zoom on.
    fn row(&self, tree: &Tree) -> usize {
        let (node, more) = match self.at {
            Place::Node(node) => (node, 0),
            Place::Rest { parent, .. } => (parent, 1),
        };
        let above = tree.path(self.zoom().node).len();
        (tree.path(node).len() + more).saturating_sub(above)
    }

    fn is_below(&self, tree: &Tree) -> bool {
        let node = match self.at {
            Place::Node(node) => node,
            Place::Rest { parent, .. } => parent,
        };
        tree.path(node).contains(&self.zoom().node)
    }

    /// Other rows on the screen, wherever the cursor is.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by);
        (self.is_free, self.hover) = (true, None);
    }

    /// Puts the cursor on a box.
    pub fn select(&mut self, place: Place) {
        (self.at, self.hover, self.is_free) = (place, None, false);
    }

    /// A step to the box above, below or beside.
    pub fn go(&mut self, tree: &Tree, width: u16, way: Way) {
        (self.hover, self.is_free) = (None, false);
        let row = self.row(tree);
        let rows = lay_out(tree, self.zoom(), width, 0..row + 2);
        let Some((row, slot)) = find(&rows, self.at) else {
            return;
        };
        let line = &rows[row];
        let index = line.iter().position(|s| s.place == self.at).unwrap_or(0);
        let next = match way {
            Way::Up if row == 0 => return self.climb(tree),
            Way::Up => rows[row - 1].iter().find(|s| s.holds(slot.x)),
            Way::Down => {
                let below = rows.get(row + 1).into_iter().flatten();
                below.into_iter().find(|s| s.x >= slot.x && slot.holds(s.x))
            }
            Way::Left => index.checked_sub(1).and_then(|i| line.get(i)),
            Way::Right => line.get(index + 1),
        };
        if let Some(next) = next {
            self.at = next.place;
        }
    }

    /// From the zoomed box to the one that calls it.
    fn climb(&mut self, tree: &Tree) {
        let node = self.zoom().node;
        if node != Tree::ALL {
            let parent = tree.node(node).parent;
            self.zooms.retain(|zoom| zoom.node != node);
            if self.zoom().node != parent && parent != Tree::ALL {
                self.zooms.push(Zoom {
                    node: parent,
                    from: 0,
                });
            }
            self.at = Place::Node(parent);
        }
    }

    /// To the first or the last row.
    pub fn to_end(&mut self, tree: &Tree, width: u16, last: bool) {
        self.at = Place::Node(self.zoom().node);
        let mut before = None;
        while last && before != Some(self.at) {
            before = Some(self.at);
            self.go(tree, width, Way::Down);
        }
    }

    /// The box under the cursor fills the width.
    pub fn zoom_in(&mut self) {
        let zoom = match self.at {
            Place::Node(node) => Zoom { node, from: 0 },
            Place::Rest { parent, from } => Zoom { node: parent, from },
        };
        if zoom != self.zoom() {
            self.zooms.push(zoom);
            self.select(Place::Node(zoom.node));
            self.top = 0;
        }
    }

    /// Back to what filled the width before; whether there was a zoom.
    pub fn zoom_out(&mut self) -> bool {
        self.hover = None;
        let gone = self.zooms.pop();
        if let Some(zoom) = gone {
            self.at = match zoom.from {
                0 => Place::Node(zoom.node),
                from => Place::Rest {
                    parent: zoom.node,
                    from,
                },
            };
        }
        gone.is_some()
    }

    /// Puts the cursor on a node; where it is too narrow, its caller fills the width.
    pub fn show(&mut self, tree: &Tree, width: u16, node: u32) {
        self.select(Place::Node(node));
        if !self.is_below(tree) {
            self.zooms.clear();
        }
        for _ in 0..2 {
            let rows = lay_out(tree, self.zoom(), width, 0..self.row(tree) + 1);
            if find(&rows, self.at).is_some() {
                return;
            }
            let parent = tree.node(node).parent;
            let place = tree.children(parent).iter().position(|c| *c == node);
            let from = match self.zoom().node == parent {
                true => place.unwrap_or(0) as u32,
                false => 0,
            };
            self.zooms.push(Zoom { node: parent, from });
            self.top = 0;
        }
    }
}

/// The row and box of what the cursor is on.
fn find(rows: &Rows, place: Place) -> Option<(usize, Slot)> {
    rows.iter().enumerate().find_map(|(row, line)| {
        let slot = line.iter().find(|slot| slot.place == place)?;
        Some((row, *slot))
    })
}
