//! SQL on a real file: useful statements have the right answer, and what is too much is stopped.

use crate::samples::{batch, second, summary, window};
use coral_model::answer::{Cell, Table};
use coral_model::{AuditOutcome, AuditRow, Caller, Event, Histogram, Observed, Role, Route, Via};
use coral_store::sql::SqlError;
use coral_store::{Append, Duck, Format, Keeping, Read, Statement, VIEWS};
use std::io::Read as _;
use std::time::{Duration, Instant};

struct Store {
    duck: Duck,
    _dir: tempfile::TempDir,
}

fn filled(rows: u64) -> Store {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.duckdb");
    let duck = Duck::open(&path, Keeping::default(), second(0)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut next = batch("a", 5, 1, 100);
        let more = (0..rows).map(|n| {
            let mut row = summary(90, 1, Route::All, n);
            row.durations = Histogram::default();
            row
        });
        next.summaries.extend(more);
        duck.append(next).await.unwrap();
        let row = AuditRow {
            at: second(1),
            caller: Caller {
                id: "uid:7".into(),
                role: Role::Viewer,
                via: Via::Unix,
            },
            action: "x".into(),
            target: "y".into(),
            outcome: AuditOutcome::Allowed,
        };
        duck.audit(row).await.unwrap();
    });
    Store { duck, _dir: dir }
}

impl Store {
    fn ask(&self, text: &str) -> Result<Table, SqlError> {
        self.ask_as(text, false, 100)
    }

    fn ask_as(&self, text: &str, admin: bool, limit: u32) -> Result<Table, SqlError> {
        let statement = Statement {
            text: text.to_owned(),
            admin,
            limit,
            longest: Duration::from_secs(1),
            now: second(160),
        };
        self.duck.snapshot().unwrap().sql(&statement)
    }

    fn rows(&self, text: &str) -> String {
        let table = self.ask(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        format!("{:?}", table.rows)
    }
}

#[test]
fn useful_statements_have_their_answer() {
    let store = filled(0);
    for (text, rows) in [
        (
            "SELECT service, sum(requests), sum(errors) FROM requests GROUP BY service ORDER BY service",
            r#"[[Text("pay"), Int(3), Int(1)], [Text("shop"), Int(10), Int(1)]]"#,
        ),
        (
            "SELECT route, method, requests FROM routes ORDER BY requests DESC",
            r#"[[Text("/users/:id"), Text("GET"), Uint(6)], [Text("(unattributed)"), Text("GET"), Uint(4)]]"#,
        ),
        (
            "SELECT at, side, protocol, status_class, seconds FROM requests WHERE at > now() - INTERVAL '1 minute' LIMIT 1",
            r#"[]"#,
        ),
        (
            "SELECT DISTINCT at, side, protocol, status_class, seconds FROM requests WHERE at >= now() - INTERVAL 60 SECOND",
            r#"[[Text("1970-01-01T00:01:40.000Z"), Text("server"), Text("http/1.1"), Text("2xx"), Float(10.0)]]"#,
        ),
        (
            "SELECT caller, callee, protocol, bytes_sent, rtt_ms FROM edges",
            r#"[[Text("shop"), Text("10.1.2.3:5432"), Text("tcp"), Uint(5), Float(0.12)]]"#,
        ),
        (
            "SELECT kind, service, text FROM events WHERE service IS NOT NULL",
            r#"[[Text("start"), Text("pay"), Text("a process started")]]"#,
        ),
        (
            "SELECT name, label, value FROM hosts ORDER BY name",
            r#"[[Text("cpu.busy_ratio"), Text(""), Float(0.5)], [Text("disk.await_ms"), Text("sda"), Float(2.0)]]"#,
        ),
        (
            "SELECT service, cpu_cores, rss_bytes, fds FROM processes",
            r#"[[Text("pay"), Float(0.25), Uint(1000001), Uint(12)]]"#,
        ),
        (
            "SELECT agent, mode, unknown FROM agents",
            r#"[[Text("a"), Text("ebpf"), Uint(1)]]"#,
        ),
        (
            "WITH s AS (SELECT service, requests n FROM requests) SELECT a.service FROM s a JOIN s b ON a.n > b.n",
            r#"[[Text("shop")]]"#,
        ),
        (
            "SELECT 1 = 1, 7 // 2, NULL, CAST('2026-01-02' AS DATE), 1e300 * 10",
            r#"[[Bool(true), Int(3), Null, Text("2026-01-02"), Float(1e301)]]"#,
        ),
        (
            "SELECT service FROM instances ORDER BY 1 DESC",
            r#"[[Text("shop")], [Text("pay")]]"#,
        ),
    ] {
        assert_eq!(store.rows(text), rows, "{text}");
    }
}

#[test]
fn rows_are_limited_and_it_says_so() {
    let store = filled(50);
    let table = store.ask_as("SELECT * FROM requests", false, 20).unwrap();
    assert_eq!((table.rows.len(), table.truncated), (20, true));
    let table = store.ask_as("SELECT 1 LIMIT 20", false, 20).unwrap();
    assert_eq!((table.rows.len(), table.truncated), (1, false));
    assert_eq!(table.rows, [[Cell::Int(1)]]);
}

#[test]
fn the_audit_log_is_for_admins() {
    let store = filled(0);
    let text = "SELECT caller FROM audit";
    let refused = store.ask(text).unwrap_err().to_string();
    assert!(refused.contains("no table is named audit"), "{refused}");
    assert_eq!(store.ask_as(text, true, 10).unwrap().rows.len(), 1);
}

#[test]
fn what_the_engine_says_reaches_whoever_asked() {
    let store = filled(0);
    let error = store.ask("SELECT nosuch FROM requests").unwrap_err();
    assert!(
        matches!(&error, SqlError::Failed(why) if why.contains("nosuch")),
        "{error}"
    );
    let error = store
        .ask("SELECT CAST(service AS INTEGER) FROM requests")
        .unwrap_err();
    assert!(matches!(error, SqlError::Failed(_)), "{error}");
    assert_eq!(store.rows("SELECT 1"), "[[Int(1)]]");
}

/// Beyond what the reader of statements refuses: work without end.
#[test]
fn what_is_too_much_is_stopped() {
    let store = filled(3_000);
    let begin = Instant::now();
    let endless = "SELECT count(*) FROM requests a, requests b, requests c, requests d
        WHERE a.errors + b.errors + c.errors + d.errors < 0";
    let error = store.ask(endless).unwrap_err();
    assert!(
        matches!(&error, SqlError::Limit(why) if why.contains("1 s")),
        "{error}"
    );
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    for large in [
        "SELECT a.requests, b.requests, c.requests, count(*) FROM requests a, requests b, requests c GROUP BY ALL",
        "SELECT * FROM requests a, requests b, requests c ORDER BY a.requests * b.requests * c.requests",
        "WITH a AS (SELECT service || service || service || service || service s FROM requests),
         b AS (SELECT s || s || s || s || s s FROM a) SELECT max(a.s || a.s) FROM b, a",
    ] {
        match store.ask(large) {
            Err(SqlError::Limit(_) | SqlError::Refused(_)) => {}
            Ok(table) if table.rows.len() <= 100 => {}
            other => panic!("{large}: {other:?}"),
        }
    }
    // The store goes on.
    assert_eq!(store.rows("SELECT count(*) FROM events"), "[[Int(2)]]");
}

#[test]
fn a_view_becomes_a_file_that_leaves_nothing_behind() {
    let store = filled(0);
    let folder = store._dir.path().join("s.duckdb.export");
    let write = |view: &str, format| {
        let snapshot = store.duck.snapshot().unwrap();
        let mut file = snapshot.export(view, format, window(0, 1000)).unwrap();
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        bytes
    };
    let text = |view, format| String::from_utf8(write(view, format)).unwrap();
    assert_eq!(
        text("hosts", Format::Csv),
        "at,seconds,agent,name,label,value\n\
         1970-01-01T00:01:40.000Z,10.0,a,cpu.busy_ratio,\"\",0.5\n\
         1970-01-01T00:01:40.000Z,10.0,a,disk.await_ms,sda,2.0\n"
    );
    let json: serde_json::Value = serde_json::from_str(&text("requests", Format::Json)).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(json[0]["requests"], 10);
    assert!(write("requests", Format::Parquet).starts_with(b"PAR1"));
    for view in VIEWS {
        for format in [Format::Csv, Format::Json, Format::Parquet] {
            assert!(!write(view.name, format).is_empty(), "{}", view.name);
        }
    }
    let snapshot = store.duck.snapshot().unwrap();
    let refused = snapshot.export("summary", Format::Csv, window(0, 10));
    assert!(matches!(refused, Err(SqlError::Refused(_))));
}

#[test]
fn hostile_texts_are_harmless_in_files() {
    let store = filled(0);
    let mut next = batch("a", 5, 2, 110);
    let names = [
        "=cmd|' /C calc'!A0",
        "-1+1",
        "a\u{1b}[2J\u{202e}b",
        "x,\"y\"\nz",
    ];
    next.events = names
        .iter()
        .map(|name| Event {
            text: Observed::new(*name),
            ..next.events[0].clone()
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.duck.append(next)).unwrap();
    let read = |format| {
        let snapshot = store.duck.snapshot().unwrap();
        let mut text = String::new();
        let mut file = snapshot.export("events", format, window(105, 200)).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    };
    let csv = read(Format::Csv);
    for line in [
        "'=cmd|' /C calc'!A0",
        "'-1+1",
        "a\u{fffd}[2J\u{fffd}b",
        "\"x,\"\"y\"\"\u{fffd}z\"",
    ] {
        assert!(csv.contains(line), "{line}: {csv}");
    }
    assert!(!read(Format::Json).contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn every_view_can_be_read_and_is_documented() {
    let store = filled(0);
    let docs = include_str!("../../../../docs/SQL.md");
    for view in VIEWS {
        let text = format!("SELECT * FROM {} LIMIT 1", view.name);
        let table = store.ask_as(&text, true, 1).unwrap();
        let columns = table.columns.join(", ");
        assert!(
            !columns.contains("_ns") && !columns.contains("durations"),
            "{columns}"
        );
        let base = view.name.trim_end_matches("_1m").trim_end_matches("_1h");
        if base == view.name || base == "hosts" {
            let row = format!("| `{}` | {columns} |", view.name);
            let short = format!("| `{base}_1m`, `{base}_1h` | {columns} |");
            assert!(
                docs.contains(&row) || docs.contains(&short),
                "docs/SQL.md lacks:\n{row}"
            );
        }
    }
}
