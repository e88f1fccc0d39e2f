//! Whose processors a profile is about, between the model and the wire.

use crate::common::Bad;
use crate::v1;
use coral_model::profile::Target;

impl From<&Target> for v1::ProfileTarget {
    fn from(target: &Target) -> Self {
        Self {
            service: target.service.clone(),
            host: target.host.clone(),
            pid: target.pid,
        }
    }
}

impl TryFrom<v1::ProfileTarget> for Target {
    type Error = Bad;

    fn try_from(wire: v1::ProfileTarget) -> Result<Self, Bad> {
        let target = Self {
            service: wire.service,
            host: wire.host,
            pid: wire.pid,
        };
        match target == Self::default() {
            true => Err(Bad::Missing("profile.target.service, host or pid")),
            false => Ok(target),
        }
    }
}
