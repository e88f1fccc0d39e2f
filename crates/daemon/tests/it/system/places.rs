//! Other places than one loopback: network namespaces, address translation between them, packets that get lost, and
//! conversations that are not read.

use crate::world::{Nginx, World, able, eventually, free_port, own_copy, run, text};
use serde_json::Value;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const NEEDS: [&str; 6] = ["ip", "nft", "nginx", "hey", "curl", "sysctl"];

/// A network namespace with a way to it, as a container has: a pair of interfaces and a subnet of its own.
struct Netns {
    name: String,
    link: String,
    /// The number that makes names and addresses its own.
    number: u16,
}

impl Netns {
    fn make() -> Self {
        let number = free_port();
        let (name, link) = (format!("coral-{number}"), format!("ve{number}"));
        let netns = Self { name, link, number };
        let (name, link) = (netns.name.as_str(), netns.link.as_str());
        let inner = format!("vi{number}");
        ip(&["netns", "add", name]);
        ip(&[
            "link", "add", link, "type", "veth", "peer", "name", &inner, "netns", name,
        ]);
        ip(&[
            "addr",
            "add",
            &format!("{}/30", netns.outside()),
            "dev",
            link,
        ]);
        ip(&["link", "set", link, "up"]);
        ip(&[
            "-n",
            name,
            "addr",
            "add",
            &format!("{}/30", netns.inside()),
            "dev",
            &inner,
        ]);
        ip(&["-n", name, "link", "set", &inner, "up"]);
        ip(&["-n", name, "link", "set", "lo", "up"]);
        ip(&[
            "-n",
            name,
            "route",
            "add",
            "default",
            "via",
            &netns.outside(),
        ]);
        netns
    }

    /// The host's address on the way to it.
    fn outside(&self) -> String {
        let [high, low] = self.number.to_be_bytes();
        format!("10.{high}.{low}.1")
    }

    /// Its own address.
    fn inside(&self) -> String {
        let [high, low] = self.number.to_be_bytes();
        format!("10.{high}.{low}.2")
    }

    /// A command inside of it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Sends what comes to `port` of the host's address on to `to` in the namespace.
    fn publish(&self, port: u16, to: u16) {
        let (number, outside, inside, link) =
            (self.number, self.outside(), self.inside(), &self.link);
        nft(&format!(
            "table ip coral{number} {{
               chain out {{ type nat hook output priority -100; ip daddr {outside} tcp dport {port} dnat to {inside}:{to}; }}
               chain post {{ type nat hook postrouting priority 100; oifname \"{link}\" masquerade; }}
             }}"
        ));
    }

    /// Loses each so many-th packet that leaves it and that comes to it.
    fn lose(&self, each: u32) {
        nft(&format!(
            "table ip coral{0} {{
               chain in {{ type filter hook input priority 0; iifname \"{1}\" numgen inc mod {each} 0 drop; }}
               chain out {{ type filter hook output priority 0; oifname \"{1}\" numgen inc mod {each} 0 drop; }}
             }}",
            self.number, self.link
        ));
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let table = format!("coral{}", self.number);
        let _ = Command::new("nft")
            .args(["delete", "table", "ip", &table])
            .stderr(Stdio::null())
            .status();
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}

fn ip(arguments: &[&str]) {
    let output = run("ip", arguments);
    assert!(
        output.status.success(),
        "ip {arguments:?}: {}",
        text(&output)
    );
}

fn nft(rules: &str) {
    let output = Command::new("nft").arg(rules).output().unwrap();
    assert!(output.status.success(), "{rules}: {}", text(&output));
}

/// Edges of the topology to this service, or from it.
fn edges(world: &World, service: &str) -> Vec<Value> {
    let topology = world.json(&["topology"]);
    let of = |e: &&Value| e["caller"] == service || e["callee"] == service;
    let edges = topology["edges"].as_array().unwrap().iter();
    edges.filter(of).cloned().collect()
}

/// Waits until the one edge between two has so many requests on both ends.
fn one_edge(world: &World, caller: &str, callee: &str, requests: u64) {
    let counted = || {
        let edges = edges(world, callee);
        let sum: u64 = edges.iter().filter_map(|e| e["requests"].as_u64()).sum();
        sum >= requests
    };
    eventually("all requests are on edges", counted);
    let edges = world.quiescent(|w| edges(w, callee));
    assert_eq!(edges.len(), 1, "{edges:#?}");
    let edge = &edges[0];
    let seen = (
        &edge["caller"],
        &edge["source"],
        &edge["requests"],
        &edge["callee_requests"],
    );
    let want = (
        caller.into(),
        "both".into(),
        requests.into(),
        requests.into(),
    );
    assert_eq!(
        seen,
        (&want.0, &want.1, &want.2, &want.3),
        "{edge:#}\n{}",
        world.shown()
    );
}

/// A published port, as container engines make it.
#[test]
fn through_address_translation_into_a_namespace_it_is_one_edge() {
    if !able(&NEEDS) {
        return;
    }
    let netns = Netns::make();
    let nginx = Nginx::start_at(&netns.inside(), |program| netns.command(program));
    let world = World::start_shared();
    let port = free_port();
    netns.publish(port, nginx.port);
    let (hey, client) = nginx.client("hey");
    let url = format!("http://{}:{port}/hello", netns.outside());
    run(&hey, &["-n", "500", "-c", "5", &url]);
    assert_eq!(nginx.truth().0, 500);
    one_edge(&world, &client, &nginx.service(), 500);
}

/// The same address and port, twice on one host: each loopback belongs to its namespace.
#[test]
fn servers_of_two_namespaces_at_one_address_are_two() {
    if !able(&NEEDS) {
        return;
    }
    let netns = Netns::make();
    let near = Nginx::start();
    let far = Nginx::start_named("127.0.0.1", near.port, "farnginx", |program| {
        netns.command(program)
    });
    let world = World::start_shared();
    let (client, _) = near.client("hey");
    let url = near.url("/hello");
    run(&client, &["-n", "300", "-c", "3", &url]);
    let output = netns
        .command(&client)
        .args(["-n", "200", "-c", "2", &url])
        .output();
    assert!(output.unwrap().status.success());
    assert_eq!((near.truth().0, far.truth().0), (300, 200));
    let figures = |w: &World| [&near, &far].map(|n| w.figures(&n.service(), "server").0);
    eventually("both are counted", || {
        figures(&world).iter().sum::<u64>() >= 500
    });
    assert_eq!(world.quiescent(figures), [300, 200]);
}

/// Packets get lost on the way, both ways: what is sent again counts once, on both sides.
#[test]
fn lost_packets_change_no_count() {
    if !able(&NEEDS) {
        return;
    }
    let netns = Netns::make();
    let nginx = Nginx::start_at(&netns.inside(), |program| netns.command(program));
    let world = World::start_shared();
    netns.lose(25);
    let (hey, client) = nginx.client("hey");
    run(&hey, &["-n", "400", "-c", "8", &nginx.url("/hello")]);
    run(&hey, &["-n", "40", "-c", "4", &nginx.url("/large")]);
    assert_eq!(nginx.truth().0, 440);
    one_edge(&world, &client, &nginx.service(), 440);
    let edge = &edges(&world, &nginx.service())[0];
    assert!(edge["retransmits"].as_u64().unwrap() > 0, "{edge:#}");
    let errors = world.quiescent(|w| {
        [(&client, "client"), (&nginx.service(), "server")].map(|(s, side)| w.figures(s, side).1)
    });
    assert_eq!(
        errors,
        [0, 0],
        "{}",
        text(&world.coral(&["query", "metrics", &client]))
    );
}

/// A server of another protocol, ended with this.
struct Redis {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let program = own_copy(folder.path(), "redis-server", port);
        let process = Command::new(program)
            .args(["--port", &port.to_string(), "--save", "", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("redis listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            process,
            folder,
            port,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Redis is not read yet: its row says what it looks like, how often it was asked, and what could not be opened.
#[test]
fn a_conversation_that_is_not_read_has_its_connections_bytes_and_turns() {
    if !able(&["redis-server", "redis-benchmark", "curl"]) {
        return;
    }
    let redis = Redis::start();
    let world = World::start_shared();
    let benchmark = own_copy(redis.path(), "redis-benchmark", redis.port);
    let port = redis.port.to_string();
    // Five connections ask one thing at a time; another asks for the configuration first, in one go.
    let arguments = ["-p", &port, "-n", "3000", "-c", "5", "-t", "get", "-q"];
    run(benchmark.to_str().unwrap(), &arguments);
    let server = format!("redis-server-{port}");
    let seen = |w: &World| {
        let edges = edges(w, &server);
        let of = |e: &Value| {
            (
                e["protocol"].clone(),
                e["turns"].clone(),
                e["connections"].clone(),
            )
        };
        edges.iter().map(of).collect::<Vec<_>>()
    };
    eventually("its turns are counted", || {
        seen(&world).iter().any(|e| e.1.as_u64() >= Some(3_001))
    });
    let edges = edges(&world, &server);
    assert_eq!(edges.len(), 1, "{edges:#?}");
    assert_eq!(
        world.quiescent(seen),
        [("redis".into(), 3_001.into(), 6.into())]
    );
    let edge = &edges[0];
    // One that has ended already is known by the kernel's name for it, of fifteen characters.
    let caller = edge["caller"].as_str().unwrap();
    assert!(caller.starts_with("redis-benchmark"), "{edge:#}");
    let fields = ["callee", "opaque", "requests", "source"].map(|f| &edge[f]);
    let want: [Value; 4] = [
        server.as_str().into(),
        true.into(),
        Value::Null,
        "both".into(),
    ];
    assert_eq!(fields, want.each_ref(), "{edge:#}");
    let unread = |w: &World| {
        let services = w.json(&["services"]);
        let rows = services["services"].as_array().unwrap();
        let row = rows.iter().find(|r| r["service"] == server.as_str());
        row.map(|r| r["unread"]["turns"].clone())
    };
    assert_eq!(unread(&world), Some(3_001.into()));
}

/// Nobody listens there.
#[test]
fn connections_that_are_refused_are_the_callers_failures() {
    if !able(&["curl"]) {
        return;
    }
    let world = World::start_shared();
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let curl = own_copy(folder.path(), "curl", port);
    for _ in 0..7 {
        let url = format!("http://127.0.0.1:{port}/");
        let refused = Command::new(&curl).args(["-s", &url]).status().unwrap();
        assert_eq!(refused.code(), Some(7));
    }
    let client = format!("curl-{port}");
    let failures = |w: &World| {
        edges(w, &client)
            .iter()
            .map(|e| e["failures"].clone())
            .collect::<Vec<_>>()
    };
    // Edges come each ten seconds, and the seven may lie in two of them.
    eventually("they are counted", || failures(&world) == [Value::from(7)]);
    assert_eq!(world.quiescent(failures), [Value::from(7)]);
}
