//! The last hour's single requests, out of the agent's own disk.

use crate::world::{Nginx, World, able, eventually, run};
use serde_json::Value;
use std::path::Path;

fn ask(world: &World, service: &str, more: &[&str]) -> Value {
    world.json(&[&["query", "requests", service], more].concat())
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["requests"].as_array().unwrap()
}

/// The file, and nothing that a client wrote into it after a question mark.
fn holds_no_secret(home: &Path) {
    let file = home.join("state/agent/local/requests.redb");
    let bytes = std::fs::read(&file).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(has(b"/hello"), "the file is not that of the requests");
    assert!(!has(b"hunter2") && !has(b"eyJhbGciOiJIUzI1NiJ9"));
}

#[test]
fn requests_of_the_last_hour_are_found_and_hold_no_secret() {
    if !able(&["nginx", "curl"]) {
        return;
    }
    let nginx = Nginx::start();
    let world = World::start();
    let ((curl, client), server) = (nginx.client("curl"), nginx.service());
    let get = |path: &str| run(&curl, &["-s", "-o", "/dev/null", &nginx.url(path)]);
    for n in 0..20 {
        get(&format!("/hello?password=hunter2&n={n}"));
        get(&format!("/hello/token/eyJhbGciOiJIUzI1NiJ9{n}"));
        get(&format!("/fail/{n}"));
    }
    eventually("the requests are there", || {
        world.figures(&server, "server").0 == 60
    });
    let all = ask(&world, &server, &[]);
    assert_eq!(rows(&all).len(), 60, "{all}");
    assert_eq!(
        (&all["truncated"], all["silent"].as_array().unwrap().len()),
        (&Value::Bool(false), 0)
    );
    let times: Vec<&str> = rows(&all)
        .iter()
        .map(|r| r["at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
    for row in rows(&all) {
        assert_eq!(
            (&row["service"], &row["side"], &row["peer"]),
            (
                &server.as_str().into(),
                &"server".into(),
                &client.as_str().into()
            )
        );
        assert!(
            row["duration_ms"].as_f64() > Some(0.0) && row["ttfb_ms"].as_f64() > Some(0.0),
            "{row}"
        );
    }
    let failed = ask(&world, &server, &["--status", "5xx", "--path", "/fail/1"]);
    assert_eq!(rows(&failed).len(), 11, "{failed}");
    assert!(rows(&failed).iter().all(|r| r["status"] == 500));
    let masked = ask(&world, &server, &["--path", "/hello/token"]);
    assert!(
        rows(&masked)
            .iter()
            .all(|r| r["path"] == "/hello/token/***"),
        "{masked}"
    );
    let few = ask(&world, &server, &["--limit", "7"]);
    assert_eq!(
        (rows(&few).len(), &few["truncated"]),
        (7, &Value::Bool(true))
    );
    assert_eq!(rows(&few)[..], rows(&all)[..7]);
    assert!(rows(&ask(&world, &server, &["--min-duration", "10s"])).is_empty());
    assert_eq!(
        rows(&ask(&world, &client, &[])).len(),
        60,
        "the client's side"
    );
    survives_the_agent(&world, &server);
}

/// What was written is there after a kill, and while no agent is there that is said.
fn survives_the_agent(world: &World, server: &str) {
    let before = world.pid("agent");
    let pid = nix::unistd::Pid::from_raw(before);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    let silent = || {
        let answer = ask(world, server, &[]);
        answer["silent"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s.as_str().unwrap().contains("not connected"))
    };
    eventually("the agent that is gone is named", silent);
    eventually("the hour is back", || {
        rows(&ask(world, server, &[])).len() == 60
    });
    holds_no_secret(world.home.path());
}
