//! `Desired.Follow`: tells an agent what the colony wants of it, the whole set each time.

use super::ship::introduced_by;
use crate::wants::{Connects, LeasedWant, Wants};
use crate::{Clock, audit, identity};
use coral_model::{Role, TimeNs};
use coral_proto::v1;
use coral_store::{Append, KeptConnect};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// The service.
pub struct Service {
    /// What is wished.
    pub wants: Arc<Wants>,
    /// Where calls are audited.
    pub sink: Arc<dyn Append>,
    /// Now.
    pub clock: Clock,
    /// Turns true when the colony stops.
    pub stop: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl v1::desired_server::Desired for Service {
    type FollowStream = BoxStream<'static, Result<v1::DesiredSet, Status>>;

    async fn follow(
        &self,
        request: Request<v1::Hello>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let caller = identity::caller(&request)?;
        let (agent, _) = introduced_by(&request.into_inner())?;
        let (rpc, now) = ("coral.v1.Desired/Follow", (self.clock)());
        audit::admit(&*self.sink, now, &caller, Role::Admin, rpc, agent.as_str()).await?;
        let following = Following {
            connects: self.wants.follow(),
            leased: self.wants.leased().follow(),
            stop: self.stop.clone(),
            clock: self.clock.clone(),
            version: 0,
        };
        let sets = stream::unfold(following, |mut following| async {
            let set = following.next().await?;
            Some((Ok(set), following))
        });
        Ok(Response::new(sets.boxed()))
    }
}

/// One agent that follows.
struct Following {
    connects: watch::Receiver<Arc<Connects>>,
    leased: watch::Receiver<Arc<BTreeMap<String, LeasedWant>>>,
    stop: watch::Receiver<bool>,
    clock: Clock,
    /// Rises with every set.
    version: u64,
}

impl Following {
    /// The first set at once, then one a change.
    async fn next(&mut self) -> Option<v1::DesiredSet> {
        if self.version > 0 {
            tokio::select! {
                changed = self.connects.changed() => changed.ok()?,
                changed = self.leased.changed() => changed.ok()?,
                () = crate::stopped(&mut self.stop) => return None,
            }
        }
        self.version += 1;
        let connects = self.connects.borrow_and_update().clone();
        let leased = self.leased.borrow_and_update().clone();
        let now = (self.clock)();
        let leased = leased.iter().filter_map(|(id, l)| leased_item(id, l, now));
        let connected = connects.by_id.values().map(connected_item);
        Some(v1::DesiredSet {
            version: self.version,
            items: connected.chain(leased).collect(),
        })
    }
}

/// A wish with what is left of its lease; `None` when it is over.
fn leased_item(id: &str, leased: &LeasedWant, now: TimeNs) -> Option<v1::DesiredItem> {
    let left = leased.until.since(now);
    let wire = v1::Want::new(id, &leased.want);
    let spec = match wire.kind? {
        v1::want::Kind::Profile(profile) => profile.encode_to_vec(),
        v1::want::Kind::Probe(probe) => probe.encode_to_vec(),
        _ => return None,
    };
    (left > Duration::ZERO).then(|| v1::DesiredItem {
        id: id.to_owned(),
        kind: leased.want.name().to_owned(),
        target: wire.service,
        spec,
        lease_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        budget_ppm: 0,
    })
}

fn connected_item(kept: &KeptConnect) -> v1::DesiredItem {
    v1::DesiredItem {
        id: kept.id.clone(),
        kind: "connect".to_owned(),
        target: Some((&kept.connect.service).into()),
        spec: v1::ConnectWant::from(&kept.connect).encode_to_vec(),
        lease_ms: 0,
        budget_ppm: 0,
    }
}
