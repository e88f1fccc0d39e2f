//! Room on the disk. Batches are refused before the disk is quite full, so that the engine never meets the end of it: what
//! was acknowledged stays, questions and their audit go on for a while, and agents send again when there is room.

use super::keep::{OWN, own_event};
use crate::StoreError;
use coral_model::{EventKind, TimeNs};
use duckdb::{Connection, params};
use std::path::{Path, PathBuf};

/// The disk that the store is on.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    /// With less than this no batch is taken; with a quarter of it nothing is written.
    reserve: u64,
    full: Option<Full>,
}

#[derive(Debug)]
struct Full {
    since: TimeNs,
    /// Whether the event is written.
    said: bool,
}

impl Room {
    pub fn new(path: &Path, reserve: u64) -> Self {
        Self {
            folder: path.parent().map_or_else(|| ".".into(), Path::to_path_buf),
            reserve,
            full: None,
        }
    }

    /// Free bytes; what cannot be told is no reason to stop.
    fn free(&self) -> u64 {
        match nix::sys::statvfs::statvfs(&self.folder) {
            Ok(disk) => disk.blocks_available().saturating_mul(disk.fragment_size()),
            Err(_) => u64::MAX,
        }
    }

    fn error(&self, free: u64) -> StoreError {
        StoreError::Full {
            free_mb: free / 1_000_000,
            reserve_mb: self.reserve.div_ceil(1_000_000),
        }
    }

    /// Whether there is room for batches.
    pub fn for_batches(&mut self, connection: &Connection, now: TimeNs) -> Result<(), StoreError> {
        let free = self.free();
        // Once full, it takes a bit more to go on, or it would flutter.
        let need = match self.full {
            None => self.reserve,
            Some(_) => self.reserve + self.reserve / 4,
        };
        if free >= need {
            return Ok(());
        }
        let error = self.error(free);
        if self.full.is_none() {
            tracing::error!(%error, "no batch is taken until there is room");
            let text = format!("{error}; batches wait with their agents");
            let said = free >= self.reserve / 4
                && own_event(connection, EventKind::DiskFull, now, &text).is_ok();
            self.full = Some(Full { since: now, said });
        }
        Err(error)
    }

    /// Whether there is room for a row of the audit log.
    pub fn for_audit(&self) -> Result<(), StoreError> {
        let free = self.free();
        if free >= self.reserve / 4 {
            Ok(())
        } else {
            Err(self.error(free))
        }
    }

    /// The engine met the end of the disk.
    pub fn met_the_end(&mut self, now: TimeNs) {
        let said = false;
        self.full.get_or_insert(Full { since: now, said });
    }

    /// Looks whether a full disk has room again, and says how long it was full.
    pub fn look(&mut self, connection: &Connection, now: TimeNs) -> Result<(), StoreError> {
        let Some(full) = &self.full else {
            return Ok(());
        };
        if self.free() < self.reserve + self.reserve / 4 {
            return Ok(());
        }
        let failed = StoreError::engine("store an event");
        let kind = EventKind::DiskFull.code();
        if full.said {
            connection.execute(
                "UPDATE event SET until_ns = ? WHERE agent = ? AND kind = ? AND at_ns = ?",
                params![now.0, OWN, kind, full.since.0],
            )
        } else {
            connection.execute(
                "INSERT INTO event (at_ns, until_ns, kind, agent, text) VALUES (?, ?, ?, ?, ?)",
                params![
                    full.since.0,
                    now.0,
                    kind,
                    OWN,
                    "the disk of the store was full; batches waited with their agents"
                ],
            )
        }
        .map_err(failed)?;
        tracing::info!("the disk of the store has room again");
        self.full = None;
        Ok(())
    }
}
