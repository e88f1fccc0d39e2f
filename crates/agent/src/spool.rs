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

mod record;
mod segment;
mod slots;

pub use record::{Id, summaries};

use coral_proto::v1;
use prost::Message as _;
use segment::Segment;
use slots::Slots;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

/// The most that waits on disk for the colony.
pub const SPOOL_BYTES: u64 = 64 << 20;
/// A file is closed at this size.
const SEGMENT_BYTES: u64 = 1 << 20;
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
}

/// What went for lack of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Summaries in batches that were not acknowledged.
    pub summaries: u64,
}

impl Spool {
    /// Opens what the last run left in `folder`, which exists. Its open interval, if it had one, becomes its last batch;
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

    /// The newest batch.
    pub fn last(&self) -> Option<Id> {
        self.segments.iter().filter_map(|(_, s)| s.last).max()
    }

    /// Adds a batch; the oldest that are not in the file being written go when there is no room.
    ///
    /// # Errors
    /// The system's, such as a full disk; nothing is added then.
    pub fn append(
        &mut self,
        batch: &v1::Batch,
        closes: bool,
        acknowledged: Id,
    ) -> io::Result<Dropped> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        record::write(batch, closes, &mut buffer);
        let added = self.add(&buffer, acknowledged);
        // A large batch does not keep its memory.
        buffer.shrink_to(REUSED_BYTES as usize);
        self.buffer = buffer;
        added
    }

    fn add(&mut self, record: &[u8], acknowledged: Id) -> io::Result<Dropped> {
        let full = |(_, s): &(u64, Segment)| s.bytes >= SEGMENT_BYTES;
        if self.segments.back().is_none_or(full) {
            let segment = Segment::open(&self.folder, self.next)?;
            self.segments.push_back((self.next, segment));
            self.next += 1;
        }
        let mut dropped = Dropped::default();
        let bytes = |s: &Self| s.segments.iter().map(|(_, s)| s.bytes).sum::<u64>();
        while self.segments.len() > 1 && bytes(self) + record.len() as u64 > self.most_bytes {
            if let Some((_, oldest)) = self.segments.pop_front() {
                dropped.summaries += unacknowledged(&oldest, acknowledged)?;
                oldest.remove();
            }
        }
        if let Some((_, segment)) = self.segments.back_mut() {
            segment.append(record)?;
        }
        Ok(dropped)
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

/// Summaries of a file after `id`.
fn unacknowledged(segment: &Segment, id: Id) -> io::Result<u64> {
    let (mut at, mut sum, mut buffer) = (0, 0, vec![]);
    while let Some(head) = segment.read(at, &mut buffer)? {
        at += (record::HEAD + head.bytes) as u64;
        if head.id > id {
            sum += u64::from(head.summaries);
        }
    }
    Ok(sum)
}

/// Whether a folder holds no batches.
#[cfg(test)]
pub fn is_clear(folder: &Path) -> bool {
    Segment::numbers(folder).is_ok_and(|numbers| numbers.is_empty())
}

#[cfg(test)]
mod tests;
