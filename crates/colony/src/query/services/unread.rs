//! What others say to a service in protocols that are not read.

use crate::query::fold::quantile;
use coral_model::answer::Unread;
use coral_model::{Protocol, Side, TimeNs};
use coral_store::{Durations, EdgeRow, StoreError, Tally};
use std::collections::BTreeSet;
use std::time::Duration;

/// One side's figures of all conversations with a service.
#[derive(Default)]
struct Seen {
    connections: u64,
    bytes_received: u64,
    bytes_sent: u64,
    turns: Tally,
    rtt: Option<(TimeNs, Duration)>,
}

/// Conversations with a service.
#[derive(Default)]
pub(super) struct Conversations {
    protocols: BTreeSet<Protocol>,
    server: Seen,
    client: Seen,
}

impl Conversations {
    /// Takes an edge whose callee is the service.
    pub fn add(&mut self, row: &EdgeRow<Durations<'_>>) -> Result<(), StoreError> {
        if row.connections == 0 && row.bytes_sent == 0 && row.bytes_received == 0 {
            return Ok(());
        }
        self.protocols.insert(row.protocol);
        let seen = match row.side {
            Side::Server => &mut self.server,
            Side::Client => &mut self.client,
        };
        seen.connections += row.connections;
        seen.bytes_received = seen.bytes_received.saturating_add(row.bytes_sent);
        seen.bytes_sent = seen.bytes_sent.saturating_add(row.bytes_received);
        seen.rtt = seen.rtt.max(row.rtt.map(|rtt| (row.window.to, rtt)));
        seen.turns.add(row.durations)
    }

    /// The service's own end has all of its callers in it; where its host is not observed, those that are.
    pub fn row(&self) -> Option<Unread> {
        let nothing = self.protocols.is_empty();
        let own = self.server.connections > 0 || self.server.bytes_received > 0;
        let seen = if own { &self.server } else { &self.client };
        (!nothing).then(|| Unread {
            protocols: self.protocols.iter().copied().collect(),
            connections: seen.connections,
            bytes_received: seen.bytes_received,
            bytes_sent: seen.bytes_sent,
            rtt: seen.rtt.map(|(_, rtt)| rtt),
            turns: seen.turns.count(),
            turn_p50: quantile(&seen.turns, 0.5),
            turn_p95: quantile(&seen.turns, 0.95),
        })
    }
}
