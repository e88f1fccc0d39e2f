//! Profiles: what went in comes out, with its names, in both stores and at every level.

use crate::samples::{batch, second, window};
use coral_model::profile::{
    Binary, Frame, Function, Profile, ProfileKind, Stack, StackEnd, SymbolRow, Symbols,
};
use coral_model::{Observed, TimeNs};
use coral_store::{
    Append, Duck, InstanceId, Keeping, Level, Memory, ProfileFilter, ProfiledBuild, Read,
    StoredBatch, StoredProfile,
};
use std::time::Duration;

trait Store: Append + Read {}
impl<T: Append + Read> Store for T {}

fn binary(build: &str, path: &str) -> Binary {
    Binary {
        build: build.to_owned(),
        path: Observed::new(path),
    }
}

fn profiled(seq: u64, at: i64, samples: u64) -> StoredBatch {
    let stack = Stack {
        thread: Observed::new("worker"),
        frames: vec![
            Frame {
                binary: 0,
                address: 0xffff_ffff_8100_0000,
            },
            Frame {
                binary: 1,
                address: 0x40,
            },
        ],
        samples,
        end: StackEnd::Outermost,
    };
    let profile = Profile {
        window: window(at - 10, at),
        instance: 1,
        kind: ProfileKind::Cpu,
        build: "b1".to_owned(),
        session: 0,
        period: Duration::from_millis(50),
        binaries: vec![binary("kernel", "[kernel 1]"), binary("b1", "/bin/pay")],
        stacks: vec![stack],
    };
    StoredBatch {
        profiles: vec![profile],
        ..batch("a", 5, seq, at)
    }
}

fn named(seq: u64, at: i64) -> StoredBatch {
    let function = |name: &str, line| Function {
        name: Observed::new(name),
        file: Some(Observed::new("pay.c")),
        line,
    };
    let symbols = Symbols {
        binary: binary("b1", "/bin/pay"),
        rows: vec![SymbolRow {
            address: 0x40,
            functions: vec![function("charge", Some(7)), function("inner \"x\"", None)],
        }],
        missing: Some(Observed::new("no symbols for the rest")),
    };
    StoredBatch {
        symbols: vec![symbols],
        ..batch("a", 5, seq, at)
    }
}

async fn asked(store: &dyn Store, from: i64, to: i64) -> StoredProfile {
    let filter = ProfileFilter {
        window: window(from, to),
        instances: None,
        build: None,
        kind: ProfileKind::Cpu,
        session: 0,
    };
    store.snapshot().unwrap().profile(&filter).unwrap()
}

async fn comes_out(store: &dyn Store) {
    store.append(profiled(1, 100, 3)).await.unwrap();
    store.append(profiled(2, 110, 4)).await.unwrap();
    store.append(named(3, 120)).await.unwrap();
    let found = asked(store, 90, 120).await;
    assert_eq!(found.rows.len(), 1);
    let row = &found.rows[0];
    assert_eq!((row.samples, row.build.as_str()), (7, "b1"));
    let (thread, places) = &found.stacks[&row.stack];
    assert_eq!((thread.as_str(), places.len()), ("worker", 2));
    assert_eq!(found.files[&places[0].0].0.build, "kernel");
    assert_eq!(found.files[&places[1].0].0, binary("b1", "/bin/pay"));
    assert_eq!(
        found.files[&places[1].0].1.as_deref(),
        Some("no symbols for the rest")
    );
    let functions = &found.symbols[&places[1]];
    let names: Vec<&str> = functions.iter().map(|f| f.name.raw()).collect();
    assert_eq!(names, ["charge", "inner \"x\""]);
    assert_eq!(functions[0].line, Some(7));
    assert_eq!(asked(store, 100, 110).await.rows[0].samples, 4);
    let of_nobody = ProfileFilter {
        window: window(0, 200),
        instances: None,
        build: None,
        kind: ProfileKind::Cpu,
        session: 0,
    };
    let snapshot = store.snapshot().unwrap();
    for instances in [vec![InstanceId(77)], vec![]] {
        let filter = ProfileFilter {
            instances: Some(instances),
            ..of_nobody.clone()
        };
        assert_eq!(snapshot.profile(&filter).unwrap(), StoredProfile::default());
    }
    let of_another = ProfileFilter {
        build: Some("it's".to_owned()),
        ..of_nobody
    };
    let nothing = snapshot.profile(&of_another).unwrap();
    assert_eq!(nothing, StoredProfile::default());
    let builds = |since: i64| {
        let since = TimeNs(since * 1_000_000_000);
        snapshot
            .profiled_builds(ProfileKind::Cpu, since, Level::TenSeconds)
            .unwrap()
    };
    assert_eq!(builds(110), []);
    let window = window(90, 110);
    let expected = ProfiledBuild {
        instance: row.instance,
        build: "b1".to_owned(),
        first: window.from,
        last: window.to,
    };
    assert_eq!(builds(0), [expected]);
}

/// A thread of the kernel whose stack could not be read.
async fn without_frames(store: &dyn Store) {
    let mut batch = profiled(4, 4100, 2);
    batch.profiles[0].stacks[0].frames.clear();
    store.append(batch).await.unwrap();
    let found = asked(store, 4090, 4100).await;
    let (_, places) = &found.stacks[&found.rows[0].stack];
    assert_eq!((found.rows[0].samples, places.len()), (2, 0));
}

#[test]
fn samples_come_out_with_the_names_of_their_places() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let memory = Memory::default();
    runtime.block_on(comes_out(&memory));
    runtime.block_on(without_frames(&memory));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coral.duckdb");
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    runtime.block_on(async {
        comes_out(&duck).await;
        while duck.maintain(second(4000)).await.unwrap().more {}
        let rolled = asked(&duck, 0, 3600).await;
        assert_eq!(rolled.rows[0].samples, 7, "rolled up");
        without_frames(&duck).await;
    });
    duck.close();
}
