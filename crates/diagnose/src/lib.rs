//! The deterministic root-cause engine: pure functions over an incident's series, topology and events. No IO and no
//! clock; the same input gives the same bytes.
//!
//! [`bundle::parse`] reads an incident bundle from bytes, [`diagnose`] ranks causes. How: `period` finds when it began and
//! what is normal, `change` scores each series with direction, `suspect` folds the series of a service, `walk` separates
//! causes from victims over the topology, `rank` fuses all that with events into causes, `explain` writes them down.
//!
//! [`baseline`] is apart from that: what is usual, learned continuously from pulses, and anomalies that begin and end.

pub mod baseline;
pub mod bundle;
mod change;
mod event;
mod explain;
mod family;
mod incident;
mod kind;
mod period;
mod possible;
mod rank;
mod stats;
mod suspect;
pub mod synthetic;
mod walk;

pub use explain::diagnose;
pub use family::{Direction, Family};
pub use incident::{EventKind, Happened, Incident, Range, Series, Stated};
pub use possible::leave_possible;
pub use rank::{Ranked, ranking};

/// Reads these bytes as a bundle and diagnoses it: whatever they are, no panic.
pub fn fuzz(data: &[u8]) {
    bundle::fuzz(data);
}
