//! The connections of readers. They can be closed, so that the engine is let go of and the file opened again.

use crate::StoreError;
use duckdb::Connection;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Idle connections that are kept for the next reader.
const KEPT: usize = 4;

/// Connections for readers.
#[derive(Debug)]
pub(super) struct Readers {
    inner: Mutex<Inner>,
    /// Where files are written.
    pub folder: PathBuf,
}

#[derive(Debug)]
struct Inner {
    /// The one that others are cloned from; `None` while the file is closed.
    origin: Option<Connection>,
    idle: Vec<Connection>,
    /// How many are out.
    taken: usize,
    /// Why the file is closed.
    why: Option<StoreError>,
}

impl Readers {
    pub fn new(origin: Connection, folder: PathBuf) -> Self {
        let inner = Inner {
            origin: Some(origin),
            idle: vec![],
            taken: 0,
            why: None,
        };
        Self {
            inner: Mutex::new(inner),
            folder,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn take(&self) -> Result<Connection, StoreError> {
        let mut inner = self.inner();
        let connection = match (inner.idle.pop(), &inner.origin) {
            (Some(connection), _) => connection,
            (None, Some(origin)) => {
                let failed = StoreError::engine("open a connection to read");
                origin.try_clone().map_err(failed)?
            }
            (None, None) => return Err(inner.why.clone().unwrap_or(StoreError::Closed)),
        };
        inner.taken += 1;
        Ok(connection)
    }

    /// Gives a connection back, or, when it is of no use any more, only that it is gone.
    pub fn give_back(&self, connection: Option<Connection>) {
        let mut inner = self.inner();
        inner.taken = inner.taken.saturating_sub(1);
        if let Some(connection) = connection
            && inner.origin.is_some()
            && inner.idle.len() < KEPT
        {
            inner.idle.push(connection);
        }
    }

    /// Closes what is idle, and lets nobody read; how many still do.
    pub fn close(&self, why: &StoreError) -> usize {
        let mut inner = self.inner();
        inner.origin = None;
        inner.idle.clear();
        inner.why = Some(why.clone());
        inner.taken
    }

    /// Lets readers in again.
    pub fn open(&self, origin: Connection) {
        let mut inner = self.inner();
        inner.origin = Some(origin);
        inner.why = None;
    }
}
