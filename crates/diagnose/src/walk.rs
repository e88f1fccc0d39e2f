//! Causes and victims over the topology: who is slow or failing because a callee is, who is flooded by a caller, and what the
//! symptom can have come from. Edges may be missing, go in circles, or pass services without data.

mod graph;

use crate::incident::Incident;
use crate::suspect::{Suspect, TROUBLED};
pub use graph::Graph;

/// How much of a trouble a callee can take off its caller.
const TAKES: f64 = 0.65;
/// A callee that is this much as unusual as its caller explains it all.
const ENOUGH: f64 = 0.8;
/// A callee with this share of its caller's added time explains it all.
const SHARE: f64 = 0.4;
/// A callee that has fallen silent explains nearly all.
const GONE: f64 = 0.9;
/// What is left of the trouble of a service whose callers send it more.
const FLOODED: f64 = 0.45;
/// What is left of the trouble of dependencies that are all slow at once for one caller.
const MEASURED_THROUGH: f64 = 0.4;
/// With one caller in trouble it may as well be the caller.
const ONE_CALLER: f64 = 0.9;
/// With several, or one whose machinery is sound, it is rather the service in the dark.
const SOUND_CALLER: f64 = 1.15;
/// Only so many suspects are asked whom they explain.
const ASKED: usize = 64;

/// What the topology says about one service.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// How much of its trouble its callees explain, 0 to 1.
    pub explained: f64,
    /// The callee that explains most.
    pub by: Option<u32>,
    /// A caller sends it more than before.
    pub flooded: bool,
    /// It is where more load enters.
    pub entry: bool,
    /// What is left of its strength.
    pub left: f64,
}

/// What the topology says about every service.
pub fn walk(
    incident: &Incident,
    suspects: &[Suspect],
    graph: &Graph,
    late: usize,
) -> Vec<Standing> {
    let n = incident.services.len() as u32;
    let mut standings: Vec<Standing> = (0..n)
        .map(|service| stand(service, suspects, graph, late))
        .collect();
    for service in 0..n {
        blame_who_finds_all_slow(service, suspects, graph, &mut standings);
    }
    blame_callers_of_new(suspects, graph, &mut standings);
    for service in (0..n).filter(|s| suspects[*s as usize].dark) {
        standings[service as usize].left = in_the_dark(service, suspects, graph, &standings);
    }
    standings
}

fn stand(service: u32, suspects: &[Suspect], graph: &Graph, late: usize) -> Standing {
    let own = &suspects[service as usize];
    let mut standing = Standing::default();
    for &callee in graph.callees(service) {
        let explains = explains(own, &suspects[callee as usize], late);
        if explains > standing.explained {
            (standing.explained, standing.by) = (explains, Some(callee));
        }
    }
    let more = |s: &Suspect| s.load_ratio > 1.3 && s.surge >= TROUBLED;
    if more(own) {
        let callers = graph.callers(service);
        let grown = |caller: &&u32| {
            let caller = &suspects[**caller as usize];
            more(caller) && caller.load_ratio - 1.0 >= 0.5 * (own.load_ratio - 1.0)
        };
        standing.flooded = callers.iter().any(|caller| grown(&caller));
        standing.entry = callers.is_empty() && graph.has_edges();
    }
    standing.left = left(own, &standing);
    standing
}

/// How much of `own`'s trouble `callee` explains.
fn explains(own: &Suspect, callee: &Suspect, late: usize) -> f64 {
    if callee.new {
        return 0.0;
    }
    if callee.silent {
        return GONE;
    }
    let part = |mine: f64, its: f64| {
        if mine > 0.0 {
            (its / (ENOUGH * mine)).min(1.0)
        } else {
            0.0
        }
    };
    let slower = own.felt_latency() >= own.felt_errors();
    let (same, shares) = match slower {
        true => (
            part(own.latency, callee.latency),
            (own.impact.time, callee.impact.time),
        ),
        false => (
            part(own.errors, callee.errors),
            (own.impact.errors, callee.impact.errors),
        ),
    };
    let any = 0.8 * part(own.harm(), callee.strength.max(callee.harm()));
    let share = match shares {
        (Some(own), Some(callee)) if own > 0.0 => (callee / (SHARE * own)).min(1.0),
        _ => 1.0,
    };
    let in_time = match (own.onset, callee.onset) {
        (Some(own), Some(callee)) if callee > own + late => 0.6,
        _ => 1.0,
    };
    let noise = if callee.strength.max(callee.harm()) < 1.0 {
        0.5
    } else {
        1.0
    };
    same.max(any) * share * in_time * noise
}

/// What remains of the strength when callees and callers have taken their part.
fn left(own: &Suspect, standing: &Standing) -> f64 {
    let felt = own.felt() * (1.0 - TAKES * standing.explained);
    // Of what users feel a part has been taken; what its own machinery shows is its own.
    let kept = own
        .strength
        .min(felt.max(1.05 * own.inner) + 0.15 * own.inner.min(felt));
    let kept = if own.felt() >= own.strength * 0.8 {
        kept
    } else {
        own.strength
    };
    match (standing.flooded, standing.entry) {
        (true, _) => kept * FLOODED,
        (false, true) => kept.max(0.9 * own.surge),
        _ => kept,
    }
}

/// Who finds all its own dependencies slow at once is slow itself: they are only measured through it.
fn blame_who_finds_all_slow(
    service: u32,
    suspects: &[Suspect],
    graph: &Graph,
    standings: &mut [Standing],
) {
    let own = &suspects[service as usize];
    let private = |callee: &u32| {
        let only = graph.callers(*callee).len() == 1 && graph.callees(*callee).is_empty();
        let callee = &suspects[*callee as usize];
        only && callee.known && !callee.inside && !callee.new
    };
    let private: Vec<u32> = graph
        .callees(service)
        .iter()
        .copied()
        .filter(private)
        .collect();
    let slow: Vec<u32> = private
        .iter()
        .copied()
        .filter(|s| suspects[*s as usize].latency >= TROUBLED)
        .collect();
    if own.latency < TROUBLED || slow.len() < 2 || slow.len() * 3 < private.len() * 2 {
        return;
    }
    let standing = &mut standings[service as usize];
    standing.explained *= MEASURED_THROUGH;
    standing.left = left(own, standing);
    for callee in slow {
        standings[callee as usize].left *= MEASURED_THROUGH;
    }
}

/// What is suspected of a service that nothing measures: the trouble of its callers that nobody else explains.
fn in_the_dark(service: u32, suspects: &[Suspect], graph: &Graph, standings: &[Standing]) -> f64 {
    let (mut open, mut healthy, mut sure) = (Vec::new(), 0, ONE_CALLER);
    for &caller in graph.callers(service) {
        let (suspect, standing) = (&suspects[caller as usize], &standings[caller as usize]);
        if suspect.harm() < TROUBLED {
            healthy += 1;
            continue;
        }
        // Its own machinery or another callee may explain it as well.
        let left = (suspect.felt() - suspect.inner).max(0.0) * (1.0 - standing.explained);
        if left > 0.3 * suspect.felt() {
            open.push(left);
            if suspect.inside && suspect.inner < 1.0 {
                sure = SOUND_CALLER;
            }
        }
    }
    if open.is_empty() {
        return 0.0;
    }
    let share = open.len() as f64 / (open.len() + healthy) as f64;
    let sure = if open.len() > 1 { SOUND_CALLER } else { sure };
    sure * share * open.iter().sum::<f64>() / open.len() as f64
}

/// A dependency that was never called before is called because its caller has changed.
fn blame_callers_of_new(suspects: &[Suspect], graph: &Graph, standings: &mut [Standing]) {
    for (service, suspect) in suspects.iter().enumerate() {
        if !suspect.new {
            continue;
        }
        for &caller in graph.callers(service as u32) {
            if suspects[caller as usize].harm() >= 1.0 {
                standings[caller as usize].left += 1.0;
            }
        }
    }
}

/// How well the symptom can have come from each service: 1 along services in trouble, less past healthy ones.
pub fn reach(incident: &Incident, suspects: &[Suspect], graph: &Graph) -> Vec<f64> {
    let n = incident.services.len();
    let stated = incident.stated.as_ref().and_then(|s| s.index);
    let Some(symptom) = stated.filter(|s| !graph.callees(*s).is_empty()) else {
        return vec![1.0; n];
    };
    let troubled = |s: u32| suspects[s as usize].strength >= 1.2 || suspects[s as usize].silent;
    let mut reach = vec![0.45; n];
    for up in graph.above(symptom, |_| true) {
        reach[up as usize] = 0.6;
    }
    for down in graph.below(symptom, |_| true) {
        reach[down as usize] = 0.7;
    }
    for down in graph.below(symptom, troubled) {
        reach[down as usize] = 1.0;
    }
    reach[symptom as usize] = 1.0;
    reach
}

/// Which share of all that is felt each of the strongest explains, 0 to 1; 0 for the others.
pub fn coverage(suspects: &[Suspect], standings: &[Standing], graph: &Graph) -> Vec<f64> {
    let felt = |s: &Suspect| if s.harm() >= TROUBLED { s.harm() } else { 0.0 };
    let total: f64 = suspects.iter().map(felt).sum();
    let mut coverage = vec![0.0; suspects.len()];
    if total <= 0.0 || !graph.has_edges() {
        return coverage;
    }
    let mut order: Vec<usize> = (0..suspects.len()).collect();
    order.sort_by(|&a, &b| {
        standings[b]
            .left
            .total_cmp(&standings[a].left)
            .then(a.cmp(&b))
    });
    for service in order.into_iter().take(ASKED) {
        let troubled = |s: u32| felt(&suspects[s as usize]) > 0.0;
        let above = graph.above(service as u32, troubled);
        let above: f64 = above.into_iter().map(|s| felt(&suspects[s as usize])).sum();
        coverage[service] = ((above + felt(&suspects[service])) / total).min(1.0);
    }
    coverage
}

/// From the symptom to the cause along the topology, through services in trouble when that is possible.
pub fn path(incident: &Incident, suspects: &[Suspect], graph: &Graph, cause: u32) -> Vec<u32> {
    let Some(symptom) = incident.stated.as_ref().and_then(|s| s.index) else {
        return vec![cause];
    };
    let troubled = |s: u32| suspects[s as usize].strength >= 1.2;
    let found = graph.path(symptom, cause, troubled);
    found
        .or_else(|| graph.path(symptom, cause, |_| true))
        .unwrap_or_else(|| vec![cause])
}
