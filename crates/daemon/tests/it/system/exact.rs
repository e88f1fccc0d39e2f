//! The count that is shown is the count that happened.

use crate::world::{Nginx, World, able, eventually, run};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn requests_errors_and_edges_equal_the_access_log() {
    if !able(&["nginx", "hey", "curl"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start();
    let ((hey, hey_name), (curl, curl_name)) = (nginx.client("hey"), nginx.client("curl"));
    run(&hey, &["-n", "20000", "-c", "20", &nginx.url("/hello")]);
    for n in 0..200 {
        let url = nginx.url(&format!("/fail/{n}"));
        run(&curl, &["-s", "-o", "/dev/null", &url]);
    }
    let served = world.quiescent(|w| w.figures(&nginx.service(), "server"));
    let truth = nginx.truth();
    assert_eq!(truth, (20_200, 200));
    assert_eq!(served, truth, "{}", world.shown());
    assert_eq!(
        world.figures(&hey_name, "client"),
        (20_000, 0),
        "{}",
        world.shown()
    );
    assert_eq!(
        world.figures(&curl_name, "client"),
        (200, 200),
        "{}",
        world.shown()
    );
    let loss = world.json(&["query", "summary"])["loss"].clone();
    // Connections of others that are encrypted are no loss.
    let mut counts = loss.as_object().unwrap().iter();
    assert!(
        counts.all(|(name, count)| name == "unseen" || count == 0),
        "{loss}"
    );
    assert_edges(
        &world,
        &nginx.service(),
        [(&hey_name, 20_000, 0), (&curl_name, 200, 200)],
    );
    assert_routes(&world, &nginx.service());
}

/// The edges have the same counts, from both ends. They come with the summaries, each ten seconds.
fn assert_edges(world: &World, server: &str, clients: [(&str, u64, u64); 2]) {
    let counts = |caller: &str| {
        let topology = world.json(&["topology"]);
        let edges = topology["edges"].as_array().unwrap();
        let edge = edges
            .iter()
            .find(|e| e["caller"] == caller && e["callee"] == server)?
            .clone();
        let of = |field: &str| edge[field].as_u64();
        Some((of("requests")?, of("errors")?, of("callee_requests")?))
    };
    for (caller, requests, errors) in clients {
        let all = || counts(caller).is_some_and(|(seen, ..)| seen >= requests);
        eventually("the edge has all requests", all);
        assert_eq!(
            counts(caller),
            Some((requests, errors, requests)),
            "{}",
            world.shown()
        );
    }
}

/// Rows by route add up to the whole, whatever share of them was seen singly.
fn assert_routes(world: &World, server: &str) {
    let total = || {
        let metrics = world.json(&["query", "metrics", server]);
        metrics["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["requests"].as_u64().unwrap())
            .sum::<u64>()
    };
    eventually("the rows by route add up", || total() == 20_200);
}

#[test]
fn a_handler_that_never_answers_is_in_flight_within_three_seconds() {
    if !able(&[]) {
        return;
    }
    let world = World::start();
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(stuck.local_addr().unwrap()).unwrap();
    client
        .write_all(b"GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let asked = Instant::now();
    let (mut server, _) = stuck.accept().unwrap();
    let _ = server.read(&mut [0; 512]).unwrap();
    let in_flight = || {
        let services = world.json(&["services"]);
        let rows = services["services"].as_array().unwrap().clone();
        rows.into_iter().any(|r| {
            r["in_flight"].as_u64() >= Some(1) && r["oldest_in_flight_ms"].as_f64() > Some(0.0)
        })
    };
    eventually("the request is in flight", in_flight);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(3), "seen after {took:?}");
}
