//! What happened near the begin of the trouble, weighed: something that changed shortly before is a likelier cause.

use crate::incident::{EventKind, Happened, Incident};

/// An event this long before the begin counts half.
const HALF_S: f64 = 300.0;
/// Nothing older counts.
const OLD_S: f64 = 1800.0;

/// The event of a service that weighs most.
#[derive(Debug, Clone, Copy)]
pub struct Hint<'a> {
    /// The event.
    pub event: &'a Happened,
    /// 0 to 1.
    pub weight: f64,
}

/// The weightiest event of each service.
pub fn hints<'a>(incident: &'a Incident, began: f64, step: f64) -> Vec<Option<Hint<'a>>> {
    let mut hints: Vec<Option<Hint<'a>>> = vec![None; incident.services.len()];
    for event in &incident.events {
        let Some(service) = event.service.map(|s| s as usize) else {
            continue;
        };
        let weight = weight(event, began, step);
        let known = hints
            .get(service)
            .and_then(Option::as_ref)
            .map_or(0.0, |h| h.weight);
        if weight > known {
            hints[service] = Some(Hint { event, weight });
        }
    }
    hints
}

fn weight(event: &Happened, began: f64, step: f64) -> f64 {
    let kind = match event.kind {
        EventKind::OutOfMemory | EventKind::DiskFull => 1.0,
        EventKind::Crash | EventKind::Throttling => 0.9,
        EventKind::Deployment => 0.8,
        EventKind::Restart => 0.5,
        EventKind::Other => 0.1,
    };
    // Data lags by a step, and a stated begin may be early by as much.
    let slack = 2.0 * step.max(15.0);
    let before = began - event.at;
    let near = match before {
        before if before > OLD_S.max(4.0 * step) => 0.0,
        before if before >= -slack => 1.0 / (1.0 + (before.max(0.0) / HALF_S.max(step))),
        // What happens in the middle of the trouble may be its consequence.
        before if before > -OLD_S => 0.3,
        _ => 0.0,
    };
    kind * near
}
