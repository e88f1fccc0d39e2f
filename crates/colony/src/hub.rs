//! Live answers. Each distinct question is asked once a tick, however many read it; a reader gets the whole answer first
//! and then what changed. A reader that does not keep up is cut: it gets what is in its queue, then `cut`, and may open
//! anew. One task owns all of it.

mod delta;

use crate::Clock;
use crate::query::{Query, QueryError};
use coral_model::{Answer, Caller, Question, Role, Via};
use coral_proto::v1::{self, update::Kind};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Readers at a time.
const MAX_READERS: usize = 256;
/// Distinct questions at a time.
const MAX_QUESTIONS: usize = 128;

/// Why a reader is not let in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HubError {
    /// There are too many.
    #[error("this colony has as many readers as it takes; close one")]
    Full,
    /// The colony stops.
    #[error("the colony is stopping")]
    Stopped,
    /// The question has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// How the hub beats.
#[derive(Debug, Clone, Copy)]
pub struct Beat {
    /// How often questions are asked.
    pub tick: Duration,
    /// Updates that wait for a reader before it is cut.
    pub queue: usize,
}

impl Default for Beat {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(1),
            queue: 64,
        }
    }
}

/// What a reader wants to follow.
#[derive(Debug, Clone)]
pub struct Topic {
    /// The reader's own word for it.
    pub id: u32,
    /// The question.
    pub question: Question,
}

type Updates = BoxStream<'static, Result<v1::Update, Status>>;

struct Subscribe {
    topics: Vec<Topic>,
    reply: oneshot::Sender<Result<Updates, HubError>>,
}

/// Where readers subscribe.
#[derive(Clone)]
pub struct Hub {
    requests: mpsc::Sender<Subscribe>,
}

impl Hub {
    /// Starts the task; it ends when `stop` turns true, and every reader's stream with it.
    pub fn start(query: Arc<Query>, clock: Clock, beat: Beat, stop: watch::Receiver<bool>) -> Self {
        let (requests, inbox) = mpsc::channel(MAX_READERS);
        let task = Task {
            query,
            clock,
            beat,
            shared: HashMap::new(),
        };
        tokio::spawn(task.run(inbox, stop));
        Self { requests }
    }

    /// Opens a reader; its caller must have been let in already.
    ///
    /// # Errors
    /// [`HubError`].
    pub async fn open(&self, topics: Vec<Topic>) -> Result<Updates, HubError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(Subscribe { topics, reply }).await;
        sent.map_err(|_| HubError::Stopped)?;
        answer.await.map_err(|_| HubError::Stopped)?
    }
}

/// A reader's queue; when the last clone is gone its stream ends.
#[derive(Clone)]
struct Reader {
    queue: mpsc::Sender<Result<v1::Update, Status>>,
    cut: Arc<AtomicBool>,
}

impl Reader {
    /// Whether the reader still follows.
    fn send(&self, topic: u32, kind: Kind) -> bool {
        if self.cut.load(Ordering::Acquire) {
            return false;
        }
        let update = v1::Update {
            topic,
            kind: Some(kind),
        };
        match self.queue.try_send(Ok(update)) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.cut.store(true, Ordering::Release);
                tracing::info!("a reader was too slow and is cut");
                false
            }
        }
    }
}

/// A question and those who follow it.
struct Shared {
    last: Answer,
    readers: Vec<(u32, Reader)>,
}

struct Task {
    query: Arc<Query>,
    clock: Clock,
    beat: Beat,
    shared: HashMap<Question, Shared>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Subscribe>, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(self.beat.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = crate::stopped(&mut stop) => return,
                _ = ticks.tick() => self.tick().await,
                request = inbox.recv() => match request {
                    Some(request) => {
                        let answer = self.subscribe(request.topics).await;
                        let _ = request.reply.send(answer);
                    }
                    None => return,
                },
            }
        }
    }

    async fn ask(&self, question: &Question) -> Result<Answer, QueryError> {
        // Every reader's own role was checked when it opened; the answer is the same for all.
        let caller = Caller {
            id: "colony".into(),
            role: Role::Admin,
            via: Via::Unix,
        };
        let (query, question, now) = (self.query.clone(), question.clone(), (self.clock)());
        let run = move || query.run(&question, &caller, now);
        match tokio::task::spawn_blocking(run).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "a live question did not end");
                Err(coral_store::StoreError::Closed.into())
            }
        }
    }

    async fn tick(&mut self) {
        for shared in self.shared.values_mut() {
            shared.readers.retain(|(_, r)| !r.queue.is_closed());
        }
        self.shared.retain(|_, shared| !shared.readers.is_empty());
        let questions: Vec<_> = self.shared.keys().cloned().collect();
        for question in questions {
            match self.ask(&question).await {
                Ok(answer) => self.publish(&question, answer),
                Err(error) => {
                    tracing::warn!(%error, question = question.name(), "a live question has no answer now");
                }
            }
        }
    }

    fn publish(&mut self, question: &Question, answer: Answer) {
        let Some(shared) = self.shared.get_mut(question) else {
            return;
        };
        let kind = match delta::between(&shared.last, &answer) {
            Some(delta) => Kind::Delta(delta),
            None => Kind::Snapshot((&answer).into()),
        };
        let send = |(topic, reader): &(u32, Reader)| reader.send(*topic, kind.clone());
        shared.readers.retain(send);
        shared.last = answer;
    }

    async fn subscribe(&mut self, topics: Vec<Topic>) -> Result<Updates, HubError> {
        let new = |t: &&Topic| !self.shared.contains_key(&t.question);
        let questions = self.shared.len() + topics.iter().filter(new).count();
        let readers: usize = self.shared.values().map(|s| s.readers.len()).sum();
        if questions > MAX_QUESTIONS || readers + topics.len() > MAX_READERS {
            return Err(HubError::Full);
        }
        // The snapshots have places of their own, so that opening many topics cuts nobody.
        let (queue, updates) = mpsc::channel(self.beat.queue + topics.len());
        let reader = Reader {
            queue,
            cut: Arc::default(),
        };
        for topic in topics {
            if !self.shared.contains_key(&topic.question) {
                let last = self.ask(&topic.question).await?;
                let readers = vec![];
                let shared = Shared { last, readers };
                self.shared.insert(topic.question.clone(), shared);
            }
            if let Some(shared) = self.shared.get_mut(&topic.question) {
                reader.send(topic.id, Kind::Snapshot((&shared.last).into()));
                shared.readers.push((topic.id, reader.clone()));
            }
        }
        Ok(with_cut(updates, reader.cut))
    }
}

/// The reader's updates, and `cut` as the last one when it was too slow.
fn with_cut(updates: mpsc::Receiver<Result<v1::Update, Status>>, cut: Arc<AtomicBool>) -> Updates {
    let end = stream::once(async move { cut.load(Ordering::Acquire) }).filter_map(async |cut| {
        cut.then_some(Ok(v1::Update {
            topic: 0,
            kind: Some(Kind::Cut(true)),
        }))
    });
    ReceiverStream::new(updates).chain(end).boxed()
}
