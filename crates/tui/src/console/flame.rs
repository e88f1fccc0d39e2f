//! The flame graph: stacks as boxes below each other, as wide as their share of the samples. Plain functions over plain
//! data: the tree is built once an answer, only what is on the screen is laid out.
//!
//! The root is at the top (an icicle): a terminal is read from its first line on, the names that everybody knows (`main`,
//! the runtime) stay where the eye begins, and a graph that is deeper than the screen is scrolled as any list is. Brothers
//! stand from the widest to the narrowest instead of by name: whatever is too narrow for a column then lies side by side
//! and becomes one box with `…`, where names would leave a sliver between any two of them.

mod boxes;
mod found;
mod graph;
mod key;
mod label;
mod tree;

pub use boxes::{Place, Rows, Slot, Zoom, lay_out, samples};
pub use found::Found;
pub use graph::{Graph, Way};
pub use key::{Key, Kind, Shape};
pub use label::{middle, short};
pub use tree::{Node, Tree};
