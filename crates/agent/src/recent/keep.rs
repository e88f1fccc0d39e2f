//! The file: blocks by number, and beside them their spans and sizes, so that neither opening nor looking reads more than
//! it needs. Written by one thread; a file that cannot be opened is begun anew, for it holds nothing that is not elsewhere
//! in sum.

use super::block::Whole;
use coral_config::private_file;
use coral_model::TimeNs;
use redb::{Database, ReadableDatabase as _, TableDefinition};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// A block is kept for so long after the newest.
const HOUR: Duration = Duration::from_secs(3600);
/// What the file's own cache may hold: one block is written or read at a time.
const CACHE_BYTES: usize = 256 << 10;
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// from, to, records.
const HEADS: TableDefinition<'_, u64, (i64, i64, u64, u64)> = TableDefinition::new("heads");

/// A block's number, span and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number; later ones are larger.
    pub number: u64,
    /// When its first request began.
    pub from: TimeNs,
    /// When its last one began.
    pub to: TimeNs,
    /// How many there are.
    pub records: u64,
    /// What it takes on disk.
    pub bytes: u64,
}

/// An open file.
#[derive(Debug)]
pub struct Kept {
    database: Database,
    heads: VecDeque<Head>,
    most_bytes: u64,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Opened, made or removed.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Used.
    #[error(transparent)]
    Engine(#[from] redb::Error),
}

impl Kept {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// The system's, and those of a file that is damaged.
    pub fn open(path: &Path, most_bytes: u64) -> Result<Self, KeepError> {
        Self::over(private_file(path)?, most_bytes).or_else(|error| {
            tracing::warn!("{} is begun anew: {error}", path.display());
            std::fs::remove_file(path)?;
            Self::over(private_file(path)?, most_bytes)
        })
    }

    fn over(file: File, most_bytes: u64) -> Result<Self, KeepError> {
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_file(file)
            .map_err(redb::Error::from)?;
        let heads = heads(&database)?;
        Ok(Self {
            database,
            heads,
            most_bytes,
        })
    }

    /// Writes a block; the oldest go for it. How many requests went that were not too old.
    ///
    /// # Errors
    /// The system's; nothing is changed then.
    pub fn add(&mut self, block: &Whole) -> Result<u64, KeepError> {
        let number = self.heads.back().map_or(0, |head| head.number + 1);
        let head = Head {
            number,
            from: block.from,
            to: block.to,
            records: block.records,
            bytes: on_disk(block.batch.len()),
        };
        let (gone, early) = self.going(&head);
        self.write(&head, &block.batch, gone)?;
        self.heads.drain(..gone);
        self.heads.push_back(head);
        Ok(early)
    }

    /// How many blocks go for this one, and how many requests of them before their time.
    fn going(&self, next: &Head) -> (usize, u64) {
        let mut bytes = next.bytes + self.heads.iter().map(|h| h.bytes).sum::<u64>();
        let (mut gone, mut early) = (0, 0);
        for head in &self.heads {
            let old = head.to < next.to.minus(HOUR);
            if !old && bytes <= self.most_bytes {
                break;
            }
            bytes -= head.bytes;
            gone += 1;
            early += if old { 0 } else { head.records };
        }
        (gone, early)
    }

    fn write(&self, head: &Head, batch: &[u8], gone: usize) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut heads = transaction.open_table(HEADS)?;
            let mut blocks = transaction.open_table(BLOCKS)?;
            for old in self.heads.iter().take(gone) {
                heads.remove(old.number)?;
                blocks.remove(old.number)?;
            }
            let row = (head.from.0, head.to.0, head.records, head.bytes);
            heads.insert(head.number, row)?;
            blocks.insert(head.number, batch)?;
        }
        Ok(transaction.commit()?)
    }

    /// The blocks, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Head> {
        self.heads.iter().rev()
    }

    /// A block's batch, if it is still there.
    ///
    /// # Errors
    /// The system's.
    pub fn batch(&self, number: u64) -> Result<Option<Vec<u8>>, KeepError> {
        let read = || -> Result<_, redb::Error> {
            let blocks = self.database.begin_read()?.open_table(BLOCKS)?;
            Ok(blocks.get(number)?.map(|batch| batch.value().to_vec()))
        };
        Ok(read()?)
    }
}

fn heads(database: &Database) -> Result<VecDeque<Head>, redb::Error> {
    let table = match database.begin_read()?.open_table(HEADS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(VecDeque::new()),
        Err(error) => return Err(error.into()),
    };
    let mut heads = VecDeque::new();
    for row in table.range::<u64>(..)? {
        let (number, row) = row?;
        let (from, to, records, bytes) = row.value();
        heads.push_back(Head {
            number: number.value(),
            from: TimeNs(from),
            to: TimeNs(to),
            records,
            bytes,
        });
    }
    Ok(heads)
}

/// What a value takes: the engine's pages come in powers of two.
fn on_disk(bytes: usize) -> u64 {
    (bytes as u64 + 64).next_power_of_two().max(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(n: i64, bytes: usize) -> Whole {
        Whole {
            from: TimeNs(n * 10_000_000_000),
            to: TimeNs(n * 10_000_000_000 + 1),
            records: 10,
            batch: vec![n as u8; bytes],
        }
    }

    #[test]
    fn the_file_keeps_its_bound_and_the_oldest_go_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recent.redb");
        let mut kept = Kept::open(&path, 4 << 20).unwrap();
        let early: u64 = (0..200)
            .map(|n| kept.add(&block(n, 100_000)).unwrap())
            .sum();
        let left = kept.newest().count() as u64;
        assert_eq!(early, (200 - left) * 10);
        assert!(left >= 20, "{left} blocks");
        drop(kept);
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size <= 6 << 20, "{size}");
        // The next run finds them, newest first, and none that is too old.
        let mut kept = Kept::open(&path, 4 << 20).unwrap();
        let newest = *kept.newest().next().unwrap();
        assert_eq!(newest.to, block(199, 0).to);
        assert_eq!(
            kept.batch(newest.number).unwrap().unwrap(),
            vec![199; 100_000]
        );
        assert_eq!(kept.add(&block(1_000, 10)).unwrap(), 0);
        assert_eq!(kept.newest().count(), 1);
        assert_eq!(kept.batch(newest.number).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_none_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recent.redb");
        std::fs::write(&path, vec![7; 100_000]).unwrap();
        let mut kept = Kept::open(&path, 1 << 20).unwrap();
        kept.add(&block(1, 10)).unwrap();
        assert_eq!(kept.newest().count(), 1);
    }
}
