//! Wishes that cost as long as they last: kept in memory until their lease is over. An agent counts the lease by its own
//! clock from when it hears of it, so nothing stays longer when the colony is gone.

use super::WantError;
use coral_model::{Caller, TimeNs, Want};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// More are not granted at once.
pub const MOST: usize = 32;

/// A wish that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedWant {
    /// What.
    pub want: Want,
    /// Who wished it.
    pub caller: String,
    /// When it is over.
    pub until: TimeNs,
}

/// By the clients' ids.
pub type ById = Arc<BTreeMap<String, LeasedWant>>;

/// All that last.
#[derive(Debug, Default)]
pub struct Leased {
    by_id: watch::Sender<ById>,
}

impl Leased {
    /// What lasts at `now`.
    pub fn at(&self, now: TimeNs) -> BTreeMap<String, LeasedWant> {
        let all = self.by_id.borrow();
        let lasting = all.iter().filter(|(_, leased)| leased.until > now);
        lasting.map(|(id, l)| (id.clone(), l.clone())).collect()
    }

    /// Every change.
    pub fn follow(&self) -> watch::Receiver<ById> {
        self.by_id.subscribe()
    }

    pub(super) fn put(
        &self,
        id: &str,
        want: Want,
        caller: &Caller,
        until: TimeNs,
        now: TimeNs,
    ) -> Result<(), WantError> {
        let mut next = self.at(now);
        if next.len() >= MOST && !next.contains_key(id) {
            return Err(WantError::Busy);
        }
        // The same id again is a retry, or a lease that is renewed.
        let caller = caller.id.clone();
        let leased = LeasedWant {
            want,
            caller,
            until,
        };
        next.insert(id.to_owned(), leased);
        self.by_id.send_replace(Arc::new(next));
        Ok(())
    }

    /// Ends a wish; whether there was one.
    pub fn withdraw(&self, id: &str, now: TimeNs) -> bool {
        let mut next = self.at(now);
        let was = next.remove(id).is_some();
        if was {
            self.by_id.send_replace(Arc::new(next));
        }
        was
    }
}
