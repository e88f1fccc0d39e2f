//! A colony that takes batches and remembers them, and that can be taken away in the middle.

use coral_proto::v1;
use coral_proto::v1::item::Kind;
use coral_proto::v1::ship_server::{Ship, ShipServer};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// What it holds: batches of each run by number.
#[derive(Debug, Default)]
pub struct Held {
    pub runs: BTreeMap<u64, BTreeMap<u64, v1::Batch>>,
    /// Batches that came again although they were held.
    pub twice: u32,
    /// After so many more batches the stream breaks, the last one held and not acknowledged.
    pub breaks_after: Option<u32>,
}

impl Held {
    /// Requests in the exact rows of a run.
    pub fn requests(&self, epoch: u64) -> u64 {
        let batches = self.runs[&epoch].values();
        let items = batches.flat_map(|batch| &batch.items);
        let exact = items.filter_map(|item| match &item.kind {
            Some(Kind::Summary(s)) => match s.route {
                Some(v1::summary::Route::All(_)) => s.counts.map(|c| c.requests),
                _ => None,
            },
            _ => None,
        });
        exact.sum()
    }

    /// All items of all runs.
    pub fn items(&self) -> impl Iterator<Item = &Kind> {
        let batches = self.runs.values().flat_map(|run| run.values());
        batches
            .flat_map(|b| &b.items)
            .filter_map(|i| i.kind.as_ref())
    }
}

/// Takes batches as the colony does.
#[derive(Debug, Clone, Default)]
pub struct Colony {
    held: Arc<Mutex<Held>>,
}

#[tonic::async_trait]
impl Ship for Colony {
    type StreamStream = ReceiverStream<Result<v1::Ack, Status>>;

    async fn stream(
        &self,
        request: Request<Streaming<v1::Batch>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let mut batches = request.into_inner();
        let hello = batches.message().await?.and_then(|batch| batch.hello);
        let epoch = hello
            .ok_or_else(|| Status::invalid_argument("no hello"))?
            .epoch;
        let (acks, out) = mpsc::channel(64);
        let colony = self.clone();
        tokio::spawn(async move {
            let run = |held: &Held| held.runs.get(&epoch)?.keys().next_back().copied();
            let mut seq = run(&colony.held()).unwrap_or(0);
            loop {
                let ack = v1::Ack { epoch, seq };
                if acks.send(Ok(ack)).await.is_err() {
                    return;
                }
                let Ok(Some(batch)) = batches.message().await else {
                    return;
                };
                assert_eq!(batch.epoch, epoch, "a stream is of one run");
                seq = seq.max(batch.seq);
                if colony.take(batch) {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(out)))
    }
}

impl Colony {
    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    /// Holds a batch; true when the stream breaks now.
    fn take(&self, batch: v1::Batch) -> bool {
        let mut held = self.held();
        let run = held.runs.entry(batch.epoch).or_default();
        let again = run.insert(batch.seq, batch).is_some();
        held.twice += u32::from(again);
        held.breaks_after = held.breaks_after.map(|n| n.saturating_sub(1));
        held.breaks_after.take_if(|n| *n == 0).is_some()
    }

    /// Listens in the folder of a colony's socket until the handle is aborted.
    pub fn listen(&self, socket: &Path) -> JoinHandle<()> {
        coral_config::private_folder(socket.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(ShipServer::new(self.clone()))
            .serve_with_incoming(UnixListenerStream::new(listener));
        tokio::spawn(async move { server.await.unwrap() })
    }
}
