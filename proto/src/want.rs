//! Wants between the model and the wire.

use crate::common::{Bad, need, ns};
use crate::v1::{self, connect_want, want};
use coral_model::probe::{FUNCTIONS_MAX, ProbeSpec};
use coral_model::{Check, Connect, ConnectTarget, Observed, ServiceKey, TimeNs, Want};
use std::time::Duration;

/// The longest note in bytes.
pub const NOTE_MAX: usize = 1_000;

impl TryFrom<v1::Want> for Want {
    type Error = Bad;
    fn try_from(wire: v1::Want) -> Result<Self, Bad> {
        let lease = Duration::from_millis(wire.lease_ms);
        let of = wire.service.map(ServiceKey::from);
        let service = || need(of.clone(), "want.service");
        Ok(match need(wire.kind, "want.kind")? {
            want::Kind::Probe(wire) => Want::Probe {
                spec: probe(wire)?,
                lease,
            },
            want::Kind::Profile(profile) => Want::Profile {
                target: need(profile.target, "profile.target")?.try_into()?,
                hz: hz(profile.hz)?,
                lease,
            },
            want::Kind::Capture(_) => Want::Capture {
                service: service()?,
                lease,
            },
            want::Kind::Connect(connect) => Want::Connect(connect_model(connect, service()?)?),
            want::Kind::Note(note) => self::note(note, of)?,
        })
    }
}

fn probe(wire: v1::ProbeWant) -> Result<ProbeSpec, Bad> {
    if wire.functions.len() > FUNCTIONS_MAX {
        return Err(Bad::TooMany(wire.functions.len()));
    }
    Ok(ProbeSpec {
        target: need(wire.target, "probe.target")?.try_into()?,
        functions: wire.functions,
        min_duration: Duration::from_nanos(wire.min_duration_ns),
        when: wire.when,
        calls_per_s: wire.calls_per_s,
        has_values: wire.values,
        has_stacks: wire.stacks,
        has_secrets: wire.secrets,
    })
}

fn hz(wire: u32) -> Result<u16, Bad> {
    let bad = Bad::Value {
        field: "want.hz",
        value: wire.into(),
    };
    u16::try_from(wire)
        .ok()
        .filter(|hz| (1..=999).contains(hz))
        .ok_or(bad)
}

fn note(wire: v1::NoteWant, service: Option<ServiceKey>) -> Result<Want, Bad> {
    if wire.text.is_empty() || wire.text.len() > NOTE_MAX {
        return Err(Bad::Value {
            field: "note length",
            value: wire.text.len() as i128,
        });
    }
    Ok(Want::Note {
        at: wire.at_ns.map(TimeNs),
        service,
        text: Observed::new(wire.text),
    })
}

/// A connected service out of its wire form, as it travels in wants and desired sets.
///
/// # Errors
/// [`Bad`] without a target or with a port that is none.
pub fn connect_model(wire: v1::ConnectWant, service: ServiceKey) -> Result<Connect, Bad> {
    let target = match need(wire.target, "connect.target")? {
        connect_want::Target::Port(port) => {
            let bad = Bad::Value {
                field: "connect.port",
                value: port.into(),
            };
            let port = u16::try_from(port).ok().filter(|&p| p > 0).ok_or(bad)?;
            ConnectTarget::Port(port)
        }
        connect_want::Target::ExePattern(pattern) => ConnectTarget::ExePattern(pattern),
    };
    let check = wire.check.map(|check| match check {
        connect_want::Check::Tcp(_) => Check::Tcp,
        connect_want::Check::Http(path) => Check::Http(path),
    });
    Ok(Connect {
        service,
        target,
        check,
        kind: Observed::new(wire.kind),
    })
}

impl From<&Connect> for v1::ConnectWant {
    fn from(connect: &Connect) -> Self {
        Self {
            target: Some(match &connect.target {
                ConnectTarget::Port(port) => connect_want::Target::Port((*port).into()),
                ConnectTarget::ExePattern(pattern) => {
                    connect_want::Target::ExePattern(pattern.clone())
                }
            }),
            check: connect.check.as_ref().map(|check| match check {
                Check::Tcp => connect_want::Check::Tcp(true),
                Check::Http(path) => connect_want::Check::Http(path.clone()),
            }),
            kind: connect.kind.raw().to_owned(),
        }
    }
}

impl v1::Want {
    /// The wire form under the client's own id, so that a retry never does it twice.
    pub fn new(id: &str, want: &Want) -> Self {
        let millis = |lease: &Duration| u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        let (service, lease_ms, kind) = match want {
            Want::Probe { spec, lease } => {
                let probe = want::Kind::Probe(v1::ProbeWant {
                    functions: spec.functions.clone(),
                    target: Some((&spec.target).into()),
                    min_duration_ns: ns(spec.min_duration),
                    when: spec.when.clone(),
                    calls_per_s: spec.calls_per_s,
                    values: spec.has_values,
                    stacks: spec.has_stacks,
                    secrets: spec.has_secrets,
                });
                (None, millis(lease), probe)
            }
            Want::Profile { target, hz, lease } => {
                let profile = want::Kind::Profile(v1::ProfileWant {
                    hz: (*hz).into(),
                    target: Some(target.into()),
                });
                (None, millis(lease), profile)
            }
            Want::Capture { service, lease } => {
                let capture = want::Kind::Capture(v1::CaptureWant {});
                (Some(service), millis(lease), capture)
            }
            Want::Connect(connect) => (
                Some(&connect.service),
                0,
                want::Kind::Connect(connect.into()),
            ),
            Want::Note { at, service, text } => {
                let note = v1::NoteWant {
                    at_ns: at.map(|t| t.0),
                    text: text.raw().to_owned(),
                };
                (service.as_ref(), 0, want::Kind::Note(note))
            }
        };
        Self {
            id: id.to_owned(),
            service: service.map(Into::into),
            lease_ms,
            kind: Some(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::profile::Target;

    #[test]
    fn wants_survive_the_wire() {
        let service = ServiceKey {
            namespace: Observed::new(""),
            name: Observed::new("cart"),
        };
        let connect = |target, check| {
            Want::Connect(Connect {
                service: service.clone(),
                target,
                check,
                kind: Observed::new("http"),
            })
        };
        let note = |service| Want::Note {
            at: Some(TimeNs(7)),
            service,
            text: Observed::new("pulled the cable"),
        };
        for want in [
            connect(ConnectTarget::Port(80), Some(Check::Http("/up".into()))),
            connect(ConnectTarget::ExePattern("cart$".into()), Some(Check::Tcp)),
            note(None),
            note(Some(service.clone())),
            Want::Profile {
                target: Target {
                    pid: Some(7),
                    ..Target::default()
                },
                hz: 99,
                lease: Duration::from_secs(30),
            },
        ] {
            assert_eq!(
                Want::try_from(v1::Want::new("1", &want)).as_ref(),
                Ok(&want)
            );
        }
    }

    #[test]
    fn a_profile_of_nothing_is_none() {
        let nothing = Want::Profile {
            target: Target::default(),
            hz: 99,
            lease: Duration::from_secs(30),
        };
        let read = Want::try_from(v1::Want::new("1", &nothing));
        assert!(matches!(read, Err(Bad::Missing(_))));
    }

    #[test]
    fn notes_have_a_length_and_ports_a_range() {
        let long = v1::NoteWant {
            at_ns: None,
            text: "x".repeat(NOTE_MAX + 1),
        };
        assert!(note(long, None).is_err());
        let port = v1::ConnectWant {
            target: Some(connect_want::Target::Port(70_000)),
            ..Default::default()
        };
        let key = ServiceKey {
            namespace: Observed::new(""),
            name: Observed::new("a"),
        };
        assert!(connect_model(port, key).is_err());
    }
}
