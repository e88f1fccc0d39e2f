//! Connections between Unix sockets: the same engine, other bytes.

use crate::world::{Nginx, World, able, eventually, free_port, own_copy, run};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// What clients do: single requests, many on one connection, large answers, pipelining, errors.
fn load(nginx: &Nginx, curl: &str) {
    let socket = nginx.socket();
    let socket = socket.to_str().unwrap();
    let get = |path: &str| format!("http://nginx{path}");
    for path in ["/hello", "/fail", "/large", "/missing"] {
        run(
            curl,
            &["-s", "-o", "/dev/null", "--unix-socket", socket, &get(path)],
        );
    }
    let many = get("/hello?[1-200]");
    run(
        curl,
        &["-s", "-o", "/dev/null", "--unix-socket", socket, &many],
    );
    let mut stream = UnixStream::connect(socket).unwrap();
    let request = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(&request.repeat(20)).unwrap();
    stream.write_all(last).unwrap();
    stream.read_to_end(&mut vec![]).unwrap();
}

#[test]
fn requests_over_a_unix_socket_are_those_of_the_access_log() {
    if !able(&["nginx", "curl"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start_shared();
    let (curl, client) = nginx.client("curl");
    load(&nginx, &curl);
    let truth = (225, 1);
    eventually("nginx has logged them", || nginx.truth() == truth);
    let served = |w: &World| w.figures(&nginx.service(), "server");
    eventually("all are counted", || served(&world).0 >= truth.0);
    assert_eq!(world.quiescent(served), truth, "{}", world.shown());
    assert_eq!(
        world.figures(&client, "client"),
        (204, 1),
        "{}",
        world.shown()
    );
    // Edges come with the summaries, each ten seconds.
    let edge = || {
        let topology = world.json(&["topology"]);
        let edges = topology["edges"].as_array().unwrap();
        let ends = (&Value::from(client.as_str()), &Value::from(nginx.service()));
        let found = edges.iter().find(|e| (&e["caller"], &e["callee"]) == ends);
        found.cloned().unwrap_or_default()
    };
    eventually("the edge has them", || edge()["requests"] == 204);
    let edge = edge();
    let seen = ["source", "requests", "callee_requests", "errors"].map(|f| &edge[f]);
    let want: [Value; 4] = ["both".into(), 204.into(), 204.into(), 1.into()];
    assert_eq!(seen, want.each_ref(), "{edge:#}");
}

/// The server takes the request and goes away.
#[test]
fn a_request_whose_server_leaves_is_an_error() {
    if !able(&["nc", "curl"]) {
        return;
    }
    let world = World::start_shared();
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let [server, client] = ["nc", "curl"].map(|program| own_copy(folder.path(), program, port));
    let path = folder.path().join("socket");
    let mut server = Command::new(server)
        .arg("-lU")
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("it listens", || path.exists());
    let mut client = Command::new(client)
        .args(["-s", "-m", "60", "http://a/b", "--unix-socket"])
        .arg(&path)
        .spawn()
        .unwrap();
    let row = |w: &World| {
        let summary = w.json(&["query", "summary"]);
        let rows = summary["services"].as_array().unwrap().clone();
        let own = format!("nc-{port}");
        let row = rows.into_iter().find(|r| r["service"] == own.as_str());
        row.map(|r| {
            (
                r["in_flight"].clone(),
                r["requests"].clone(),
                r["errors"].clone(),
            )
        })
    };
    eventually("it is in flight", || row(&world).is_some_and(|r| r.0 == 1));
    server.kill().unwrap();
    let _ = (server.wait(), client.wait());
    eventually("it has ended as an error", || {
        row(&world) == Some((0.into(), 1.into(), 1.into()))
    });
}

/// Redis is not read: its turns and bytes are counted, and what it looks like.
#[test]
fn redis_on_a_unix_socket_has_its_turns() {
    if !able(&["redis-server", "redis-benchmark"]) {
        return;
    }
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let program = own_copy(folder.path(), "redis-server", port);
    let socket = folder.path().join("redis");
    let mut redis = Command::new(program)
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("redis listens", || UnixStream::connect(&socket).is_ok());
    let world = World::start_shared();
    let socket = socket.to_str().unwrap();
    run(
        "redis-benchmark",
        &["-s", socket, "-n", "2000", "-c", "4", "-t", "get", "-q"],
    );
    let server = format!("redis-server-{port}");
    let seen = |w: &World| {
        let services = w.json(&["services"]);
        let rows = services["services"].as_array().unwrap();
        let row = rows.iter().find(|r| r["service"] == server.as_str())?;
        let unread = &row["unread"];
        Some((
            unread["protocols"].clone(),
            unread["turns"].clone(),
            unread["connections"].clone(),
        ))
    };
    eventually("its turns are counted", || {
        seen(&world).is_some_and(|s| s.1.as_u64() >= Some(2_001))
    });
    let want = (Value::from(vec!["redis"]), 2_001.into(), 5.into());
    assert_eq!(world.quiescent(seen), Some(want));
    redis.kill().unwrap();
    let _ = redis.wait();
}
