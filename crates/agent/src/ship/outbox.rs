//! What is not acknowledged yet: the newest batches in memory, all of them in the spool on disk while that can be written.
//! When it cannot, memory holds what it may, the oldest go first, and both are said.

use super::losses::Losses;
use crate::spool::{Dropped, Id, Spool};
use coral_proto::v1;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Memory for batches that are on disk as well, by their size on the wire: enough for the colony's usual delay.
const SPOOLED_BYTES: usize = 512 << 10;
/// Memory for batches that are nowhere else, or a share of what the spool may hold.
const MOST_BYTES: usize = 8 << 20;
const MEMORY_SHARE: u64 = 8;

#[derive(Debug)]
struct Kept {
    id: Id,
    batch: Arc<v1::Batch>,
    closes: bool,
    bytes: usize,
    spooled: bool,
}

#[derive(Debug)]
struct Inner {
    /// Memory for batches that are nowhere else.
    most_bytes: usize,
    kept: VecDeque<Kept>,
    bytes: usize,
    spool: Option<Spool>,
    /// Everything up to this is on the colony's disk.
    acknowledged: Id,
    /// The newest batch that is on disk alone.
    on_disk: Option<Id>,
    losses: Losses,
    trouble: Option<Trouble>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            most_bytes: MOST_BYTES,
            kept: VecDeque::new(),
            bytes: 0,
            spool: None,
            acknowledged: Id::default(),
            on_disk: None,
            losses: Losses::default(),
            trouble: None,
        }
    }
}

/// Why the spool is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Whether the disk is full.
    pub full: bool,
    /// The system's words.
    pub text: String,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        Self {
            full: kinds.contains(&error.kind()),
            text: error.to_string(),
        }
    }
}

/// Batches in order, oldest first.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    changed: Notify,
}

impl Outbox {
    /// Begins with what a spool holds; `left` is a batch of the last run that found no room there.
    pub fn over(spool: Spool, left: Option<v1::Batch>) -> Self {
        let outbox = Self::default();
        let mut inner = outbox.lock();
        let share = usize::try_from(spool.most_bytes() / MEMORY_SHARE);
        inner.most_bytes = share.map_or(MOST_BYTES, |share| share.min(MOST_BYTES));
        inner.on_disk = spool.last();
        inner.spool = Some(spool);
        if let Some(batch) = left {
            inner.keep(batch, true);
            inner.write();
        }
        drop(inner);
        outbox
    }

    /// Begins with nothing, and without a disk.
    pub fn in_memory(trouble: Trouble) -> Self {
        let outbox = Self::default();
        outbox.lock().trouble = Some(trouble);
        outbox
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a batch; `closes` says that it closes the open interval. `open` is the interval that is open after it, as the
    /// batch that it would be shipped in: it is on disk before this one can be sent.
    pub fn put(&self, batch: v1::Batch, closes: bool, open: &v1::Batch) {
        let mut inner = self.lock();
        inner.keep(batch, closes);
        inner.write();
        inner.checkpoint(open);
        inner.make_room();
        drop(inner);
        self.changed.notify_one();
    }

    /// The first batch after `id`.
    pub fn after(&self, id: Id) -> Option<Arc<v1::Batch>> {
        self.lock().after(id)
    }

    /// A stream begins, and everything up to `id` is on the colony's disk.
    pub fn resume(&self, id: Id) {
        self.lock().losses.resume(id);
        self.acknowledge(id);
    }

    /// This batch is on its way.
    pub fn hand(&self, id: Id) {
        self.lock().losses.hand(id);
    }

    /// Everything up to `id` is on the colony's disk.
    pub fn acknowledge(&self, id: Id) {
        let mut inner = self.lock();
        inner.losses.acknowledge(id);
        inner.acknowledged = inner.acknowledged.max(id);
        while inner.kept.front().is_some_and(|kept| kept.id <= id) {
            inner.pop();
        }
        if let Some(spool) = &mut inner.spool {
            spool.acknowledge(id);
        }
        inner.on_disk = inner.on_disk.filter(|last| *last > id);
        drop(inner);
        self.changed.notify_one();
    }

    /// Waits until something was put or acknowledged.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether everything was acknowledged.
    pub fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.kept.is_empty() && inner.on_disk.is_none()
    }

    /// The run of the oldest batch that was not acknowledged.
    pub fn oldest_run(&self) -> Option<u64> {
        let mut inner = self.lock();
        let acknowledged = inner.acknowledged;
        inner.after(acknowledged).map(|batch| batch.epoch)
    }

    /// The run of the newest batch.
    pub fn newest_run(&self) -> Option<u64> {
        let inner = self.lock();
        let kept = inner.kept.back().map(|kept| kept.id);
        kept.max(inner.on_disk).map(|id| id.epoch)
    }

    /// Summaries that went for lack of room.
    pub fn summaries_dropped(&self) -> u64 {
        self.lock().losses.summaries
    }

    /// What went for lack of room since the last time, once the colony is there to hear of it.
    pub fn lost(&self) -> Option<Dropped> {
        self.lock().losses.tell()
    }

    /// Why the disk is not written at the moment.
    pub fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble.clone()
    }

    /// The agent ends in good order: what was acknowledged need not be read by the next run.
    pub fn close(&self) {
        if self.is_empty()
            && let Some(spool) = &mut self.lock().spool
        {
            spool.clear();
        }
    }
}

impl Inner {
    fn keep(&mut self, batch: v1::Batch, closes: bool) {
        let bytes = prost::Message::encoded_len(&batch);
        self.bytes += bytes;
        self.kept.push_back(Kept {
            id: Id::of(&batch),
            batch: Arc::new(batch),
            closes,
            bytes,
            spooled: false,
        });
    }

    /// Writes to disk what is not there yet, oldest first.
    fn write(&mut self) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        for kept in self.kept.iter_mut().filter(|kept| !kept.spooled) {
            let appended = spool.append(&kept.batch, kept.closes, self.acknowledged);
            for (id, dropped) in spool.dropped() {
                self.losses.note(id, dropped);
            }
            kept.spooled = appended.is_ok();
            self.trouble = appended.err().map(Trouble::from);
            if !kept.spooled {
                return;
            }
        }
    }

    fn checkpoint(&mut self, open: &v1::Batch) {
        let written = self.spool.as_mut().map(|spool| spool.checkpoint(open));
        if let Some(Err(error)) = written {
            self.trouble = Some(error.into());
        }
    }

    fn make_room(&mut self) {
        while let Some(oldest) = self.kept.front() {
            let most = if oldest.spooled {
                SPOOLED_BYTES.min(self.most_bytes)
            } else {
                self.most_bytes
            };
            if self.bytes <= most || self.kept.len() == 1 {
                return;
            }
            let Some(oldest) = self.pop() else {
                return;
            };
            if oldest.spooled {
                self.on_disk = self.on_disk.max(Some(oldest.id));
            } else {
                self.losses.note(oldest.id, Dropped::of(&oldest.batch));
            }
        }
    }

    fn pop(&mut self) -> Option<Kept> {
        let kept = self.kept.pop_front()?;
        self.bytes -= kept.bytes;
        Some(kept)
    }

    fn after(&mut self, id: Id) -> Option<Arc<v1::Batch>> {
        if self.on_disk > Some(id)
            && let Some(spool) = &mut self.spool
        {
            match spool.after(id) {
                Ok(Some(batch)) => return Some(Arc::new(batch)),
                Ok(None) => {}
                Err(error) => tracing::warn!("read the spool: {error}"),
            }
        }
        let newer = self.kept.iter().find(|kept| kept.id > id);
        newer.map(|kept| kept.batch.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seq: u64, bytes: usize) -> v1::Batch {
        let summary = v1::Summary {
            durations: Some(v1::Histogram {
                blob: vec![0; bytes],
            }),
            ..Default::default()
        };
        let item = v1::Item {
            kind: Some(v1::item::Kind::Summary(summary)),
        };
        v1::Batch {
            epoch: 1,
            seq,
            items: vec![item],
            ..Default::default()
        }
    }

    fn put(outbox: &Outbox, seq: u64, bytes: usize) {
        outbox.put(batch(seq, bytes), false, &v1::Batch::default());
    }

    fn id(seq: u64) -> Id {
        Id { epoch: 1, seq }
    }

    fn seq_after(outbox: &Outbox, seq: u64) -> Option<u64> {
        outbox.after(id(seq)).map(|batch| batch.seq)
    }

    #[test]
    fn what_is_acknowledged_goes_and_what_has_no_room_is_counted() {
        let outbox = Outbox::default();
        (1..=3).for_each(|seq| put(&outbox, seq, 10));
        outbox.acknowledge(id(2));
        assert_eq!(seq_after(&outbox, 0), Some(3));
        assert_eq!(seq_after(&outbox, 3), None);
        (4..=9).for_each(|seq| put(&outbox, seq, 3 << 20));
        assert_eq!(seq_after(&outbox, 0), Some(8));
        assert_eq!(outbox.summaries_dropped(), 5);
        outbox.acknowledge(id(9));
        assert!(outbox.is_empty());
    }

    #[test]
    fn memory_stays_small_and_the_disk_has_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(dir.path(), 64 << 20).unwrap();
        let outbox = Outbox::over(spool, None);
        (1..=30).for_each(|seq| put(&outbox, seq, 100_000));
        assert!(outbox.lock().bytes <= SPOOLED_BYTES + 200_000);
        for seq in 0..30 {
            assert_eq!(seq_after(&outbox, seq), Some(seq + 1));
        }
        outbox.acknowledge(id(29));
        assert_eq!(
            (seq_after(&outbox, 0), outbox.is_empty()),
            (Some(30), false)
        );
        outbox.acknowledge(id(30));
        assert!(outbox.is_empty() && outbox.summaries_dropped() == 0);
        outbox.close();
        assert!(crate::spool::is_clear(dir.path()));
    }

    #[test]
    fn the_next_run_finds_what_was_not_acknowledged() {
        let dir = tempfile::tempdir().unwrap();
        let open = |dir: &std::path::Path| {
            let (spool, left) = Spool::open(dir, 64 << 20).unwrap();
            Outbox::over(spool, left)
        };
        let outbox = open(dir.path());
        (1..=3).for_each(|seq| put(&outbox, seq, 10));
        drop(outbox);
        let outbox = open(dir.path());
        assert_eq!(
            (outbox.oldest_run(), outbox.newest_run()),
            (Some(1), Some(1))
        );
        outbox.acknowledge(id(1));
        assert_eq!(seq_after(&outbox, 1), Some(2));
        assert!(!outbox.is_empty());
        outbox.acknowledge(id(3));
        assert_eq!(outbox.oldest_run(), None);
    }
}
