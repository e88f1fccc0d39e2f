//! What could not be seen: services without data, services whose data has gone, no topology, too little history.

use crate::incident::Incident;
use crate::rank::Analysis;
use coral_model::Observed;
use coral_model::diagnosis::Blind;

/// So many of one sort are named.
const NAMED: usize = 5;
/// Fewer normal points are little.
const LITTLE: usize = 20;

/// What could not be seen in an incident.
pub fn spots(incident: &Incident, analysis: Option<&Analysis<'_>>) -> Vec<Blind> {
    let mut spots = Vec::new();
    if let Some(stated) = incident.stated.as_ref().filter(|s| s.index.is_none())
        && !stated.service.is_empty()
    {
        let name = stated.service.clone();
        spots.push(blind(
            name,
            "the symptom names it, and there is no data about it",
            "check its name",
        ));
    }
    let Some(analysis) = analysis else {
        let fix = "give points from before it began";
        spots.push(spot(
            "everything",
            "there is nothing to compare: too few points",
            fix,
        ));
        return spots;
    };
    let named = |pick: &dyn Fn(usize) -> bool| {
        (0..incident.services.len())
            .filter(|at| pick(*at))
            .collect::<Vec<_>>()
    };
    let gone = named(&|at| analysis.suspects[at].silent);
    let why = "its data ends when the trouble begins";
    list(
        &mut spots,
        incident,
        &gone,
        why,
        "see whether it runs, and its agent",
    );
    let dark = named(&|at| !analysis.suspects[at].known);
    list(
        &mut spots,
        incident,
        &dark,
        "no data: outside, or without an agent",
        "run an agent there",
    );
    if incident.edges.is_empty() {
        let fix = "add edges.csv; without it callers and callees look alike";
        spots.push(spot("topology", "it is not known who calls whom", fix));
    }
    let points = analysis.period.baseline.len();
    if points < LITTLE {
        let why = format!("only {points} normal points to compare with");
        spots.push(blind(
            Observed::new("history"),
            &why,
            "give a longer normal time",
        ));
    }
    if !analysis.period.control.is_empty() {
        let why = "the normal time is another recording; what drifted in between was taken out";
        spots.push(spot(
            "history",
            why,
            "give points from right before it began",
        ));
    }
    spots
}

fn list(spots: &mut Vec<Blind>, incident: &Incident, services: &[usize], why: &str, fix: &str) {
    for &at in services.iter().take(NAMED) {
        spots.push(blind(incident.services[at].clone(), why, fix));
    }
    if services.len() > NAMED {
        let more = format!("{} more services", services.len() - NAMED);
        spots.push(blind(Observed::new(more), why, fix));
    }
}

fn spot(what: &str, why: &str, fix: &str) -> Blind {
    blind(Observed::new(what), why, fix)
}

fn blind(what: Observed, why: &str, fix: &str) -> Blind {
    Blind {
        what,
        why: Observed::new(why),
        fix: Observed::new(fix),
    }
}
