//! What of a batch is taken in: all that it says must be of its sender and in the realm of the possible.

use super::IngestError;
use coral_model::summary::Counts;
use coral_model::{AgentId, Batch, Event, Gauge, Histogram, HostSample, Item, Seq};
use coral_store::StoredBatch;

/// No item counts more than this; sums of what is accepted stay far from overflowing.
const MAX_COUNT: u64 = 1 << 40;
/// Names of measurements are no longer.
const MAX_NAME: usize = 64;

fn sane<const N: usize>(counts: [u64; N]) -> Result<(), IngestError> {
    match counts.into_iter().max() {
        Some(most) if most > MAX_COUNT => Err(IngestError::Absurd(most)),
        _ => Ok(()),
    }
}

fn counted(counts: &Counts, durations: &Histogram) -> Result<(), IngestError> {
    sane([
        counts.requests,
        counts.errors,
        counts.client_errors,
        durations.count(),
    ])
}

/// Whether all that the batch says is of its sender, and in the realm of the possible.
pub(super) fn check(agent: &AgentId, batch: &Batch) -> Result<(), IngestError> {
    if batch.seq == Seq(0) {
        return Err(IngestError::Unnumbered);
    }
    let own = |other: &AgentId| {
        if other == agent {
            return Ok(());
        }
        Err(IngestError::Foreign {
            agent: agent.clone(),
            other: other.clone(),
        })
    };
    for instance in &batch.instances {
        own(&instance.key.agent)?;
    }
    for item in &batch.items {
        match item {
            Item::Pulse(p) => {
                sane([p.in_flight])?;
                counted(&p.counts, &p.durations)?;
            }
            Item::Summary(s) => counted(&s.counts, &s.durations)?,
            Item::Edge(e) => {
                sane([e.connections, e.retransmits.unwrap_or(0)])?;
                counted(&e.counts, &e.durations)?;
            }
            Item::Profile(p) => p.stacks.iter().try_for_each(|s| sane([s.samples]))?,
            Item::Host(_)
            | Item::Process(_)
            | Item::HealthCheck(_)
            | Item::Request(_)
            | Item::Want(_)
            | Item::Call(_)
            | Item::Symbols(_) => {}
            Item::Probed(p) => sane([p.counts.hits, p.counts.returned, p.counts.matched])?,
            Item::CallPath(path) => sane([path.calls])?,
            Item::Health(health) => {
                own(&health.id)?;
                sane(health.loss.fields().map(|(_, count)| count))?;
            }
            Item::Event(event) => {
                own(&event.agent)?;
                event.instance.as_ref().map_or(Ok(()), |i| own(&i.agent))?;
            }
        }
    }
    Ok(())
}

/// Whether it is a number under a name such as `cpu.busy_ratio`.
fn measured(gauge: &Gauge) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_';
    let name = gauge.name.as_bytes();
    gauge.value.is_finite()
        && !name.is_empty()
        && name.len() <= MAX_NAME
        && name.iter().all(|&b| plain(b))
}

/// The batch as it is stored. A measurement that is no number, or has a name that is none of the vocabulary's kind, counts
/// among what is not known.
pub(super) fn stored(agent: &AgentId, batch: &Batch, gap: Option<Event>) -> StoredBatch {
    let mut stored = StoredBatch {
        agent: agent.clone(),
        epoch: batch.epoch,
        seq: batch.seq,
        clock: batch.clock,
        instances: batch.instances.clone(),
        summaries: vec![],
        edges: vec![],
        events: gap.into_iter().collect(),
        hosts: vec![],
        processes: vec![],
        profiles: vec![],
        symbols: vec![],
        health: None,
        unknown: batch.unknown,
    };
    for item in &batch.items {
        match item {
            Item::Pulse(_) => {}
            Item::Summary(summary) => stored.summaries.push(summary.clone()),
            Item::Edge(edge) => stored.edges.push(edge.clone()),
            Item::Host(host) => {
                let (known, unknown): (Vec<_>, Vec<_>) =
                    host.gauges.iter().cloned().partition(measured);
                stored.unknown += unknown.len() as u64;
                stored.hosts.push(HostSample {
                    window: host.window,
                    gauges: known,
                });
            }
            Item::Process(process) => {
                if process.cpu_cores.is_finite() && process.cpu_cores >= 0.0 {
                    stored.processes.push(process.clone());
                } else {
                    stored.unknown += 1;
                }
            }
            // Health and probes are looked at live; single requests come only when they are asked for.
            Item::HealthCheck(_)
            | Item::Request(_)
            | Item::Want(_)
            | Item::Probed(_)
            | Item::CallPath(_)
            | Item::Call(_) => {}
            Item::Event(event) => stored.events.push(event.clone()),
            Item::Profile(profile) => stored.profiles.push(profile.clone()),
            Item::Symbols(symbols) => stored.symbols.push(symbols.clone()),
            Item::Health(health) => stored.health = Some(health.clone()),
        }
    }
    stored
}
