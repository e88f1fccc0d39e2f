//! What may be asked in SQL and taken as files: views in a schema of their own, without blobs and numbers of this store's
//! own. They are made anew at each start, so that they say what this build knows. Documented in `docs/SQL.md`.

use crate::StoreError;
use crate::level::Level;
use coral_model::{EventKind, Method, Protocol, ServiceClass, Side, StatusClass};
use duckdb::Connection;

/// A view and who may ask it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// Whether only an admin may.
    pub admin: bool,
    /// Its column of time; `None` for what has no time.
    pub(crate) time: Option<&'static str>,
}

const fn view(name: &'static str, time: Option<&'static str>) -> View {
    let admin = false;
    View { name, admin, time }
}

/// All of them.
pub const VIEWS: &[View] = &[
    view("requests", Some("at")),
    view("requests_1m", Some("at")),
    view("requests_1h", Some("at")),
    view("routes", Some("at")),
    view("routes_1m", Some("at")),
    view("routes_1h", Some("at")),
    view("edges", Some("at")),
    view("edges_1m", Some("at")),
    view("edges_1h", Some("at")),
    view("events", Some("at")),
    view("hosts", Some("at")),
    view("hosts_1m", Some("at")),
    view("hosts_1h", Some("at")),
    view("processes", Some("at")),
    view("processes_1m", Some("at")),
    view("processes_1h", Some("at")),
    view("instances", Some("last_seen")),
    view("agents", Some("at")),
    View {
        name: "audit",
        admin: true,
        time: Some("at"),
    },
];

/// The names that a caller may ask.
pub(super) fn names(admin: bool) -> Vec<&'static str> {
    let allowed = VIEWS.iter().filter(|v| admin || !v.admin);
    allowed.map(|v| v.name).collect()
}

/// Makes them.
pub(super) fn create(connection: &Connection) -> Result<(), StoreError> {
    let mut sql = "BEGIN; CREATE SCHEMA IF NOT EXISTS ask;".to_owned();
    let mut add = |name: &str, level: Level, select: String| {
        let name = level.table(name);
        sql.push_str(&format!("CREATE OR REPLACE VIEW ask.{name} AS {select};"));
    };
    for level in Level::ALL {
        add("requests", level, requests(level));
        add("routes", level, routes(level));
        add("edges", level, edges(level));
        add("hosts", level, hosts(level));
        add("processes", level, processes(level));
    }
    let only = Level::TenSeconds;
    add("events", only, events());
    add("instances", only, instances());
    add("agents", only, agents());
    add("audit", only, audit());
    sql.push_str("COMMIT;");
    let failed = StoreError::engine("make the views");
    connection.execute_batch(&sql).map_err(failed)
}

/// Whether all of them are there.
pub(super) fn exist(connection: &Connection) -> bool {
    // What failed before may still be open.
    let _ = connection.execute_batch("ROLLBACK");
    let readable = |view: &View| {
        let sql = format!("SELECT * FROM ask.{} LIMIT 0", view.name);
        connection.execute_batch(&sql).is_ok()
    };
    VIEWS.iter().all(readable)
}

/// A time in nanoseconds as the engine's, in UTC.
fn time(column: &str) -> String {
    format!("make_timestamp({column} // 1000)")
}

/// The words for the codes of a column.
fn words(column: &str, codes: impl Iterator<Item = (u8, &'static str)>) -> String {
    let when: Vec<_> = codes
        .map(|(code, word)| format!("WHEN {code} THEN '{word}'"))
        .collect();
    format!("CASE {column} {} ELSE 'unknown' END", when.join(" "))
}

macro_rules! words_of {
    ($column:literal, $type:ty) => {
        words(
            $column,
            <$type>::ALL
                .iter()
                .map(|value| (value.code(), value.name())),
        )
    };
}

fn class(column: &str) -> String {
    use ServiceClass as C;
    let all = [C::App, C::System, C::Coral, C::Outside];
    words(column, all.iter().map(|c| (c.code(), c.name())))
}

/// What requests and routes begin with.
fn who() -> String {
    format!(
        "{} AS at, (s.to_ns - s.from_ns) / 1e9 AS seconds, i.namespace, i.service, {} AS class, i.host, i.agent, i.pid,
         {} AS side, {} AS protocol",
        time("s.to_ns"),
        class("i.class"),
        words_of!("s.side", Side),
        words_of!("s.protocol", Protocol)
    )
}

fn requests(level: Level) -> String {
    format!(
        "SELECT {}, {} AS status_class, s.requests, s.errors, s.client_errors
         FROM main.{} s LEFT JOIN main.instance i ON i.id = s.instance WHERE s.route_kind = 1",
        who(),
        words_of!("s.status_class", StatusClass),
        level.table("summary")
    )
}

fn routes(level: Level) -> String {
    format!(
        "SELECT {}, {} AS method, coalesce(s.route, '(unattributed)') AS route, {} AS status_class, s.requests, s.errors,
         s.client_errors
         FROM main.{} s LEFT JOIN main.instance i ON i.id = s.instance WHERE s.route_kind <> 1",
        who(),
        words_of!("s.method", Method),
        words_of!("s.status_class", StatusClass),
        level.table("summary")
    )
}

fn edges(level: Level) -> String {
    let end = |side: &str, i: &str| {
        format!(
            "{i}.namespace AS {side}_namespace, coalesce({i}.service,
             CASE WHEN e.{side}_port = 0 THEN e.{side}_ip ELSE e.{side}_ip || ':' || e.{side}_port END) AS {side}"
        )
    };
    format!(
        "SELECT {} AS at, (e.to_ns - e.from_ns) / 1e9 AS seconds, e.agent, {} AS side, {} AS protocol, {}, {}, e.requests,
         e.errors, e.client_errors, e.connections, e.sent_bytes AS bytes_sent, e.received_bytes AS bytes_received,
         e.retransmits, e.rtt_ns / 1e6 AS rtt_ms
         FROM main.{} e LEFT JOIN main.instance a ON a.id = e.caller_instance
         LEFT JOIN main.instance b ON b.id = e.callee_instance",
        time("e.to_ns"),
        words_of!("e.side", Side),
        words_of!("e.protocol", Protocol),
        end("caller", "a"),
        end("callee", "b"),
        level.table("edge")
    )
}

fn hosts(level: Level) -> String {
    let values = match level {
        Level::TenSeconds => "value",
        Level::Minute | Level::Hour => {
            "last, least AS min, total / samples AS mean, most AS max, samples"
        }
    };
    format!(
        "SELECT {} AS at, (to_ns - from_ns) / 1e9 AS seconds, agent, name, label, {values} FROM main.{}",
        time("to_ns"),
        level.table("host_metric")
    )
}

fn processes(level: Level) -> String {
    let cores = match level {
        Level::TenSeconds => "p.cpu_cores",
        Level::Minute | Level::Hour => "p.cpu_ns / (p.to_ns - p.from_ns)",
    };
    format!(
        "SELECT {} AS at, (p.to_ns - p.from_ns) / 1e9 AS seconds, i.namespace, i.service, i.host, i.agent, i.pid,
         {cores} AS cpu_cores, p.rss_bytes, p.fds, p.threads
         FROM main.{} p LEFT JOIN main.instance i ON i.id = p.instance",
        time("p.to_ns"),
        level.table("process")
    )
}

fn events() -> String {
    format!(
        "SELECT {} AS at, {} AS until, {} AS kind, agent, namespace, service, pid, text FROM main.event",
        time("at_ns"),
        time("until_ns"),
        words_of!("kind", EventKind)
    )
}

fn instances() -> String {
    format!(
        "SELECT namespace, service, {} AS class, host, agent, pid, {} AS started, ports, {} AS first_seen, {} AS last_seen
         FROM main.instance",
        class("class"),
        time("started_ns"),
        time("first_seen_ns"),
        time("last_seen_ns")
    )
}

fn agents() -> String {
    format!(
        "SELECT {} AS at, agent, host, version, mode, rss_bytes, cpu_percent, listening, {} AS started, records_dropped,
         summaries_dropped, unparsed, unseen, connections_untracked, unknown FROM main.agent_health",
        time("at_ns"),
        time("started_ns")
    )
}

fn audit() -> String {
    format!(
        "SELECT {} AS at, caller, role, via, action, target, refused FROM main.audit",
        time("at_ns")
    )
}
