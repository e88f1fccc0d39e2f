//! `Desired.Follow`: tells an agent what the colony wants of it, the whole set each time.

use super::ship::introduced_by;
use crate::wants::{Connects, Wants};
use crate::{Clock, audit, identity};
use coral_model::Role;
use coral_proto::v1;
use coral_store::{Append, KeptConnect};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use prost::Message as _;
use std::sync::Arc;
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
        let mut connects = self.wants.follow();
        connects.mark_changed();
        let sets = stream::unfold(
            (connects, self.stop.clone()),
            |(mut connects, mut stop)| async {
                tokio::select! {
                    changed = connects.changed() => changed.ok()?,
                    () = crate::stopped(&mut stop) => return None,
                }
                let set = set(&connects.borrow_and_update().clone());
                Some((Ok(set), (connects, stop)))
            },
        );
        Ok(Response::new(sets.boxed()))
    }
}

fn set(connects: &Connects) -> v1::DesiredSet {
    let item = |kept: &KeptConnect| v1::DesiredItem {
        id: kept.id.clone(),
        kind: "connect".to_owned(),
        target: Some((&kept.connect.service).into()),
        spec: v1::ConnectWant::from(&kept.connect).encode_to_vec(),
        lease_ms: 0,
        budget_ppm: 0,
    };
    v1::DesiredSet {
        version: connects.version,
        items: connects.by_id.values().map(item).collect(),
    }
}
