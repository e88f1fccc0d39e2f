//! What kind of trouble a service has, from the event and the family that show it best.

use crate::event::Hint;
use crate::family::Family;
use crate::incident::EventKind;
use crate::suspect::{Suspect, TROUBLED};
use crate::walk::Standing;
use coral_model::CauseKind;

/// A family within this of the strongest says more than it when it is more specific.
const CLOSE: f64 = 0.6;

/// What else the kind depends on.
pub struct Around {
    /// It is called, calls nobody, and nothing of its inside is known.
    pub outside: bool,
    /// The complaint is about errors.
    pub failing: bool,
}

/// The kind of one suspect.
pub fn kind(
    suspect: &Suspect,
    standing: &Standing,
    hint: Option<&Hint<'_>>,
    around: &Around,
) -> CauseKind {
    if let Some(kind) = hint
        .filter(|h| h.weight >= 0.4)
        .and_then(|h| of_event(h.event.kind))
    {
        return kind;
    }
    if suspect.silent {
        return CauseKind::Crash;
    }
    if suspect.dark {
        return CauseKind::Unknown;
    }
    if standing.entry && suspect.surge >= TROUBLED {
        return CauseKind::LoadSurge;
    }
    let of = |family| suspect.families.get(&family).map_or(0.0, |f| f.0);
    let felt = suspect.harm();
    let specific = [
        (Family::Steal, CauseKind::NoisyNeighbour),
        (Family::Throttling, CauseKind::Throttled),
        (Family::Restarts, CauseKind::Crash),
        (Family::Lock, CauseKind::Lock),
        (Family::Queue, CauseKind::PoolExhausted),
        (Family::Disk, CauseKind::Disk),
        (Family::Network, CauseKind::Network),
        (Family::Memory, CauseKind::Memory),
        (Family::Cpu, CauseKind::Cpu),
    ];
    let most = specific
        .iter()
        .map(|(family, _)| of(*family))
        .fold(0.0, f64::max);
    let inner = specific.iter().find(|(family, _)| {
        let strength = of(*family);
        strength >= TROUBLED && strength >= CLOSE * most
    });
    if let Some((_, kind)) = inner.filter(|_| suspect.inner >= (0.4 * felt).max(TROUBLED)) {
        return *kind;
    }
    if suspect.surge >= TROUBLED && suspect.load_ratio > 1.5 && !standing.flooded {
        return CauseKind::LoadSurge;
    }
    let errors = suspect.felt_errors();
    let failing = errors >= suspect.felt_latency() || (around.failing && errors >= 1.0);
    match (failing, around.outside) {
        _ if felt < 1.0 => CauseKind::Unknown,
        (true, true) => CauseKind::DependencyFailing,
        (true, false) => CauseKind::ErrorsInCode,
        (false, true) => CauseKind::DependencySlow,
        (false, false) => CauseKind::Unknown,
    }
}

const fn of_event(kind: EventKind) -> Option<CauseKind> {
    match kind {
        EventKind::Deployment => Some(CauseKind::Deployment),
        EventKind::Crash => Some(CauseKind::Crash),
        EventKind::OutOfMemory => Some(CauseKind::Memory),
        EventKind::Throttling => Some(CauseKind::Throttled),
        EventKind::DiskFull => Some(CauseKind::Disk),
        EventKind::Restart | EventKind::Other => None,
    }
}
