//! What happened near the incident, as far as it may have caused it.

use super::fill::Fill;
use coral_diagnose::{EventKind as Kind, Happened};
use coral_model::{Event, EventKind, Observed};
use coral_store::{EventFilter, StoreError};

/// So many of the newest are looked at.
const MOST: usize = 5_000;
/// A service of which more is told in one go is known to come and go.
const OFTEN: usize = 200;

/// What weighs, and how.
const WEIGHED: [(EventKind, Kind); 7] = [
    (EventKind::Change, Kind::Deployment),
    (EventKind::Restart, Kind::Restart),
    (EventKind::Crash, Kind::Crash),
    (EventKind::OutOfMemory, Kind::OutOfMemory),
    (EventKind::DiskFull, Kind::DiskFull),
    (EventKind::Unhealthy, Kind::Other),
    (EventKind::Note, Kind::Other),
];

impl Fill<'_> {
    /// Takes in the events of the axis, in order of time.
    pub fn happened(&mut self) -> Result<(), StoreError> {
        let filter = EventFilter {
            window: self.axis.whole(),
            services: vec![],
            kinds: WEIGHED.iter().map(|(kind, _)| *kind).collect(),
            limit: MOST,
        };
        let found = self.scope.snapshot().events(&filter)?;
        let mut events: Vec<Happened> = found.iter().filter_map(|e| self.event(e)).collect();
        events.sort_by(|a, b| {
            let key = |e: &Happened| (e.service, e.kind, e.text.clone());
            a.at.total_cmp(&b.at).then_with(|| key(a).cmp(&key(b)))
        });
        let mut count: std::collections::HashMap<Option<u32>, usize> = Default::default();
        for event in &events {
            *count.entry(event.service).or_default() += 1;
        }
        events.retain(|event| event.service.is_none() || count[&event.service] <= OFTEN);
        self.events = events;
        Ok(())
    }

    /// An event of a service that people care about, or of none.
    fn event(&self, event: &Event) -> Option<Happened> {
        let (_, kind) = WEIGHED.iter().find(|(kind, _)| *kind == event.kind)?;
        let service = match &event.service {
            Some(key) => Some(self.known(key)?),
            None => None,
        };
        Some(Happened {
            at: (event.at.0 / 1_000_000) as f64 / 1e3,
            service,
            kind: *kind,
            text: Observed::new(event.text.visible().trim()),
        })
    }
}
