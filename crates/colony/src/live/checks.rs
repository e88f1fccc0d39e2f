//! What the health checks of connected services say, and when that changed.

use coral_model::answer::HealthState;
use coral_model::{AgentId, Event, EventKind, HealthCheck, Observed, ServiceKey, TimeNs, Window};
use coral_store::EventFilter;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A check that was not heard of for longer says nothing of now: agents run them every ten seconds.
const FRESH: Duration = Duration::from_secs(35);
/// How far back the last word of a check is looked for when the colony starts.
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);
const SKEW: Duration = Duration::from_secs(86_400);
const REMEMBERED_MAX: usize = 2_000;
/// More are not followed: an agent that invents services fills nothing.
const MAX: usize = 10_000;
/// Characters of what a check says.
const TEXT_MAX: usize = 200;

#[derive(Debug, Clone)]
struct Known {
    healthy: bool,
    since: TimeNs,
    text: Observed,
    heard: TimeNs,
}

/// By agent and service.
#[derive(Debug, Clone, Default)]
pub(super) struct Checks(HashMap<(AgentId, ServiceKey), Known>);

/// The events that say what each check said last.
pub fn health_events_until(now: TimeNs) -> EventFilter {
    EventFilter {
        window: Window {
            from: now.minus(REMEMBERED),
            // An agent's clock may be ahead of the colony's.
            to: now.plus(SKEW),
        },
        services: vec![],
        kinds: vec![EventKind::Unhealthy, EventKind::Healthy],
        limit: REMEMBERED_MAX,
    }
}

impl Checks {
    /// From the stored events, newest first; what they say counts as not heard of for long.
    pub fn from_events(events: Vec<Event>) -> Self {
        let mut checks = Self::default();
        for event in events {
            let Some(service) = event.service else {
                continue;
            };
            checks.0.entry((event.agent, service)).or_insert(Known {
                healthy: event.kind == EventKind::Healthy,
                since: event.at,
                text: Observed::default(),
                heard: TimeNs(0),
            });
        }
        checks
    }

    /// Takes in what a check said; the event, when it says something else than before. The first that passes is none.
    pub fn take(&mut self, agent: &AgentId, check: &HealthCheck, now: TimeNs) -> Option<Event> {
        let key = (agent.clone(), check.service.clone());
        let text: String = check.text.raw().chars().take(TEXT_MAX).collect();
        let text = Observed::new(text);
        let before = self.0.get(&key).map(|known| (known.healthy, known.since));
        if before.is_none() && self.0.len() >= MAX {
            return None;
        }
        let same = before.filter(|(healthy, _)| *healthy == check.healthy);
        let known = Known {
            healthy: check.healthy,
            since: same.map_or(check.at, |(_, since)| since),
            text: text.clone(),
            heard: now,
        };
        self.0.insert(key, known);
        let changed = before.map_or(!check.healthy, |_| same.is_none());
        changed.then(|| event(agent, check, &text))
    }

    /// Nobody checks this service any more.
    pub fn forget(&mut self, service: &ServiceKey) {
        self.0.retain(|(_, of), _| of != service);
    }

    /// One state a service: failing on any host is failing.
    pub fn states(&self, now: TimeNs) -> Vec<(ServiceKey, HealthState)> {
        let mut states: BTreeMap<&ServiceKey, &Known> = BTreeMap::new();
        let fresh = self
            .0
            .iter()
            .filter(|(_, known)| now.since(known.heard) <= FRESH);
        for ((_, service), known) in fresh {
            let worst = states.entry(service).or_insert(known);
            if (known.healthy, known.since) < (worst.healthy, worst.since) {
                *worst = known;
            }
        }
        let state = |(service, known): (&ServiceKey, &Known)| {
            let state = HealthState {
                healthy: known.healthy,
                since: known.since,
                text: known.text.clone(),
            };
            (service.clone(), state)
        };
        states.into_iter().map(state).collect()
    }
}

fn event(agent: &AgentId, check: &HealthCheck, text: &Observed) -> Event {
    let (kind, what) = match check.healthy {
        true => (EventKind::Healthy, "passes its health check again"),
        false => (EventKind::Unhealthy, "fails its health check"),
    };
    let (name, text) = (check.service.name.visible(), text.visible());
    Event {
        at: check.at,
        until: None,
        kind,
        agent: agent.clone(),
        service: Some(check.service.clone()),
        instance: None,
        text: Observed::new(format!("{name} {what}: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(at: i64, healthy: bool, text: &str) -> HealthCheck {
        HealthCheck {
            at: TimeNs(at),
            service: ServiceKey::plain("web"),
            healthy,
            duration: Duration::from_millis(1),
            text: Observed::new(text),
        }
    }

    fn agent(name: &str) -> AgentId {
        AgentId::new(name).unwrap()
    }

    #[test]
    fn only_changes_are_events() {
        let mut checks = Checks::default();
        let mut take = |at, healthy, text| {
            let event = checks.take(&agent("a"), &check(at, healthy, text), TimeNs(at));
            event.map(|e| (e.kind, e.text.raw().to_owned()))
        };
        assert_eq!(take(1, true, "200"), None);
        assert_eq!(take(2, true, "200"), None);
        let failed = "web fails its health check: 503".to_owned();
        assert_eq!(take(3, false, "503"), Some((EventKind::Unhealthy, failed)));
        assert_eq!(take(4, false, "refused"), None);
        assert!(matches!(
            take(5, true, "200"),
            Some((EventKind::Healthy, _))
        ));
        assert!(take(6, false, "503").is_some());
        let states = checks.states(TimeNs(7));
        assert_eq!(
            (states.len(), states[0].1.since, states[0].1.healthy),
            (1, TimeNs(6), false)
        );
        let later = TimeNs(6).plus(FRESH + Duration::from_secs(1));
        assert!(checks.states(later).is_empty(), "nobody says it any more");
    }

    #[test]
    fn a_failing_host_is_seen_beside_one_that_passes() {
        let mut checks = Checks::default();
        checks.take(&agent("a"), &check(1, true, "200"), TimeNs(9));
        let first = checks.take(&agent("b"), &check(5, false, "503"), TimeNs(9));
        assert!(first.is_some(), "failing at first is an event");
        let states = checks.states(TimeNs(9));
        assert_eq!((states.len(), states[0].1.text.raw()), (1, "503"));
    }

    #[test]
    fn a_colony_that_starts_again_repeats_no_event() {
        let mut before = Checks::default();
        let now = TimeNs(1_795_181_790_000_000_000);
        let event = before
            .take(&agent("a"), &check(now.0, false, "503"), now)
            .unwrap();
        let mut checks = Checks::from_events(vec![event]);
        assert!(checks.states(now).is_empty(), "not heard of yet");
        let later = now.plus(Duration::from_secs(60));
        assert_eq!(
            checks.take(&agent("a"), &check(later.0, false, "503"), later),
            None
        );
        assert_eq!(checks.states(later)[0].1.since, now);
    }
}
