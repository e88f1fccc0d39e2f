//! Who talks to whom: what both ends saw becomes one edge. The caller's figures are the edge's; the callee's count stands
//! beside it, so that a difference is shown.

use super::Uses;
use super::fold::Fold;
use super::scope::Scope;
use coral_model::answer::{EdgeRow, EdgeSource, NodeRow};
use coral_model::{Endpoint, Observed, Protocol, ServiceClass, ServiceKey, Side, TimeNs};
use coral_store::{Durations, EdgeRow as Stored, Edges, InstanceId, Level, StoreError};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What one end saw of an edge.
#[derive(Default)]
struct Seen {
    fold: Fold,
    connections: u64,
    bytes_sent: u64,
    bytes_received: u64,
    retransmits: Option<u64>,
    rtt: Option<(TimeNs, Duration)>,
}

impl Seen {
    fn add(&mut self, row: &Stored<Durations<'_>>) -> Result<(), StoreError> {
        self.connections += row.connections;
        self.bytes_sent = self.bytes_sent.saturating_add(row.bytes_sent);
        self.bytes_received = self.bytes_received.saturating_add(row.bytes_received);
        if let Some(more) = row.retransmits {
            self.retransmits = Some(self.retransmits.unwrap_or(0) + more);
        }
        // A smoothed time is a state, not a sum: the newest stands.
        self.rtt = self.rtt.max(row.rtt.map(|rtt| (row.window.to, rtt)));
        self.fold.add(&row.agent, row.counts, row.durations)
    }
}

type Key = (ServiceKey, ServiceKey, Protocol);

pub(super) fn answer(scope: &Scope<'_>) -> Result<(Vec<NodeRow>, Vec<EdgeRow>), StoreError> {
    let mut nodes: BTreeMap<ServiceKey, ServiceClass> = BTreeMap::new();
    let mut edges: BTreeMap<Key, BTreeMap<Side, Seen>> = BTreeMap::new();
    let snapshot = scope.snapshot();
    snapshot.each_edge(scope.window, Edges::All, Level::Hour, &mut |row| {
        let (Some(caller), Some(callee)) = (name(scope, &row.caller), name(scope, &row.callee))
        else {
            return Ok(());
        };
        for (service, class) in [&caller, &callee] {
            nodes.insert(service.clone(), *class);
        }
        let key = (caller.0, callee.0, row.protocol);
        let sides = edges.entry(key).or_default();
        sides.entry(row.side).or_default().add(&row)
    })?;
    scope.each_active(|seen| {
        let instance = &seen.instance;
        nodes
            .entry(instance.service.clone())
            .or_insert(instance.class);
    })?;
    let nodes = nodes
        .into_iter()
        .map(|(service, kind)| NodeRow { service, kind })
        .collect();
    let edges = edges
        .into_iter()
        .filter_map(|(key, sides)| edge(scope, key, sides))
        .collect();
    Ok((nodes, with_failures(edges)))
}

/// Nobody knows what a connection would have spoken that could not be made: where the two ends also talk, it failed there.
fn with_failures(edges: Vec<EdgeRow>) -> Vec<EdgeRow> {
    let silent = |e: &EdgeRow| e.opaque && e.connections == 0 && e.failures.is_some_and(|n| n > 0);
    let (failed, mut talking): (Vec<_>, Vec<_>) = edges.into_iter().partition(silent);
    for lone in failed {
        let same = |e: &&mut EdgeRow| {
            (&e.caller, &e.callee) == (&lone.caller, &lone.callee) && e.failures.is_some()
        };
        match talking.iter_mut().find(same) {
            Some(edge) => {
                edge.failures = edge
                    .failures
                    .max(Some(0))
                    .map(|n| n + lone.failures.unwrap_or(0))
            }
            None => talking.push(lone),
        }
    }
    talking
}

/// The service at an end; an address without an agent is a node of its own.
fn name(scope: &Scope<'_>, end: &Endpoint) -> Option<(ServiceKey, ServiceClass)> {
    match *end {
        Endpoint::Instance(id) => {
            let seen = scope.instance(InstanceId(id))?;
            Some((seen.instance.service.clone(), seen.instance.class))
        }
        Endpoint::Address { ip, port } => {
            let text = match port {
                0 => ip.to_string(),
                port => SocketAddr::new(ip, port).to_string(),
            };
            let service = ServiceKey {
                namespace: Observed::default(),
                name: Observed::new(text),
            };
            Some((service, ServiceClass::Outside))
        }
    }
}

fn edge(scope: &Scope<'_>, key: Key, mut sides: BTreeMap<Side, Seen>) -> Option<EdgeRow> {
    let (caller, callee, protocol) = key;
    let (client, server) = (sides.remove(&Side::Client), sides.remove(&Side::Server));
    let (source, seen, check) = match (client, server) {
        (Some(client), Some(server)) => (EdgeSource::Both, client, Some(server)),
        (Some(client), None) => (EdgeSource::Caller, client, None),
        (None, Some(server)) => (EdgeSource::Callee, server, None),
        (None, None) => return None,
    };
    let opaque = !protocol.is_read();
    // The durations of what is not read are those of its turns.
    let red = seen.fold.red(scope, Uses::Intervals);
    let (turn_p50, turn_p95) = (red.p50.filter(|_| opaque), red.p95.filter(|_| opaque));
    let turns = opaque.then_some(red.samples);
    Some(EdgeRow {
        caller,
        callee,
        protocol,
        source,
        opaque,
        red: (!opaque).then_some(red),
        callee_requests: check
            .filter(|_| !opaque)
            .map(|server| server.fold.counts.requests),
        // Only the caller sees what could not be made; of what is not read nothing else is an error.
        failures: (source != EdgeSource::Callee).then_some(match opaque {
            true => seen.fold.counts.errors,
            false => 0,
        }),
        connections: seen.connections,
        bytes_sent: seen.bytes_sent,
        bytes_received: seen.bytes_received,
        retransmits: seen.retransmits,
        rtt: seen.rtt.map(|(_, rtt)| rtt),
        turns,
        turn_p50,
        turn_p95,
    })
}
