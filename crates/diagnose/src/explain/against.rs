//! What speaks against a cause: callees that explain it, a begin that is late, machinery that is as usual, a close rival.

use super::Writer;
use super::evidence::figure;
use crate::family::Family;
use crate::suspect::TROUBLED;
use coral_model::{CauseKind, Observed};

/// A rival within this of the score is close.
const CLOSE: f64 = 0.05;

/// What speaks against the cause at this place of the order.
pub fn all(write: &Writer<'_>, place: usize) -> Vec<Observed> {
    let analysis = write.analysis;
    let at = analysis.order[place].service as usize;
    let (suspect, standing) = (&analysis.suspects[at], &analysis.standings[at]);
    let mut out: Vec<String> = Vec::new();
    if let Some(by) = standing.by.filter(|_| standing.explained >= 0.3) {
        let share = standing.explained * 100.0;
        let name = write.name(by);
        out.push(format!(
            "its callee {} explains {share:.0} % of it",
            name.raw()
        ));
    }
    if standing.flooded {
        let ratio = suspect.load_ratio;
        out.push(format!("its callers send it {ratio:.1}x the load"));
    }
    if suspect.strength < TROUBLED {
        out.push("it is hardly unusual itself".to_owned());
    }
    out.extend(normal(write, at));
    if analysis.hints[at].is_none() && !write.incident.events.is_empty() {
        out.push("nothing happened to it near the begin".to_owned());
    }
    if let Some(rival) = analysis.order.get(place + 1).filter(|_| place == 0) {
        let behind = analysis.order[0].score - rival.score;
        if behind < CLOSE {
            let name = write.name(rival.service);
            out.push(format!("{} is suspected nearly as much", name.raw()));
        }
    }
    if write.kind(at) == CauseKind::Unknown {
        out.push("its data does not say what kind of trouble it is".to_owned());
    }
    out.into_iter().map(Observed::new).collect()
}

/// What of it is as usual.
fn normal(write: &Writer<'_>, at: usize) -> Option<String> {
    let suspect = &write.analysis.suspects[at];
    let named = [Family::Load, Family::Cpu, Family::Memory, Family::Disk];
    let usual: Vec<String> = named
        .iter()
        .filter_map(|family| {
            let (strength, series) = suspect.families.get(family)?;
            let change = &write.analysis.changes[*series];
            let ratio = change.ratio();
            let metric = write.incident.series[*series].metric.raw();
            let quiet = *strength < 1.0 && ratio.is_finite();
            quiet.then(|| format!("{metric} {}x", figure(ratio)))
        })
        .collect();
    (!usual.is_empty()).then(|| format!("as usual: {}", usual.join(", ")))
}
