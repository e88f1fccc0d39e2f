//! The fold against scripts of counts: nothing twice, nothing left out, rows add up.

use super::*;
use crate::clock::{Clock, Reading};
use crate::enrich::processes_for_tests;
use coral_model::Route;
use coral_model::summary::Counts;
use coral_probes::abi::records::{CountKey, HistogramKey, Owner, SeriesInfo, Traffic};

const SECOND: i64 = 1_000_000_000;

fn client(tgid: u32, comm: &[u8]) -> SeriesInfo {
    let mut name = [0; 16];
    name[..comm.len()].copy_from_slice(comm);
    SeriesInfo {
        owner: Owner {
            tgid,
            remote_port: 0,
            family: 0,
            unused: 0,
            cgroup: 0,
            comm: name,
            remote: [0; 16],
        },
        cookie: 0,
        peer: 0,
        local: [0; 16],
        remote: [192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        local_port: 0,
        remote_port: 8080,
        side: Side::Client.code(),
        family: 4,
        protocol: 1,
        unused: 0,
        netns: 0,
        unused2: 0,
    }
}

fn count(series: u64, class: u8, ending: u8, n: u64) -> (CountKey, u64) {
    (
        CountKey {
            series,
            method: 1,
            class,
            ending,
            stream: 0,
            unused: 0,
        },
        n,
    )
}

fn detail(series: u64, status: u16, path: &str) -> Detail {
    let line = format!("GET {path} HTTP/1.1");
    let mut bytes = [0; 96];
    bytes[..line.len()].copy_from_slice(line.as_bytes());
    Detail {
        series,
        began_ns: 1_000,
        answered_ns: 1_500,
        ended_ns: 2_000,
        status,
        method: 1,
        ending: 0,
        stream: 0,
        line_bytes: line.len() as u8,
        unused: 0,
        line: bytes,
    }
}

struct Bench {
    fold: Fold,
    enrich: Enrich,
}

impl Bench {
    fn new() -> Self {
        Self {
            fold: Fold::new(TimeNs(0)),
            enrich: Enrich::new(processes_for_tests()),
        }
    }

    fn second(&mut self, at: i64, drained: Drained) -> Vec<Pulse> {
        self.enrich
            .learn(&drained.series, &Clock::new(Reading::now()));
        let items = self
            .fold
            .second(drained, &mut self.enrich, TimeNs(at * SECOND));
        items
            .into_iter()
            .filter_map(|i| {
                if let Item::Pulse(p) = i {
                    Some(p)
                } else {
                    None
                }
            })
            .collect()
    }

    fn close(&mut self, at: i64) -> Vec<Summary> {
        let items = self.fold.close(TimeNs(at * SECOND));
        items
            .into_iter()
            .filter_map(|i| {
                if let Item::Summary(s) = i {
                    Some(s)
                } else {
                    None
                }
            })
            .collect()
    }
}

use coral_model::Summary;

fn sum<'a>(rows: impl Iterator<Item = &'a Summary>) -> Counts {
    rows.fold(Counts::default(), |mut sum, row| {
        sum.add(row.counts);
        sum
    })
}

#[test]
fn exact_rows_and_route_rows_add_up() {
    let mut bench = Bench::new();
    let histogram = HistogramKey {
        series: 5,
        class: 2,
        octave: 3,
        unused: [0; 6],
    };
    let pulses = bench.second(
        1,
        Drained {
            series: vec![(5, client(u32::MAX - 1, b"curl"))],
            counts: vec![
                count(5, 2, 0, 10),
                count(5, 5, 0, 3),
                count(5, 4, 0, 2),
                count(5, 0, 2, 1),
            ],
            durations: vec![(histogram, vec![(7, 10)])],
            details: vec![
                detail(5, 200, "/users/1"),
                detail(5, 200, "/users/2?x=y"),
                detail(5, 500, "/pay"),
            ],
            ..Drained::default()
        },
    );
    assert_eq!(
        pulses[0].counts,
        Counts {
            requests: 16,
            errors: 4,
            client_errors: 2
        }
    );
    assert_eq!(pulses[0].durations.count(), 10);
    let rows = bench.close(10);
    let all = |row: &&Summary| row.route == Route::All;
    assert_eq!(
        sum(rows.iter().filter(all)),
        sum(rows.iter().filter(|r| !all(r)))
    );
    assert_eq!(sum(rows.iter().filter(all)).requests, 16);
    let users = rows
        .iter()
        .find(|r| r.route == Route::Template("/users/:id".into()))
        .unwrap();
    assert_eq!((users.counts.requests, users.durations.count()), (2, 2));
    assert!(bench.close(20).is_empty());
}

#[test]
fn a_record_ahead_of_its_count_waits_for_the_next_interval() {
    let mut bench = Bench::new();
    let info = client(u32::MAX - 1, b"curl");
    bench.second(
        1,
        Drained {
            series: vec![(5, info)],
            counts: vec![count(5, 2, 0, 1)],
            details: vec![detail(5, 200, "/a"), detail(5, 200, "/a")],
            ..Drained::default()
        },
    );
    assert_eq!(
        sum(bench.close(10).iter().filter(|r| r.route != Route::All)).requests,
        1
    );
    bench.second(
        11,
        Drained {
            counts: vec![count(5, 2, 0, 1)],
            ..Drained::default()
        },
    );
    let rows = bench.close(20);
    assert_eq!(
        rows.iter()
            .filter(|r| r.route == Route::Template("/a".into()))
            .count(),
        1
    );
    assert!(rows.iter().all(|r| r.route != Route::Unattributed));
}

#[test]
fn counts_of_an_owner_that_is_not_found_yet_wait_and_are_kept() {
    let mut bench = Bench::new();
    let mut stray = client(0, b"");
    stray.cookie = u64::MAX;
    let first = Drained {
        series: vec![(9, stray)],
        counts: vec![count(9, 2, 0, 4)],
        ..Drained::default()
    };
    assert!(bench.second(1, first).is_empty());
    let pulses: Vec<Pulse> = (2..6)
        .flat_map(|at| bench.second(at, Drained::default()))
        .collect();
    assert_eq!(pulses.iter().map(|p| p.counts.requests).sum::<u64>(), 4);
    assert_eq!(
        sum(bench.close(10).iter().filter(|r| r.route == Route::All)).requests,
        4
    );
}

#[test]
fn an_edge_to_an_address_has_the_clients_count_and_bytes() {
    let mut bench = Bench::new();
    let traffic = Traffic {
        connections: 1,
        bytes_out: 100,
        bytes_in: 900,
        resent: 2,
        failures: 0,
        rtt_ns: 5_000,
    };
    let info = client(u32::MAX - 1, b"curl");
    let drained = Drained {
        series: vec![(5, info)],
        counts: vec![count(5, 2, 0, 4)],
        traffic: vec![(5, traffic)],
        in_flight: vec![coral_probes::source::InFlight {
            series: 5,
            requests: 2,
            oldest_ns: 400,
        }],
        at_ns: 1_400,
        ..Drained::default()
    };
    let pulses = bench.second(1, drained);
    assert_eq!(
        (pulses[0].in_flight, pulses[0].oldest_in_flight),
        (2, Some(Duration::from_nanos(1_000)))
    );
    let items = bench.fold.close(TimeNs(10 * SECOND));
    let Some(Item::Edge(edge)) = items.iter().find(|i| matches!(i, Item::Edge(_))) else {
        panic!("no edge")
    };
    assert_eq!(
        (edge.counts.requests, edge.bytes_sent, edge.bytes_received),
        (4, 100, 900)
    );
    assert_eq!(
        (edge.retransmits, edge.rtt),
        (Some(2), Some(Duration::from_micros(5)))
    );
    let address = coral_model::Endpoint::Address {
        ip: "192.0.2.7".parse().unwrap(),
        port: 8080,
    };
    assert_eq!(edge.callee, address);
}

#[test]
fn a_late_tick_closes_the_interval_that_is_over_first() {
    let fold = Fold::new(TimeNs(3 * SECOND));
    assert_eq!(fold.edge_before(TimeNs(10 * SECOND)), None);
    assert_eq!(
        fold.edge_before(TimeNs(11 * SECOND)),
        Some(TimeNs(10 * SECOND))
    );
    assert_eq!(
        fold.edge_before(TimeNs(35 * SECOND)),
        Some(TimeNs(30 * SECOND))
    );
    assert!(Fold::is_edge(TimeNs(10 * SECOND)) && !Fold::is_edge(TimeNs(11 * SECOND)));
}

#[test]
fn a_checkpoint_is_what_closing_would_ship_and_leaves_the_interval_open() {
    let mut bench = Bench::new();
    for (second, requests) in [(1, 5), (2, 7)] {
        let drained = Drained {
            series: vec![(1, client(std::process::id(), b"x"))],
            counts: vec![count(1, 2, 0, requests), count(1, 5, 0, 1)],
            details: vec![detail(1, 200, "/a")],
            ..Drained::default()
        };
        bench.second(second, drained);
    }
    let so_far = bench.fold.so_far(TimeNs(2 * SECOND));
    assert_eq!(bench.fold.so_far(TimeNs(2 * SECOND)), so_far);
    assert!(so_far.len() > 2);
    assert_eq!(bench.fold.close(TimeNs(2 * SECOND)), so_far);
    assert_eq!(bench.fold.so_far(TimeNs(3 * SECOND)), []);
}
