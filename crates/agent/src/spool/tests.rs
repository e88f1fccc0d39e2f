//! Kills at every point of every second, torn files, too little room: nothing twice, at most the last second lost.

use super::*;
use coral_proto::v1::item::Kind;
use proptest::prelude::*;

const ROOM: u64 = 64 << 20;

fn summary(requests: u64) -> v1::Item {
    let counts = Some(v1::Counts {
        requests,
        ..Default::default()
    });
    v1::Item {
        kind: Some(Kind::Summary(v1::Summary {
            counts,
            ..Default::default()
        })),
    }
}

fn batch(epoch: u64, seq: u64, requests: u64) -> v1::Batch {
    let items = if requests > 0 {
        vec![summary(requests)]
    } else {
        vec![]
    };
    v1::Batch {
        epoch,
        seq,
        items,
        ..Default::default()
    }
}

fn requests(batch: &v1::Batch) -> u64 {
    let of = |item: &v1::Item| match &item.kind {
        Some(Kind::Summary(s)) => s.counts.map_or(0, |c| c.requests),
        _ => 0,
    };
    batch.items.iter().map(of).sum()
}

/// All that a spool holds, as a colony would take it: in order, each number once.
fn all(spool: &mut Spool) -> Vec<v1::Batch> {
    let (mut out, mut id) = (vec![], Id::default());
    while let Some(batch) = spool.after(id).unwrap() {
        id = Id::of(&batch);
        out.push(batch);
    }
    out
}

fn open(folder: &Path) -> Spool {
    let (spool, left) = Spool::open(folder, ROOM).unwrap();
    assert_eq!(left, None);
    spool
}

/// Where in its second the agent is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    BeforeAppend,
    BeforeCheckpoint,
    AfterCheckpoint,
}

/// An agent that counts `second` requests each second, closes its interval now and then, and is killed in its last.
fn live(folder: &Path, epoch: u64, seconds: &[(u64, bool)], killed: Killed) -> (u64, u64) {
    let mut spool = open(folder);
    let (mut open, mut all) = (0, 0);
    for (at, (count, closes)) in seconds.iter().enumerate() {
        let seq = at as u64 + 1;
        (open, all) = (open + count, all + count);
        let last = at + 1 == seconds.len();
        if last && killed == Killed::BeforeAppend {
            return (all, *count);
        }
        let shipped = if *closes {
            std::mem::take(&mut open)
        } else {
            0
        };
        let batch = batch(epoch, seq, shipped);
        spool.append(&batch, *closes, Id::default()).unwrap();
        if last && killed == Killed::BeforeCheckpoint {
            return (all, if *closes { 0 } else { *count });
        }
        spool
            .checkpoint(&self::batch(epoch, seq + 1, open))
            .unwrap();
    }
    (all, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_kill_loses_at_most_the_second_that_it_came_in(
        runs in prop::collection::vec(
            (prop::collection::vec((0u64..9, prop::bool::weighted(0.2)), 1..25), 0..3u8),
            1..4,
        ),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = 0;
        for (epoch, (seconds, killed)) in runs.iter().enumerate() {
            let killed = match killed {
                0 => Killed::BeforeAppend,
                1 => Killed::BeforeCheckpoint,
                _ => Killed::AfterCheckpoint,
            };
            let (counted, lost) = live(dir.path(), epoch as u64 + 1, seconds, killed);
            expected += counted - lost;
        }
        let mut spool = open(dir.path());
        let batches = all(&mut spool);
        prop_assert_eq!(batches.iter().map(requests).sum::<u64>(), expected);
        for pair in batches.windows(2) {
            prop_assert!(Id::of(&pair[0]) < Id::of(&pair[1]));
        }
        // Opening it once more, or after a kill during that, changes nothing.
        drop(spool);
        prop_assert_eq!(all(&mut open(dir.path())), batches);
    }

    #[test]
    fn a_torn_end_loses_what_was_torn_and_no_more(cut in 1u64..400, open_too in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(dir.path());
        for seq in 1..=5 {
            spool.append(&batch(1, seq, seq), true, Id::default()).unwrap();
            spool.checkpoint(&batch(1, seq + 1, if open_too { 100 } else { 0 })).unwrap();
        }
        drop(spool);
        let file = dir.path().join("0000000000000000.batches");
        let length = std::fs::metadata(&file).unwrap().len();
        let one = length / 5;
        let left = length.saturating_sub(cut);
        std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(left).unwrap();
        let whole = left / one;
        let mut expected: u64 = (1..=whole).sum();
        if open_too {
            expected += 100;
        }
        let mut spool = open(dir.path());
        prop_assert_eq!(all(&mut spool).iter().map(requests).sum::<u64>(), expected);
    }
}

#[test]
fn a_checkpoint_that_was_torn_leaves_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path());
    for (seq, count) in [(2, 10), (3, 20), (4, 30)] {
        spool
            .append(&batch(1, seq - 1, 0), false, Id::default())
            .unwrap();
        spool.checkpoint(&batch(1, seq, count)).unwrap();
    }
    drop(spool);
    // The third went where the first was.
    let path = dir.path().join("open.0");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let batches = all(&mut open(dir.path()));
    let last = batches.last().unwrap();
    assert_eq!((last.seq, requests(last)), (4, 20));
}

#[test]
fn the_oldest_go_when_there_is_no_room_and_their_summaries_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(dir.path(), 3 << 20).unwrap();
    let mut large = batch(1, 0, 0);
    large.items = (0..1000).map(|_| summary(1 << 40)).collect();
    let mut dropped = 0;
    for seq in 1..=600 {
        large.seq = seq;
        // The colony has the first ten: they are no loss.
        let acknowledged = Id { epoch: 1, seq: 10 };
        spool.append(&large, false, acknowledged).unwrap();
        let gone = spool.dropped();
        dropped += gone.iter().map(|(_, what)| what.summaries).sum::<u64>();
    }
    let kept = all(&mut spool).len() as u64;
    assert_eq!(dropped, (600 - 10 - kept) * 1000);
    let bytes: u64 = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 3 << 20, "{bytes}");
}

#[test]
fn what_was_acknowledged_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path());
    let mut large = batch(1, 0, 0);
    large.items = (0..10_000).map(|_| summary(1 << 40)).collect();
    for seq in 1..=40 {
        large.seq = seq;
        spool.append(&large, false, Id::default()).unwrap();
    }
    let files = || Segment::numbers(dir.path()).unwrap().len();
    let before = files();
    assert!(before > 3);
    spool.acknowledge(Id { epoch: 1, seq: 39 });
    assert_eq!(files(), 1);
    spool.acknowledge(Id { epoch: 1, seq: 40 });
    assert_eq!(files(), 0);
    spool
        .append(&batch(1, 41, 1), false, Id::default())
        .unwrap();
    assert_eq!(all(&mut spool).len(), 1);
}
