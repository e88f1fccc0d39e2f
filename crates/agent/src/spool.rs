//! What the colony has not acknowledged, on the agent's disk, so that neither a break nor a kill -9 loses what was folded.
//!
//! Batches are appended to files of about a megabyte before they are sent; a file goes when all in it was acknowledged,
//! and the oldest goes when there is no room. The open interval is written beside them each second. Nothing is synced:
//! after a kill of the process all of it is there; after a loss of power what the kernel had not written is gone (by
//! default up to 30 s), and what is torn is left out.
//!
//! The order matters. A batch that closes an interval is appended before the checkpoint of the next one is written, and
//! both before the batch can be sent. So a checkpoint is out of date exactly when a closing batch with its number or a
//! later one is here, and its number was never sent.

mod dropped;
mod record;
mod segment;
mod slots;

pub use dropped::{Dropped, Requests};
pub use record::Id;

use coral_proto::v1;
use prost::Message as _;
use segment::Segment;
use slots::Slots;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

/// The most that waits on disk for the colony.
pub const SPOOL_BYTES: u64 = 64 << 20;
/// The least that it may be told to hold.
pub const SPOOL_BYTES_MIN: u64 = 16 << 10;
/// A file is closed at this size, or at a share of what the spool may hold.
const SEGMENT_BYTES: u64 = 1 << 20;
const SEGMENT_SHARE: u64 = 16;
/// A file whose batches were all acknowledged is used on until it has this size.
const REUSED_BYTES: u64 = 64 << 10;

/// Unacknowledged batches on disk.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// By number, oldest first; the last is written.
    segments: VecDeque<(u64, Segment)>,
    next: u64,
    most_bytes: u64,
    slots: Slots,
    /// Where the last read ended: number of the file, place in it, the record there.
    cursor: Option<(u64, u64, Id)>,
    buffer: Vec<u8>,
    /// Batches that went for lack of room, and that nobody asked about yet.
    dropped: Vec<(Id, Dropped)>,
}

impl Spool {
    /// Opens what the last run left in `folder`, which exists; it holds at most about so many bytes. Its open interval, if it had one, becomes its last batch;
    /// where there is no room for that, it is returned.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: &Path, most_bytes: u64) -> io::Result<(Self, Option<v1::Batch>)> {
        let mut segments = VecDeque::new();
        for number in Segment::numbers(folder)? {
            let segment = Segment::open(folder, number)?;
            match segment.last {
                Some(_) => segments.push_back((number, segment)),
                None => segment.remove(),
            }
        }
        let (slots, checkpoint) = Slots::open(folder)?;
        let mut spool = Self {
            folder: folder.to_owned(),
            next: segments.back().map_or(0, |(number, _)| number + 1),
            segments,
            most_bytes,
            slots,
            cursor: None,
            buffer: vec![],
            dropped: vec![],
        };
        let left = checkpoint.and_then(|checkpoint| spool.recover(checkpoint));
        Ok((spool, left))
    }

    fn recover(&mut self, mut checkpoint: v1::Batch) -> Option<v1::Batch> {
        let id = Id::of(&checkpoint);
        let of_run = |id: &Id| id.epoch == checkpoint.epoch;
        let segments = || self.segments.iter().map(|(_, segment)| segment);
        let closed = segments().filter_map(|s| s.closed).filter(of_run).max();
        let last = segments().filter_map(|s| s.last).filter(of_run).max();
        if closed < Some(id) && !checkpoint.items.is_empty() {
            checkpoint.seq = last.map_or(id.seq, |last| id.seq.max(last.seq + 1));
            if let Err(error) = self.append(&checkpoint, true, Id::default()) {
                tracing::warn!("keep the interval that was open: {error}");
                return Some(checkpoint);
            }
        }
        self.slots.forget();
        None
    }

    /// The most bytes that it holds.
    pub fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    /// The newest batch.
    pub fn last(&self) -> Option<Id> {
        self.segments.iter().filter_map(|(_, s)| s.last).max()
    }

    /// Adds a batch; the oldest that are not in the file being written go when there is no room.
    ///
    /// # Errors
    /// The system's, such as a full disk; nothing is added then.
    pub fn append(&mut self, batch: &v1::Batch, closes: bool, acknowledged: Id) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        record::write(batch, closes, &mut buffer);
        let added = self.add(&buffer, acknowledged);
        // A large batch does not keep its memory.
        buffer.shrink_to(REUSED_BYTES as usize);
        self.buffer = buffer;
        added
    }

    fn add(&mut self, record: &[u8], acknowledged: Id) -> io::Result<()> {
        let most = SEGMENT_BYTES.min(self.most_bytes / SEGMENT_SHARE);
        let full = |(_, s): &(u64, Segment)| s.bytes >= most;
        if self.segments.back().is_none_or(full) {
            let segment = Segment::open(&self.folder, self.next)?;
            self.segments.push_back((self.next, segment));
            self.next += 1;
        }
        let bytes = |s: &Self| s.segments.iter().map(|(_, s)| s.bytes).sum::<u64>();
        while self.segments.len() > 1 && bytes(self) + record.len() as u64 > self.most_bytes {
            if let Some((_, oldest)) = self.segments.pop_front() {
                let read = unacknowledged(&oldest, acknowledged, &mut self.dropped);
                if let Err(error) = read {
                    tracing::warn!("count what is dropped from the spool: {error}");
                }
                oldest.remove();
            }
        }
        match self.segments.back_mut() {
            Some((_, segment)) => segment.append(record),
            None => Ok(()),
        }
    }

    /// The batches that went for lack of room since the last time.
    pub fn dropped(&mut self) -> Vec<(Id, Dropped)> {
        std::mem::take(&mut self.dropped)
    }

    /// Writes the open interval.
    ///
    /// # Errors
    /// The system's.
    pub fn checkpoint(&mut self, open: &v1::Batch) -> io::Result<()> {
        self.slots.write(open)
    }

    /// The first batch after `id`.
    ///
    /// # Errors
    /// The system's.
    pub fn after(&mut self, id: Id) -> io::Result<Option<v1::Batch>> {
        let newer = |(_, s): &&(u64, Segment)| s.last > Some(id);
        let Some((number, segment)) = self.segments.iter().find(newer) else {
            return Ok(None);
        };
        let mut at = match self.cursor {
            Some((file, at, last)) if file == *number && last <= id => at,
            _ => 0,
        };
        while let Some(head) = segment.read(at, &mut self.buffer)? {
            if head.id > id {
                self.cursor = Some((*number, at, id));
                let batch = v1::Batch::decode(self.buffer.as_slice());
                return batch.map(Some).map_err(io::Error::other);
            }
            at += (record::HEAD + head.bytes) as u64;
        }
        Ok(None)
    }

    /// Everything up to `id` is on the colony's disk.
    pub fn acknowledge(&mut self, id: Id) {
        let all_of = |s: &Segment| s.last <= Some(id);
        while let Some((_, segment)) = self.segments.front() {
            let done = self.segments.len() > 1 || segment.bytes >= REUSED_BYTES;
            if !all_of(segment) || !done {
                return;
            }
            if let Some((_, segment)) = self.segments.pop_front() {
                segment.remove();
            }
        }
    }

    /// Removes all files of batches: everything was acknowledged, and the agent ends.
    pub fn clear(&mut self) {
        while let Some((_, segment)) = self.segments.pop_front() {
            segment.remove();
        }
        self.slots.forget();
    }
}

/// What the batches of a file after `id` hold.
fn unacknowledged(segment: &Segment, id: Id, out: &mut Vec<(Id, Dropped)>) -> io::Result<()> {
    let (mut at, mut buffer) = (0, vec![]);
    while let Some(head) = segment.read(at, &mut buffer)? {
        at += (record::HEAD + head.bytes) as u64;
        if head.id > id {
            let batch = v1::Batch::decode(buffer.as_slice()).map_err(io::Error::other)?;
            out.push((head.id, Dropped::of(&batch)));
        }
    }
    Ok(())
}

/// Whether a folder holds no batches.
#[cfg(test)]
pub fn is_clear(folder: &Path) -> bool {
    Segment::numbers(folder).is_ok_and(|numbers| numbers.is_empty())
}

#[cfg(test)]
mod tests;
