//! `Detail.Offer` and `Detail.Answer`: agents offer themselves and answer what they are asked. Both streams are the
//! agents'; nobody dials one.

use super::ship::introduced_by;
use crate::details::Details;
use crate::{Clock, audit, identity};
use coral_model::Role;
use coral_proto::v1;
use coral_store::Append;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// What an agent may have under way before it is given more.
const CREDIT: u64 = 256 << 10;
/// The largest chunk: a block of an agent's disk.
pub const MAX_CHUNK: usize = 4 << 20;

/// The service.
pub struct Service {
    /// Who offers, and what was asked.
    pub details: Arc<Details>,
    /// Where calls are audited.
    pub sink: Arc<dyn Append>,
    /// Now.
    pub clock: Clock,
    /// Turns true when the colony stops.
    pub stop: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl v1::detail_server::Detail for Service {
    type OfferStream = BoxStream<'static, Result<v1::DetailRequest, Status>>;
    type AnswerStream = ReceiverStream<Result<v1::Credit, Status>>;

    async fn offer(
        &self,
        request: Request<v1::Hello>,
    ) -> Result<Response<Self::OfferStream>, Status> {
        let caller = identity::caller(&request)?;
        let (agent, _) = introduced_by(&request.into_inner())?;
        let (rpc, now) = ("coral.v1.Detail/Offer", (self.clock)());
        audit::admit(&*self.sink, now, &caller, Role::Admin, rpc, agent.as_str()).await?;
        let (offer, wanted) = self.details.offer(&agent);
        let mut stop = self.stop.clone();
        let stopped = async move { crate::stopped(&mut stop).await };
        // The offer lasts as long as its stream is read.
        let requests = ReceiverStream::new(wanted).map(move |request| {
            let _offered = &offer;
            Ok(request)
        });
        Ok(Response::new(requests.take_until(stopped).boxed()))
    }

    async fn answer(
        &self,
        request: Request<Streaming<v1::Chunk>>,
    ) -> Result<Response<Self::AnswerStream>, Status> {
        identity::caller(&request)?;
        let mut chunks = request.into_inner();
        let first = chunks.message().await?;
        let id = first.map(|chunk| chunk.request_id).unwrap_or_default();
        let gone = || Status::cancelled("nobody waits for this answer");
        let asked = self.details.asked(&id).ok_or_else(gone)?;
        let (credits, out) = mpsc::channel(2);
        tokio::spawn(async move { pass(chunks, &asked, &credits).await });
        Ok(Response::new(ReceiverStream::new(out)))
    }
}

/// Passes chunks on until the last, or until nobody waits for them; each is credited when it was taken.
async fn pass(
    mut chunks: Streaming<v1::Chunk>,
    asked: &mpsc::Sender<v1::Chunk>,
    credits: &mpsc::Sender<Result<v1::Credit, Status>>,
) -> Option<()> {
    let mut bytes = CREDIT;
    loop {
        credits.send(Ok(v1::Credit { bytes })).await.ok()?;
        let chunk = tokio::select! {
            chunk = chunks.message() => chunk.ok()??,
            () = asked.closed() => return None,
        };
        bytes = chunk.data.len() as u64;
        let last = chunk.last;
        asked.send(chunk).await.ok()?;
        if last {
            return Some(());
        }
    }
}
