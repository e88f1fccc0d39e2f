//! Batches to the colony: numbered, kept in memory and on disk until they are acknowledged, sent again after a break.
//! Both are bounded; when the colony is gone too long the oldest batches go first, and their summaries are counted as lost.

mod assemble;
mod losses;
mod outbox;

pub use assemble::assemble;
pub use outbox::{Outbox, Trouble};

use crate::recent::{Shelf, offer};
use crate::spool::Id;
use coral_mesh::{Dialer, rpc};
use coral_proto::v1;
use coral_proto::v1::ship_client::ShipClient;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

/// Pauses between two attempts to reach the colony, from the first to the longest.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];
/// Batches that wait for the connection to take them: after a break each may be large.
const UNDER_WAY: usize = 8;

/// How a stream ended.
enum Ended {
    /// The colony ended it.
    ByColony,
    /// All batches of its run were acknowledged, and a newer run has some.
    RunComplete,
}

/// Keeps a stream to the colony open for as long as the agent lives. Each run of the agent has a stream of its own, the
/// oldest first: the colony says at its beginning how far it has that run.
pub async fn ship(dialer: Arc<dyn Dialer>, outbox: Arc<Outbox>, shelf: Shelf, hello: v1::Hello) {
    let mut failures = 0;
    loop {
        let began = tokio::time::Instant::now();
        let hello = v1::Hello {
            epoch: outbox.oldest_run().unwrap_or(hello.epoch),
            ..hello.clone()
        };
        match stream(&dialer, &outbox, &shelf, &hello).await {
            Ok(Ended::RunComplete) => {
                failures = 0;
                continue;
            }
            Ok(Ended::ByColony) => tracing::info!("the colony ended the stream"),
            Err(message) if failures == 0 => tracing::warn!("ship: {message}"),
            Err(message) => tracing::debug!("ship: {message}"),
        }
        failures = if began.elapsed() > Duration::from_secs(10) {
            0
        } else {
            failures + 1
        };
        tokio::time::sleep(PAUSES[usize::min(failures, PAUSES.len() - 1)]).await;
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn stream(
    dialer: &Arc<dyn Dialer>,
    outbox: &Outbox,
    shelf: &Shelf,
    hello: &v1::Hello,
) -> Result<Ended, String> {
    let channel = rpc::connect(dialer.clone())
        .await
        .map_err(|e| e.to_string())?;
    let (to_colony, batches) = mpsc::channel(UNDER_WAY);
    let first = v1::Batch {
        hello: Some(hello.clone()),
        epoch: hello.epoch,
        ..v1::Batch::default()
    };
    to_colony.send(first).await.map_err(|e| e.to_string())?;
    let offering = offer(channel.clone(), shelf.clone(), hello.clone());
    let answer = ShipClient::new(channel)
        .stream(ReceiverStream::new(batches))
        .await;
    let mut acks = answer
        .map_err(|status| status.message().to_owned())?
        .into_inner();
    let Some(resume) = acks.next().await else {
        return Ok(Ended::ByColony);
    };
    let resume = resume.map_err(|status| status.message().to_owned())?;
    let id = |seq| Id {
        epoch: hello.epoch,
        seq,
    };
    outbox.resume(id(resume.seq));
    let (mut sent, mut next) = (id(resume.seq), None);
    // On the same connection, and gone with it.
    let offering = tokio::spawn(offering);
    let _gone_with_this = AbortOnDrop(offering.abort_handle());
    loop {
        next = next.or_else(|| outbox.after(sent));
        let of_run = next.as_ref().is_some_and(|b| b.epoch == hello.epoch);
        if let Some(batch) = next.as_ref().filter(|_| of_run) {
            // From here on it may arrive, whatever becomes of it in the outbox.
            outbox.hand(Id::of(batch));
        }
        if next.is_some() && !of_run && outbox.oldest_run() != Some(hello.epoch) {
            return Ok(Ended::RunComplete);
        }
        // Room first: a batch that was taken is not lost when an acknowledgement comes before there is room for it.
        tokio::select! {
            ack = acks.next() => match ack {
                Some(Ok(ack)) => outbox.acknowledge(id(ack.seq)),
                Some(Err(status)) => return Err(status.message().to_owned()),
                None => return Ok(Ended::ByColony),
            },
            room = to_colony.reserve(), if of_run => {
                let room = room.map_err(|e| e.to_string())?;
                if let Some(batch) = next.take() {
                    sent = Id::of(&batch);
                    room.send((*batch).clone());
                }
            }
            () = outbox.changed(), if next.is_none() => {}
        }
    }
}
