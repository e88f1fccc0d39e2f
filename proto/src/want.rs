//! Wants between the model and the wire.

use crate::common::{Bad, need};
use crate::v1::{self, want};
use coral_model::Want;
use std::time::Duration;

impl TryFrom<v1::Want> for Want {
    type Error = Bad;
    fn try_from(wire: v1::Want) -> Result<Self, Bad> {
        let service = need(wire.service, "want.service")?.into();
        let lease = Duration::from_millis(wire.lease_ms);
        Ok(match need(wire.kind, "want.kind")? {
            want::Kind::Probe(probe) => Want::Probe {
                service,
                functions: probe.functions,
                lease,
            },
            want::Kind::Profile(profile) => {
                let bad = Bad::Value {
                    field: "want.hz",
                    value: profile.hz.into(),
                };
                let hz = u16::try_from(profile.hz)
                    .ok()
                    .filter(|hz| (1..=999).contains(hz))
                    .ok_or(bad)?;
                Want::Profile { service, hz, lease }
            }
            want::Kind::Capture(_) => Want::Capture { service, lease },
        })
    }
}
