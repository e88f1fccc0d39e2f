//! What people want of the fleet, as the colony keeps it: services connected by name, which agents follow, and notes,
//! which are events. What is kept is in the store before anybody is told that it is.

mod check;
mod leased;

pub use leased::{Leased, LeasedWant};

use coral_model::{AgentId, Caller, ConnectTarget, Event, EventKind, Observed, Role, TimeNs, Want};
use coral_store::{Append, Keep, KeptConnect, StoreError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, watch};

/// More services are not connected by name.
const CONNECTS_MAX: usize = 200;
/// Ids of notes that are remembered, so that a retry writes nothing twice.
const NOTES: usize = 1_000;
/// A note may be about something that is planned.
const AHEAD_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Why a wish is not granted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WantError {
    /// It makes no sense as it is.
    #[error("{0}")]
    Bad(String),
    /// No agent grants it.
    #[error("no agent grants a {0} yet")]
    NotGranted(&'static str),
    /// The same processes have another name.
    #[error("{what} is connected as {name} already; `coral connect {name} --remove` first")]
    Taken {
        /// The port or pattern.
        what: String,
        /// Its name.
        name: String,
    },
    /// There are too many.
    #[error("{CONNECTS_MAX} services are connected, which is the most; remove some first")]
    Full,
    /// There are too many that cost while they last.
    #[error(
        "{} wishes are granted at the moment, which is the most; wait for one to end",
        leased::MOST
    )]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is connected, by id, and how often it has changed.
#[derive(Debug, Clone, Default)]
pub struct Connects {
    /// Rises with every change.
    pub version: u64,
    /// By the clients' ids.
    pub by_id: BTreeMap<String, KeptConnect>,
}

/// The wishes.
pub struct Wants {
    sink: Arc<dyn Append>,
    connects: watch::Sender<Arc<Connects>>,
    /// One change at a time.
    turn: AsyncMutex<()>,
    leased: Leased,
    notes: Mutex<VecDeque<String>>,
}

impl Wants {
    /// Begins with what the store holds.
    pub fn new(sink: Arc<dyn Append>, kept: Vec<KeptConnect>) -> Self {
        let by_id = kept.into_iter().map(|kept| (kept.id.clone(), kept));
        let connects = Connects {
            version: 1,
            by_id: by_id.collect(),
        };
        Self {
            sink,
            connects: watch::Sender::new(Arc::new(connects)),
            turn: AsyncMutex::new(()),
            leased: Leased::default(),
            notes: Mutex::default(),
        }
    }

    /// What is connected now.
    pub fn connects(&self) -> Arc<Connects> {
        self.connects.borrow().clone()
    }

    /// The same, and every change of it.
    pub fn follow(&self) -> watch::Receiver<Arc<Connects>> {
        self.connects.subscribe()
    }

    /// Grants a wish under the client's id; the same one again changes nothing.
    ///
    /// # Errors
    /// [`WantError`].
    pub async fn put(
        &self,
        id: &str,
        want: Want,
        caller: &Caller,
        now: TimeNs,
    ) -> Result<(), WantError> {
        check::id(id)?;
        let _turn = self.turn.lock().await;
        match want {
            Want::Connect(connect) => {
                check::connect(&connect)?;
                let kept = KeptConnect {
                    id: id.to_owned(),
                    at: now,
                    caller: caller.id.clone(),
                    connect,
                };
                self.fits(&kept)?;
                self.sink.keep(Keep::Connect(kept.clone())).await?;
                self.change(|by_id| drop(by_id.insert(kept.id.clone(), kept)));
                Ok(())
            }
            Want::Note { at, service, text } => {
                let at = at.unwrap_or(now);
                if at > now.plus(AHEAD_MAX) {
                    return Err(WantError::Bad(
                        "a note is about a time within a year".to_owned(),
                    ));
                }
                let event = note(at, service, text)?;
                self.write_down(id, event).await
            }
            Want::Profile { lease, .. } => {
                check::lease(lease)?;
                self.leased.put(id, want, caller, now.plus(lease), now)
            }
            Want::Probe { mut spec, lease } => {
                check::lease(lease)?;
                check::probe(&spec)?;
                spec.has_secrets = caller.role == Role::Admin;
                let want = Want::Probe { spec, lease };
                self.leased.put(id, want, caller, now.plus(lease), now)
            }
            Want::Capture { .. } => Err(WantError::NotGranted(want.name())),
        }
    }

    /// What is leased.
    pub const fn leased(&self) -> &Leased {
        &self.leased
    }

    /// Forgets a connected service; whether there was one.
    ///
    /// # Errors
    /// The store's.
    pub async fn withdraw(&self, id: &str) -> Result<Option<KeptConnect>, WantError> {
        let _turn = self.turn.lock().await;
        let Some(known) = self.connects().by_id.get(id).cloned() else {
            return Ok(None);
        };
        self.sink.keep(Keep::Withdraw(id.to_owned())).await?;
        self.change(|by_id| drop(by_id.remove(id)));
        Ok(Some(known))
    }

    /// Two names for the same processes would be none.
    fn fits(&self, new: &KeptConnect) -> Result<(), WantError> {
        let connects = self.connects();
        let others = connects.by_id.values().filter(|known| known.id != new.id);
        let same = |known: &&KeptConnect| {
            known.connect.target == new.connect.target
                && known.connect.service != new.connect.service
        };
        if let Some(known) = others.clone().find(same) {
            return Err(WantError::Taken {
                what: target(&known.connect.target),
                name: known.connect.service.name.visible().into_owned(),
            });
        }
        match others.count() < CONNECTS_MAX {
            true => Ok(()),
            false => Err(WantError::Full),
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, KeptConnect>)) {
        self.connects.send_modify(|connects| {
            let mut next = Connects::clone(connects);
            change(&mut next.by_id);
            next.version += 1;
            *connects = Arc::new(next);
        });
    }

    async fn write_down(&self, id: &str, event: Event) -> Result<(), WantError> {
        let notes = || self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes().iter().any(|known| known == id) {
            return Ok(());
        }
        self.sink.keep(Keep::Event(event)).await?;
        let mut notes = notes();
        notes.push_back(id.to_owned());
        if notes.len() > NOTES {
            notes.pop_front();
        }
        Ok(())
    }
}

fn note(
    at: TimeNs,
    service: Option<coral_model::ServiceKey>,
    text: Observed,
) -> Result<Event, WantError> {
    Ok(Event {
        at,
        until: None,
        kind: EventKind::Note,
        agent: AgentId::new(crate::WRITER).map_err(|bad| WantError::Bad(bad.to_string()))?,
        service,
        instance: None,
        text,
    })
}

/// For people.
fn target(target: &ConnectTarget) -> String {
    match target {
        ConnectTarget::Port(port) => format!("port {port}"),
        ConnectTarget::ExePattern(pattern) => {
            format!("the pattern {}", Observed::new(pattern.as_str()).visible())
        }
    }
}

#[cfg(test)]
mod tests;
