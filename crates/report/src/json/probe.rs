//! The reports of `coral debug`.

use super::{ms, ratio, rfc3339, rounded};
use coral_model::probe::{CallRow, FoundFunction, Functions, ProbeLog, ProbedRow, TreeRow, Value};
use coral_model::{Observed, TimeNs};
use serde::Serialize;
use std::time::Duration;

/// `coral debug logs -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeReport {
    /// The id.
    pub id: String,
    /// What hosts say of it.
    pub hosts: Vec<ProbeHostReport>,
    /// The functions.
    pub functions: Vec<ProbedReport>,
    /// Single calls, newest first.
    pub calls: Vec<CallReport>,
    /// Single calls that there was no room for.
    pub dropped: u64,
}

/// `coral debug attach -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttachReport {
    /// The id.
    pub id: String,
    /// What is attached.
    pub probes: Vec<AttachedReport>,
    /// How long that took on the slowest host.
    pub attach_ms: Option<f64>,
    /// How long it stays.
    pub lease_s: f64,
    /// What hosts say of it.
    pub hosts: Vec<ProbeHostReport>,
}

/// What a host says of a probe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeHostReport {
    /// The host.
    pub host: String,
    /// What became of the wish there.
    pub state: &'static str,
    /// Why, or what it is attached to.
    pub reason: String,
}

/// A function that is attached to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's ProbedRow")]
pub struct AttachedReport {
    pub function: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub binary: String,
    pub offset: u64,
    pub kind: &'static str,
    pub predicted_ns_per_hit: u64,
    pub note: Option<String>,
}

/// What was seen of a function.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's ProbedRow")]
pub struct ProbedReport {
    pub function: String,
    pub binary: String,
    pub kind: &'static str,
    pub note: Option<String>,
    pub hits: u64,
    pub returned: u64,
    pub unreturned: u64,
    pub matched: u64,
    /// Which calls are errors is not known.
    pub errors: Option<u64>,
    pub total_ms: Option<f64>,
    pub p50_us: Option<f64>,
    pub p95_us: Option<f64>,
    pub p99_us: Option<f64>,
    pub max_us: Option<f64>,
    /// Of its time, what was not spent in other probed functions.
    pub self_ratio: Option<f64>,
    /// The probed functions that it called.
    pub children: Vec<ChildReport>,
}

/// A probed function as another called it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChildReport {
    /// Its name.
    pub function: String,
    /// How often.
    pub calls: u64,
    /// How long.
    pub total_ms: Option<f64>,
    /// Of the caller's time.
    pub share: Option<f64>,
}

/// A single call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the model's CallRow")]
pub struct CallReport {
    pub ts: String,
    pub host: String,
    pub function: String,
    pub duration_us: Option<f64>,
    pub pid: u32,
    pub tid: u32,
    pub goroutine: Option<String>,
    pub args: Vec<ValueReport>,
    pub ret: Option<String>,
    pub stack: Vec<String>,
}

/// A value by its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueReport {
    /// What it is called.
    pub name: String,
    /// What it was.
    pub value: String,
}

/// `coral debug functions -o json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionsReport {
    /// The best first.
    pub functions: Vec<FunctionReport>,
    /// How many fit in all.
    pub total: u64,
    /// When none fits: names that come near.
    pub similar: Vec<String>,
    /// Files of which nothing is known, and why.
    pub missing: Vec<UnreadFileReport>,
}

/// A function that could be probed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the model's FoundFunction"
)]
pub struct FunctionReport {
    pub function: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub binary: String,
    pub build: String,
    pub address: Option<u64>,
    pub bytes: u64,
    pub language: String,
    pub inlined_into: Vec<String>,
}

/// A file of which nothing is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnreadFileReport {
    /// The program or library, or the host.
    pub binary: String,
    /// Why, and what to do about it.
    pub why: String,
}

fn text(observed: &Observed) -> String {
    observed.visible().into_owned()
}

fn some(observed: &Observed) -> Option<String> {
    Some(text(observed)).filter(|text| !text.is_empty())
}

/// Microseconds with three decimals.
fn us(duration: Option<Duration>) -> Option<f64> {
    duration.map(|d| rounded(d.as_secs_f64() * 1e6))
}

fn share(part: Duration, whole: Duration) -> Option<f64> {
    ratio((!whole.is_zero()).then(|| part.as_secs_f64() / whole.as_secs_f64()))
}

fn hosts(log: &ProbeLog) -> Vec<ProbeHostReport> {
    let host = |(host, state, reason): &(Observed, coral_model::want::WantState, Observed)| {
        ProbeHostReport {
            host: text(host),
            state: state.name(),
            reason: text(reason),
        }
    };
    log.hosts.iter().map(host).collect()
}

impl AttachReport {
    /// What is attached for so long.
    pub fn new(log: &ProbeLog, lease: Duration) -> Self {
        let slowest = log.functions.iter().map(|row| row.attach).max();
        Self {
            id: log.id.clone(),
            probes: log.functions.iter().map(Into::into).collect(),
            attach_ms: ms(slowest),
            lease_s: super::seconds(lease),
            hosts: hosts(log),
        }
    }
}

impl From<&ProbedRow> for AttachedReport {
    fn from(row: &ProbedRow) -> Self {
        Self {
            function: text(&row.function.name),
            file: row.function.file.as_ref().map(text),
            line: row.function.line,
            binary: text(&row.binary),
            offset: row.offset,
            kind: row.kind.name(),
            predicted_ns_per_hit: u64::try_from(row.predicted.as_nanos()).unwrap_or(u64::MAX),
            note: some(&row.note),
        }
    }
}

impl From<&ProbeLog> for ProbeReport {
    fn from(log: &ProbeLog) -> Self {
        let name = |function: u32| {
            let row = log.functions.get(function as usize);
            row.map(|row| text(&row.function.name)).unwrap_or_default()
        };
        let functions = log.functions.iter().enumerate();
        Self {
            id: log.id.clone(),
            hosts: hosts(log),
            functions: functions
                .map(|(index, row)| probed(row, children(log, index as u32, name)))
                .collect(),
            calls: log
                .calls
                .iter()
                .map(|row| call(row, name(row.function)))
                .collect(),
            dropped: log.functions.iter().map(|row| row.counts.dropped).sum(),
        }
    }
}

fn probed(row: &ProbedRow, children: Vec<ChildReport>) -> ProbedReport {
    let counts = &row.counts;
    let is_timed = counts.returned > 0;
    ProbedReport {
        function: text(&row.function.name),
        binary: text(&row.binary),
        kind: row.kind.name(),
        note: some(&row.note),
        hits: counts.hits,
        returned: counts.returned,
        unreturned: counts.unreturned,
        matched: counts.matched,
        errors: None,
        total_ms: ms(is_timed.then_some(counts.total)),
        p50_us: us(row.p50),
        p95_us: us(row.p95),
        p99_us: us(row.p99),
        max_us: us(row.max),
        self_ratio: share(counts.own, counts.total),
        children,
    }
}

/// What a function called, wherever it was called from itself.
fn children(log: &ProbeLog, function: u32, name: impl Fn(u32) -> String) -> Vec<ChildReport> {
    let mut whole = Duration::ZERO;
    let mut called: Vec<(u32, u64, Duration)> = vec![];
    for (at, row) in log.tree.iter().enumerate() {
        if row.function != function {
            continue;
        }
        whole += row.total;
        for below in below(log, at) {
            match called
                .iter_mut()
                .find(|(function, ..)| *function == below.function)
            {
                Some((_, calls, total)) => {
                    *calls += below.calls;
                    *total += below.total;
                }
                None => called.push((below.function, below.calls, below.total)),
            }
        }
    }
    let child = |(function, calls, total): (u32, u64, Duration)| ChildReport {
        function: name(function),
        calls,
        total_ms: ms(Some(total)),
        share: share(total, whole),
    };
    called.into_iter().map(child).collect()
}

/// The places right below one of the tree.
pub(crate) fn below(log: &ProbeLog, at: usize) -> impl Iterator<Item = &TreeRow> {
    let depth = log.tree.get(at).map_or(u16::MAX, |row| row.depth);
    let after = log.tree.iter().skip(at + 1);
    after
        .take_while(move |row| row.depth > depth)
        .filter(move |row| row.depth == depth + 1)
}

fn call(row: &CallRow, function: String) -> CallReport {
    let value = |value: &Value| ValueReport {
        name: text(&value.name),
        value: text(&value.text),
    };
    CallReport {
        ts: rfc3339(TimeNs(row.at.0)),
        host: text(&row.host),
        function,
        duration_us: us(row.duration),
        pid: row.pid,
        tid: row.tid,
        goroutine: row.goroutine.map(|address| format!("{address:#x}")),
        args: row.values.iter().map(value).collect(),
        ret: row.returned.as_ref().map(text),
        stack: row.stack.iter().map(text).collect(),
    }
}

impl From<&Functions> for FunctionsReport {
    fn from(found: &Functions) -> Self {
        let missing = |(binary, why): &(Observed, Observed)| UnreadFileReport {
            binary: text(binary),
            why: text(why),
        };
        Self {
            functions: found.rows.iter().map(Into::into).collect(),
            total: found.total,
            similar: found.similar.iter().map(text).collect(),
            missing: found.missing.iter().map(missing).collect(),
        }
    }
}

impl From<&FoundFunction> for FunctionReport {
    fn from(found: &FoundFunction) -> Self {
        Self {
            function: text(&found.function.name),
            file: found.function.file.as_ref().map(text),
            line: found.function.line,
            binary: text(&found.binary),
            build: found.build.clone(),
            address: (found.address != 0).then_some(found.address),
            bytes: found.bytes,
            language: text(&found.language),
            inlined_into: found.inlined_into.iter().map(text).collect(),
        }
    }
}
