//! What is or was no longer as usual, as rows: each begin of an anomaly with its end, out of the colony's events. Below,
//! how a diagnosis reads beside them.

mod text;

use coral_diagnose::baseline::Signal;
use coral_model::{Event, EventKind, Observed, ServiceKey, TimeNs};
use std::collections::HashMap;
use std::time::Duration;

pub use text::{TextLine, Tone, lay_out, wrapped};

/// Findings are listed so far back, also where the window is shorter.
pub const LOOK_BACK: Duration = Duration::from_secs(6 * 3600);

/// Something that was no longer as usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Since when.
    pub began: TimeNs,
    /// Until when; `None` while it goes on.
    pub ended: Option<TimeNs>,
    /// At which service; of a call the caller.
    pub service: Option<ServiceKey>,
    /// Which figure, and how it changed.
    pub what: Observed,
}

/// The findings that these events tell of, newest first: those that go on first, the newest of each first.
pub fn of(events: &[Event]) -> Vec<Finding> {
    let mut found: Vec<Finding> = vec![];
    // Where those that go on are, by whose figure they are about.
    let mut open: HashMap<(Option<&ServiceKey>, &str), usize> = HashMap::new();
    for event in events.iter().rev() {
        let about = (event.service.as_ref(), subject(event.text.raw()));
        // A colony that began anew tells of what it found before once more, and of no end.
        if let Some(place) = open.remove(&about) {
            found[place].ended = Some(event.at);
        }
        if event.kind == EventKind::AnomalyBegan {
            open.insert(about, found.len());
            found.push(Finding {
                began: event.at,
                ended: None,
                service: event.service.clone(),
                what: event.text.clone(),
            });
        }
    }
    found.sort_by_key(|f| (f.ended.is_some(), std::cmp::Reverse(f.began)));
    found
}

/// Whose figure a text is about: what stands before the word of the figure, and that word.
fn subject(text: &str) -> &str {
    let ends = Signal::ALL.iter().filter_map(|signal| {
        let word = signal.name();
        let at = text.rfind(&format!(" {word}"))?;
        let end = at + 1 + word.len();
        text[end..].starts_with([' ', ':']).then_some(end)
    });
    &text[..ends.max().unwrap_or(text.len())]
}

impl Finding {
    /// What changed, without the name that stands beside it.
    pub fn change(&self) -> String {
        let text = self.what.visible();
        let name = self.service.as_ref().map(|s| s.name.visible());
        let rest = name.and_then(|name| text.strip_prefix(&*name)?.strip_prefix(' '));
        let rest = rest.map(str::to_owned);
        rest.unwrap_or_else(|| text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::AgentId;

    fn event(at: i64, kind: EventKind, service: &str, text: &str) -> Event {
        Event {
            at: TimeNs(at),
            until: None,
            kind,
            agent: AgentId::new("colony").unwrap(),
            service: Some(ServiceKey::plain(service)),
            instance: None,
            text: Observed::new(text),
        }
    }

    #[test]
    fn ends_find_their_begins() {
        use EventKind::{AnomalyBegan as B, AnomalyEnded as E};
        let events = [
            event(9, E, "a b", "a b latency: no data any more after 2 s"),
            event(8, E, "pay", "pay latency is as usual again after 6 s"),
            event(7, B, "a b", "a b latency 1 ms -> 2.00 s"),
            event(5, E, "pay", "pay errors has become usual after 2 s"),
            event(4, B, "pay", "pay rate 1.0/s -> 9.0/s"),
            event(3, B, "pay", "pay errors 0.0 % -> 9.1 %"),
            event(2, B, "pay", "pay latency 61 ms -> 2.19 s"),
            event(1, E, "pay", "pay latency is as usual again after 5 s"),
        ];
        let found = of(&events);
        let times: Vec<_> = found
            .iter()
            .map(|f| (f.began.0, f.ended.map(|e| e.0)))
            .collect();
        assert_eq!(times, [(4, None), (7, Some(9)), (3, Some(5)), (2, Some(8))]);
        assert_eq!(found[0].change(), "rate 1.0/s -> 9.0/s");
    }

    #[test]
    fn a_begin_that_is_told_again_ends_the_one_before() {
        let began = |at| {
            event(
                at,
                EventKind::AnomalyBegan,
                "a",
                "a -> b rate 1.0/s -> 2.0/s",
            )
        };
        let found = of(&[began(9), began(2)]);
        assert_eq!((found[0].ended, found[1].ended), (None, Some(TimeNs(9))));
        assert_eq!(found[0].change(), "-> b rate 1.0/s -> 2.0/s");
    }
}
