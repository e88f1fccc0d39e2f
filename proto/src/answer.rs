//! Answers between the model and the wire. An answer travels as one or more parts: the head in the first, rows in any.

mod diagnosis;
mod flame;
mod kept;
mod probe;
mod requests;
mod table;

use crate::common::{Bad, code, counts, need, ns, ports};
use crate::v1;
use coral_model::answer::{
    AgentRow, EdgeRow, EdgeSource, MetricRow, NodeRow, Red, ServiceRow, Status, SummaryRow,
};
use coral_model::{
    Answer, AnswerBody, ColonyId, Event, Method, Observed, Protocol, ServiceClass, Side,
    StatusClass, TimeNs,
};
use std::time::Duration;

fn opt_ns(duration: Option<Duration>) -> Option<u64> {
    duration.map(ns)
}

fn dur(ns: Option<u64>) -> Option<Duration> {
    ns.map(Duration::from_nanos)
}

impl From<&Red> for v1::Red {
    fn from(red: &Red) -> Self {
        Self {
            counts: Some(red.counts.into()),
            rate_per_s: red.rate_per_s,
            error_ratio: red.error_ratio,
            p50_ns: opt_ns(red.p50),
            p90_ns: opt_ns(red.p90),
            p95_ns: opt_ns(red.p95),
            p99_ns: opt_ns(red.p99),
            max_ns: opt_ns(red.max),
            samples: red.samples,
        }
    }
}

impl From<v1::Red> for Red {
    fn from(wire: v1::Red) -> Self {
        Self {
            counts: counts(wire.counts),
            rate_per_s: wire.rate_per_s,
            error_ratio: wire.error_ratio,
            p50: dur(wire.p50_ns),
            p90: dur(wire.p90_ns),
            p95: dur(wire.p95_ns),
            p99: dur(wire.p99_ns),
            max: dur(wire.max_ns),
            samples: wire.samples,
        }
    }
}

fn protocols_wire(protocols: &[Protocol]) -> Vec<u32> {
    protocols.iter().map(|p| p.code().into()).collect()
}

fn protocols_model(wire: &[u32]) -> Result<Vec<Protocol>, Bad> {
    wire.iter()
        .map(|&p| code("protocol", p, Protocol::from_code))
        .collect()
}

fn class(wire: u32) -> ServiceClass {
    ServiceClass::from_code(u8::try_from(wire).unwrap_or(0))
}

impl From<&ServiceRow> for v1::ServiceRow {
    fn from(row: &ServiceRow) -> Self {
        let point = |p: &Option<Duration>| {
            p.map_or(-1, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
        };
        Self {
            service: Some((&row.service).into()),
            class: row.class.code().into(),
            instances: row.instances,
            hosts: row.hosts,
            ports: row.ports.iter().map(|&p| p.into()).collect(),
            server: row.server.as_ref().map(Into::into),
            client: row.client.as_ref().map(Into::into),
            in_flight: row.in_flight,
            oldest_in_flight_ns: opt_ns(row.oldest_in_flight),
            trend_ns: row.trend.iter().map(point).collect(),
            stale_ns: opt_ns(row.stale),
            protocols: protocols_wire(&row.protocols),
            cpu_cores: row.cpu_cores,
            rss_bytes: row.rss_bytes,
            health: row.health.as_ref().map(Into::into),
            unread: row.unread.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::ServiceRow> for ServiceRow {
    type Error = Bad;
    fn try_from(wire: v1::ServiceRow) -> Result<Self, Bad> {
        Ok(Self {
            service: need(wire.service, "service row.service")?.into(),
            class: class(wire.class),
            instances: wire.instances,
            hosts: wire.hosts,
            ports: ports(&wire.ports)?,
            server: wire.server.map(Into::into),
            client: wire.client.map(Into::into),
            in_flight: wire.in_flight,
            oldest_in_flight: dur(wire.oldest_in_flight_ns),
            trend: wire
                .trend_ns
                .into_iter()
                .map(|p| u64::try_from(p).ok().map(Duration::from_nanos))
                .collect(),
            stale: dur(wire.stale_ns),
            protocols: protocols_model(&wire.protocols)?,
            cpu_cores: wire.cpu_cores,
            rss_bytes: wire.rss_bytes,
            health: wire.health.map(Into::into),
            unread: wire.unread.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&SummaryRow> for v1::SummaryRow {
    fn from(row: &SummaryRow) -> Self {
        Self {
            service: Some((&row.service).into()),
            class: row.class.code().into(),
            side: row.side.code().into(),
            instances: row.instances,
            hosts: row.hosts,
            red: Some((&row.red).into()),
            in_flight: row.in_flight,
            oldest_in_flight_ns: opt_ns(row.oldest_in_flight),
            stale_ns: opt_ns(row.stale),
            protocols: protocols_wire(&row.protocols),
            before: row.before.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::SummaryRow> for SummaryRow {
    type Error = Bad;
    fn try_from(wire: v1::SummaryRow) -> Result<Self, Bad> {
        Ok(Self {
            service: need(wire.service, "summary row.service")?.into(),
            class: class(wire.class),
            side: code("side", wire.side, Side::from_code)?,
            instances: wire.instances,
            hosts: wire.hosts,
            red: need(wire.red, "summary row.red")?.into(),
            in_flight: wire.in_flight,
            oldest_in_flight: dur(wire.oldest_in_flight_ns),
            stale: dur(wire.stale_ns),
            protocols: protocols_model(&wire.protocols)?,
            before: wire.before.map(Into::into),
        })
    }
}

impl From<&MetricRow> for v1::MetricRow {
    fn from(row: &MetricRow) -> Self {
        Self {
            side: row.side.code().into(),
            protocol: row.protocol.code().into(),
            method: row.method.code().into(),
            route: row.route.raw().to_owned(),
            status_class: row.status_class.code().into(),
            red: Some((&row.red).into()),
            sampled_ratio: row.sampled_ratio,
        }
    }
}

impl TryFrom<v1::MetricRow> for MetricRow {
    type Error = Bad;
    fn try_from(wire: v1::MetricRow) -> Result<Self, Bad> {
        Ok(Self {
            side: code("side", wire.side, Side::from_code)?,
            protocol: code("protocol", wire.protocol, Protocol::from_code)?,
            method: code("method", wire.method, Method::from_code)?,
            route: Observed::new(wire.route),
            status_class: code("status_class", wire.status_class, StatusClass::from_code)?,
            red: need(wire.red, "metric row.red")?.into(),
            sampled_ratio: wire.sampled_ratio,
        })
    }
}

impl From<&NodeRow> for v1::NodeRow {
    fn from(row: &NodeRow) -> Self {
        Self {
            service: Some((&row.service).into()),
            kind: row.kind.code().into(),
        }
    }
}

impl TryFrom<v1::NodeRow> for NodeRow {
    type Error = Bad;
    fn try_from(wire: v1::NodeRow) -> Result<Self, Bad> {
        Ok(Self {
            service: need(wire.service, "node.service")?.into(),
            kind: class(wire.kind),
        })
    }
}

impl From<&EdgeRow> for v1::EdgeRow {
    fn from(row: &EdgeRow) -> Self {
        Self {
            caller: Some((&row.caller).into()),
            callee: Some((&row.callee).into()),
            protocol: row.protocol.code().into(),
            source: match row.source {
                EdgeSource::Both => 1,
                EdgeSource::Caller => 2,
                EdgeSource::Callee => 3,
            },
            opaque: row.opaque,
            red: row.red.as_ref().map(Into::into),
            callee_requests: row.callee_requests,
            failures: row.failures,
            connections: row.connections,
            bytes_sent: row.bytes_sent,
            bytes_received: row.bytes_received,
            retransmits: row.retransmits,
            rtt_ns: opt_ns(row.rtt),
            turns: row.turns,
            turn_p50_ns: opt_ns(row.turn_p50),
            turn_p95_ns: opt_ns(row.turn_p95),
        }
    }
}

impl TryFrom<v1::EdgeRow> for EdgeRow {
    type Error = Bad;
    fn try_from(wire: v1::EdgeRow) -> Result<Self, Bad> {
        Ok(Self {
            caller: need(wire.caller, "edge.caller")?.into(),
            callee: need(wire.callee, "edge.callee")?.into(),
            protocol: code("protocol", wire.protocol, Protocol::from_code)?,
            source: match wire.source {
                1 => EdgeSource::Both,
                2 => EdgeSource::Caller,
                3 => EdgeSource::Callee,
                value => {
                    return Err(Bad::Value {
                        field: "edge.source",
                        value: value.into(),
                    });
                }
            },
            opaque: wire.opaque,
            red: wire.red.map(Into::into),
            callee_requests: wire.callee_requests,
            failures: wire.failures,
            connections: wire.connections,
            bytes_sent: wire.bytes_sent,
            bytes_received: wire.bytes_received,
            retransmits: wire.retransmits,
            rtt: dur(wire.rtt_ns),
            turns: wire.turns,
            turn_p50: dur(wire.turn_p50_ns),
            turn_p95: dur(wire.turn_p95_ns),
        })
    }
}

impl From<&Status> for v1::Status {
    fn from(status: &Status) -> Self {
        let agent = |row: &AgentRow| v1::AgentRow {
            health: Some((&row.health).into()),
            last_seen_ns: ns(row.last_seen),
            connected: row.connected,
            freshness_ns: opt_ns(row.freshness),
        };
        Self {
            colony: status.colony.to_string(),
            version: status.version.clone(),
            uptime_ns: ns(status.uptime),
            agents: status.agents.iter().map(agent).collect(),
            services: status.services,
        }
    }
}

impl TryFrom<v1::Status> for Status {
    type Error = Bad;
    fn try_from(wire: v1::Status) -> Result<Self, Bad> {
        let agent = |row: v1::AgentRow| -> Result<AgentRow, Bad> {
            Ok(AgentRow {
                health: need(row.health, "agent row.health")?.try_into()?,
                last_seen: Duration::from_nanos(row.last_seen_ns),
                connected: row.connected,
                freshness: dur(row.freshness_ns),
            })
        };
        Ok(Self {
            colony: ColonyId::new(&wire.colony)?,
            version: Observed::new(wire.version).visible().into_owned(),
            uptime: Duration::from_nanos(wire.uptime_ns),
            agents: wire
                .agents
                .into_iter()
                .map(agent)
                .collect::<Result<_, _>>()?,
            services: wire.services,
        })
    }
}

impl From<&Answer> for v1::AnswerPart {
    /// The whole answer as one part.
    fn from(answer: &Answer) -> Self {
        let mut part = Self::default();
        let mut head = v1::AnswerHead {
            window: Some(answer.window.into()),
            complete_until_ns: answer.complete_until.map(|t| t.0),
            loss: Some((&answer.loss).into()),
            truncated: false,
            kind: answer.body.name().to_owned(),
        };
        match &answer.body {
            AnswerBody::Status(status) => part.status = Some(status.into()),
            AnswerBody::Services(rows) => part.services = rows.iter().map(Into::into).collect(),
            AnswerBody::Summary(rows) => part.summary = rows.iter().map(Into::into).collect(),
            AnswerBody::Metrics(rows) => part.metrics = rows.iter().map(Into::into).collect(),
            AnswerBody::Topology { nodes, edges } => {
                part.nodes = nodes.iter().map(Into::into).collect();
                part.edges = edges.iter().map(Into::into).collect();
            }
            AnswerBody::Events { rows, truncated } => {
                head.truncated = *truncated;
                part.events = rows.iter().map(Into::into).collect();
            }
            AnswerBody::Host(rows) => part.host = rows.iter().map(Into::into).collect(),
            AnswerBody::Requests {
                rows,
                truncated,
                silent,
            } => {
                head.truncated = *truncated;
                part.requests = rows.iter().map(Into::into).collect();
                part.silent = silent.iter().map(|s| s.raw().to_owned()).collect();
            }
            AnswerBody::Profile(flame) => part.flame = Some(flame.into()),
            AnswerBody::Probe(log) => part.probe = Some(log.into()),
            AnswerBody::Functions(found) => part.functions = Some(found.into()),
            AnswerBody::Diagnose(diagnosis) => part.diagnosis = Some(diagnosis.into()),
            AnswerBody::Incident(bundle) => part.bundle = Some(bundle.into()),
            AnswerBody::Evidence(kept) => part.evidence = Some(kept.into()),
            AnswerBody::Sql(table) => {
                head.truncated = table.truncated;
                part.table = Some(table.into());
            }
        }
        part.head = Some(head);
        part
    }
}

fn rows<W, M>(wire: Vec<W>) -> Result<Vec<M>, Bad>
where
    M: TryFrom<W, Error = Bad>,
{
    wire.into_iter().map(M::try_from).collect()
}

impl TryFrom<v1::AnswerPart> for Answer {
    type Error = Bad;
    /// From all parts joined: repeated fields appended, the head of the first.
    fn try_from(part: v1::AnswerPart) -> Result<Self, Bad> {
        let head = need(part.head, "answer.head")?;
        let body = match head.kind.as_str() {
            "host" => AnswerBody::Host(rows(part.host)?),
            "sql" => AnswerBody::Sql(table::model(
                need(part.table, "answer.table")?,
                head.truncated,
            )?),
            "probe" => AnswerBody::Probe(need(part.probe, "answer.probe")?.try_into()?),
            "functions" => {
                AnswerBody::Functions(need(part.functions, "answer.functions")?.try_into()?)
            }
            "profile" => AnswerBody::Profile(need(part.flame, "answer.flame")?.try_into()?),
            "diagnose" => {
                AnswerBody::Diagnose(need(part.diagnosis, "answer.diagnosis")?.try_into()?)
            }
            "incident" => AnswerBody::Incident(need(part.bundle, "answer.bundle")?.into()),
            "evidence" => AnswerBody::Evidence(need(part.evidence, "answer.evidence")?.try_into()?),
            "status" => AnswerBody::Status(need(part.status, "answer.status")?.try_into()?),
            "services" => AnswerBody::Services(rows(part.services)?),
            "summary" => AnswerBody::Summary(rows(part.summary)?),
            "metrics" => AnswerBody::Metrics(rows(part.metrics)?),
            "topology" => AnswerBody::Topology {
                nodes: rows(part.nodes)?,
                edges: rows(part.edges)?,
            },
            "requests" => AnswerBody::Requests {
                rows: rows(part.requests)?,
                truncated: head.truncated,
                silent: part.silent.into_iter().map(Observed::new).collect(),
            },
            "events" => AnswerBody::Events {
                rows: rows::<_, Event>(part.events)?,
                truncated: head.truncated,
            },
            _ => return Err(Bad::Missing("a kind of answer that this build knows")),
        };
        Ok(Self {
            window: need(head.window, "answer.window")?.try_into()?,
            complete_until: head.complete_until_ns.map(TimeNs),
            loss: head.loss.unwrap_or_default().into(),
            body,
        })
    }
}
