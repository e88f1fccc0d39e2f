//! What is unusual about each service: its series folded by what they measure, and how much its trouble weighs in all.

mod impact;

use crate::change::Change;
use crate::family::Family;
use crate::incident::Incident;
pub use impact::Impact;
use std::collections::BTreeMap;

/// From here on a service is in trouble rather than in its usual noise.
pub const TROUBLED: f64 = 1.5;
/// How much a service that has gone silent counts.
const SILENT: f64 = 3.0;
/// A change of load by itself is no trouble.
const LOAD: f64 = 0.35;
/// What explains a busy processor: so much more load.
const BUSIER: f64 = 1.2;

/// One service.
#[derive(Debug, Clone, Default)]
pub struct Suspect {
    /// How unusual each family is, and which change shows it best.
    pub families: BTreeMap<Family, (f64, usize)>,
    /// How much slower.
    pub latency: f64,
    /// How much more failing.
    pub errors: f64,
    /// How much its own machinery is unusual, as far as load does not explain it.
    pub inner: f64,
    /// How much its load has grown; 0 when it has not.
    pub surge: f64,
    /// Load now over before; 1 when it is not known.
    pub load_ratio: f64,
    /// Its share of all added time and added errors.
    pub impact: Impact,
    /// All its data has gone.
    pub silent: bool,
    /// It was never seen before.
    pub new: bool,
    /// It has any data.
    pub known: bool,
    /// Nothing measures it: it is known from the topology alone.
    pub dark: bool,
    /// It has data of its own machinery.
    pub inside: bool,
    /// Where on the axis its trouble began.
    pub onset: Option<usize>,
    /// All in all.
    pub strength: f64,
}

impl Suspect {
    /// How much users or callers feel.
    pub fn harm(&self) -> f64 {
        let silent = if self.silent { SILENT } else { 0.0 };
        self.latency.max(self.errors).max(silent)
    }

    /// How much slower, weighed by how many it slows.
    pub fn felt_latency(&self) -> f64 {
        self.latency * weight(self.impact.time)
    }

    /// How much more failing, weighed by how many it fails.
    pub fn felt_errors(&self) -> f64 {
        self.errors * weight(self.impact.errors)
    }

    /// How much users or callers feel, weighed by how many of them.
    pub fn felt(&self) -> f64 {
        let silent = if self.silent { SILENT } else { 0.0 };
        self.felt_latency().max(self.felt_errors()).max(silent)
    }

    fn family(&self, family: Family) -> f64 {
        self.families.get(&family).map_or(0.0, |f| f.0)
    }
}

fn weight(share: Option<f64>) -> f64 {
    share.map_or(1.0, |share| 0.5 + 0.5 * share)
}

/// The services of an incident, in their order.
pub fn suspects(incident: &Incident, changes: &[Change]) -> Vec<Suspect> {
    let mut suspects = vec![
        Suspect {
            load_ratio: 1.0,
            dark: true,
            ..Suspect::default()
        };
        incident.services.len()
    ];
    let mut groups: BTreeMap<(u32, Family), Vec<&Change>> = BTreeMap::new();
    for change in changes {
        let series = &incident.series[change.series];
        groups
            .entry((series.service, series.family))
            .or_default()
            .push(change);
    }
    for ((service, family), group) in groups {
        if let Some(suspect) = suspects.get_mut(service as usize) {
            suspect.dark = false;
            fold(suspect, family, &group);
        }
    }
    for (suspect, impact) in suspects.iter_mut().zip(impact::shares(incident, changes)) {
        suspect.impact = impact;
        sum_up(suspect);
    }
    suspects
}

/// Takes in the changes of one family.
fn fold(suspect: &mut Suspect, family: Family, group: &[&Change]) {
    let with_data = |c: &&&Change| !c.before.is_nan() || !c.after.is_nan();
    let known: Vec<&Change> = group.iter().filter(with_data).copied().collect();
    let Some(best) = known
        .iter()
        .max_by(|a, b| a.strength.total_cmp(&b.strength))
    else {
        return;
    };
    let first = !suspect.known;
    suspect.silent = (first || suspect.silent) && known.iter().all(|c| c.gone);
    suspect.new = (first || suspect.new) && known.iter().all(|c| c.new);
    suspect.known = true;
    suspect.inside |= family.is_inner();
    let mean = known.iter().map(|c| c.strength).sum::<f64>() / known.len() as f64;
    let strength = 0.65 * best.strength + 0.35 * mean;
    suspect.families.insert(family, (strength, best.series));
    if family == Family::Load {
        let ratio = best.ratio();
        suspect.load_ratio = if ratio.is_nan() { 1.0 } else { ratio };
    }
    if strength >= TROUBLED && family != Family::Load {
        let onsets = known
            .iter()
            .filter(|c| c.strength >= TROUBLED)
            .filter_map(|c| c.onset);
        suspect.onset = suspect.onset.into_iter().chain(onsets).min();
    }
}

fn sum_up(suspect: &mut Suspect) {
    suspect.latency = suspect.family(Family::Latency);
    suspect.errors = suspect
        .family(Family::Errors)
        .max(suspect.family(Family::Availability));
    let load = suspect.family(Family::Load);
    suspect.surge = if suspect.load_ratio > 1.0 { load } else { 0.0 };
    let busier = suspect.load_ratio >= BUSIER && load >= TROUBLED;
    let inner = suspect
        .families
        .iter()
        .filter(|(family, _)| family.is_inner());
    suspect.inner = inner.fold(0.0, |most, (family, (strength, _))| {
        let by_load = matches!(
            family,
            Family::Cpu | Family::Network | Family::Queue | Family::Disk
        );
        most.max(if busier && by_load {
            0.3 * strength
        } else {
            *strength
        })
    });
    let other = suspect.family(Family::Other);
    let mut parts = [
        suspect.felt_latency(),
        suspect.felt_errors(),
        1.05 * suspect.inner,
        LOAD * load,
        0.5 * other,
        if suspect.silent { SILENT } else { 0.0 },
    ];
    parts.sort_unstable_by(|a, b| b.total_cmp(a));
    suspect.strength = parts[0] + 0.15 * parts[1];
}
