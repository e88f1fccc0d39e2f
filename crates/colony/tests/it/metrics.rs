//! Health and metrics over HTTP: off unless asked for, loopback only, with a token, and no name breaks a line.

use crate::agent::{Agent, batch, exact, instance};
use crate::colony::{about, channel, second};
use coral_colony::hub::Beat;
use coral_colony::identity::People;
use coral_colony::metrics::MetricsError;
use coral_colony::server::{Colony, Parts};
use coral_mesh::direct::Listener;
use coral_store::Memory;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

fn colony(stop: watch::Receiver<bool>) -> Colony {
    let parts = Parts {
        store: Arc::new(Memory::default()),
        people: People::only(nix::unistd::geteuid().as_raw()),
        clock: Arc::new(|| second(20)),
        about: about(),
        beat: Beat::default(),
    };
    Colony::new(parts, stop).unwrap()
}

async fn get(to: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn token(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("metrics.token")).unwrap();
    text.trim().to_owned()
}

#[tokio::test]
async fn others_than_this_machine_are_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let (_stop, stopped) = watch::channel(false);
    for address in ["0.0.0.0:0", "10.0.0.1:80", "[::]:0"] {
        let refused = colony(stopped.clone()).with_metrics(address.parse().unwrap(), dir.path());
        let refused = refused.await.err().unwrap();
        assert!(matches!(refused, MetricsError::NotLoopback(_)), "{refused}");
    }
    assert!(!dir.path().join("metrics.token").exists());
}

#[tokio::test]
async fn the_page_counts_requests_and_no_name_breaks_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let any = "127.0.0.1:0".parse().unwrap();
    let (colony, to) = colony(stopped).with_metrics(any, dir.path()).await.unwrap();
    let socket = dir.path().join("colony.sock");
    let listener = Arc::new(Listener::bind(&socket).unwrap());
    tokio::spawn(async move { colony.serve(listener).await.unwrap() });
    let (mut agent, _) = Agent::open(channel(&socket).await.unwrap(), "a", 5)
        .await
        .unwrap();
    let mut next = batch("a", 5, 1, second(10));
    let hostile = "x\"} 1\nforged{a=\"\\\u{1b}[2J";
    next.instances = vec![instance("a", 1, hostile)];
    next.items.push(exact(second(10), 100));
    agent.ship(&next).await.unwrap();

    let host = "Host: localhost:7668\r\n";
    assert!(get(to, "/healthz", host).await.starts_with("HTTP/1.1 200"));
    assert!(
        get(to, "/healthz", "Host: evil.example\r\n")
            .await
            .starts_with("HTTP/1.1 403")
    );
    assert!(get(to, "/metrics", host).await.starts_with("HTTP/1.1 401"));
    let bearer = |token: &str| format!("{host}Authorization: Bearer {token}\r\n");
    let wrong = bearer(&"0".repeat(64));
    assert!(
        get(to, "/metrics", &wrong)
            .await
            .starts_with("HTTP/1.1 401")
    );
    let right = bearer(&token(dir.path()));
    let foreign = right.replace("localhost", "evil.example");
    assert!(
        get(to, "/metrics", &foreign)
            .await
            .starts_with("HTTP/1.1 403")
    );
    let page = get(to, "/metrics", &right).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("text/plain; version=0.0.4"));
    let labels = r#"{service="x\"} 1⏎forged{a=\"\\\\u{1b}[2J",namespace="",side="server""#;
    let lines = [
        format!("coral_requests_total{labels}}} 100"),
        format!("coral_request_duration_seconds_bucket{labels},le=\"0.25\"}} 100"),
        format!("coral_request_duration_seconds_bucket{labels},le=\"+Inf\"}} 100"),
        format!("coral_request_duration_seconds_count{labels}}} 100"),
        "coral_colony_batches_total 1".to_owned(),
        "coral_agent_connected{agent=\"a\",host=\"host\"} 1".to_owned(),
        "coral_colony_info{colony=\"test\",version=\"0.1.0\"} 1".to_owned(),
    ];
    for line in lines {
        assert!(page.lines().any(|l| l == line), "{line} in {page}");
    }
    assert!(!page.lines().any(|l| l.starts_with("forged")));
    // Every line is a comment or a name, labels and a number.
    let body = page.split_once("\r\n\r\n").unwrap().1;
    for line in body
        .lines()
        .filter(|l| l.contains("coral_") && !l.starts_with('#'))
    {
        let value = line.rsplit_once(' ').unwrap().1;
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
