//! What every store must do.

use crate::samples::{batch, edge, histogram, host, process, second, window};
use coral_model::{
    AgentId, AuditOutcome, AuditRow, Caller, Check, Connect, ConnectTarget, Endpoint, Event,
    EventKind, Observed, Protocol, Role, Route, Seq, ServiceKey, Via,
};
use coral_store::{
    Append, Appended, Duck, EventFilter, Keep, Keeping, KeptConnect, KeptEvidence, Level, Memory,
    Read, Routes, StoreError, SummaryFilter,
};

trait Store: Append + Read {}
impl<T: Append + Read> Store for T {}

fn both(test: impl AsyncFn(&dyn Store)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(test(&Memory::default()));
    let dir = tempfile::tempdir().unwrap();
    let duck = Duck::open(
        &dir.path().join("coral.duckdb"),
        Keeping::default(),
        second(0),
    )
    .unwrap();
    runtime.block_on(test(&duck));
    duck.close();
}

fn filter(from: i64, to: i64, routes: Routes) -> SummaryFilter {
    SummaryFilter {
        window: window(from, to),
        instances: None,
        routes,
        widest: Level::Hour,
    }
}

#[test]
fn a_batch_is_stored_once_however_often_it_comes() {
    both(async |store| {
        let first = store.append(batch("a", 5, 1, 100)).await.unwrap();
        assert_eq!(
            first,
            Appended {
                new: true,
                last: Seq(1),
                unknown: 1
            }
        );
        let again = store.append(batch("a", 5, 1, 100)).await.unwrap();
        assert_eq!(
            again,
            Appended {
                new: false,
                ..first
            }
        );
        // Another run and another agent count for themselves.
        assert!(store.append(batch("a", 6, 1, 110)).await.unwrap().new);
        assert!(store.append(batch("b", 5, 1, 110)).await.unwrap().new);
        let view = store.snapshot().unwrap();
        let rows = view.summaries(&filter(0, 1000, Routes::Exact)).unwrap();
        assert_eq!(rows.len(), 6);
        let ships = view.ship_states().unwrap();
        assert_eq!(ships.len(), 3);
        assert_eq!((ships[0].first, ships[0].last), (second(100), second(100)));
    });
}

#[test]
fn what_goes_in_comes_out() {
    both(async |store| {
        let sent = batch("a", 5, 1, 100);
        store.append(sent.clone()).await.unwrap();
        let view = store.snapshot().unwrap();
        let seen = view.instances(window(95, 105)).unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].instance, sent.instances[0]);
        assert_eq!(
            (seen[0].first_seen, seen[0].last_seen),
            (second(90), second(100))
        );

        let split = view.summaries(&filter(0, 1000, Routes::Split)).unwrap();
        assert_eq!(split.len(), 2);
        let template = split
            .iter()
            .find(|r| r.route == Route::Template("/users/:id".into()))
            .unwrap();
        assert_eq!(template.durations, sent.summaries[1].durations);
        assert_eq!(template.counts, sent.summaries[1].counts);
        assert_eq!(template.instance, seen[0].id);

        let edges = view.edges(window(0, 1000)).unwrap();
        assert_eq!(edges[0].caller, Endpoint::Instance(seen[0].id.0));
        assert_eq!(edges[0].callee, edge(0).callee);
        assert_eq!((edges[0].retransmits, edges[0].rtt), (None, edge(0).rtt));
        let spoken = view.spoken(window(0, 1000)).unwrap();
        assert_eq!(spoken, [(seen[0].id, Protocol::Other)]);

        let mut health = sent.health.unwrap();
        health.loss.unknown = 1;
        assert_eq!(view.newest_health().unwrap(), [health.clone()]);
        assert_eq!(view.health(window(99, 100)).unwrap(), [health]);
        let services = [ServiceKey::plain("pay"), ServiceKey::plain("shop")];
        assert_eq!(view.services().unwrap(), services);
    });
}

#[test]
fn a_row_belongs_to_the_window_that_holds_its_end() {
    both(async |store| {
        for seq in 1..=5 {
            let at = 100 + 10 * i64::try_from(seq).unwrap();
            store.append(batch("a", 5, seq, at)).await.unwrap();
        }
        let view = store.snapshot().unwrap();
        let count = |from, to| {
            let rows = view.summaries(&filter(from, to, Routes::Exact)).unwrap();
            rows.iter().map(|r| r.counts.requests).sum::<u64>()
        };
        assert_eq!(count(0, 1000), 5 * 13);
        assert_eq!(count(0, 125) + count(125, 130) + count(130, 1000), 5 * 13);
        assert_eq!(count(120, 130), 13);
        let agent = AgentId::new("a").unwrap();
        assert_eq!(view.active(window(145, 150)).unwrap().len(), 2);
        assert!(view.active(window(150, 160)).unwrap().is_empty());
        let covered = view.covered(second(130)).unwrap();
        assert_eq!(
            covered,
            [(agent.clone(), window(130, 140)), (agent, window(140, 150))]
        );
        let first = view.instances(window(0, 1000)).unwrap()[0].id;
        let only = SummaryFilter {
            instances: Some(vec![first]),
            ..filter(0, 1000, Routes::Exact)
        };
        assert_eq!(view.summaries(&only).unwrap().len(), 5);
    });
}

#[test]
fn events_come_newest_first_and_by_service() {
    both(async |store| {
        store.append(batch("a", 5, 1, 100)).await.unwrap();
        store.append(batch("a", 5, 2, 200)).await.unwrap();
        let view = store.snapshot().unwrap();
        let ask = |services: Vec<ServiceKey>, limit| {
            let filter = EventFilter {
                window: window(0, 1000),
                services,
                kinds: vec![],
                limit,
            };
            let events = view.events(&filter).unwrap();
            events.iter().map(|e| e.at).collect::<Vec<_>>()
        };
        assert_eq!(
            ask(vec![], 10),
            [second(199), second(198), second(99), second(98)]
        );
        assert_eq!(ask(vec![], 1), [second(199)]);
        assert_eq!(
            ask(vec![ServiceKey::plain("pay")], 10),
            [second(198), second(98)]
        );
    });
}

#[test]
fn events_are_picked_by_kind() {
    both(async |store| {
        let mut next = batch("a", 5, 1, 100);
        next.events[0].kind = EventKind::Crash;
        store.append(next).await.unwrap();
        let view = store.snapshot().unwrap();
        let ask = |kinds: &[EventKind]| {
            let filter = EventFilter {
                window: window(0, 1000),
                services: vec![],
                kinds: kinds.to_vec(),
                limit: 10,
            };
            let events = view.events(&filter).unwrap();
            events.iter().map(|e| e.kind).collect::<Vec<_>>()
        };
        assert_eq!(ask(&[EventKind::Crash]), [EventKind::Crash]);
        assert_eq!(
            ask(&[EventKind::Start, EventKind::Crash]),
            [EventKind::Crash, EventKind::Start]
        );
        assert!(ask(&[EventKind::Gap]).is_empty());
    });
}

#[test]
fn hosts_and_processes_are_measured_over_the_window() {
    both(async |store| {
        for (seq, busy) in [(1, 0.5), (2, 0.25), (3, 1.0)] {
            let at = 100 + 10 * i64::try_from(seq).unwrap();
            let mut next = batch("a", 5, seq, at);
            next.hosts[0] = host(at - 10, busy);
            next.processes[0] = process(at - 10, 1, busy);
            store.append(next).await.unwrap();
        }
        let view = store.snapshot().unwrap();
        let gauges = view.gauges(window(110, 130)).unwrap();
        let names: Vec<_> = gauges.iter().map(|g| (&*g.name, g.label.raw())).collect();
        assert_eq!(names, [("cpu.busy_ratio", ""), ("disk.await_ms", "sda")]);
        let cpu = &gauges[0];
        assert_eq!((cpu.last, cpu.least, cpu.most), (1.0, 0.25, 1.0));
        assert_eq!((cpu.total, cpu.samples), (1.25, 2));
        let used = view.processes(window(0, 1000)).unwrap();
        assert_eq!(used.len(), 1);
        assert_eq!((used[0].cpu_ns, used[0].last), (17.5e9, second(130)));
        assert_eq!(used[0].rss_bytes, 1_000_001);
    });
}

#[test]
fn a_batch_that_refers_to_nothing_changes_nothing() {
    both(async |store| {
        let mut bad = batch("a", 5, 1, 100);
        bad.summaries[0].instance = 9;
        let error = store.append(bad).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        assert!(store.snapshot().unwrap().ship_states().unwrap().is_empty());
        // The number is still free for the right one.
        assert!(store.append(batch("a", 5, 1, 100)).await.unwrap().new);
    });
}

#[test]
fn an_instance_keeps_its_number_when_it_is_described_anew() {
    both(async |store| {
        store.append(batch("a", 5, 1, 100)).await.unwrap();
        let mut renamed = batch("a", 5, 2, 150);
        renamed.instances[0].service = ServiceKey::plain("shop-2");
        renamed.instances[0].ports = vec![];
        store.append(renamed).await.unwrap();
        let view = store.snapshot().unwrap();
        let seen = view.instances(window(0, 1000)).unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].instance.service, ServiceKey::plain("shop-2"));
        assert_eq!(
            (seen[0].first_seen, seen[0].last_seen),
            (second(90), second(150))
        );
        assert_eq!(seen[1].last_seen, second(150));
        assert!(view.instances(window(200, 300)).unwrap().is_empty());
    });
}

#[test]
fn the_audit_log_keeps_what_was_refused() {
    both(async |store| {
        let row = AuditRow {
            at: second(1),
            caller: Caller {
                id: "uid:65534".into(),
                role: Role::Viewer,
                via: Via::Unix,
            },
            action: "coral.v1.Query/Run summary".into(),
            target: "shop".into(),
            outcome: AuditOutcome::Refused("not yours".into()),
        };
        store.audit(row.clone()).await.unwrap();
        assert_eq!(store.snapshot().unwrap().audit(10).unwrap(), [row]);
    });
}

/// Everything that a snapshot can be asked, as text.
fn all(store: &dyn Store) -> Vec<String> {
    let view = store.snapshot().unwrap();
    let events = EventFilter {
        window: window(0, 1000),
        services: vec![],
        kinds: vec![],
        limit: 100,
    };
    let rows = |routes| view.summaries(&filter(0, 1000, routes)).unwrap();
    let instances = view.instances(window(0, 1000)).unwrap();
    vec![
        format!("{:?}", rows(Routes::Exact)),
        format!("{:?}", rows(Routes::Split)),
        format!("{instances:?}"),
        format!("{:?}", view.services().unwrap()),
        format!("{:?}", view.active(window(0, 1000)).unwrap()),
        format!("{:?}", view.covered(second(0)).unwrap()),
        format!("{:?}", view.edges(window(0, 1000)).unwrap()),
        format!("{:?}", view.spoken(window(0, 1000)).unwrap()),
        format!("{:?}", view.events(&events).unwrap()),
        format!("{:?}", view.gauges(window(0, 1000)).unwrap()),
        format!("{:?}", view.processes(window(0, 1000)).unwrap()),
        format!("{:?}", view.health(window(0, 1000)).unwrap()),
        format!("{:?}", view.newest_health().unwrap()),
        format!("{:?}", view.ship_states().unwrap()),
        format!("{:?}", view.audit(10).unwrap()),
    ]
}

/// A reader that asked before must not answer from what it knew then: both stores, asked between all batches, say the
/// same at every step.
#[test]
fn what_was_asked_before_does_not_change_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let duck = Duck::open(
        &dir.path().join("coral.duckdb"),
        Keeping::default(),
        second(0),
    )
    .unwrap();
    let memory = Memory::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(all(&duck), all(&memory));
    for (agent, epoch, seq, at) in [
        ("a", 5, 1, 100),
        ("a", 5, 2, 300),
        ("long-agent-name-0123456789", u64::MAX, 1, 110),
        ("b", 1, 700, 310),
        ("a", 6, 1, 320),
    ] {
        let mut next = batch(agent, epoch, seq, at);
        if seq > 1 {
            next.instances[1].service = ServiceKey::plain(&"x".repeat(300));
            next.summaries[1].counts.requests = u64::MAX / 2;
        }
        runtime.block_on(async {
            duck.append(next.clone()).await.unwrap();
            memory.append(next).await.unwrap();
        });
        for (duck, memory) in all(&duck).into_iter().zip(all(&memory)) {
            assert_eq!(duck, memory);
        }
    }
    duck.close();
}

#[test]
fn a_snapshot_sees_whole_commits_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let duck = Duck::open(
        &dir.path().join("coral.duckdb"),
        Keeping::default(),
        second(0),
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        duck.append(batch("a", 5, 1, 100)).await.unwrap();
        let before = duck.snapshot().unwrap();
        assert_eq!(before.edges(window(0, 1000)).unwrap().len(), 1);
        duck.append(batch("a", 5, 2, 110)).await.unwrap();
        assert_eq!(before.edges(window(0, 1000)).unwrap().len(), 1);
        let rows = before.summaries(&filter(0, 1000, Routes::Exact)).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0].durations,
            histogram(&[1_000, 2_000_000, 3_000_000_000])
        );
        let after = duck.snapshot().unwrap();
        assert_eq!(after.edges(window(0, 1000)).unwrap().len(), 2);
    });
    duck.close();
}

#[test]
fn what_a_person_said_is_kept_until_it_is_withdrawn() {
    let kept = |id: &str, name: &str, target, check| KeptConnect {
        id: id.to_owned(),
        at: second(5),
        caller: "uid:7".to_owned(),
        connect: Connect {
            service: ServiceKey::plain(name),
            target,
            check,
            kind: Observed::new("http"),
        },
    };
    let web = kept(
        "1",
        "web",
        ConnectTarget::Port(80),
        Some(Check::Http("/up".into())),
    );
    let other = kept("1", "other", ConnectTarget::Port(65_535), Some(Check::Tcp));
    let pattern = kept(
        "2",
        "it's",
        ConnectTarget::ExePattern("^/opt/.*$".into()),
        None,
    );
    let note = Event {
        at: second(7),
        until: None,
        kind: EventKind::Note,
        agent: AgentId::new("colony").unwrap(),
        service: Some(ServiceKey::plain("web")),
        instance: None,
        text: Observed::new("pulled the cable"),
    };
    both(async |store| {
        store.keep(Keep::Connect(web.clone())).await.unwrap();
        store.keep(Keep::Connect(pattern.clone())).await.unwrap();
        let connects = || store.snapshot().unwrap().connects().unwrap();
        assert_eq!(connects(), [web.clone(), pattern.clone()]);
        store.keep(Keep::Connect(other.clone())).await.unwrap();
        assert_eq!(connects(), [other.clone(), pattern.clone()]);
        store.keep(Keep::Withdraw("1".into())).await.unwrap();
        store.keep(Keep::Withdraw("nobody's".into())).await.unwrap();
        assert_eq!(connects(), std::slice::from_ref(&pattern));
        store.keep(Keep::Event(note.clone())).await.unwrap();
        let filter = EventFilter {
            window: window(0, 10),
            services: vec![ServiceKey::plain("web")],
            kinds: vec![EventKind::Note],
            limit: 10,
        };
        assert_eq!(
            store.snapshot().unwrap().events(&filter).unwrap(),
            std::slice::from_ref(&note)
        );
    });
}

#[test]
fn evidence_is_found_by_its_id_and_found_anew() {
    both(async |store| {
        let found = |id: &str, at: i64, service| KeptEvidence {
            id: id.to_owned(),
            at: second(at),
            service,
            question: vec![0, 255, 7],
            text: Observed::new("latency_p95_ms 61 -> 2190"),
        };
        let of_service = found("e7k2m3qx4", 100, Some(ServiceKey::plain("payments")));
        let of_host = found("eaaaaaaaa", 100, None);
        let both = vec![of_service.clone(), of_host.clone()];
        store.keep(Keep::Evidence(both)).await.unwrap();
        let read = |id: &str| store.snapshot().unwrap().evidence(id).unwrap();
        assert_eq!(read("e7k2m3qx4"), Some(of_service.clone()));
        assert_eq!(read("eaaaaaaaa"), Some(of_host));
        assert_eq!(read("ebbbbbbbb"), None);
        let again = KeptEvidence {
            at: second(200),
            ..of_service
        };
        let change = Keep::Evidence(vec![again.clone()]);
        store.keep(change).await.unwrap();
        assert_eq!(read("e7k2m3qx4"), Some(again));
    });
}
