//! Conversions of what all services share, and the error for what does not fit.

use crate::v1;
use coral_model::histogram::BadHistogram;
use coral_model::ids::BadId;
use coral_model::summary::Counts;
use coral_model::{
    AgentHealth, AgentId, AgentMode, BootId, Event, EventKind, Histogram, Instance, InstanceKey,
    Loss, Missing, Observed, ServiceClass, ServiceKey, TimeNs, Window,
};

/// A message that does not fit the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// A field that must be there is not.
    #[error("message lacks {0}")]
    Missing(&'static str),
    /// A field holds a value that has no meaning.
    #[error("{field} has the value {value}, which has no meaning")]
    Value {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: i128,
    },
    /// An id that is none.
    #[error(transparent)]
    Id(#[from] BadId),
    /// A histogram that is none.
    #[error(transparent)]
    Histogram(#[from] BadHistogram),
    /// A window whose end lies before its begin.
    #[error("a range ends before it begins")]
    Backwards,
    /// A message with more than the limit.
    #[error("a batch holds {0} items, more than the limit")]
    TooMany(usize),
}

/// The hello of this build.
pub fn hello(agent: &str, boot: &str, epoch: u64, features: &[&str]) -> v1::Hello {
    v1::Hello {
        product_version: env!("CARGO_PKG_VERSION").to_owned(),
        wire_revision: crate::WIRE_REVISION,
        features: features.iter().map(|&f| f.to_owned()).collect(),
        agent_id: agent.to_owned(),
        boot_id: boot.to_owned(),
        epoch,
    }
}

pub(crate) fn need<T>(value: Option<T>, field: &'static str) -> Result<T, Bad> {
    value.ok_or(Bad::Missing(field))
}

pub(crate) fn code<T>(
    field: &'static str,
    value: u32,
    read: impl Fn(u8) -> Option<T>,
) -> Result<T, Bad> {
    u8::try_from(value).ok().and_then(read).ok_or(Bad::Value {
        field,
        value: value.into(),
    })
}

impl From<Window> for v1::Range {
    fn from(window: Window) -> Self {
        Self {
            from_ns: window.from.0,
            to_ns: window.to.0,
        }
    }
}

impl TryFrom<v1::Range> for Window {
    type Error = Bad;
    fn try_from(range: v1::Range) -> Result<Self, Bad> {
        if range.to_ns < range.from_ns {
            return Err(Bad::Backwards);
        }
        Ok(Self {
            from: TimeNs(range.from_ns),
            to: TimeNs(range.to_ns),
        })
    }
}

impl From<&Loss> for v1::Loss {
    fn from(loss: &Loss) -> Self {
        Self {
            records_dropped: loss.records_dropped,
            summaries_dropped: loss.summaries_dropped,
            unparsed: loss.unparsed,
            unseen: loss.unseen,
            connections_untracked: loss.connections_untracked,
            unknown: loss.unknown,
        }
    }
}

impl From<v1::Loss> for Loss {
    fn from(loss: v1::Loss) -> Self {
        Self {
            records_dropped: loss.records_dropped,
            summaries_dropped: loss.summaries_dropped,
            unparsed: loss.unparsed,
            unseen: loss.unseen,
            connections_untracked: loss.connections_untracked,
            unknown: loss.unknown,
        }
    }
}

impl From<&Histogram> for v1::Histogram {
    fn from(histogram: &Histogram) -> Self {
        Self {
            blob: histogram.to_blob(),
        }
    }
}

pub(crate) fn histogram(wire: Option<v1::Histogram>) -> Result<Histogram, Bad> {
    Ok(wire
        .map(|h| Histogram::from_blob(&h.blob))
        .transpose()?
        .unwrap_or_default())
}

impl From<Counts> for v1::Counts {
    fn from(counts: Counts) -> Self {
        Self {
            requests: counts.requests,
            errors: counts.errors,
            client_errors: counts.client_errors,
        }
    }
}

pub(crate) fn counts(wire: Option<v1::Counts>) -> Counts {
    let wire = wire.unwrap_or_default();
    Counts {
        requests: wire.requests,
        errors: wire.errors,
        client_errors: wire.client_errors,
    }
}

impl From<&ServiceKey> for v1::Service {
    fn from(service: &ServiceKey) -> Self {
        Self {
            namespace: service.namespace.raw().to_owned(),
            name: service.name.raw().to_owned(),
        }
    }
}

impl From<v1::Service> for ServiceKey {
    fn from(wire: v1::Service) -> Self {
        Self {
            namespace: Observed::new(wire.namespace),
            name: Observed::new(wire.name),
        }
    }
}

impl From<&InstanceKey> for v1::InstanceKey {
    fn from(key: &InstanceKey) -> Self {
        Self {
            agent: key.agent.to_string(),
            boot: key.boot.to_string(),
            pid: key.pid,
            start_ticks: key.start_ticks,
        }
    }
}

impl TryFrom<v1::InstanceKey> for InstanceKey {
    type Error = Bad;
    fn try_from(wire: v1::InstanceKey) -> Result<Self, Bad> {
        let (agent, boot) = (AgentId::new(&wire.agent)?, BootId::new(&wire.boot)?);
        Ok(Self {
            agent,
            boot,
            pid: wire.pid,
            start_ticks: wire.start_ticks,
        })
    }
}

impl From<&Instance> for v1::Instance {
    fn from(instance: &Instance) -> Self {
        Self {
            key: Some((&instance.key).into()),
            service: Some((&instance.service).into()),
            class: instance.class.code().into(),
            host: instance.host.raw().to_owned(),
            started_ns: instance.started.map(|t| t.0),
            ports: instance.ports.iter().map(|&p| p.into()).collect(),
        }
    }
}

impl TryFrom<v1::Instance> for Instance {
    type Error = Bad;
    fn try_from(wire: v1::Instance) -> Result<Self, Bad> {
        Ok(Self {
            key: need(wire.key, "instance.key")?.try_into()?,
            service: need(wire.service, "instance.service")?.into(),
            class: ServiceClass::from_code(u8::try_from(wire.class).unwrap_or(0)),
            host: Observed::new(wire.host),
            started: wire.started_ns.map(TimeNs),
            ports: ports(&wire.ports)?,
        })
    }
}

pub(crate) fn ports(wire: &[u32]) -> Result<Vec<u16>, Bad> {
    wire.iter()
        .map(|&p| {
            u16::try_from(p).map_err(|_| Bad::Value {
                field: "port",
                value: p.into(),
            })
        })
        .collect()
}

impl From<&Event> for v1::Event {
    fn from(event: &Event) -> Self {
        Self {
            at_ns: event.at.0,
            until_ns: event.until.map(|t| t.0),
            kind: event.kind.code().into(),
            agent: event.agent.to_string(),
            service: event.service.as_ref().map(Into::into),
            instance: event.instance.as_ref().map(Into::into),
            text: event.text.raw().to_owned(),
        }
    }
}

impl TryFrom<v1::Event> for Event {
    type Error = Bad;
    fn try_from(wire: v1::Event) -> Result<Self, Bad> {
        Ok(Self {
            at: TimeNs(wire.at_ns),
            until: wire.until_ns.map(TimeNs),
            kind: code("event.kind", wire.kind, EventKind::from_code)?,
            agent: AgentId::new(&wire.agent)?,
            service: wire.service.map(Into::into),
            instance: wire.instance.map(TryInto::try_into).transpose()?,
            text: Observed::new(wire.text),
        })
    }
}

impl From<&AgentHealth> for v1::AgentHealth {
    fn from(health: &AgentHealth) -> Self {
        let missing = |m: &Missing| v1::Missing {
            feature: m.feature.clone(),
            why: m.why.raw().to_owned(),
            fix: m.fix.clone(),
        };
        Self {
            id: health.id.to_string(),
            host: health.host.raw().to_owned(),
            version: health.version.clone(),
            mode: match health.mode {
                AgentMode::Ebpf => v1::AgentMode::Ebpf.into(),
                AgentMode::Proc => v1::AgentMode::Proc.into(),
            },
            missing: health.missing.iter().map(missing).collect(),
            rss_bytes: health.rss_bytes,
            cpu_percent: health.cpu_percent,
            loss: Some((&health.loss).into()),
            listening: health.listening,
            started_ns: health.started.0,
            at_ns: health.at.0,
        }
    }
}

impl TryFrom<v1::AgentHealth> for AgentHealth {
    type Error = Bad;
    fn try_from(wire: v1::AgentHealth) -> Result<Self, Bad> {
        let mode = match wire.mode() {
            v1::AgentMode::Ebpf => AgentMode::Ebpf,
            v1::AgentMode::Proc => AgentMode::Proc,
        };
        let plain = |text: &str| Observed::new(text).visible().into_owned();
        let missing = |m: v1::Missing| Missing {
            feature: plain(&m.feature),
            why: Observed::new(m.why),
            fix: plain(&m.fix),
        };
        Ok(Self {
            id: AgentId::new(&wire.id)?,
            host: Observed::new(wire.host),
            version: plain(&wire.version),
            mode,
            missing: wire.missing.into_iter().map(missing).collect(),
            rss_bytes: wire.rss_bytes,
            cpu_percent: wire.cpu_percent,
            loss: wire.loss.unwrap_or_default().into(),
            listening: wire.listening,
            started: TimeNs(wire.started_ns),
            at: TimeNs(wire.at_ns),
        })
    }
}

/// A length of time in nanoseconds; one that does not fit is the longest.
pub(crate) fn ns(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
