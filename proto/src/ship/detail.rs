//! Health checks and single requests, between the model and the wire.

use super::{endpoint_model, instance};
use crate::common::{Bad, code, need};
use crate::v1;
use coral_model::want::{WantReport, WantState};
use coral_model::{Ending, HealthCheck, Method, Observed, Protocol, RequestRecord, Side, TimeNs};
use std::time::Duration;

impl From<&HealthCheck> for v1::HealthCheck {
    fn from(check: &HealthCheck) -> Self {
        Self {
            at_ns: check.at.0,
            service: Some((&check.service).into()),
            healthy: check.healthy,
            duration_ns: check.duration.as_nanos() as u64,
            text: check.text.raw().to_owned(),
        }
    }
}

pub(super) fn health_check(wire: v1::HealthCheck) -> Result<HealthCheck, Bad> {
    Ok(HealthCheck {
        at: TimeNs(wire.at_ns),
        service: need(wire.service, "health check.service")?.into(),
        healthy: wire.healthy,
        duration: Duration::from_nanos(wire.duration_ns),
        text: Observed::new(wire.text),
    })
}

impl From<&RequestRecord> for v1::RequestRecord {
    fn from(record: &RequestRecord) -> Self {
        Self {
            at_ns: record.at.0,
            instance: record.instance,
            side: record.side.code().into(),
            protocol: record.protocol.code().into(),
            method: record.method.code().into(),
            route: record.route.raw().to_owned(),
            path: record.path.raw().to_owned(),
            status: record.status.map(Into::into),
            ending: record.ending.code().into(),
            duration_ns: record.duration.as_nanos() as u64,
            ttfb_ns: record.ttfb.map(|d| d.as_nanos() as u64),
            peer: Some((&record.peer).into()),
        }
    }
}

pub(super) fn record(wire: v1::RequestRecord, instances: usize) -> Result<RequestRecord, Bad> {
    Ok(RequestRecord {
        at: TimeNs(wire.at_ns),
        instance: instance(wire.instance, instances)?,
        side: code("side", wire.side, Side::from_code)?,
        protocol: code("protocol", wire.protocol, Protocol::from_code)?,
        method: code("method", wire.method, Method::from_code)?,
        route: Observed::new(wire.route),
        path: Observed::new(wire.path),
        status: wire.status.and_then(|s| u16::try_from(s).ok()),
        ending: code("ending", wire.ending, Ending::from_code)?,
        duration: Duration::from_nanos(wire.duration_ns),
        ttfb: wire.ttfb_ns.map(Duration::from_nanos),
        peer: endpoint_model(wire.peer, instances)?,
    })
}

pub(super) fn want_report(report: &WantReport) -> v1::WantReport {
    v1::WantReport {
        id: report.id.clone(),
        state: report.state.code().into(),
        reason: report.reason.raw().to_owned(),
    }
}

pub(super) fn want_report_model(wire: v1::WantReport) -> Result<WantReport, Bad> {
    Ok(WantReport {
        id: wire.id,
        state: code("want.state", wire.state, WantState::from_code)?,
        reason: Observed::new(wire.reason),
    })
}
