//! What the colony wants of this agent. The agent opens the stream and is told the whole set each time; what it knows stays
//! while the link is away, because nothing of it is leased.

use coral_mesh::{Dialer, rpc};
use coral_model::probe::ProbeSpec;
use coral_model::profile::Target;
use coral_model::want::LEASE_MAX;
use coral_model::{Connect, Want};
use coral_proto::v1;
use coral_proto::v1::desired_client::DesiredClient;
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tonic::Code;

/// Pauses between two attempts, from the first to the longest.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];
/// A colony that does not know this is asked again after so long: it may be a newer one then.
const UNKNOWN: Duration = Duration::from_secs(60);
/// More are not taken, whoever sends them.
const CONNECTS_MAX: usize = 200;
/// The same of profiles.
const PROFILES_MAX: usize = 32;
/// The same of probes.
const PROBES_MAX: usize = 32;

/// The services that are connected by name.
pub type Connects = Arc<Vec<Connect>>;

/// Everything that the colony wants of this agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// The services that are connected by name.
    pub connects: Connects,
    /// The profiles that are wished.
    pub profiles: Vec<ProfileWish>,
    /// The probes that are wished.
    pub probes: Vec<ProbeWish>,
}

/// A probe that is wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeWish {
    /// The wish's id.
    pub id: String,
    /// What is watched, and what of it is told.
    pub spec: ProbeSpec,
    /// How long from when it was heard of.
    pub lease: Duration,
}

/// A profile that is wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileWish {
    /// The wish's id.
    pub id: String,
    /// Whose processes.
    pub target: Target,
    /// How often a second.
    pub hz: u16,
    /// How long from when it was heard of.
    pub lease: Duration,
}

/// Follows the colony for as long as the agent lives.
pub async fn follow(dialer: Arc<dyn Dialer>, hello: v1::Hello, told: watch::Sender<Told>) {
    let mut failures = 0;
    loop {
        let began = tokio::time::Instant::now();
        let pause = match stream(&dialer, &hello, &told).await {
            Err((Code::Unimplemented, _)) => UNKNOWN,
            ended => {
                if let Err((_, message)) = ended {
                    tracing::debug!("follow the colony: {message}");
                }
                failures = match began.elapsed() > Duration::from_secs(10) {
                    true => 0,
                    false => failures + 1,
                };
                PAUSES[usize::min(failures, PAUSES.len() - 1)]
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn stream(
    dialer: &Arc<dyn Dialer>,
    hello: &v1::Hello,
    told: &watch::Sender<Told>,
) -> Result<(), (Code, String)> {
    let away = |error: coral_mesh::DialError| (Code::Unavailable, error.to_string());
    let refused = |status: tonic::Status| (status.code(), status.message().to_owned());
    let channel = rpc::connect(dialer.clone()).await.map_err(away)?;
    let sets = DesiredClient::new(channel).follow(hello.clone()).await;
    let mut sets = sets.map_err(refused)?.into_inner();
    while let Some(set) = sets.message().await.map_err(refused)? {
        let next = Told {
            profiles: profiles(&set),
            probes: probes(&set),
            connects: Arc::new(connects(set)),
        };
        told.send_if_modified(|known| {
            let changed = *known != next;
            *known = next;
            changed
        });
    }
    Ok(())
}

/// What of a set this build knows and understands.
fn connects(set: v1::DesiredSet) -> Vec<Connect> {
    let of_kind = set.items.into_iter().filter(|item| item.kind == "connect");
    let connect = |item: v1::DesiredItem| {
        let spec = v1::ConnectWant::decode(&*item.spec).ok()?;
        let want = v1::Want {
            id: item.id,
            service: item.target,
            lease_ms: item.lease_ms,
            kind: Some(v1::want::Kind::Connect(spec)),
        };
        match Want::try_from(want) {
            Ok(Want::Connect(connect)) => Some(connect),
            _ => None,
        }
    };
    of_kind.filter_map(connect).take(CONNECTS_MAX).collect()
}

/// The probes of a set.
fn probes(set: &v1::DesiredSet) -> Vec<ProbeWish> {
    let of_kind = set.items.iter().filter(|item| item.kind == "probe");
    let probe = |item: &v1::DesiredItem| {
        let spec = v1::ProbeWant::decode(&*item.spec).ok()?;
        let want = v1::Want {
            id: item.id.clone(),
            service: item.target.clone(),
            lease_ms: item.lease_ms,
            kind: Some(v1::want::Kind::Probe(spec)),
        };
        match Want::try_from(want) {
            Ok(Want::Probe { spec, lease }) => Some(ProbeWish {
                id: item.id.clone(),
                spec,
                lease: lease.min(LEASE_MAX),
            }),
            _ => None,
        }
    };
    of_kind.filter_map(probe).take(PROBES_MAX).collect()
}

/// The profiles of a set.
fn profiles(set: &v1::DesiredSet) -> Vec<ProfileWish> {
    let of_kind = set.items.iter().filter(|item| item.kind == "profile");
    let profile = |item: &v1::DesiredItem| {
        let spec = v1::ProfileWant::decode(&*item.spec).ok()?;
        let want = v1::Want {
            id: item.id.clone(),
            service: item.target.clone(),
            lease_ms: item.lease_ms,
            kind: Some(v1::want::Kind::Profile(spec)),
        };
        match Want::try_from(want) {
            Ok(Want::Profile { target, hz, lease }) => Some(ProfileWish {
                id: item.id.clone(),
                target,
                hz,
                lease: lease.min(LEASE_MAX),
            }),
            _ => None,
        }
    };
    of_kind.filter_map(profile).take(PROFILES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{ConnectTarget, Observed, ServiceKey};

    #[test]
    fn what_is_not_understood_is_left_out() {
        let connect = Connect {
            service: ServiceKey::plain("web"),
            target: ConnectTarget::Port(80),
            check: None,
            kind: Observed::default(),
        };
        let item = |kind: &str, spec| v1::DesiredItem {
            kind: kind.into(),
            target: Some((&connect.service).into()),
            spec,
            ..Default::default()
        };
        let spec = v1::ConnectWant::from(&connect).encode_to_vec();
        let set = v1::DesiredSet {
            version: 1,
            items: vec![
                item("connect", spec.clone()),
                item("connect", vec![0xff]),
                item("teleport", spec.clone()),
                v1::DesiredItem {
                    target: None,
                    ..item("connect", spec)
                },
            ],
        };
        assert_eq!(connects(set), [connect]);
    }
}
