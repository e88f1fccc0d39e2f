//! Who talks to whom in one interval.

use crate::enrich::{Ends, InstanceId, Other};
use coral_model::summary::Counts;
use coral_model::{EdgeSummary, Endpoint, Histogram, Item, Protocol, Side, Window};
use coral_probes::abi::records::Traffic;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    own: InstanceId,
    other: Other,
    side: Side,
    protocol: Protocol,
}

#[derive(Debug, Default, Clone)]
struct Edge {
    counts: Counts,
    durations: Histogram,
    traffic: Traffic,
}

/// The open interval's edges, each as one side saw it.
#[derive(Debug, Default, Clone)]
pub struct Edges(BTreeMap<Key, Edge>);

impl Edges {
    pub fn count(&mut self, ends: &Ends, counts: Counts) {
        self.edge(ends, |edge| edge.counts.add(counts));
    }

    pub fn measure(&mut self, ends: &Ends, histogram: &Histogram) {
        self.edge(ends, |edge| edge.durations.merge(histogram));
    }

    pub fn traffic(&mut self, ends: &Ends, traffic: &Traffic) {
        self.edge(ends, |edge| {
            edge.traffic.connections += traffic.connections;
            edge.traffic.bytes_out += traffic.bytes_out;
            edge.traffic.bytes_in += traffic.bytes_in;
            edge.traffic.resent += traffic.resent;
            edge.traffic.failures += traffic.failures;
            if traffic.rtt_ns != 0 {
                edge.traffic.rtt_ns = traffic.rtt_ns;
            }
        });
    }

    fn edge(&mut self, ends: &Ends, change: impl FnOnce(&mut Edge)) {
        if ends.other != Other::Nobody {
            change(
                self.0
                    .entry(Key {
                        own: ends.own,
                        other: ends.other,
                        side: ends.side,
                        protocol: ends.protocol,
                    })
                    .or_default(),
            );
        }
    }

    pub fn close(&mut self, window: Window) -> Vec<Item> {
        std::mem::take(&mut self.0)
            .into_iter()
            .filter_map(|(key, edge)| summary(key, edge, window))
            .collect()
    }

    pub fn used(&self) -> impl Iterator<Item = InstanceId> + '_ {
        self.0.keys().flat_map(|key| {
            let other = if let Other::Instance(id) = key.other {
                Some(id)
            } else {
                None
            };
            [Some(key.own), other].into_iter().flatten()
        })
    }
}

/// Failures are the errors of an edge: nothing else of what is not read can be one.
fn summary(key: Key, mut edge: Edge, window: Window) -> Option<Item> {
    let own = Endpoint::Instance(key.own.0);
    let other = match key.other {
        Other::Instance(id) => Endpoint::Instance(id.0),
        Other::Address(ip, port) => Endpoint::Address { ip, port },
        Other::Nobody => return None,
    };
    let (caller, callee, sent, received) = match key.side {
        Side::Client => (own, other, edge.traffic.bytes_out, edge.traffic.bytes_in),
        Side::Server => (other, own, edge.traffic.bytes_in, edge.traffic.bytes_out),
    };
    edge.counts.errors += edge.traffic.failures;
    Some(Item::Edge(EdgeSummary {
        window,
        caller,
        callee,
        protocol: key.protocol,
        side: key.side,
        counts: edge.counts,
        durations: edge.durations,
        connections: edge.traffic.connections,
        bytes_sent: sent,
        bytes_received: received,
        retransmits: Some(edge.traffic.resent),
        rtt: (edge.traffic.rtt_ns != 0).then(|| Duration::from_nanos(edge.traffic.rtt_ns)),
    }))
}
