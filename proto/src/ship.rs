//! Batches between the model and the wire.

mod detail;
mod probe;
mod profile;

pub(crate) use probe::values;

use crate::common::{Bad, code, counts, histogram, need};
use crate::v1::{self, endpoint, item, summary};
use coral_model::{
    Batch, EdgeSummary, Endpoint, Epoch, Gauge, HostSample, Item, Method, Observed, ProcessSample,
    Protocol, Pulse, Route, Seq, Side, StatusClass, Summary, TimeNs,
};
use std::net::IpAddr;
use std::time::Duration;

/// The most items that one batch may hold; a larger one is refused.
pub const MAX_ITEMS: usize = 200_000;

impl From<&Batch> for v1::Batch {
    fn from(batch: &Batch) -> Self {
        let wrap = |item: &Item| v1::Item {
            kind: Some(item_kind(item)),
        };
        Self {
            hello: None,
            epoch: batch.epoch.0,
            seq: batch.seq.0,
            clock_ns: batch.clock.0,
            instances: batch.instances.iter().map(Into::into).collect(),
            items: batch.items.iter().map(wrap).collect(),
        }
    }
}

impl TryFrom<v1::Batch> for Batch {
    type Error = Bad;
    fn try_from(wire: v1::Batch) -> Result<Self, Bad> {
        if wire.items.len().max(wire.instances.len()) > MAX_ITEMS {
            return Err(Bad::TooMany(wire.items.len()));
        }
        let instances: Vec<_> = wire
            .instances
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        let (mut items, mut unknown) = (Vec::with_capacity(wire.items.len()), 0);
        for item in wire.items {
            match item.kind {
                Some(kind) => items.push(item_model(kind, instances.len())?),
                None => unknown += 1,
            }
        }
        let (epoch, seq) = (Epoch(wire.epoch), Seq(wire.seq));
        Ok(Self {
            epoch,
            seq,
            clock: TimeNs(wire.clock_ns),
            instances,
            items,
            unknown,
        })
    }
}

fn item_kind(item: &Item) -> item::Kind {
    match item {
        Item::Pulse(pulse) => item::Kind::Pulse(pulse.into()),
        Item::Summary(summary) => item::Kind::Summary(summary.into()),
        Item::Edge(edge) => item::Kind::Edge(edge.into()),
        Item::Event(event) => item::Kind::Event(event.into()),
        Item::Health(health) => item::Kind::Health(health.into()),
        Item::Host(host) => item::Kind::Host(host.into()),
        Item::Process(process) => item::Kind::Process(process.into()),
        Item::HealthCheck(check) => item::Kind::HealthCheck(check.into()),
        Item::Request(record) => item::Kind::Request(record.into()),
        Item::Want(report) => item::Kind::Want(detail::want_report(report)),
        Item::Profile(profile) => item::Kind::Profile(profile.into()),
        Item::Symbols(symbols) => item::Kind::Symbols(symbols.into()),
        Item::Probed(probed) => item::Kind::Probed(probed.into()),
        Item::CallPath(path) => item::Kind::CallPath(path.into()),
        Item::Call(call) => item::Kind::Call(call.into()),
    }
}

fn item_model(kind: item::Kind, instances: usize) -> Result<Item, Bad> {
    Ok(match kind {
        item::Kind::Pulse(wire) => Item::Pulse(pulse(wire, instances)?),
        item::Kind::Summary(wire) => Item::Summary(summary_model(wire, instances)?),
        item::Kind::Edge(wire) => Item::Edge(edge(wire, instances)?),
        item::Kind::Event(wire) => Item::Event(wire.try_into()?),
        item::Kind::Health(wire) => Item::Health(wire.try_into()?),
        item::Kind::Host(wire) => Item::Host(host(wire)?),
        item::Kind::Process(wire) => Item::Process(process(wire, instances)?),
        item::Kind::HealthCheck(wire) => Item::HealthCheck(detail::health_check(wire)?),
        item::Kind::Request(wire) => Item::Request(detail::record(wire, instances)?),
        item::Kind::Want(wire) => Item::Want(detail::want_report_model(wire)?),
        item::Kind::Profile(wire) => Item::Profile(profile::profile(wire, instances)?),
        item::Kind::Symbols(wire) => Item::Symbols(profile::symbols(wire)?),
        item::Kind::Probed(wire) => Item::Probed(wire.try_into()?),
        item::Kind::CallPath(wire) => Item::CallPath(wire.into()),
        item::Kind::Call(wire) => Item::Call(wire.try_into()?),
    })
}

fn instance(index: u32, instances: usize) -> Result<u32, Bad> {
    if (index as usize) < instances {
        Ok(index)
    } else {
        Err(Bad::Value {
            field: "instance",
            value: index.into(),
        })
    }
}

impl From<&Pulse> for v1::Pulse {
    fn from(pulse: &Pulse) -> Self {
        Self {
            at_ns: pulse.at.0,
            instance: pulse.instance,
            side: pulse.side.code().into(),
            protocol: pulse.protocol.code().into(),
            counts: Some(pulse.counts.into()),
            in_flight: pulse.in_flight,
            oldest_in_flight_ns: pulse.oldest_in_flight.map(|d| d.as_nanos() as u64),
            durations: Some((&pulse.durations).into()),
        }
    }
}

fn pulse(wire: v1::Pulse, instances: usize) -> Result<Pulse, Bad> {
    Ok(Pulse {
        at: TimeNs(wire.at_ns),
        instance: instance(wire.instance, instances)?,
        side: code("side", wire.side, Side::from_code)?,
        protocol: code("protocol", wire.protocol, Protocol::from_code)?,
        counts: counts(wire.counts),
        in_flight: wire.in_flight,
        oldest_in_flight: wire.oldest_in_flight_ns.map(Duration::from_nanos),
        durations: histogram(wire.durations)?,
    })
}

impl From<&Summary> for v1::Summary {
    fn from(summary: &Summary) -> Self {
        Self {
            window: Some(summary.window.into()),
            instance: summary.instance,
            side: summary.side.code().into(),
            protocol: summary.protocol.code().into(),
            route: Some(match &summary.route {
                Route::All => summary::Route::All(true),
                Route::Template(text) => summary::Route::Template(text.raw().to_owned()),
                Route::Unattributed => summary::Route::Unattributed(true),
            }),
            method: summary.method.code().into(),
            status_class: summary.status_class.code().into(),
            counts: Some(summary.counts.into()),
            durations: Some((&summary.durations).into()),
        }
    }
}

fn summary_model(wire: v1::Summary, instances: usize) -> Result<Summary, Bad> {
    Ok(Summary {
        window: need(wire.window, "summary.window")?.try_into()?,
        instance: instance(wire.instance, instances)?,
        side: code("side", wire.side, Side::from_code)?,
        protocol: code("protocol", wire.protocol, Protocol::from_code)?,
        route: match need(wire.route, "summary.route")? {
            summary::Route::All(_) => Route::All,
            summary::Route::Template(text) => Route::Template(Observed::new(text)),
            summary::Route::Unattributed(_) => Route::Unattributed,
        },
        method: code("method", wire.method, Method::from_code)?,
        status_class: code("status_class", wire.status_class, StatusClass::from_code)?,
        counts: counts(wire.counts),
        durations: histogram(wire.durations)?,
    })
}

impl From<&Endpoint> for v1::Endpoint {
    fn from(endpoint: &Endpoint) -> Self {
        let kind = match *endpoint {
            Endpoint::Instance(index) => endpoint::Kind::Instance(index),
            Endpoint::Address { ip, port } => {
                let ip = match ip {
                    IpAddr::V4(v4) => v4.octets().to_vec(),
                    IpAddr::V6(v6) => v6.octets().to_vec(),
                };
                endpoint::Kind::Address(endpoint::Address {
                    ip,
                    port: port.into(),
                })
            }
        };
        Self { kind: Some(kind) }
    }
}

fn endpoint_model(wire: Option<v1::Endpoint>, instances: usize) -> Result<Endpoint, Bad> {
    match need(wire.and_then(|e| e.kind), "endpoint")? {
        endpoint::Kind::Instance(index) => Ok(Endpoint::Instance(instance(index, instances)?)),
        endpoint::Kind::Address(address) => {
            let bad = Bad::Value {
                field: "endpoint.ip length",
                value: address.ip.len() as i128,
            };
            let ip = match address.ip.len() {
                4 => <[u8; 4]>::try_from(address.ip)
                    .map(IpAddr::from)
                    .map_err(|_| bad)?,
                16 => <[u8; 16]>::try_from(address.ip)
                    .map(IpAddr::from)
                    .map_err(|_| bad)?,
                _ => return Err(bad),
            };
            let port = u16::try_from(address.port).map_err(|_| Bad::Value {
                field: "port",
                value: address.port.into(),
            })?;
            Ok(Endpoint::Address { ip, port })
        }
    }
}

impl From<&EdgeSummary> for v1::EdgeSummary {
    fn from(edge: &EdgeSummary) -> Self {
        Self {
            window: Some(edge.window.into()),
            caller: Some((&edge.caller).into()),
            callee: Some((&edge.callee).into()),
            protocol: edge.protocol.code().into(),
            side: edge.side.code().into(),
            counts: Some(edge.counts.into()),
            durations: Some((&edge.durations).into()),
            connections: edge.connections,
            bytes_sent: edge.bytes_sent,
            bytes_received: edge.bytes_received,
            retransmits: edge.retransmits,
            rtt_ns: edge.rtt.map(|d| d.as_nanos() as u64),
        }
    }
}

fn edge(wire: v1::EdgeSummary, instances: usize) -> Result<EdgeSummary, Bad> {
    Ok(EdgeSummary {
        window: need(wire.window, "edge.window")?.try_into()?,
        caller: endpoint_model(wire.caller, instances)?,
        callee: endpoint_model(wire.callee, instances)?,
        protocol: code("protocol", wire.protocol, Protocol::from_code)?,
        side: code("side", wire.side, Side::from_code)?,
        counts: counts(wire.counts),
        durations: histogram(wire.durations)?,
        connections: wire.connections,
        bytes_sent: wire.bytes_sent,
        bytes_received: wire.bytes_received,
        retransmits: wire.retransmits,
        rtt: wire.rtt_ns.map(Duration::from_nanos),
    })
}

impl From<&HostSample> for v1::HostSample {
    fn from(sample: &HostSample) -> Self {
        let gauge = |g: &Gauge| v1::Gauge {
            name: g.name.clone(),
            label: g.label.raw().to_owned(),
            value: g.value,
        };
        Self {
            window: Some(sample.window.into()),
            gauges: sample.gauges.iter().map(gauge).collect(),
        }
    }
}

fn host(wire: v1::HostSample) -> Result<HostSample, Bad> {
    let gauge = |g: v1::Gauge| Gauge {
        name: Observed::new(g.name).visible().into_owned(),
        label: Observed::new(g.label),
        value: g.value,
    };
    let window = need(wire.window, "host.window")?.try_into()?;
    Ok(HostSample {
        window,
        gauges: wire.gauges.into_iter().map(gauge).collect(),
    })
}

impl From<&ProcessSample> for v1::ProcessSample {
    fn from(sample: &ProcessSample) -> Self {
        Self {
            window: Some(sample.window.into()),
            instance: sample.instance,
            cpu_cores: sample.cpu_cores,
            rss_bytes: sample.rss_bytes,
            fds: sample.fds,
            threads: sample.threads,
        }
    }
}

fn process(wire: v1::ProcessSample, instances: usize) -> Result<ProcessSample, Bad> {
    Ok(ProcessSample {
        window: need(wire.window, "process.window")?.try_into()?,
        instance: instance(wire.instance, instances)?,
        cpu_cores: wire.cpu_cores,
        rss_bytes: wire.rss_bytes,
        fds: wire.fds,
        threads: wire.threads,
    })
}

/// Fuzz target: foreign bytes as a batch; what the model accepts must survive a round trip.
pub fn fuzz(data: &[u8]) {
    use prost::Message as _;
    if let Ok(Ok(batch)) = v1::Batch::decode(data).map(Batch::try_from) {
        let known = Batch {
            unknown: 0,
            ..batch
        };
        assert_eq!(
            Batch::try_from(v1::Batch::from(&known)).as_ref(),
            Ok(&known)
        );
    }
}
