//! The thread that has the file: writing waits for the disk, and the agent's one thread must not. It begins with the first
//! order, and lets go of the file when it is idle, so that an agent that sees no requests has neither.

use super::block::Whole;
use super::find::Search;
use super::keep::{Head, KeepError, Kept};
use coral_proto::v1;
use prost::Message as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// Orders that wait for the disk; a block for which there is no place is dropped.
const ORDERS: usize = 16;
/// The file is closed when nothing was asked or written for so long.
const IDLE: Duration = Duration::from_secs(30);
/// A tick comes each second.
const TICK: Duration = Duration::from_millis(1200);
const STACK: usize = 256 << 10;

/// Where a search goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

/// What one step of a search found, and where the next one begins.
#[derive(Debug)]
pub struct Found {
    /// The requests of one block.
    pub batch: Option<v1::Batch>,
    /// `None` at the end.
    pub next: Option<Place>,
}

enum Order {
    Keep(Whole),
    Find(
        Arc<Search>,
        usize,
        Option<Place>,
        oneshot::Sender<Result<Found, String>>,
    ),
    End,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    most_bytes: u64,
    thread: Mutex<Option<(SyncSender<Order>, JoinHandle<()>)>>,
    /// Requests that went before their hour was over.
    early: Arc<AtomicU64>,
    /// Somebody wants what is still in the open block.
    wanted: AtomicBool,
    /// The open block was handed over.
    closed: Notify,
}

/// The way to the thread.
#[derive(Debug, Clone)]
pub struct Keeper(Arc<Shared>);

impl Keeper {
    /// For the file at `path`, of about so many bytes at most.
    pub fn new(path: &Path, most_bytes: u64) -> Self {
        Self(Arc::new(Shared {
            path: path.to_owned(),
            most_bytes,
            thread: Mutex::new(None),
            early: Arc::default(),
            wanted: AtomicBool::new(false),
            closed: Notify::new(),
        }))
    }

    /// Whether the open block is wanted before its interval is over.
    pub fn wanted(&self) -> bool {
        self.0.wanted.load(Ordering::Relaxed)
    }

    /// The open block was handed over.
    pub fn closed(&self) {
        self.0.wanted.store(false, Ordering::Relaxed);
        self.0.closed.notify_waiters();
    }

    /// Waits for the open block, which the next tick hands over.
    pub async fn fresh(&self) {
        let closed = self.0.closed.notified();
        self.0.wanted.store(true, Ordering::Relaxed);
        let _ = tokio::time::timeout(TICK, closed).await;
    }

    /// Requests that went before their hour was over, for lack of room or because the disk was too slow or full.
    pub fn early(&self) -> u64 {
        self.0.early.load(Ordering::Relaxed)
    }

    /// Writes a block, in its time.
    pub fn keep(&self, block: Whole) {
        let records = block.records;
        if self.order(Order::Keep(block)).is_err() {
            self.0.early.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// A step of a search: at most so many requests of the next block that has some.
    ///
    /// # Errors
    /// Words for whoever asked.
    pub async fn find(
        &self,
        search: &Arc<Search>,
        most: usize,
        from: Option<Place>,
    ) -> Result<Found, String> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Find(search.clone(), most, from, reply))?;
        answer.await.map_err(|_| "the file is closed".to_owned())?
    }

    fn order(&self, order: Order) -> Result<(), String> {
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            *thread = Some(self.start().map_err(|e| e.to_string())?);
        }
        match thread.as_ref().map(|(orders, _)| orders.try_send(order)) {
            Some(Ok(())) => Ok(()),
            _ => Err("the agent's disk is too slow".to_owned()),
        }
    }

    fn start(&self) -> std::io::Result<(SyncSender<Order>, JoinHandle<()>)> {
        let (orders, inbox) = sync_channel(ORDERS);
        let worker = Worker {
            path: self.0.path.clone(),
            most_bytes: self.0.most_bytes,
            early: self.0.early.clone(),
            kept: None,
            failing: false,
        };
        let builder = std::thread::Builder::new().name("recent".to_owned());
        let thread = builder
            .stack_size(STACK)
            .spawn(move || worker.run(&inbox))?;
        Ok((orders, thread))
    }

    /// Waits until all is written; the agent ends.
    pub fn end(&self) {
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((orders, thread)) = thread.take() {
            let _ = orders.send(Order::End);
            let _ = thread.join();
        }
    }
}

struct Worker {
    path: PathBuf,
    most_bytes: u64,
    early: Arc<AtomicU64>,
    kept: Option<Kept>,
    /// Whether the last write failed: that is said once.
    failing: bool,
}

impl Worker {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(IDLE) {
                Ok(Order::Keep(block)) => self.keep(&block),
                Ok(Order::Find(search, most, from, reply)) => {
                    let _ = reply.send(self.find(&search, most, from).map_err(|e| e.to_string()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.kept = None;
                    crate::health::give_back_memory();
                }
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn file(&mut self) -> Result<&mut Kept, KeepError> {
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => Kept::open(&self.path, self.most_bytes)?,
        };
        Ok(self.kept.insert(kept))
    }

    fn keep(&mut self, block: &Whole) {
        let added = self.file().and_then(|kept| kept.add(block));
        match added {
            Ok(early) => {
                self.failing = false;
                self.early.fetch_add(early, Ordering::Relaxed);
            }
            Err(error) => {
                if !self.failing {
                    tracing::warn!("single requests are not kept: {error}");
                }
                self.failing = true;
                // An engine that met the end of the disk is opened again.
                self.kept = None;
                self.early.fetch_add(block.records, Ordering::Relaxed);
            }
        }
    }

    fn find(
        &mut self,
        search: &Search,
        most: usize,
        from: Option<Place>,
    ) -> Result<Found, KeepError> {
        // The hour may be that of an earlier run; without a file there is none.
        if self.kept.is_none() && !self.path.exists() {
            return Ok(Found {
                batch: None,
                next: None,
            });
        }
        let kept = self.file()?;
        let window = search.window;
        let meets = |head: &&Head| head.from < window.to && head.to >= window.from;
        let due = |head: &&Head| from.is_none_or(|from| head.number <= from.0);
        let mut heads = kept.newest().filter(due).filter(meets);
        let Some(head) = heads.next() else {
            return Ok(Found {
                batch: None,
                next: None,
            });
        };
        let next = heads.next().map(|head| Place(head.number));
        let batch = kept.batch(head.number)?.unwrap_or_default();
        let batch = v1::Batch::decode(batch.as_slice()).map_err(std::io::Error::other)?;
        Ok(Found {
            batch: search.within(batch, most),
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{Question, Span, TimeNs, Window};
    use prost::encoding::message;

    fn block(n: i64) -> Whole {
        let service = v1::Service {
            namespace: String::new(),
            name: "shop".to_owned(),
        };
        let instance = v1::Instance {
            service: Some(service),
            ..Default::default()
        };
        let record = v1::RequestRecord {
            at_ns: n,
            path: format!("/{n}"),
            status: Some(500),
            ..Default::default()
        };
        let item = v1::Item {
            kind: Some(v1::item::Kind::Request(record)),
        };
        let mut batch = vec![];
        message::encode(5, &instance, &mut batch);
        message::encode(6, &item, &mut batch);
        Whole {
            from: TimeNs(n),
            to: TimeNs(n),
            records: 1,
            batch,
        }
    }

    fn search(from: i64, to: i64) -> Arc<Search> {
        let question = Question::Requests {
            span: Span::Between(Window {
                from: TimeNs(from),
                to: TimeNs(to),
            }),
            service: "shop".to_owned(),
            path: None,
            status_class: Some(coral_model::StatusClass::ServerError),
            min_duration: None,
            limit: 10,
        };
        let spec = v1::Question::from(&question).encode_to_vec();
        Arc::new(Search::of(&spec).unwrap())
    }

    async fn all(keeper: &Keeper, search: &Arc<Search>) -> Vec<i64> {
        let (mut out, mut place) = (vec![], None);
        loop {
            let found = keeper.find(search, 10, place).await.unwrap();
            for item in found.batch.into_iter().flat_map(|b| b.items) {
                if let Some(v1::item::Kind::Request(record)) = item.kind {
                    out.push(record.at_ns);
                }
            }
            place = found.next;
            if place.is_none() {
                return out;
            }
        }
    }

    #[tokio::test]
    async fn what_was_kept_is_found_newest_first_also_by_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recent.redb");
        let keeper = Keeper::new(&path, 1 << 20);
        assert_eq!(all(&keeper, &search(0, 100)).await, [] as [i64; 0]);
        assert!(!path.exists(), "nothing was asked to be kept");
        (1..=9).for_each(|n| keeper.keep(block(n * 10)));
        assert_eq!(all(&keeper, &search(20, 50)).await, [40, 30, 20]);
        keeper.end();
        let next = Keeper::new(&path, 1 << 20);
        assert_eq!(all(&next, &search(80, 100)).await, [90, 80]);
        assert_eq!((next.early(), keeper.early()), (0, 0));
        next.end();
    }
}
