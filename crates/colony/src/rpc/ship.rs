//! `Ship.Stream`: an agent's batches in, acknowledgements out. The first message says whose stream it is; all that follows
//! must be that agent's.

use crate::ingest::{Ingest, IngestError};
use crate::live::Live;
use crate::metrics::Meters;
use crate::{Clock, audit, identity};
use coral_model::{AgentId, Batch, Caller, Epoch, Role};
use coral_proto::{WIRE_REVISION, v1};
use coral_store::Append;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// Acknowledgements that wait for a slow agent before its stream does.
const ACKS: usize = 64;
/// The largest batch that is read.
pub const MAX_MESSAGE: usize = 64 << 20;

impl From<IngestError> for Status {
    fn from(error: IngestError) -> Self {
        let text = error.to_string();
        match error {
            IngestError::Foreign { .. } => Self::permission_denied(text),
            IngestError::Unnumbered | IngestError::Absurd(_) => Self::invalid_argument(text),
            IngestError::Full => Self::resource_exhausted(text),
            IngestError::Store(_) => Self::unavailable(text),
        }
    }
}

/// The service.
#[derive(Clone)]
pub struct Service {
    /// Where batches go.
    pub ingest: Arc<Ingest>,
    /// Which agents are connected.
    pub live: Arc<Live>,
    /// Where calls are audited.
    pub sink: Arc<dyn Append>,
    /// Now.
    pub clock: Clock,
    /// What is counted.
    pub meters: Arc<Meters>,
    /// Turns true when the colony stops.
    pub stop: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl v1::ship_server::Ship for Service {
    type StreamStream = ReceiverStream<Result<v1::Ack, Status>>;

    async fn stream(
        &self,
        request: Request<Streaming<v1::Batch>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let caller = identity::caller(&request)?;
        let (acks, out) = mpsc::channel(ACKS);
        let service = self.clone();
        let batches = request.into_inner();
        // A task of its own: a batch that is being stored is not given up when the agent leaves.
        tokio::spawn(async move {
            if let Err(status) = service.follow(&caller, batches, &acks).await {
                tracing::info!(code = ?status.code(), why = status.message(), "an agent's stream ended");
                let _ = acks.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(out)))
    }
}

impl Service {
    async fn follow(
        mut self,
        caller: &Caller,
        mut batches: Streaming<v1::Batch>,
        acks: &mpsc::Sender<Result<v1::Ack, Status>>,
    ) -> Result<(), Status> {
        let Some(first) = batches.message().await? else {
            return Ok(());
        };
        let (agent, epoch) = introduced(first)?;
        let (rpc, now) = ("coral.v1.Ship/Stream", (self.clock)());
        audit::admit(&*self.sink, now, caller, Role::Admin, rpc, agent.as_str()).await?;
        let _connected = self.live.connected(&agent);
        let last = self.ingest.last(&agent, epoch).await?;
        tracing::info!(%agent, epoch = epoch.0, last = last.0, "an agent ships");
        let ack = |epoch: Epoch, seq| v1::Ack {
            epoch: epoch.0,
            seq,
        };
        let mut next = ack(epoch, last.0);
        loop {
            if acks.send(Ok(next)).await.is_err() {
                return Ok(());
            }
            let message = tokio::select! {
                message = batches.message() => message?,
                () = crate::stopped(&mut self.stop) => {
                    return Err(Status::unavailable("the colony is stopping"));
                }
            };
            let Some(message) = message else {
                return Ok(());
            };
            let batch = Batch::try_from(message)
                .map_err(|bad| Status::invalid_argument(bad.to_string()))?;
            let (epoch, newest) = (batch.epoch, batch.clock);
            let taken = self.ingest.take(&agent, batch, (self.clock)()).await;
            Meters::count(match taken {
                Ok(_) => &self.meters.batches,
                Err(_) => &self.meters.batches_failed,
            });
            let last = taken?;
            self.live.visible(&agent, newest, (self.clock)());
            next = ack(epoch, last.0);
        }
    }
}

/// Whose stream it is, from its first message.
fn introduced(first: v1::Batch) -> Result<(AgentId, Epoch), Status> {
    let invalid = |text: &str| Status::invalid_argument(text);
    let hello = first
        .hello
        .filter(|_| first.items.is_empty())
        .ok_or_else(|| invalid("the first message must be a hello without items"))?;
    introduced_by(&hello)
}

/// Whose call it is, from what it says at its beginning.
pub(super) fn introduced_by(hello: &v1::Hello) -> Result<(AgentId, Epoch), Status> {
    let invalid = |text: &str| Status::invalid_argument(text);
    let (theirs, ours) = (hello.wire_revision, WIRE_REVISION);
    if theirs / 100 != ours / 100 {
        return Err(Status::failed_precondition(format!(
            "the agent speaks wire revision {theirs}, this colony {ours}; bring both to one version"
        )));
    }
    let agent = AgentId::new(&hello.agent_id).map_err(|bad| invalid(&bad.to_string()))?;
    if hello.epoch == 0 {
        return Err(invalid("a hello without epoch"));
    }
    Ok((agent, Epoch(hello.epoch)))
}
