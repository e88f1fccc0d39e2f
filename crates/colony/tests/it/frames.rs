//! Ten thousand random and mutated frames on each socket of a colony: it does not end, its memory stays bounded, no
//! connection stays open, and it still answers.

mod mutate;
mod tap;

use crate::agent::{Agent, batch, exact, pulse};
use crate::colony::{Started, ask, channel};
use coral_model::*;
use coral_proto::v1;
use mutate::Random;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// So many on each socket.
const FRAMES: usize = 10_000;
/// Senders at a time.
const SENDERS: u64 = 4;
/// The colony's memory stays below; most of it is the engine's, and this build is not optimised.
const MEMORY_KB: u64 = 512 << 10;
/// How long an answer is waited for: most senders of nonsense get none.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a console and an agent say to a colony, a connection each.
async fn recorded(socket: &Path, home: &Path) -> Vec<Vec<Vec<u8>>> {
    let tap = tap::Tap::open(&home.join("tap.sock"), socket);
    let to = channel(&tap.path).await.unwrap();
    let summary = Question::Summary {
        span: Span::Last(Duration::from_secs(900)),
        service: None,
        compare: None,
    };
    for question in [Question::Status, summary] {
        ask(&to, &question).await.unwrap();
    }
    let topics = v1::Topics {
        topics: vec![v1::Topic {
            id: 1,
            question: Some((&Question::Status).into()),
        }],
    };
    let mut watcher = v1::watch_client::WatchClient::new(to);
    let mut updates = watcher.open(topics).await.unwrap().into_inner();
    assert!(updates.message().await.unwrap().is_some());
    let (mut agent, _) = Agent::open(channel(&tap.path).await.unwrap(), "a", 5)
        .await
        .unwrap();
    for seq in 1..=3 {
        let at = TimeNs(1_800_000_000_000_000_000 + seq * 10_000_000_000);
        let mut next = batch("a", 5, seq as u64, at);
        next.items.extend([exact(at, 9), pulse(at, 9)]);
        agent.ship(&next).await.unwrap();
    }
    drop((updates, agent));
    tap.sent()
        .iter()
        .map(|bytes| mutate::frames(bytes))
        .collect()
}

/// Sends bytes, takes what comes back for a moment, and leaves.
fn send(mut stream: impl Read + Write, bytes: &[u8], end: impl Fn()) {
    let _ = stream.write_all(bytes);
    end();
    let mut answer = [0; 4096];
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && stream.read(&mut answer).is_ok_and(|n| n > 0) {}
}

fn to_socket(path: &Path, bytes: &[u8]) {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let other = stream.try_clone().unwrap();
    send(stream, bytes, || drop(other.shutdown(Shutdown::Write)));
}

fn to_port(address: SocketAddr, bytes: &[u8]) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let other = stream.try_clone().unwrap();
    send(stream, bytes, || drop(other.shutdown(Shutdown::Write)));
}

/// Lets senders send until they have sent all; each call of `one` is a connection with at least one such frame.
fn flood(one: impl Fn(&mut Random) + Sync) {
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let one = &one;
            scope.spawn(move || {
                let mut random = Random(0x5eed + sender);
                (0..FRAMES / SENDERS as usize).for_each(|_| one(&mut random));
            });
        }
    });
}

fn memory_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count()
}

/// It lives, answers, and holds no more than before.
async fn unharmed(colony: &mut Started, files_before: usize) {
    assert!(colony.lives());
    let to = channel(&colony.socket).await.unwrap();
    assert!(ask(&to, &Question::Status).await.is_ok());
    drop(to);
    let kb = memory_kb(colony.pid());
    assert!(kb < MEMORY_KB, "{kb} kB");
    let until = Instant::now() + Duration::from_secs(30);
    while files(colony.pid()) > files_before + 8 {
        assert!(
            Instant::now() < until,
            "{} files are open",
            files(colony.pid())
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hostile_frames_do_not_harm_the_socket() {
    let home = tempfile::tempdir().unwrap();
    let mut colony = Started::new(home.path()).await;
    let recorded = recorded(&colony.socket, home.path()).await;
    assert!(recorded.iter().all(|frames| frames.len() > 3));
    let before = files(colony.pid());
    flood(|random| {
        let frames = mutate::connection(&recorded, random);
        to_socket(&colony.socket, &frames.concat());
    });
    unharmed(&mut colony, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hostile_requests_do_not_harm_the_metrics() {
    let home = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut colony = Started::with(home.path(), &["--metrics", &free.to_string()]).await;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {free}\r\nAuthorization: Bearer {}\r\nContent-Length: 3\r\n\r\nabc",
        "0".repeat(64)
    );
    let lines: Vec<Vec<u8>> = request
        .split_inclusive("\r\n")
        .map(|l| l.as_bytes().to_vec())
        .collect();
    let before = files(colony.pid());
    flood(|random| {
        let parts = mutate::pieces(&lines, random);
        to_port(free, &parts.concat());
    });
    let healthy = format!("GET /healthz HTTP/1.1\r\nHost: {free}\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(free).unwrap();
    stream.write_all(healthy.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    unharmed(&mut colony, before).await;
}
