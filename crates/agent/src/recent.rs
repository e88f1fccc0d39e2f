//! The last hour's single requests, on the agent's disk: those of which the kernel gave a record. A block holds an
//! interval's as a batch, as it would go over the wire; the oldest go when there is no room. Nothing of it is shipped
//! unless the colony asks, and then only what it asked for.

mod answer;
mod block;
mod find;
mod keep;
mod worker;

pub use answer::{Shelf, offer};
pub use worker::Keeper;

use crate::clock::Clock;
use crate::enrich::{Ends, Processes};
use block::Block;
use coral_model::Route;
use coral_probes::abi::records::Detail;
use std::path::Path;

/// The most that it takes on disk.
pub const RECENT_BYTES: u64 = 100_000_000;
/// A block is written at this size even when its interval is not over: it fits into a page of the file's allocator.
const BLOCK_BYTES: usize = 120 << 10;

/// A request with its ends and its route.
#[derive(Debug, Clone)]
pub struct Single {
    /// Whose, and with whom.
    pub ends: Ends,
    /// What the kernel said.
    pub detail: Detail,
    /// Its template.
    pub route: Route,
    /// Its path, as it may be kept.
    pub path: Option<String>,
}

/// The open block, and the way to the disk.
#[derive(Debug)]
pub struct Recent {
    open: Block,
    keeper: Keeper,
}

impl Recent {
    /// Begins with nothing; the file is opened when there is something to write.
    pub fn new(file: &Path) -> Self {
        Self {
            open: Block::default(),
            keeper: Keeper::new(file, RECENT_BYTES),
        }
    }

    /// The way to the disk.
    pub fn keeper(&self) -> Keeper {
        self.keeper.clone()
    }

    /// Takes requests in.
    pub fn add(&mut self, singles: Vec<Single>, processes: &Processes, clock: &Clock) {
        for single in &singles {
            self.open.add(single, processes, clock);
            if self.open.bytes() >= BLOCK_BYTES {
                self.close();
            }
        }
    }

    /// Writes what is open at the end of an interval, or when somebody asks for it.
    pub fn tick(&mut self, edge: bool) {
        if edge || self.keeper.wanted() {
            self.close();
            self.keeper.closed();
        }
    }

    fn close(&mut self) {
        if let Some(block) = self.open.take() {
            self.keeper.keep(block);
        }
    }
}
