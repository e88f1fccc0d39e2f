//! The agent as a user of no rights but the five capabilities that it asks for, and with each of them missing.

use crate::nobody::Stage;
use crate::world::{Nginx, able, eventually, run};
use serde_json::Value;

const CAPABILITIES: [&str; 5] = [
    "bpf",
    "perfmon",
    "net_admin",
    "sys_ptrace",
    "dac_read_search",
];

#[test]
fn five_capabilities_are_enough_and_each_that_lacks_is_named() {
    if !able(&["setpriv", "nginx", "curl"]) {
        return;
    }
    let nginx = Nginx::start();
    let stage = Stage::set();
    let _colony = stage.start("coral-colony", &[], &[]);
    eventually("the colony answers", || stage.json(&["status"]).is_some());
    let agent = stage.start("coral-daemon", &["agent"], &CAPABILITIES);
    let row = stage.agent(&Value::Null);
    assert_eq!(
        (&row["mode"], row["missing"].as_array().unwrap().len()),
        (&"ebpf".into(), 0),
        "{row}"
    );
    run("curl", &["-s", "-o", "/dev/null", &nginx.url("/hello")]);
    eventually("the one request is counted under its name", || {
        let summary = stage.json(&["query", "summary"]);
        let rows = summary
            .and_then(|s| s["services"].as_array().cloned())
            .unwrap_or_default();
        let own = |r: &Value| {
            r["service"] == nginx.service().as_str() && r["side"] == "server" && r["requests"] == 1
        };
        rows.iter().any(own)
    });
    drop(agent);
    let mut before = row["missing"].clone();
    for lacking in CAPABILITIES {
        let others: Vec<&str> = CAPABILITIES.into_iter().filter(|c| *c != lacking).collect();
        let agent = stage.start("coral-daemon", &["agent"], &others);
        let row = stage.agent(&before);
        let name = format!("CAP_{} is missing", lacking.to_uppercase());
        let missing = row["missing"].as_array().unwrap();
        assert_eq!(missing.len(), 1, "{row}");
        assert!(
            missing[0]["why"].as_str().unwrap().starts_with(&name),
            "{row}"
        );
        assert!(
            missing[0]["fix"].as_str().unwrap().contains("setcap"),
            "{row}"
        );
        before = row["missing"].clone();
        drop(agent);
    }
}
