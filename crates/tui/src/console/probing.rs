//! Probes as the console knows them: the sessions that the colony keeps, and those that it kept while this console ran.

mod picker;

pub use picker::{Picker, REST};

use super::moment::Moment;
use crate::client::wants::Wish;
use crate::failure::Failure;
use coral_model::probe::{CALLS_PER_S, ProbeLog, ProbeSpec};
use coral_model::profile::Target;
use coral_model::want::{WantState, session};
use coral_model::{Observed, Want};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a probe stays that is attached here.
pub const LEASE: Duration = Duration::from_secs(60);
/// Sessions that are over and still listed.
const OVER_MAX: usize = 20;
/// The rate is taken over this time.
const RATE_OVER: Duration = Duration::from_secs(5);
/// Counts that are kept for the rate.
const COUNTS_MAX: usize = 16;
/// How long after its end a session's last counts may take.
const LAST: Duration = Duration::from_secs(3);

/// A probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The wish's id.
    pub id: String,
    /// Whose functions.
    pub target: Target,
    /// Their names, or patterns.
    pub functions: Vec<Observed>,
    /// How long it may stay.
    pub lease: Duration,
    /// What it came to; `None` while the colony is asked.
    pub state: Option<WantState>,
    /// Why, or what it is attached to.
    pub reason: Observed,
    /// When this console asked for it, on the steady clock.
    pub put: Option<Duration>,
    /// Since when the colony keeps it no longer.
    pub over: Option<Duration>,
    /// What was seen of it.
    pub seen: Seen,
}

/// The counts of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Calls of all its functions, the newest count last.
    counts: VecDeque<(Duration, u64)>,
    /// The largest p95 of its functions.
    pub p95: Option<Duration>,
}

impl Seen {
    /// Takes in an answer.
    fn take(&mut self, log: &ProbeLog, now: Moment) {
        let hits = log.functions.iter().map(|f| f.counts.hits);
        let hits = hits.fold(0_u64, u64::saturating_add);
        self.p95 = log.functions.iter().filter_map(|f| f.p95).max();
        let is_old = |at: Duration| now.up.saturating_sub(at) > RATE_OVER;
        while self.counts.len() >= COUNTS_MAX
            || self.counts.len() > 1 && self.counts.front().is_some_and(|c| is_old(c.0))
        {
            self.counts.pop_front();
        }
        self.counts.push_back((now.up, hits));
    }

    /// All calls.
    pub fn hits(&self) -> Option<u64> {
        self.counts.back().map(|count| count.1)
    }

    /// Calls a second of late.
    pub fn rate(&self) -> Option<f64> {
        let (first, last) = (self.counts.front()?, self.counts.back()?);
        let took = last.0.checked_sub(first.0).filter(|took| !took.is_zero())?;
        Some(last.1.saturating_sub(first.1) as f64 / took.as_secs_f64())
    }
}

impl Session {
    /// The session of a probe that this console has just wished for.
    pub fn start(target: Target, functions: Vec<Observed>, now: Moment) -> Self {
        let id = session(&format!("{}/console", now.wall.0)) & 0xfff_ffff;
        Self {
            id: format!("p{id:07x}"),
            target,
            functions,
            lease: LEASE,
            state: None,
            reason: Observed::default(),
            put: Some(now.up),
            over: None,
            seen: Seen::default(),
        }
    }

    /// The wish for it.
    pub fn want(&self) -> Want {
        let functions = self.functions.iter().map(|name| name.raw().to_owned());
        Want::Probe {
            spec: ProbeSpec {
                target: self.target.clone(),
                functions: functions.collect(),
                min_duration: Duration::ZERO,
                when: String::new(),
                calls_per_s: CALLS_PER_S,
                has_values: true,
                has_stacks: false,
                // The colony says who may have them.
                has_secrets: false,
            },
            lease: self.lease,
        }
    }

    /// What the colony says of a wish, when it is one for a probe.
    fn of(wish: Wish) -> Option<Self> {
        let Want::Probe { spec, lease } = wish.want else {
            return None;
        };
        let named = |state: &WantState| state.name() == wish.state;
        let state = WantState::ALL.into_iter().find(named);
        Some(Self {
            id: wish.id,
            target: spec.target,
            functions: spec.functions.into_iter().map(Observed::new).collect(),
            lease,
            state: Some(state.unwrap_or(WantState::Pending)),
            reason: Observed::new(wish.reason),
            put: None,
            over: None,
            seen: Seen::default(),
        })
    }

    /// Whether it is attached, or may be soon.
    pub fn is_on(&self) -> bool {
        let on = matches!(
            self.state,
            None | Some(WantState::Pending | WantState::Attached)
        );
        on && self.over.is_none()
    }

    /// Whether it touches a process.
    pub fn is_attached(&self) -> bool {
        self.over.is_none() && self.state == Some(WantState::Attached)
    }

    /// The word for its state.
    pub fn state_name(&self) -> &'static str {
        self.state.map_or("asking", WantState::name)
    }

    /// What is left of its lease; known of those that this console asked for.
    pub fn left(&self, now: Moment) -> Option<Duration> {
        let put = self.put.filter(|_| self.is_on())?;
        Some(self.lease.saturating_sub(now.up.saturating_sub(put)))
    }

    /// Whether more can be learned of it.
    pub fn is_told_of(&self, now: Moment) -> bool {
        match self.over {
            None => self.state.is_some(),
            // What the colony did not take it knows nothing of.
            Some(_) if self.state == Some(WantState::Refused) => false,
            Some(since) => now.up.saturating_sub(since) < LAST,
        }
    }

    fn end(&mut self, now: Moment) {
        let lasted = self.put.map(|put| now.up.saturating_sub(put));
        if self.is_on() {
            let is_late = lasted.is_some_and(|lasted| lasted >= self.lease);
            self.state = Some(match is_late {
                true => WantState::Expired,
                false => WantState::Stopped,
            });
            self.reason = Observed::default();
        }
        self.over = Some(now.up);
    }
}

/// All sessions that are known.
#[derive(Debug, Default, PartialEq)]
pub struct Sessions {
    all: Vec<Session>,
}

impl Sessions {
    /// Those that are on first, of each the newest first.
    pub fn all(&self) -> &[Session] {
        &self.all
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Session> {
        self.all.iter().find(|session| session.id == id)
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.all.iter_mut().find(|session| session.id == id)
    }

    /// How many touch a process.
    pub fn attached(&self) -> usize {
        self.all.iter().filter(|s| s.is_attached()).count()
    }

    /// One more that was asked for here.
    pub fn add(&mut self, session: Session) {
        self.all.insert(0, session);
        self.sort();
    }

    /// Forgets one.
    pub fn forget(&mut self, id: &str) {
        self.all.retain(|session| session.id != id);
    }

    /// Takes in what the colony keeps; what it keeps no longer is over.
    pub fn listed(&mut self, wishes: Vec<Wish>, now: Moment) {
        let mut listed: Vec<Session> = wishes.into_iter().filter_map(Session::of).collect();
        for known in &mut self.all {
            match listed.iter().position(|session| session.id == known.id) {
                Some(at) => {
                    let told = listed.swap_remove(at);
                    (known.state, known.reason) = (told.state, told.reason);
                    known.over = None;
                }
                None if known.state.is_some() && known.over.is_none() => known.end(now),
                None => {}
            }
        }
        // What the colony lists by its ids has no other order.
        listed.sort_by(|a, b| a.id.cmp(&b.id));
        self.all.splice(0..0, listed);
        self.sort();
    }

    /// The colony took a wish, or did not.
    pub fn told(&mut self, id: &str, said: Result<(), Failure>, now: Moment) {
        let Some(session) = self.get_mut(id) else {
            return;
        };
        match said {
            Ok(()) => session.state = session.state.or(Some(WantState::Pending)),
            Err(failure) => {
                let parts = [failure.message, failure.hint];
                let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                session.state = Some(WantState::Refused);
                session.reason = Observed::new(parts.join(" · "));
                session.over = Some(now.up);
            }
        }
        self.sort();
    }

    /// Takes in what was seen of one.
    pub fn saw(&mut self, id: &str, log: &ProbeLog, now: Moment) {
        if let Some(session) = self.get_mut(id) {
            session.seen.take(log, now);
        }
    }

    fn sort(&mut self) {
        self.all.sort_by_key(|session| !session.is_on());
        let on = self.all.iter().filter(|s| s.over.is_none()).count();
        self.all.truncate(on + OVER_MAX);
    }
}

#[cfg(test)]
mod tests;
