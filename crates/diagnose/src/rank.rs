//! Fuses what series, topology and events say into one order of all services, and says how sure the first is.

use crate::change::{Change, Scale, changes};
use crate::event::{self, Hint};
use crate::family::Family;
use crate::incident::Incident;
use crate::period::{self, Period};
use crate::suspect::{Suspect, TROUBLED, suspects};
use crate::walk::{self, Graph, Standing};
use coral_model::Confidence;

/// An event adds this much to a service that is in trouble as well.
const EVENT: f64 = 1.2;
/// And this much to one of which the data shows nothing.
const EVENT_ALONE: f64 = 1.2;
/// What is left of a suspect that shows another trouble than the symptom.
const OTHER_SIGNAL: f64 = 0.7;
/// Shorter troubles are hitches, in points.
const BRIEF: usize = 4;
/// What is left of a suspect that is rather a victim.
const VICTIM: f64 = 0.9;
/// Half a score.
const HALF: f64 = 2.0;

/// A service in the order of suspicion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Its index.
    pub service: u32,
    /// 0 to 1.
    pub score: f64,
}

/// All services, the likeliest cause first; empty when there is nothing to compare.
pub fn ranking(incident: &Incident) -> Vec<Ranked> {
    Analysis::of(incident).map_or_else(Vec::new, |analysis| analysis.order)
}

/// Everything that was found out about an incident.
pub struct Analysis<'a> {
    pub period: Period,
    pub changes: Vec<Change>,
    pub suspects: Vec<Suspect>,
    pub standings: Vec<Standing>,
    pub graph: Graph,
    pub hints: Vec<Option<Hint<'a>>>,
    pub order: Vec<Ranked>,
}

impl<'a> Analysis<'a> {
    /// `None` when there is nothing to compare.
    pub fn of(incident: &'a Incident) -> Option<Self> {
        let scale = Scale::of(incident);
        let period = Period::find(incident, &scale).filter(Period::has_history)?;
        let step = period::step(&incident.times)?;
        let changes = changes(incident, &period, &scale);
        let suspects = suspects(incident, &changes);
        let graph = Graph::of(incident, &suspects);
        let late = (period.segment.len() / 5).max(5);
        let standings = walk::walk(incident, &suspects, &graph, late);
        let began = incident.times[period.segment.start];
        let hints = event::hints(incident, began, step);
        let mut analysis = Self {
            period,
            changes,
            suspects,
            standings,
            graph,
            hints,
            order: vec![],
        };
        analysis.order = analysis.ordered(incident);
        Some(analysis)
    }

    fn ordered(&self, incident: &Incident) -> Vec<Ranked> {
        let reach = walk::reach(incident, &self.suspects, &self.graph);
        let coverage = walk::coverage(&self.suspects, &self.standings, &self.graph);
        let first = self.suspects.iter().filter_map(|s| s.onset).min();
        let mut order: Vec<Ranked> = (0..incident.services.len())
            .map(|at| {
                let raw = self.strength(at, incident)
                    * reach[at]
                    * self.structure(at, coverage[at], incident);
                let raw = raw * self.promptness(at, first);
                Ranked {
                    service: at as u32,
                    score: raw / (raw + HALF),
                }
            })
            .collect();
        order.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.service.cmp(&b.service)));
        order
    }

    /// What is left of its own trouble, with what happened to it.
    fn strength(&self, at: usize, incident: &Incident) -> f64 {
        let left = self.standings[at].left;
        let new = if self.suspects[at].new { 0.2 } else { 1.0 };
        let left = left * new * self.signal(at, incident);
        match &self.hints[at] {
            Some(hint) if left >= 0.7 => left + EVENT * hint.weight,
            Some(hint) => left.max(EVENT_ALONE * hint.weight),
            None => left,
        }
    }

    /// Slow requests come from what is slow, failing ones from what fails, unless its inside says more.
    fn signal(&self, at: usize, incident: &Incident) -> f64 {
        let Some(stated) = incident.stated.as_ref().filter(|s| s.index.is_some()) else {
            return 1.0;
        };
        let suspect = &self.suspects[at];
        let (latency, errors) = (suspect.felt_latency(), suspect.felt_errors());
        let same = match Family::of(stated.signal.raw()) {
            Family::Latency => latency,
            Family::Errors | Family::Availability => errors,
            _ => return 1.0,
        };
        let inside = suspect.inner >= latency.max(errors) || suspect.silent || suspect.dark;
        if same < 1.0 && !inside {
            OTHER_SIGNAL
        } else {
            1.0
        }
    }

    /// How its place in the topology speaks for it.
    fn structure(&self, at: usize, coverage: f64, incident: &Incident) -> f64 {
        if !self.graph.has_edges() {
            // Without topology, who complains is rather a victim when others are in trouble as well.
            let complains = incident.stated.as_ref().and_then(|s| s.index) == Some(at as u32);
            let others = || self.suspects.iter().enumerate();
            let victim = complains && others().any(|(s, o)| s != at && o.strength >= TROUBLED);
            return if victim { VICTIM } else { 1.0 };
        }
        let outside = if self.is_outside(at) { 0.92 } else { 1.0 };
        (0.75 + 0.25 * coverage) * outside
    }

    /// What began long after the first can hardly have caused it.
    fn promptness(&self, at: usize, first: Option<usize>) -> f64 {
        let (Some(own), Some(first)) = (self.suspects[at].onset, first) else {
            return 1.0;
        };
        let long = (self.period.segment.len() as f64 * 0.3).max(5.0);
        1.0 - 0.2 * (own.saturating_sub(first) as f64 / long).min(1.0)
    }

    /// It is called, calls nobody, and nothing of its inside is known.
    pub fn is_outside(&self, at: usize) -> bool {
        let at32 = at as u32;
        !self.suspects[at].inside
            && self.graph.callees(at32).is_empty()
            && !self.graph.callers(at32).is_empty()
    }

    /// How sure a place in the order is.
    pub fn confidence(&self, place: usize) -> Confidence {
        let score = |place: usize| self.order.get(place).map_or(0.0, |r| r.score);
        let (own, best) = (score(place), score(0));
        let rival = if place == 0 { score(1) } else { best };
        let margin = own - rival;
        let long = self.period.baseline.len() >= 20;
        match () {
            () if own >= 0.55 && margin >= 0.12 && long => Confidence::High,
            () if own >= 0.45 && margin >= 0.03 => Confidence::Medium,
            () => Confidence::Low,
        }
    }

    /// Whether anything stands out enough to name a cause.
    pub fn stands_out(&self, incident: &Incident) -> bool {
        let Some(best) = self.order.first() else {
            return false;
        };
        let stated = incident.stated.as_ref().is_some_and(|s| s.index.is_some());
        let has_harm = incident.series.iter().any(|s| s.family.is_harm());
        let felt = self.suspects.iter().map(Suspect::harm).fold(0.0, f64::max);
        let needed = if stated { TROUBLED } else { 2.0 };
        let felt = !has_harm || felt >= needed || stated;
        // Nobody complained: a hitch that is over is no incident.
        let brief = self.period.segment.len() < BRIEF && self.period.region.len() >= 10 * BRIEF;
        if brief && !stated {
            return false;
        }
        let least = if stated { 0.3 } else { 0.5 };
        felt && best.score >= least
    }
}
