//! Single requests, health states and unread conversations of answers, between the model and the wire.

use super::{dur, ns, opt_ns, protocols_model, protocols_wire};
use crate::common::{Bad, code, need};
use crate::v1;
use coral_model::answer::{HealthState, RequestRow, Unread};
use coral_model::{Ending, Method, Observed, Protocol, Side, TimeNs};

impl From<&HealthState> for v1::HealthState {
    fn from(state: &HealthState) -> Self {
        Self {
            healthy: state.healthy,
            since_ns: state.since.0,
            text: state.text.raw().to_owned(),
        }
    }
}

impl From<v1::HealthState> for HealthState {
    fn from(wire: v1::HealthState) -> Self {
        Self {
            healthy: wire.healthy,
            since: TimeNs(wire.since_ns),
            text: Observed::new(wire.text),
        }
    }
}

impl From<&Unread> for v1::Unread {
    fn from(unread: &Unread) -> Self {
        Self {
            protocols: protocols_wire(&unread.protocols),
            connections: unread.connections,
            bytes_received: unread.bytes_received,
            bytes_sent: unread.bytes_sent,
            rtt_ns: opt_ns(unread.rtt),
            turns: unread.turns,
            turn_p50_ns: opt_ns(unread.turn_p50),
            turn_p95_ns: opt_ns(unread.turn_p95),
        }
    }
}

impl TryFrom<v1::Unread> for Unread {
    type Error = Bad;
    fn try_from(wire: v1::Unread) -> Result<Self, Bad> {
        Ok(Self {
            protocols: protocols_model(&wire.protocols)?,
            connections: wire.connections,
            bytes_received: wire.bytes_received,
            bytes_sent: wire.bytes_sent,
            rtt: dur(wire.rtt_ns),
            turns: wire.turns,
            turn_p50: dur(wire.turn_p50_ns),
            turn_p95: dur(wire.turn_p95_ns),
        })
    }
}

impl From<&RequestRow> for v1::RequestRow {
    fn from(row: &RequestRow) -> Self {
        Self {
            at_ns: row.at.0,
            service: Some((&row.service).into()),
            host: row.host.raw().to_owned(),
            pid: row.pid,
            side: row.side.code().into(),
            protocol: row.protocol.code().into(),
            method: row.method.code().into(),
            route: row.route.raw().to_owned(),
            path: row.path.raw().to_owned(),
            status: row.status.map(Into::into),
            ending: row.ending.code().into(),
            duration_ns: ns(row.duration),
            ttfb_ns: opt_ns(row.ttfb),
            peer: row.peer.raw().to_owned(),
        }
    }
}

impl TryFrom<v1::RequestRow> for RequestRow {
    type Error = Bad;
    fn try_from(wire: v1::RequestRow) -> Result<Self, Bad> {
        Ok(Self {
            at: TimeNs(wire.at_ns),
            service: need(wire.service, "request.service")?.into(),
            host: Observed::new(wire.host),
            pid: wire.pid,
            side: code("side", wire.side, Side::from_code)?,
            protocol: code("protocol", wire.protocol, Protocol::from_code)?,
            method: code("method", wire.method, Method::from_code)?,
            route: Observed::new(wire.route),
            path: Observed::new(wire.path),
            status: wire.status.and_then(|s| u16::try_from(s).ok()),
            ending: code("ending", wire.ending, Ending::from_code)?,
            duration: std::time::Duration::from_nanos(wire.duration_ns),
            ttfb: dur(wire.ttfb_ns),
            peer: Observed::new(wire.peer),
        })
    }
}
