//! Takes batches in: checks them against their sender, notices gaps, stores them and only then lets them be acknowledged.
//! Batches of one agent are taken one after the other, whatever streams they come on.

mod check;

use crate::live::Live;
use check::{check, stored};
use coral_model::summary::PULSE;
use coral_model::{
    AgentHealth, AgentId, Batch, Epoch, Event, EventKind, Item, Loss, Observed, Seq, TimeNs,
};
use coral_store::{Append, ShipState, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;

/// An agent's state is kept this often.
const KEEP_HEALTH: Duration = Duration::from_secs(10);
/// More agents than this are not taken in.
const MAX_AGENTS: usize = 10_000;

/// Why a batch is not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// It speaks of another agent.
    #[error("a batch of agent {agent} speaks of agent {other}")]
    Foreign {
        /// Whose stream.
        agent: AgentId,
        /// Whose data.
        other: AgentId,
    },
    /// Numbers begin at 1.
    #[error("a batch has the number 0")]
    Unnumbered,
    /// A count that nothing on earth reaches.
    #[error("a batch counts {0} in one item, more than the limit")]
    Absurd(u64),
    /// The colony is full.
    #[error("this colony has {MAX_AGENTS} agents and takes no more")]
    Full,
    /// It could not be stored; the agent sends it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Default)]
struct Known {
    runs: BTreeMap<Epoch, Run>,
    /// When the kept state was, and what was lost by then.
    kept_health: Option<(TimeNs, Loss)>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    seq: Seq,
    last: TimeNs,
}

/// The way in.
pub struct Ingest {
    store: Arc<dyn Append>,
    live: Arc<Live>,
    agents: Mutex<HashMap<AgentId, Arc<AsyncMutex<Known>>>>,
}

impl Ingest {
    /// Begins with what the store holds.
    pub fn new(store: Arc<dyn Append>, live: Arc<Live>, ships: &[ShipState]) -> Self {
        let mut agents: HashMap<AgentId, Known> = HashMap::new();
        for ship in ships {
            let run = Run {
                seq: ship.seq,
                last: ship.last,
            };
            let known = agents.entry(ship.agent.clone()).or_default();
            known.runs.insert(ship.epoch, run);
        }
        let wrap = |(agent, known)| (agent, Arc::new(AsyncMutex::new(known)));
        Self {
            store,
            live,
            agents: Mutex::new(agents.into_iter().map(wrap).collect()),
        }
    }

    fn known(&self, agent: &AgentId) -> Result<Arc<AsyncMutex<Known>>, IngestError> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if !agents.contains_key(agent) && agents.len() >= MAX_AGENTS {
            return Err(IngestError::Full);
        }
        Ok(agents.entry(agent.clone()).or_default().clone())
    }

    /// The last stored batch of this run; 0 when there is none.
    ///
    /// # Errors
    /// [`IngestError::Full`].
    pub async fn last(&self, agent: &AgentId, epoch: Epoch) -> Result<Seq, IngestError> {
        let known = self.known(agent)?;
        let known = known.lock().await;
        Ok(known.runs.get(&epoch).map_or(Seq(0), |run| run.seq))
    }

    /// Stores a batch, unless it is stored already, and says how far its run is stored then.
    ///
    /// # Errors
    /// [`IngestError`]; nothing of the batch is kept then.
    pub async fn take(
        &self,
        agent: &AgentId,
        batch: Batch,
        now: TimeNs,
    ) -> Result<Seq, IngestError> {
        check(agent, &batch)?;
        let known = self.known(agent)?;
        let mut known = known.lock().await;
        if let Some(run) = known.runs.get(&batch.epoch)
            && batch.seq <= run.seq
        {
            return Ok(run.seq);
        }
        let gap = gap(agent, &known, &batch);
        let mut stored = stored(agent, &batch, gap);
        stored
            .events
            .extend(self.live.health_changes(agent, &batch, now));
        if !keep_health(known.kept_health, stored.health.as_ref()) {
            stored.health = None;
        }
        let kept = stored.health.as_ref().map(|h| (h.at, h.loss));
        let appended = self.store.append(stored).await?;
        if appended.new {
            self.live.absorb(agent, &batch, appended.unknown, now);
        }
        known.kept_health = kept.or(known.kept_health);
        let run = known.runs.entry(batch.epoch).or_insert(Run {
            seq: appended.last,
            last: batch.clock,
        });
        run.seq = appended.last;
        run.last = run.last.max(batch.clock);
        Ok(appended.last)
    }
}

/// States are kept now and then, and whenever something was lost: the last of a run must hold all of its losses.
fn keep_health(kept: Option<(TimeNs, Loss)>, health: Option<&AgentHealth>) -> bool {
    let (Some(health), Some((at, loss))) = (health, kept) else {
        return health.is_some();
    };
    // A clock that went back by more than the step is a new beginning.
    let step = Duration::from_nanos(health.at.0.abs_diff(at.0));
    step >= KEEP_HEALTH || health.loss != loss
}

/// The stretch that nobody observed before this batch, if it shows one: its run is new, or numbers are missing.
fn gap(agent: &AgentId, known: &Known, batch: &Batch) -> Option<Event> {
    let (&newest, before) = known.runs.last_key_value()?;
    // What the batch speaks of began a pulse before its end, or when the agent started.
    let began = batch.clock.minus(PULSE);
    let (from, until, what) = if batch.epoch > newest {
        let started = batch.items.iter().find_map(|item| match item {
            Item::Health(health) => Some(health.started),
            _ => None,
        });
        let until = started.map_or(began, |started| started.max(began));
        (before.last, until, "agent restarted".to_owned())
    } else {
        let run = known.runs.get(&batch.epoch)?;
        let missing = batch.seq.0.saturating_sub(run.seq.0 + 1);
        if missing == 0 {
            return None;
        }
        tracing::warn!(%agent, missing, after = run.seq.0, "batches are missing");
        let what = format!("{missing} batches of the agent were lost");
        (run.last, began, what)
    };
    if until <= from {
        return None;
    }
    let seconds = until.since(from).as_secs_f64();
    Some(Event {
        at: from,
        until: Some(until),
        kind: EventKind::Gap,
        agent: agent.clone(),
        service: None,
        instance: None,
        text: Observed::new(format!("{what}; nothing was observed for {seconds:.1} s")),
    })
}
