//! A host can make processes faster than anybody can read of them: of a second's events the weightiest are told, and the
//! rest is counted.

use coral_model::{Event, EventKind};

/// Events of processes that a second may have.
pub const EVENTS_MAX: usize = 50;

/// The events that are told, in their order, and how many are not.
pub fn bounded(mut events: Vec<Event>) -> (Vec<Event>, u64) {
    let over = events.len().saturating_sub(EVENTS_MAX);
    if over > 0 {
        events.sort_by_key(|event| weight(event.kind));
        events.truncate(EVENTS_MAX);
        events.sort_by_key(|event| event.at);
    }
    (events, over as u64)
}

/// Less is weightier.
fn weight(kind: EventKind) -> u8 {
    match kind {
        EventKind::OutOfMemory | EventKind::Crash => 0,
        EventKind::Change | EventKind::Restart => 1,
        EventKind::Exit | EventKind::Start => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{AgentId, Observed, TimeNs};

    fn event(at: i64, kind: EventKind) -> Event {
        Event {
            at: TimeNs(at),
            until: None,
            kind,
            agent: AgentId::new("a").unwrap(),
            service: None,
            instance: None,
            text: Observed::default(),
        }
    }

    #[test]
    fn a_flood_is_cut_and_counted_and_the_weightiest_are_told() {
        let mut events: Vec<Event> = (0..10_000).map(|n| event(n, EventKind::Start)).collect();
        events.push(event(5_000, EventKind::OutOfMemory));
        let (told, over) = bounded(events);
        assert_eq!((told.len(), over), (EVENTS_MAX, 10_001 - EVENTS_MAX as u64));
        assert!(told.iter().any(|e| e.kind == EventKind::OutOfMemory));
        assert!(told.is_sorted_by_key(|e| e.at));
        let few: Vec<Event> = (0..3).map(|n| event(n, EventKind::Exit)).collect();
        assert_eq!(bounded(few.clone()), (few, 0));
    }
}
