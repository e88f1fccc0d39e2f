//! Writes an analysis down as a diagnosis: causes with evidence for and against, victims, blind spots, what would decide.

mod against;
mod blind;
mod evidence;

use crate::family::Family;
use crate::incident::Incident;
use crate::kind::{self, Around};
use crate::rank::Analysis;
use crate::suspect::TROUBLED;
use crate::walk;
use coral_model::diagnosis::{Checked, Next, ProfileKind, Symptom};
use coral_model::{Cause, CauseKind, Diagnosis, Observed, TimeNs};
use std::collections::BTreeSet;

/// So many causes are written down.
const CAUSES: usize = 10;
/// So many of them are taken for causes when it comes to who is a victim.
const BLAMED: usize = 1;

/// Ranks the likely causes of an incident, or says that nothing stands out.
pub fn diagnose(incident: &Incident) -> Diagnosis {
    let mut diagnosis = Diagnosis {
        symptom: symptom(incident),
        checked: checked(incident),
        abstained: true,
        ..Diagnosis::default()
    };
    let analysis = Analysis::of(incident);
    diagnosis.blind = blind::spots(incident, analysis.as_ref());
    let Some(analysis) = analysis else {
        return diagnosis;
    };
    diagnosis.abstained = !analysis.stands_out(incident);
    let write = Writer {
        incident,
        analysis: &analysis,
    };
    let most = if diagnosis.abstained { 3 } else { CAUSES };
    diagnosis.causes = write.causes(most);
    if !diagnosis.abstained {
        diagnosis.began = incident
            .times
            .get(analysis.period.segment.start)
            .map(|t| moment(*t));
        diagnosis.victims = write.victims();
    }
    diagnosis
}

fn symptom(incident: &Incident) -> Option<Symptom> {
    let stated = incident.stated.as_ref()?;
    Some(Symptom {
        service: stated.service.clone(),
        signal: stated.signal.clone(),
        at: stated.at.map(moment),
    })
}

fn checked(incident: &Incident) -> Checked {
    let services: BTreeSet<u32> = incident.series.iter().map(|s| s.service).collect();
    Checked {
        services: services.len() as u64,
        metrics: incident.series.len() as u64,
        edges: incident.edges.len() as u64,
        events: incident.events.len() as u64,
        points: incident.times.len() as u64,
    }
}

/// Unix seconds as a moment, to the millisecond.
fn moment(seconds: f64) -> TimeNs {
    let ms = (seconds * 1e3).round().clamp(-9e12, 9e12) as i64;
    TimeNs(ms * 1_000_000)
}

/// What all parts of the writing look at.
struct Writer<'a> {
    incident: &'a Incident,
    analysis: &'a Analysis<'a>,
}

impl Writer<'_> {
    fn name(&self, service: u32) -> Observed {
        self.incident.services[service as usize].clone()
    }

    fn causes(&self, most: usize) -> Vec<Cause> {
        let order = &self.analysis.order;
        (0..order.len().min(most))
            .map(|place| self.cause(place))
            .collect()
    }

    fn cause(&self, place: usize) -> Cause {
        let ranked = self.analysis.order[place];
        let at = ranked.service as usize;
        let kind = self.kind(at);
        let service = self.name(ranked.service);
        let shown = evidence::strongest(self, at);
        let path = walk::path(
            self.incident,
            &self.analysis.suspects,
            &self.analysis.graph,
            ranked.service,
        );
        Cause {
            rank: place as u32 + 1,
            kind,
            metric: shown
                .first()
                .map(|c| self.incident.series[c.series].metric.clone()),
            function: None,
            score: (ranked.score * 1e4).round() / 1e4,
            confidence: self.analysis.confidence(place),
            path: path.into_iter().map(|s| self.name(s)).collect(),
            evidence: evidence::all(self, at, &shown),
            against: against::all(self, place),
            next: next(kind, &service),
            service,
        }
    }

    fn kind(&self, at: usize) -> CauseKind {
        let analysis = self.analysis;
        let around = Around {
            outside: analysis.is_outside(at),
            failing: self.says_errors(),
        };
        let hint = analysis.hints[at].as_ref();
        kind::kind(
            &analysis.suspects[at],
            &analysis.standings[at],
            hint,
            &around,
        )
    }

    /// Whether the complaint is about errors.
    fn says_errors(&self) -> bool {
        let signal = self
            .incident
            .stated
            .as_ref()
            .map(|s| Family::of(s.signal.raw()));
        matches!(signal, Some(Family::Errors | Family::Availability))
    }

    /// Who is worse and reaches a cause, or is flooded by one.
    fn victims(&self) -> Vec<Observed> {
        let analysis = self.analysis;
        let blamed: Vec<u32> = analysis
            .order
            .iter()
            .take(BLAMED)
            .map(|r| r.service)
            .collect();
        let mut victims: Vec<u32> = Vec::new();
        let troubled = |s: u32| analysis.suspects[s as usize].harm() >= TROUBLED;
        for &cause in &blamed {
            victims.extend(analysis.graph.above(cause, troubled));
            let flooded = |s: &u32| analysis.standings[*s as usize].flooded;
            victims.extend(
                analysis
                    .graph
                    .below(cause, troubled)
                    .into_iter()
                    .filter(flooded),
            );
        }
        // Whoever complained is one, however little its own figures show.
        victims.extend(self.incident.stated.as_ref().and_then(|s| s.index));
        victims.retain(|s| !blamed.contains(s));
        victims.sort_unstable();
        victims.dedup();
        let strength = |s: &u32| analysis.suspects[*s as usize].harm();
        victims.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.cmp(b)));
        victims.into_iter().take(20).map(|s| self.name(s)).collect()
    }
}

/// What would decide whether a cause of this kind is one.
fn next(kind: CauseKind, service: &Observed) -> Vec<Next> {
    let service = || service.clone();
    let profile = |kind| Next::Profile {
        service: service(),
        kind,
    };
    let probe = || Next::Probe { service: service() };
    let changes = || Next::Changes { service: service() };
    let metrics = || Next::Metrics { service: service() };
    match kind {
        CauseKind::Cpu => vec![profile(ProfileKind::Cpu), changes()],
        CauseKind::Memory => vec![profile(ProfileKind::Heap), changes()],
        CauseKind::Disk => vec![profile(ProfileKind::Io), Next::Host],
        CauseKind::Lock | CauseKind::PoolExhausted => vec![profile(ProfileKind::Lock), probe()],
        CauseKind::Network => vec![profile(ProfileKind::OffCpu), Next::Host],
        CauseKind::DependencySlow | CauseKind::DependencyFailing | CauseKind::LoadSurge => {
            vec![metrics()]
        }
        CauseKind::ErrorsInCode => vec![metrics(), probe()],
        CauseKind::Crash | CauseKind::Deployment => vec![changes(), metrics()],
        CauseKind::Throttled | CauseKind::NoisyNeighbour => {
            vec![Next::Host, profile(ProfileKind::Cpu)]
        }
        CauseKind::Unknown => vec![profile(ProfileKind::OffCpu), metrics()],
    }
}
