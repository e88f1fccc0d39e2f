//! One batch on disk: a head of fixed size, then the batch as it goes over the wire. The sum in the head covers both, so
//! that a record that was torn by the end of the process, or of the power, is seen and left out.

use coral_proto::v1;
use prost::Message as _;

/// Bytes of a head.
pub const HEAD: usize = 40;
/// The largest batch that is read back.
pub const BATCH_MAX: usize = 64 << 20;
const CLOSES: u32 = 1;

/// Which batch: run of the agent and number, in the order in which they are shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Id {
    /// The run.
    pub epoch: u64,
    /// Its number there.
    pub seq: u64,
}

impl Id {
    /// That of a batch.
    pub fn of(batch: &v1::Batch) -> Self {
        Self {
            epoch: batch.epoch,
            seq: batch.seq,
        }
    }
}

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which batch.
    pub id: Id,
    /// Bytes of the batch.
    pub bytes: usize,
    /// Summaries in it.
    pub summaries: u32,
    /// Whether it closes the interval that was open before it.
    pub closes: bool,
    sum: u64,
}

impl Head {
    /// Reads a head; `None` when it cannot be one.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let head = Self {
            bytes: u32_at(0)? as usize,
            summaries: u32_at(4)?,
            closes: u32_at(8)? & CLOSES != 0,
            id: Id {
                epoch: u64_at(16)?,
                seq: u64_at(24)?,
            },
            sum: u64_at(32)?,
        };
        (head.bytes <= BATCH_MAX && head.id.seq > 0).then_some(head)
    }

    /// Whether head and batch belong together.
    pub fn fits(&self, head: &[u8], batch: &[u8]) -> bool {
        head.get(..32).is_some_and(|h| sum(h, batch) == self.sum)
    }
}

/// Writes a batch as a record at the end of `out`.
pub fn write(batch: &v1::Batch, closes: bool, out: &mut Vec<u8>) {
    let from = out.len();
    out.resize(from + HEAD, 0);
    // A vector grows as it needs to: this cannot fail.
    let _ = batch.encode(out);
    let bytes = out.len() - from - HEAD;
    let head = &mut out[from..];
    head[..4].copy_from_slice(&(bytes as u32).to_le_bytes());
    head[4..8].copy_from_slice(&summaries(batch).to_le_bytes());
    head[8..12].copy_from_slice(&u32::from(closes).to_le_bytes());
    head[16..24].copy_from_slice(&batch.epoch.to_le_bytes());
    head[24..32].copy_from_slice(&batch.seq.to_le_bytes());
    let sum = sum(&head[..32], &head[HEAD..]);
    head[32..HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// Summaries in a batch.
fn summaries(batch: &v1::Batch) -> u32 {
    let summary = |item: &&v1::Item| matches!(item.kind, Some(v1::item::Kind::Summary(_)));
    batch.items.iter().filter(summary).count() as u32
}

/// A sum over 8 bytes at a time (FNV-1a): tells torn from whole, nothing more.
fn sum(head: &[u8], batch: &[u8]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for part in [head, batch] {
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x100_0000_01b3);
            sum ^= sum >> 29;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_are_known_from_torn_ones() {
        let batch = v1::Batch {
            epoch: 7,
            seq: 3,
            items: vec![v1::Item {
                kind: Some(v1::item::Kind::Summary(v1::Summary::default())),
            }],
            ..Default::default()
        };
        let mut out = vec![1, 2, 3];
        write(&batch, true, &mut out);
        let record = &out[3..];
        let head = Head::read(record).unwrap();
        assert_eq!((head.id, head.summaries), (Id { epoch: 7, seq: 3 }, 1));
        assert!(head.closes && head.fits(&record[..HEAD], &record[HEAD..]));
        for at in 0..record.len() {
            let mut torn = record.to_vec();
            torn[at] ^= 0x40;
            let whole = |head: Head| {
                let batch = torn.get(HEAD..HEAD + head.bytes);
                batch.is_some_and(|batch| head.fits(&torn[..HEAD], batch))
            };
            assert!(!Head::read(&torn).is_some_and(whole), "byte {at}");
        }
        assert_eq!(Head::read(&[0; HEAD]), None);
        assert_eq!(Head::read(&record[..20]), None);
    }
}
