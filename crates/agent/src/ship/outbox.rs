//! What is not acknowledged yet.

use coral_proto::v1;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Memory that unacknowledged batches may take, by their size on the wire.
const MOST_BYTES: usize = 8 * 1024 * 1024;

#[derive(Debug, Default)]
struct Inner {
    batches: VecDeque<(Arc<v1::Batch>, usize)>,
    bytes: usize,
    summaries_dropped: u64,
}

/// Batches in order, oldest first.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    changed: Notify,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a batch; the oldest go when there is no room.
    pub fn put(&self, batch: v1::Batch) {
        let size = prost_size(&batch);
        let mut inner = self.lock();
        inner.batches.push_back((Arc::new(batch), size));
        inner.bytes += size;
        while inner.bytes > MOST_BYTES && inner.batches.len() > 1 {
            if let Some((batch, size)) = inner.batches.pop_front() {
                inner.bytes -= size;
                let summary =
                    |item: &&v1::Item| matches!(item.kind, Some(v1::item::Kind::Summary(_)));
                inner.summaries_dropped += batch.items.iter().filter(summary).count() as u64;
            }
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// The first batch after `seq`.
    pub fn after(&self, seq: u64) -> Option<Arc<v1::Batch>> {
        self.lock()
            .batches
            .iter()
            .find(|(batch, _)| batch.seq > seq)
            .map(|(batch, _)| batch.clone())
    }

    /// Everything up to `seq` is on the colony's disk.
    pub fn acknowledge(&self, seq: u64) {
        let mut inner = self.lock();
        while inner
            .batches
            .front()
            .is_some_and(|(batch, _)| batch.seq <= seq)
        {
            if let Some((_, size)) = inner.batches.pop_front() {
                inner.bytes -= size;
            }
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// Waits until something was put or acknowledged.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether everything was acknowledged.
    pub fn is_empty(&self) -> bool {
        self.lock().batches.is_empty()
    }

    /// Summaries that went for lack of room.
    pub fn summaries_dropped(&self) -> u64 {
        self.lock().summaries_dropped
    }
}

fn prost_size(batch: &v1::Batch) -> usize {
    prost::Message::encoded_len(batch)
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
            seq,
            items: vec![item],
            ..Default::default()
        }
    }

    #[test]
    fn what_is_acknowledged_goes_and_what_has_no_room_is_counted() {
        let outbox = Outbox::default();
        (1..=3).for_each(|seq| outbox.put(batch(seq, 10)));
        outbox.acknowledge(2);
        assert_eq!(outbox.after(0).map(|b| b.seq), Some(3));
        assert_eq!(outbox.after(3), None);
        (4..=9).for_each(|seq| outbox.put(batch(seq, 3 << 20)));
        assert_eq!(outbox.after(0).map(|b| b.seq), Some(8));
        assert_eq!(outbox.summaries_dropped(), 5);
        outbox.acknowledge(9);
        assert!(outbox.is_empty());
    }
}
