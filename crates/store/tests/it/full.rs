//! A full disk, on a small file system in memory: what was acknowledged stays, the store says what is wrong, and goes on when
//! there is room. Needs root to mount.

use crate::rollup::runtime;
use crate::samples::{batch, second, summary, window};
use coral_model::{AuditOutcome, AuditRow, Caller, Event, EventKind, Histogram, Role, Route, Via};
use coral_store::{
    Append, Duck, EventFilter, Keeping, Level, Read, Routes, StoreError, StoredBatch, SummaryFilter,
};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

/// A file system of a few megabytes; gone when dropped.
struct Small {
    dir: tempfile::TempDir,
}

impl Small {
    fn new(megabytes: u32) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("not root: cannot mount a small file system");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={megabytes}m");
        let flags = MsFlags::empty();
        match mount(
            Some("small"),
            dir.path(),
            Some("tmpfs"),
            flags,
            Some(&*options),
        ) {
            Ok(()) => Some(Self { dir }),
            Err(error) => {
                assert!(
                    std::env::var_os("CORAL_REQUIRE_KERNEL").is_none(),
                    "{error}"
                );
                eprintln!("cannot mount here: {error}");
                None
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("s.duckdb")
    }

    /// Takes all the room there is, but so many bytes.
    fn fill(&self, but: usize) {
        let spare = self.dir.path().join("spare");
        std::fs::write(&spare, vec![0; but]).unwrap();
        let mut file = File::create(self.dir.path().join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        std::fs::remove_file(spare).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.dir.path().join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = umount2(self.dir.path(), MntFlags::MNT_DETACH);
    }
}

/// Rows that no compression makes small.
fn large(seq: u64) -> StoredBatch {
    let mut next = batch("a", 5, seq, 100);
    next.summaries = (0..1_000)
        .map(|i| {
            let mut row = summary(90, 0, Route::All, 1);
            row.durations = Histogram::default();
            (0..100u64).for_each(|k| {
                row.durations
                    .record((seq * 7_919 + i * 31 + k * k) << (k % 20))
            });
            row
        })
        .collect();
    next
}

fn audit() -> AuditRow {
    AuditRow {
        at: second(1),
        caller: Caller {
            id: "uid:7".into(),
            role: Role::Viewer,
            via: Via::Unix,
        },
        action: "x".into(),
        target: "y".into(),
        outcome: AuditOutcome::Allowed,
    }
}

fn rows(duck: &Duck) -> u64 {
    let filter = SummaryFilter {
        window: window(0, 1000),
        instances: None,
        routes: Routes::Exact,
        widest: Level::Hour,
    };
    let rows = duck.snapshot().unwrap().summaries(&filter).unwrap();
    rows.iter().map(|r| r.counts.requests).sum()
}

fn disk_events(duck: &Duck) -> Vec<Event> {
    let filter = EventFilter {
        window: window(0, 100_000),
        services: vec![],
        kinds: vec![EventKind::DiskFull],
        limit: 10,
    };
    duck.snapshot().unwrap().events(&filter).unwrap()
}

/// Closes it; that waits, which no async thread may.
fn shut(duck: &Duck) {
    std::thread::scope(|scope| {
        scope.spawn(|| duck.close());
    });
}

/// Appends until it is refused; how many were taken, and why no more.
async fn until_refused(duck: &Duck, from: u64) -> (u64, StoreError) {
    for seq in from..from + 2_000 {
        match duck.append(large(seq)).await {
            Ok(appended) => assert!(appended.new),
            Err(error) => return (seq - 1, error),
        }
    }
    panic!("the disk is never full");
}

#[test]
fn batches_are_refused_before_the_disk_is_quite_full() {
    let Some(small) = Small::new(40) else { return };
    let keeping = Keeping {
        reserve_bytes: 20_000_000,
        ..Keeping::default()
    };
    let duck = Duck::open(&small.path(), keeping, second(0)).unwrap();
    runtime().block_on(async {
        let _ = duck.maintain(second(200)).await;
        let (taken, error) = until_refused(&duck, 1).await;
        assert!(taken > 5, "{taken}");
        let text = error.to_string();
        assert!(
            matches!(error, StoreError::Full { .. }) && text.contains("is full"),
            "{text}"
        );
        // Questions go on, and their audit; the event says since when.
        duck.audit(audit()).await.unwrap();
        assert_eq!(rows(&duck), taken * 1_000);
        let events = disk_events(&duck);
        assert_eq!(
            (events.len(), events[0].at, events[0].until),
            (1, second(200), None)
        );
        // Quite full nothing is written, and it is said why.
        small.fill(0);
        let error = duck.audit(audit()).await.unwrap_err().to_string();
        assert!(error.contains("is full"), "{error}");
        assert_eq!(rows(&duck), taken * 1_000);
        // It can be opened and asked all the same.
        shut(&duck);
        drop(duck);
        let duck = Duck::open(&small.path(), keeping, second(0)).unwrap();
        assert_eq!(rows(&duck), taken * 1_000);
        small.make_room();
        assert!(
            duck.append(large(taken + 1)).await.is_err(),
            "still less than the reserve"
        );
        shut(&duck);
        drop(duck);
        // Somebody makes room; here the file system grows.
        let more = Some("size=120m");
        let flags = MsFlags::MS_REMOUNT;
        mount(Some("small"), small.dir.path(), Some("tmpfs"), flags, more).unwrap();
        let duck = Duck::open(&small.path(), keeping, second(300)).unwrap();
        assert!(duck.append(large(taken + 1)).await.unwrap().new);
        assert_eq!(rows(&duck), (taken + 1) * 1_000);
    });
}

/// Fills the disk under an engine that keeps no reserve; whether it gave up. With a bound it folds its log into the file
/// when it is told the time.
fn meets_the_end(max_bytes: u64) -> bool {
    let Some(small) = Small::new(64) else {
        return max_bytes > 0;
    };
    let keeping = Keeping {
        reserve_bytes: 0,
        max_bytes,
    };
    let batches = 20;
    let duck = Duck::open(&small.path(), keeping, second(0)).unwrap();
    let mut broke = false;
    runtime().block_on(async {
        let _ = duck.maintain(second(200)).await;
        for seq in 1..=batches {
            duck.append(large(seq)).await.unwrap();
        }
        small.fill(0);
        let (mut taken, error) = until_refused(&duck, batches + 1).await;
        println!("{taken} batches, then: {error}");
        for _ in 0..3 {
            let error = duck.append(large(taken + 1)).await.unwrap_err();
            broke |= matches!(error, StoreError::Broken(_));
            let _ = duck.maintain(second(290)).await;
        }
        small.make_room();
        // The time is told once a second; after a few times it goes on.
        let mut tries = 0;
        while let Err(error) = duck.maintain(second(310)).await {
            tries += 1;
            assert!(tries < 10, "{error}");
        }
        assert_eq!(rows(&duck), taken * 1_000);
        for _ in 0..3 {
            taken += 1;
            assert!(duck.append(large(taken)).await.unwrap().new);
        }
        assert_eq!(rows(&duck), taken * 1_000);
        if broke {
            let events = disk_events(&duck);
            assert_eq!(events.len(), 1, "{events:?}");
            // Opening the file again folds its log, which may give room before anybody makes some.
            let until = events[0].until;
            assert!(
                until == Some(second(290)) || until == Some(second(310)),
                "{until:?}"
            );
        }
    });
    let before = rows(&duck);
    duck.close();
    drop(duck);
    let duck = Duck::open(&small.path(), keeping, second(300)).unwrap();
    assert_eq!(rows(&duck), before);
    broke
}

#[test]
fn an_engine_that_met_the_end_of_the_disk_goes_on_with_all_that_was_acknowledged() {
    // Its log meets the end: a transaction fails, and the next ones do.
    assert!(!meets_the_end(0));
    // It folds its log into the file and meets the end there: it gives up, and is started anew.
    assert!(meets_the_end(1));
}

#[test]
fn a_small_disk_is_not_asked_for_more_than_it_has() {
    let Some(small) = Small::new(16) else { return };
    let keeping = Keeping::fitting(small.dir.path());
    assert_eq!(
        (keeping.reserve_bytes, keeping.max_bytes),
        (2 << 20, 8 << 20)
    );
    let duck = Duck::open(&small.path(), keeping, second(0)).unwrap();
    runtime().block_on(async {
        duck.append(batch("a", 5, 1, 100)).await.unwrap();
        duck.audit(audit()).await.unwrap();
    });
}
