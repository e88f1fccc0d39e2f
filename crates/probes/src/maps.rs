//! The kernel maps by name, and their cumulative values turned into differences: a value is read and kept, never
//! deleted and made anew, because increments in between would be lost.

use crate::sys::{self, Plain};
use crate::{Loaded, ProbesError};
use coral_probes_abi::http1::Conn;
use coral_probes_abi::records::{CountKey, HistogramKey, Owner, SeriesInfo, Talk, Traffic};
use std::collections::HashMap;
use std::os::fd::{AsFd as _, OwnedFd};

// SAFETY: integers and arrays of integers, `repr(C)`.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for [u64; 64] {}
// SAFETY: as above.
unsafe impl Plain for Conn {}
// SAFETY: as above.
unsafe impl Plain for CountKey {}
// SAFETY: as above.
unsafe impl Plain for HistogramKey {}
// SAFETY: as above.
unsafe impl Plain for Owner {}
// SAFETY: as above.
unsafe impl Plain for SeriesInfo {}
// SAFETY: as above.
unsafe impl Plain for Talk {}
// SAFETY: as above.
unsafe impl Plain for Traffic {}

/// One map.
#[derive(Debug)]
pub(crate) struct Map<K, V> {
    fd: OwnedFd,
    name: &'static str,
    batch: Vec<(Vec<K>, Vec<V>)>,
}

impl<K: Plain, V: Plain> Map<K, V> {
    /// Takes the map out of what was loaded.
    pub fn take(loaded: &mut Loaded, name: &'static str) -> Result<Self, ProbesError> {
        let fd = loaded.maps.remove(name);
        let fd = fd.ok_or_else(|| ProbesError::Handover(format!("map {name} is missing")))?;
        Ok(Self {
            fd,
            name,
            batch: vec![],
        })
    }

    /// Every entry.
    pub fn read(&mut self, each: impl FnMut(&K, &V)) -> Result<(), ProbesError> {
        let read = sys::read_all(self.fd.as_fd(), &mut self.batch, each);
        read.map_err(|source| ProbesError::Call {
            call: "read",
            what: self.name.to_owned(),
            source,
        })
    }

    /// Every entry, which is deleted.
    pub fn take_all(&mut self, each: impl FnMut(&K, &V)) -> Result<(), ProbesError> {
        let taken = sys::take_all(self.fd.as_fd(), &mut self.batch, each);
        taken.map_err(|source| ProbesError::Call {
            call: "take",
            what: self.name.to_owned(),
            source,
        })
    }

    /// One entry.
    pub fn get(&self, key: &K) -> Result<Option<V>, ProbesError> {
        let value = sys::lookup(self.fd.as_fd(), key);
        value.map_err(|source| ProbesError::Call {
            call: "read",
            what: self.name.to_owned(),
            source,
        })
    }

    /// Writes one entry.
    pub fn set(&self, key: &K, value: &V) -> Result<(), ProbesError> {
        let written = sys::update(self.fd.as_fd(), key, value);
        written.map_err(|source| ProbesError::Call {
            call: "write",
            what: self.name.to_owned(),
            source,
        })
    }

    /// Deletes one entry.
    pub fn delete(&self, key: &K) -> Result<(), ProbesError> {
        let deleted = sys::delete(self.fd.as_fd(), key);
        deleted.map_err(|source| ProbesError::Call {
            call: "delete",
            what: self.name.to_owned(),
            source,
        })
    }
}

/// What was read before, by key.
pub(crate) type Before<K, V> = HashMap<K, V>;
