//! Asks agents for detail: a request goes down the stream on which an agent offered itself, and comes back as chunks on one
//! that the agent opens for it. What is under way is bounded by credits; a request that nobody waits for any more is
//! withdrawn by ending its stream.

use coral_model::AgentId;
use coral_proto::v1;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Requests that wait for an agent to read them.
const WAITING: usize = 32;
/// Chunks between the agent's stream and whoever asked.
const CHUNKS: usize = 4;

/// The agents that offer detail, and what was asked of them.
#[derive(Debug, Default)]
pub struct Details {
    inner: Mutex<Inner>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    /// The newest offer of each agent, and its number.
    offers: HashMap<AgentId, (u64, mpsc::Sender<v1::DetailRequest>)>,
    asked: HashMap<String, Asked>,
}

#[derive(Debug)]
struct Asked {
    of: AgentId,
    chunks: mpsc::Sender<v1::Chunk>,
}

/// An agent's offer; it ends with this.
#[derive(Debug)]
pub struct Offer {
    details: Arc<Details>,
    agent: AgentId,
    number: u64,
}

/// Chunks of an answer; who drops it withdraws the request.
#[derive(Debug)]
pub struct Answering {
    details: Arc<Details>,
    id: String,
    chunks: mpsc::Receiver<v1::Chunk>,
}

impl Details {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent offers itself: what will be asked of it.
    pub fn offer(self: &Arc<Self>, agent: &AgentId) -> (Offer, mpsc::Receiver<v1::DetailRequest>) {
        let (requests, wanted) = mpsc::channel(WAITING);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().offers.insert(agent.clone(), (number, requests));
        let offer = Offer {
            details: self.clone(),
            agent: agent.clone(),
            number,
        };
        (offer, wanted)
    }

    /// Asks an agent; `None` when it does not offer itself, or has too much to do.
    pub fn ask(
        self: &Arc<Self>,
        agent: &AgentId,
        kind: &str,
        spec: Vec<u8>,
        deadline: Duration,
    ) -> Option<Answering> {
        // Nobody can guess what another stream waits for: only the agent that was asked is heard.
        let id = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let request = v1::DetailRequest {
            id: id.clone(),
            kind: kind.to_owned(),
            spec,
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        };
        let (chunks, received) = mpsc::channel(CHUNKS);
        let mut inner = self.lock();
        inner.offers.get(agent)?.1.try_send(request).ok()?;
        let of = agent.clone();
        inner.asked.insert(id.clone(), Asked { of, chunks });
        Some(Answering {
            details: self.clone(),
            id,
            chunks: received,
        })
    }

    /// Where chunks of this request go, if it was asked of an agent that is there and somebody still waits.
    pub fn asked(&self, id: &str) -> Option<mpsc::Sender<v1::Chunk>> {
        let inner = self.lock();
        let asked = inner.asked.get(id)?;
        inner
            .offers
            .contains_key(&asked.of)
            .then(|| asked.chunks.clone())
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        let mut inner = self.details.lock();
        let newest = inner.offers.get(&self.agent).map(|(number, _)| *number);
        if newest == Some(self.number) {
            inner.offers.remove(&self.agent);
            // Their streams were on the same connection.
            inner.asked.retain(|_, asked| asked.of != self.agent);
        }
    }
}

impl Answering {
    /// The next chunk; `None` when the agent is gone.
    pub async fn next(&mut self) -> Option<v1::Chunk> {
        self.chunks.recv().await
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.details.lock().asked.remove(&self.id);
    }
}
