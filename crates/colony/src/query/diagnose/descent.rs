//! From a service down to the function: the stored profile of the trouble against the one of before names the function
//! whose share grew most.

use super::{Found, full};
use crate::query::profile::{self, Part};
use crate::query::scope::Scope;
use crate::query::{Query, QueryError};
use coral_model::diagnosis::{Next, ProfileKind as Wanted};
use coral_model::profile::{Flame, ProfileKind};
use coral_model::{CauseKind, Diagnosis, Evidence, Observed, ServiceKey, TimeNs, Window};
use coral_report::flame::{Difference, differences};

/// The first word of evidence from a profile.
pub(super) const WORD: &str = "function";
/// So many causes are looked into.
const CAUSES: usize = 3;
/// A share that grew by less explains nothing.
const GROWN: f64 = 0.05;
/// So much more processor time is worth a look.
const BUSIER: f64 = 1.3;
/// Fewer samples show nothing.
const SAMPLES: u64 = 20;

impl Query {
    /// Looks into the profiles of the first causes, where there are any.
    pub(super) fn descend(
        &self,
        found: &Found<'_>,
        diagnosis: &mut Diagnosis,
        now: TimeNs,
    ) -> Result<(), QueryError> {
        coral_diagnose::leave_possible(diagnosis);
        let Some(began) = diagnosis.began.filter(|_| !diagnosis.abstained) else {
            return Ok(());
        };
        let axis = found.axis.whole();
        let (after, before) = (
            Window {
                from: began,
                to: axis.to,
            },
            Window {
                from: axis.from,
                to: began,
            },
        );
        if after.from >= after.to || before.from >= before.to {
            return Ok(());
        }
        let scope = |window| Scope::new(&*self.store, &self.live, window, now);
        let mut scopes = None;
        for cause in diagnosis.causes.iter_mut().take(CAUSES) {
            let Some(key) = busy(found, &cause.service, cause.kind, began) else {
                continue;
            };
            if scopes.is_none() {
                scopes = Some((scope(after)?, scope(before)?));
            }
            let Some((after, before)) = &scopes else {
                continue;
            };
            let part = |scope: &Scope<'_>| Part::of(scope.ids_of(std::slice::from_ref(&key)));
            let before = (before, part(before));
            let asked = (ProfileKind::Cpu, 0);
            let flame = profile::answer((after, part(after)), Some(before), asked)?;
            match grown(&flame) {
                Some((function, evidence)) => {
                    cause.function = Some(function);
                    cause.evidence.insert(0, evidence);
                }
                None => propose(&mut cause.next, &key),
            }
        }
        Ok(())
    }
}

/// The service, when its processor time may be the matter.
fn busy(found: &Found<'_>, name: &Observed, kind: CauseKind, began: TimeNs) -> Option<ServiceKey> {
    let at = found.incident.services.iter().position(|s| s == name)?;
    let key = found.keys[at].clone()?;
    let is_cpu = |s: &&coral_diagnose::Series| {
        s.service as usize == at && s.metric.raw() == super::hosts::CPU
    };
    let cpu = found.incident.series.iter().find(is_cpu)?;
    let began = began.0 as f64 / 1e9;
    let split = found.incident.times.partition_point(|t| *t < began);
    let mean = |part: &[f64]| {
        let known: Vec<f64> = part.iter().copied().filter(|v| !v.is_nan()).collect();
        known.iter().sum::<f64>() / known.len().max(1) as f64
    };
    let (before, after) = cpu.values.split_at(split.min(cpu.values.len()));
    let grew = mean(after) >= BUSIER * mean(before);
    (kind == CauseKind::Cpu || grew).then_some(key)
}

/// The function whose share grew most, and what says so.
fn grown(flame: &Flame) -> Option<(Observed, Evidence)> {
    if flame.samples < SAMPLES {
        return None;
    }
    let named = |d: &&Difference| {
        !flame.functions[d.function as usize]
            .name
            .raw()
            .starts_with('[')
    };
    let all = differences(flame);
    let most = all.iter().filter(named).find(|d| d.grown() >= GROWN)?;
    let function = &flame.functions[most.function as usize];
    let place = match (&function.file, function.line) {
        (Some(file), Some(line)) => {
            let file = file.visible();
            let name = file.rsplit('/').next().unwrap_or_default();
            format!("  {name}:{line}")
        }
        _ => String::new(),
    };
    let text = format!(
        "{WORD} {}{place}  {:.0} % -> {:.0} % of its processor time",
        function.name.visible(),
        most.before * 100.0,
        most.now * 100.0
    );
    let evidence = Evidence {
        id: String::new(),
        text: Observed::new(text),
        trend: vec![],
    };
    Some((function.name.clone(), evidence))
}

/// The profile that would decide comes first.
fn propose(next: &mut Vec<Next>, service: &ServiceKey) {
    let profile = Next::Profile {
        service: full(service),
        kind: Wanted::Cpu,
    };
    next.retain(|known| *known != profile);
    next.insert(0, profile);
}
