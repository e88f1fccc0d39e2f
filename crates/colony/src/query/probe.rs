//! What was seen of probed functions: the same function of all hosts is one row, the ways of calls are one tree.

use super::QueryError;
use crate::live::{HostProbes, Live, ProbeSession};
use coral_model::probe::{CallRow, ProbeLog, ProbedFunction, ProbedRow, TreeRow};
use coral_model::want::session;
use coral_model::{AgentId, Histogram, Observed};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The deepest place of the tree.
const DEPTH: usize = 64;

/// Answers about the session of a wish.
pub(super) fn answer(live: &Live, id: &str, limit: usize) -> Result<ProbeLog, QueryError> {
    let reports = live.want_reports(id);
    let Some(seen) = live
        .probes(session(id))
        .or_else(|| none(reports.is_empty()))
    else {
        let id = Observed::new(id).visible().into_owned();
        return Err(QueryError::NoSuchProbe { id });
    };
    let agents = live.agents();
    let host = |agent: &AgentId| {
        let health = agents.get(agent).and_then(|agent| agent.health.as_ref());
        health.map_or_else(|| Observed::new(agent.as_str()), |h| h.host.clone())
    };
    let mut rows = Rows::default();
    let mut tree = Tree::default();
    for (agent, probes) in &seen.hosts {
        let of_host = rows.take(agent, probes);
        tree.take(probes, &of_host);
    }
    let calls = seen.calls.iter().rev().filter_map(|(agent, call)| {
        let function = *rows.by_probe.get(&(agent.clone(), call.probe))?;
        Some(CallRow {
            at: call.at,
            host: host(agent),
            function,
            pid: call.pid,
            tid: call.tid,
            goroutine: call.goroutine,
            duration: call.duration,
            values: call.values.clone(),
            returned: call.returned.clone(),
            stack: vec![],
        })
    });
    Ok(ProbeLog {
        id: id.to_owned(),
        hosts: reports
            .into_iter()
            .map(|(agent, report)| (host(&agent), report.state, report.reason))
            .collect(),
        calls: calls.take(limit).collect(),
        tree: tree.rows(),
        functions: rows.finish(),
    })
}

/// A session of which nothing was seen yet is one all the same when somebody speaks of it.
fn none(is_unheard_of: bool) -> Option<ProbeSession> {
    (!is_unheard_of).then(ProbeSession::default)
}

/// Functions, each once.
#[derive(Default)]
struct Rows {
    all: Vec<(ProbedRow, Histogram)>,
    by_place: HashMap<(Observed, Observed, u64), u32>,
    by_probe: HashMap<(AgentId, u32), u32>,
}

impl Rows {
    /// Takes what a host told; which row each of its probes is.
    fn take(&mut self, agent: &AgentId, probes: &HostProbes) -> HashMap<u32, u32> {
        let mut of_host = HashMap::new();
        for probed in probes.functions.values() {
            let place = (
                probed.function.name.clone(),
                probed.binary.path.clone(),
                probed.offset,
            );
            let index = *self.by_place.entry(place).or_insert_with(|| {
                self.all.push((row(probed), Histogram::default()));
                self.all.len() as u32 - 1
            });
            if let Some((row, durations)) = self.all.get_mut(index as usize) {
                add(row, probed);
                durations.merge(&probed.durations);
            }
            self.by_probe.insert((agent.clone(), probed.probe), index);
            of_host.insert(probed.probe, index);
        }
        of_host
    }

    fn finish(self) -> Vec<ProbedRow> {
        let finish = |(mut row, durations): (ProbedRow, Histogram)| {
            let at = |quantile| durations.quantile(quantile).map(Duration::from_nanos);
            (row.p50, row.p95, row.p99) = (at(0.5), at(0.95), at(0.99));
            row.max = durations.max().map(Duration::from_nanos);
            row
        };
        self.all.into_iter().map(finish).collect()
    }
}

/// A function of which nothing is counted yet.
fn row(probed: &ProbedFunction) -> ProbedRow {
    ProbedRow {
        function: probed.function.clone(),
        binary: probed.binary.path.clone(),
        offset: probed.offset,
        kind: probed.kind,
        predicted: probed.predicted,
        note: probed.note.clone(),
        attach: Duration::ZERO,
        counts: coral_model::probe::CallCounts::default(),
        p50: None,
        p95: None,
        p99: None,
        max: None,
    }
}

fn add(row: &mut ProbedRow, probed: &ProbedFunction) {
    row.attach = row.attach.max(probed.attach);
    let (to, from) = (&mut row.counts, &probed.counts);
    to.hits += from.hits;
    to.returned += from.returned;
    to.unreturned += from.unreturned;
    to.matched += from.matched;
    to.dropped += from.dropped;
    to.total = to.total.saturating_add(from.total);
    to.own = to.own.saturating_add(from.own);
}

/// The ways of all hosts, by the rows that they lead through.
#[derive(Default)]
struct Tree(BTreeMap<Vec<u32>, TreeRow>);

impl Tree {
    fn take(&mut self, probes: &HostProbes, of_host: &HashMap<u32, u32>) {
        for path in probes.paths.values() {
            let Some(way) = way(probes, of_host, path.path) else {
                continue;
            };
            let row = self.0.entry(way.clone()).or_insert_with(|| TreeRow {
                depth: way.len() as u16 - 1,
                function: way.last().copied().unwrap_or(0),
                calls: 0,
                total: Duration::ZERO,
                own: Duration::ZERO,
            });
            row.calls += path.calls;
            row.total = row.total.saturating_add(path.total);
            row.own = row.own.saturating_add(path.own);
        }
    }

    /// Each after its caller, the dearest first.
    fn rows(self) -> Vec<TreeRow> {
        let mut below: BTreeMap<Vec<u32>, Vec<(Vec<u32>, TreeRow)>> = BTreeMap::new();
        for (way, row) in self.0 {
            let caller = way[..way.len() - 1].to_vec();
            below.entry(caller).or_default().push((way, row));
        }
        let mut rows = vec![];
        spread(&mut below, &[], &mut rows);
        rows
    }
}

fn spread(
    below: &mut BTreeMap<Vec<u32>, Vec<(Vec<u32>, TreeRow)>>,
    caller: &[u32],
    rows: &mut Vec<TreeRow>,
) {
    let Some(mut called) = below.remove(caller) else {
        return;
    };
    called.sort_by_key(|(_, row)| std::cmp::Reverse(row.total));
    for (way, row) in called {
        rows.push(row);
        spread(below, &way, rows);
    }
}

/// The rows that a way leads through, from the first; `None` when a part of it was not told.
fn way(probes: &HostProbes, of_host: &HashMap<u32, u32>, mut path: u64) -> Option<Vec<u32>> {
    let mut way = vec![];
    while path != 0 {
        let step = probes.paths.get(&path)?;
        way.push(*of_host.get(&step.probe)?);
        path = step.parent;
        if way.len() > DEPTH {
            return None;
        }
    }
    way.reverse();
    (!way.is_empty()).then_some(way)
}
