//! The in-memory twin: the same rules on plain vectors, for tests of the layers above. Nothing survives it.

mod measures;
mod profiles;

use crate::Edges;
use crate::StoreError;
use crate::append::{Append, Appended, Pending, StoredBatch, Upkeep};
use crate::duck::Format;
use crate::kept::{Keep, KeptConnect, KeptEvidence};
use crate::level::{Level, Reach};
use crate::profile::{ProfileFilter, ProfiledBuild, StoredProfile};
use crate::read::{
    EdgeRow, EventFilter, GaugePoint, GaugeRow, InstanceId, ProcessPoint, ProcessUse, Read, Routes,
    SeenInstance, ShipState, Snapshot, Statement, SummaryFilter, SummaryRow,
};
use crate::registry::{self, Registry, SEEN_STEP};
use crate::sql::SqlError;
use crate::tally::Durations;
use coral_model::answer::Table;
use coral_model::profile::ProfileKind;
use coral_model::{
    AgentHealth, AgentId, AuditRow, Endpoint, Event, HostSample, ProcessSample, Protocol, Route,
    ServiceKey, Side, TimeNs, Window,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock};

/// A store without a file.
#[derive(Debug, Default)]
pub struct Memory {
    tables: Arc<RwLock<Tables>>,
}

#[derive(Debug, Default)]
struct Tables {
    registry: Registry,
    summaries: Vec<SummaryRow>,
    edges: Vec<EdgeRow>,
    events: Vec<Event>,
    hosts: Vec<(AgentId, HostSample)>,
    processes: Vec<(InstanceId, ProcessSample)>,
    profiles: profiles::Profiles,
    health: Vec<AgentHealth>,
    audit: Vec<AuditRow>,
    connects: BTreeMap<String, KeptConnect>,
    evidence: BTreeMap<String, KeptEvidence>,
}

impl Tables {
    fn append(&mut self, batch: StoredBatch) -> Result<Appended, StoreError> {
        registry::check(&batch)?;
        let appended = self.registry.admit(&batch);
        if !appended.new {
            return Ok(appended);
        }
        let ids = self.registry.place(&batch, |_| Ok(None))?.ids;
        for s in batch.summaries {
            self.summaries.push(SummaryRow {
                window: s.window,
                instance: registry::number(&ids, s.instance)?,
                side: s.side,
                protocol: s.protocol,
                route: s.route,
                method: s.method,
                status_class: s.status_class,
                counts: s.counts,
                durations: s.durations,
            });
        }
        for e in batch.edges {
            self.edges.push(EdgeRow {
                window: e.window,
                agent: batch.agent.clone(),
                side: e.side,
                protocol: e.protocol,
                caller: registry::endpoint(&ids, &e.caller)?,
                callee: registry::endpoint(&ids, &e.callee)?,
                counts: e.counts,
                durations: e.durations,
                connections: e.connections,
                bytes_sent: e.bytes_sent,
                bytes_received: e.bytes_received,
                retransmits: e.retransmits,
                rtt: e.rtt,
            });
        }
        self.events.extend(batch.events);
        let hosts = batch.hosts.into_iter();
        self.hosts.extend(hosts.map(|h| (batch.agent.clone(), h)));
        for process in batch.processes {
            let id = registry::number(&ids, process.instance)?;
            self.processes.push((id, process));
        }
        for profile in &batch.profiles {
            let id = registry::number(&ids, profile.instance)?;
            self.profiles.add(id, profile);
        }
        batch.symbols.iter().for_each(|s| self.profiles.name(s));
        if let Some(mut health) = batch.health {
            health.loss.unknown += appended.unknown;
            self.health.push(health);
        }
        Ok(appended)
    }
}

impl Append for Memory {
    fn append(&self, batch: StoredBatch) -> Pending<Appended> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(tables.append(batch)))
    }

    fn audit(&self, row: AuditRow) -> Pending<()> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.audit.push(row);
        Box::pin(std::future::ready(Ok(())))
    }

    fn keep(&self, change: Keep) -> Pending<()> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Keep::Event(event) => tables.events.push(event),
            Keep::Connect(kept) => drop(tables.connects.insert(kept.id.clone(), kept)),
            Keep::Withdraw(id) => drop(tables.connects.remove(&id)),
            Keep::Evidence(found) => tables
                .evidence
                .extend(found.into_iter().map(|kept| (kept.id.clone(), kept))),
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn maintain(&self, _: TimeNs) -> Pending<Upkeep> {
        Box::pin(std::future::ready(Ok(Upkeep::default())))
    }
}

impl Read for Memory {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(View {
            tables: self.tables.clone(),
        }))
    }
}

/// Unlike DuckDB's it moves with later commits; tests do not write while they read.
struct View {
    tables: Arc<RwLock<Tables>>,
}

impl View {
    fn with<T>(&self, read: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        Ok(read(
            &self.tables.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

fn ends_in(window: Window, end: TimeNs) -> bool {
    window.from < end && end <= window.to
}

impl Snapshot for View {
    fn instances(&self, window: Window) -> Result<Vec<SeenInstance>, StoreError> {
        self.with(|t| {
            let from = window.from.minus(SEEN_STEP);
            let seen = |s: &&SeenInstance| s.last_seen >= from && s.first_seen <= window.to;
            let mut rows: Vec<_> = t.registry.instances().filter(seen).cloned().collect();
            rows.sort_by_key(|s| s.id);
            rows
        })
    }

    fn services(&self) -> Result<Vec<ServiceKey>, StoreError> {
        self.with(|t| {
            let services = t.registry.instances().map(|s| s.instance.service.clone());
            services.collect::<BTreeSet<_>>().into_iter().collect()
        })
    }

    fn reach(&self, window: Window) -> Result<Reach, StoreError> {
        Ok(Reach::Kept(window))
    }

    fn each_summary(
        &self,
        filter: &SummaryFilter,
        each: &mut dyn FnMut(SummaryRow<Durations<'_>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with(|t| {
            let wanted = |row: &&SummaryRow| {
                ends_in(filter.window, row.window.to)
                    && (row.route == Route::All) == (filter.routes == Routes::Exact)
                    && filter
                        .instances
                        .as_ref()
                        .is_none_or(|ids| ids.contains(&row.instance))
            };
            t.summaries.iter().filter(wanted).try_for_each(|row| {
                each(SummaryRow {
                    window: row.window,
                    instance: row.instance,
                    side: row.side,
                    protocol: row.protocol,
                    route: row.route.clone(),
                    method: row.method,
                    status_class: row.status_class,
                    counts: row.counts,
                    durations: Durations::Histogram(&row.durations),
                })
            })
        })?
    }

    fn active(&self, window: Window) -> Result<Vec<InstanceId>, StoreError> {
        self.with(|t| {
            let counted = |r: &&SummaryRow| ends_in(window, r.window.to) && r.route == Route::All;
            let ids = t.summaries.iter().filter(counted).map(|r| r.instance);
            ids.collect::<BTreeSet<_>>().into_iter().collect()
        })
    }

    fn covered(&self, since: TimeNs) -> Result<Vec<(AgentId, Window)>, StoreError> {
        self.with(|t| {
            let agents: HashMap<InstanceId, &AgentId> = t
                .registry
                .instances()
                .map(|s| (s.id, &s.instance.key.agent))
                .collect();
            let mut covered: BTreeMap<_, _> = BTreeMap::new();
            for row in &t.summaries {
                if row.route == Route::All
                    && row.window.to > since
                    && let Some(&agent) = agents.get(&row.instance)
                {
                    let key = (agent.clone(), row.window.from, row.window.to);
                    covered.insert(key, (agent.clone(), row.window));
                }
            }
            covered.into_values().collect()
        })
    }

    fn each_edge(
        &self,
        window: Window,
        which: Edges,
        _: Level,
        each: &mut dyn FnMut(EdgeRow<Durations<'_>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with(|t| {
            let wanted = |row: &&EdgeRow| {
                let asked = which == Edges::All || !row.protocol.is_read();
                asked && ends_in(window, row.window.to)
            };
            t.edges.iter().filter(wanted).try_for_each(|row| {
                each(EdgeRow {
                    window: row.window,
                    agent: row.agent.clone(),
                    side: row.side,
                    protocol: row.protocol,
                    caller: row.caller.clone(),
                    callee: row.callee.clone(),
                    counts: row.counts,
                    durations: Durations::Histogram(&row.durations),
                    connections: row.connections,
                    bytes_sent: row.bytes_sent,
                    bytes_received: row.bytes_received,
                    retransmits: row.retransmits,
                    rtt: row.rtt,
                })
            })
        })?
    }

    fn spoken(&self, window: Window) -> Result<Vec<(InstanceId, Protocol)>, StoreError> {
        self.with(|t| {
            let mut spoken = BTreeSet::new();
            for row in t.edges.iter().filter(|row| ends_in(window, row.window.to)) {
                let caller = (row.side == Side::Client).then_some(&row.caller);
                for end in caller.into_iter().chain([&row.callee]) {
                    if let Endpoint::Instance(id) = *end {
                        spoken.insert((InstanceId(id), row.protocol));
                    }
                }
            }
            spoken.into_iter().collect()
        })
    }

    fn events(&self, filter: &EventFilter) -> Result<Vec<Event>, StoreError> {
        self.with(|t| {
            let wanted = |e: &&Event| {
                e.at < filter.window.to
                    && e.until.unwrap_or(e.at) >= filter.window.from
                    && (filter.services.is_empty()
                        || e.service
                            .as_ref()
                            .is_some_and(|s| filter.services.contains(s)))
                    && (filter.kinds.is_empty() || filter.kinds.contains(&e.kind))
            };
            let mut rows: Vec<_> = t.events.iter().filter(wanted).cloned().collect();
            rows.sort_by_key(|e| std::cmp::Reverse(e.at));
            rows.truncate(filter.limit);
            rows
        })
    }

    fn gauges(&self, window: Window) -> Result<Vec<GaugeRow>, StoreError> {
        self.with(|t| measures::gauges(&t.hosts, |end| ends_in(window, end)))
    }

    fn processes(&self, window: Window) -> Result<Vec<ProcessUse>, StoreError> {
        self.with(|t| measures::processes(&t.processes, |end| ends_in(window, end)))
    }

    fn each_process(
        &self,
        window: Window,
        _: Level,
        each: &mut dyn FnMut(ProcessPoint) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with(|t| {
            let within = |(_, s): &&(InstanceId, ProcessSample)| ends_in(window, s.window.to);
            let mut samples = t.processes.iter().filter(within);
            samples.try_for_each(|(instance, sample)| each(measures::point(*instance, sample)))
        })?
    }

    fn each_gauge(
        &self,
        window: Window,
        _: Level,
        names: &[&str],
        each: &mut dyn FnMut(GaugePoint<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with(|t| {
            let within = |(_, s): &&(AgentId, HostSample)| ends_in(window, s.window.to);
            let mut samples = t.hosts.iter().filter(within);
            samples.try_for_each(|(agent, sample)| measures::points(agent, sample, names, each))
        })?
    }

    fn profile(&self, filter: &ProfileFilter) -> Result<StoredProfile, StoreError> {
        self.with(|t| t.profiles.find(filter, |end| ends_in(filter.window, end)))
    }

    fn profiled_builds(
        &self,
        kind: ProfileKind,
        since: TimeNs,
        _: Level,
    ) -> Result<Vec<ProfiledBuild>, StoreError> {
        self.with(|t| t.profiles.builds(kind, since))
    }

    fn health(&self, window: Window) -> Result<Vec<AgentHealth>, StoreError> {
        self.with(|t| {
            let wanted = |h: &&AgentHealth| ends_in(window, h.at);
            let mut rows: Vec<_> = t.health.iter().filter(wanted).cloned().collect();
            rows.sort_by_key(|h| h.at);
            rows
        })
    }

    fn newest_health(&self) -> Result<Vec<AgentHealth>, StoreError> {
        self.with(|t| {
            let mut newest: BTreeMap<&AgentId, &AgentHealth> = BTreeMap::new();
            for health in &t.health {
                let held = newest.entry(&health.id).or_insert(health);
                if health.at >= held.at {
                    *held = health;
                }
            }
            newest.into_values().cloned().collect()
        })
    }

    fn ship_states(&self) -> Result<Vec<ShipState>, StoreError> {
        self.with(|t| {
            let mut rows: Vec<_> = t.registry.ships().cloned().collect();
            rows.sort_by(|a, b| (&a.agent, a.epoch).cmp(&(&b.agent, b.epoch)));
            rows
        })
    }

    fn connects(&self) -> Result<Vec<KeptConnect>, StoreError> {
        self.with(|t| t.connects.values().cloned().collect())
    }

    fn evidence(&self, id: &str) -> Result<Option<KeptEvidence>, StoreError> {
        self.with(|t| t.evidence.get(id).cloned())
    }

    fn sql(&self, _: &Statement) -> Result<Table, SqlError> {
        Err(SqlError::Failed(
            "the in-memory store knows no SQL".to_owned(),
        ))
    }

    fn export(&self, _: &str, _: Format, _: Window) -> Result<File, SqlError> {
        Err(SqlError::Failed(
            "the in-memory store writes no files".to_owned(),
        ))
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.with(|t| t.audit.iter().rev().take(limit).cloned().collect())
    }
}
