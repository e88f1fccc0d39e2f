//! Answers the colony's requests for detail, on streams that this agent opens: it offers itself, hears what is wanted, and
//! opens a stream for each answer. The colony's credits say how much may be under way, its end of the stream cancels.

use super::Keeper;
use super::find::Search;
use crate::calls::{Ask, Asked};
use coral_proto::v1;
use coral_proto::v1::detail_client::DetailClient;
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// Answers at a time; what is asked beyond waits.
const AT_A_TIME: usize = 2;
/// The longest that an answer may take, whatever was asked.
const LONGEST: Duration = Duration::from_secs(30);
/// What is asked for.
const REQUESTS: &str = "requests";
/// Functions of programs.
const FUNCTIONS: &str = "functions";
/// Bytes of a chunk.
const CHUNK_BYTES: usize = 64 << 10;
/// Why the hour has a gap at its beginning.
const EARLY: &str = "requests of the last hour went for lack of room on the agent's disk";

/// What can be asked for.
#[derive(Clone)]
pub struct Shelf {
    /// The last hour's requests.
    pub keeper: Keeper,
    /// Whoever looks for functions.
    pub functions: mpsc::Sender<Asked>,
}

/// Offers until the stream ends; a colony that takes no offers is none to wait for.
pub async fn offer(channel: Channel, shelf: Shelf, hello: v1::Hello) {
    let mut client = DetailClient::new(channel);
    let mut wanted = match client.offer(hello).await {
        Ok(wanted) => wanted.into_inner(),
        Err(status) => {
            tracing::debug!("offer detail: {status}");
            return;
        }
    };
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut answers = tokio::task::JoinSet::new();
    while let Some(Ok(request)) = wanted.next().await {
        while answers.try_join_next().is_some() {}
        let (client, shelf, turns) = (client.clone(), shelf.clone(), turns.clone());
        answers.spawn(async move {
            let long = Duration::from_millis(request.deadline_ms).min(LONGEST);
            let answered = async {
                let _turn = turns.acquire().await.ok()?;
                answer(client, &shelf, request).await
            };
            // Too late is for the colony to notice; what is under way ends with this.
            let _ = tokio::time::timeout(long, answered).await;
        });
    }
}

/// One answer; `None` when the colony no longer wants it.
async fn answer(
    mut client: DetailClient<Channel>,
    shelf: &Shelf,
    request: v1::DetailRequest,
) -> Option<()> {
    let (chunks, stream) = mpsc::channel(1);
    let chunk = |data: Vec<u8>| v1::Chunk {
        request_id: request.id.clone(),
        data,
        ..v1::Chunk::default()
    };
    // Without data: it says whose answer this stream is.
    chunks.send(chunk(vec![])).await.ok()?;
    let credits = client.answer(ReceiverStream::new(stream)).await;
    let mut credit = Credit {
        credits: credits.ok()?.into_inner(),
        bytes: 0,
    };
    let ended = send_all(shelf, &request, &mut credit, |data| {
        chunks.send(chunk(data))
    })
    .await;
    let error = match ended {
        Ok(()) if request.kind == REQUESTS && shelf.keeper.early() > 0 => {
            format!("{} {EARLY}", shelf.keeper.early())
        }
        Ok(()) => String::new(),
        Err(Failed::Cancelled) => return None,
        Err(Failed::Because(why)) => why,
    };
    let last = v1::Chunk {
        last: true,
        error,
        ..chunk(vec![])
    };
    chunks.send(last).await.ok()?;
    // The colony closes when it has read all of it.
    while credit.credits.next().await.is_some_and(|c| c.is_ok()) {}
    Some(())
}

enum Failed {
    Cancelled,
    Because(String),
}

async fn send_all<F, E>(
    shelf: &Shelf,
    request: &v1::DetailRequest,
    credit: &mut Credit,
    send: impl Fn(Vec<u8>) -> F,
) -> Result<(), Failed>
where
    F: Future<Output = Result<(), E>>,
{
    let keeper = match request.kind.as_str() {
        REQUESTS => &shelf.keeper,
        FUNCTIONS => return send_functions(shelf, request, credit, send).await,
        kind => return Err(Failed::Because(format!("this agent has no {kind}"))),
    };
    let search = Arc::new(Search::of(&request.spec).map_err(Failed::Because)?);
    keeper.fresh().await;
    let (mut left, mut place) = (search.limit, None);
    while left > 0 {
        let found = keeper.find(&search, left, place).await;
        let found = found.map_err(Failed::Because)?;
        if let Some(batch) = found.batch {
            left -= batch.items.len().min(left);
            let data = batch.encode_to_vec();
            credit.take(data.len()).await.ok_or(Failed::Cancelled)?;
            send(data).await.map_err(|_| Failed::Cancelled)?;
        }
        place = found.next;
        if place.is_none() {
            break;
        }
    }
    Ok(())
}

/// Functions of processes of this host, in as many chunks as it takes.
async fn send_functions<F, E>(
    shelf: &Shelf,
    request: &v1::DetailRequest,
    credit: &mut Credit,
    send: impl Fn(Vec<u8>) -> F,
) -> Result<(), Failed>
where
    F: Future<Output = Result<(), E>>,
{
    let because = |why: &str| Failed::Because(why.to_owned());
    let ask =
        Ask::of(&request.spec).ok_or_else(|| because("this is no question about functions"))?;
    let (answer, answered) = oneshot::channel();
    let full = |_| because("this agent looks for other functions already; ask again");
    let asked = Asked { ask, answer };
    shelf.functions.try_send(asked).map_err(full)?;
    let found = answered.await;
    let found = found.map_err(|_| because("this host's functions cannot be looked for"))?;
    let found = v1::Functions::from(&found.map_err(Failed::Because)?).encode_to_vec();
    for part in found.chunks(CHUNK_BYTES) {
        credit.take(part.len()).await.ok_or(Failed::Cancelled)?;
        send(part.to_vec()).await.map_err(|_| Failed::Cancelled)?;
    }
    Ok(())
}

/// What the colony is ready to take.
struct Credit {
    credits: tonic::Streaming<v1::Credit>,
    bytes: u64,
}

impl Credit {
    /// Waits until something may be sent; `None` when the colony has ended the stream. A chunk may overdraw: it is at most
    /// a block.
    async fn take(&mut self, bytes: usize) -> Option<()> {
        while self.bytes == 0 {
            let credit = self.credits.next().await?.ok()?;
            self.bytes = self.bytes.saturating_add(credit.bytes);
        }
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        Some(())
    }
}
