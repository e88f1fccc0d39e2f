//! Synthetic incidents with a known truth, made from a seed: topologies of any size, every kind of cause in several shapes,
//! and healthy days. For benches and tests; the engine itself never looks here.

mod fault;
mod healthy;
mod random;
mod topology;
mod world;
mod write;

use crate::incident::{EventKind, Happened, Incident, Series, Stated};
use coral_model::{CauseKind, Observed};
use fault::Fault;
pub use healthy::healthy;
use random::Random;
use topology::Topology;
use world::World;
pub use write::{Bundle, bundle};

/// How a fault comes about, or how it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "see `name`")]
pub enum Shape {
    Abrupt,
    Ramp,
    Canary,
    Sparse,
    Everything,
    NoHistory,
    Missing,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 7] = [
        Self::Abrupt,
        Self::Ramp,
        Self::Canary,
        Self::Sparse,
        Self::Everything,
        Self::NoHistory,
        Self::Missing,
    ];

    /// What it is called in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abrupt => "abrupt",
            Self::Ramp => "20-minute ramp",
            Self::Canary => "5 % canary",
            Self::Sparse => "one request a minute",
            Self::Everything => "everything at once",
            Self::NoHistory => "no history",
            Self::Missing => "no data from the culprit",
        }
    }
}

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The same seed makes the same incident.
    pub seed: u64,
    /// How many services, at least 5.
    pub services: usize,
    /// What is wrong; any kind but unknown.
    pub kind: CauseKind,
    /// How.
    pub shape: Shape,
}

/// An incident and its truth.
#[derive(Debug, Clone)]
pub struct Made {
    /// What the engine gets.
    pub incident: Incident,
    /// Where it really was.
    pub service: u32,
    /// What it really was.
    pub kind: CauseKind,
}

/// Makes one incident.
pub fn make(wish: &Wish) -> Made {
    let mut random = Random::new(wish.seed);
    let topology = Topology::new(wish.services.max(5), &mut random);
    let mut world = World::new(topology, wish.shape, &mut random);
    let fault = Fault::new(wish, &world, &mut random);
    world.run(Some(&fault), &mut random);
    let culprit = fault.culprit;
    let mut incident = world.incident();
    events(&mut incident, &world, &fault, wish, &mut random);
    if random.chance(0.6) {
        incident.stated = Some(stated(&world, &fault, &mut random));
    }
    if wish.shape == Shape::Missing {
        hide(&mut incident, &world, culprit, &mut random);
    }
    Made {
        incident,
        service: culprit as u32,
        kind: wish.kind,
    }
}

fn event(at: f64, service: usize, kind: EventKind, text: &str) -> Happened {
    Happened {
        at,
        service: Some(service as u32),
        kind,
        text: Observed::new(text),
    }
}

/// What happened to the culprit, and what happened elsewhere by chance.
fn events(incident: &mut Incident, world: &World, fault: &Fault, wish: &Wish, random: &mut Random) {
    let began = world.times[world.onset];
    let at = began - random.between(2.0, 45.0);
    let known = match wish.kind {
        CauseKind::Deployment => Some((EventKind::Deployment, "new build")),
        CauseKind::Crash => Some((EventKind::Crash, "exit by signal 11")),
        CauseKind::Throttled if random.chance(0.5) => Some((EventKind::Throttling, "cpu quota")),
        CauseKind::Disk if random.chance(0.3) => Some((EventKind::DiskFull, "no space left")),
        CauseKind::Memory if random.chance(0.3) => Some((EventKind::OutOfMemory, "killed")),
        _ => None,
    };
    if let Some((kind, text)) = known {
        incident.events.push(event(at, fault.culprit, kind, text));
    }
    let (first, last) = (world.times[0], world.times[world.times.len() - 1]);
    let others = if wish.shape == Shape::Everything {
        6
    } else {
        1
    };
    for _ in 0..others {
        let kind = if random.chance(0.7) {
            EventKind::Deployment
        } else {
            EventKind::Restart
        };
        let service = random.below(world.topology.len());
        let at = random.between(first, last);
        incident.events.push(event(at, service, kind, "by chance"));
    }
    incident.events.sort_by(|a, b| a.at.total_cmp(&b.at));
}

/// The entry that feels it, told a little late.
fn stated(world: &World, fault: &Fault, random: &mut Random) -> Stated {
    let entry = world.topology.entry_above(fault.culprit);
    let late = random.between(0.0, 120.0);
    Stated {
        service: world.topology.name(entry),
        index: Some(entry as u32),
        signal: Observed::new(if fault.fails() { "errors" } else { "latency" }),
        at: Some(world.times[world.onset] + late),
    }
}

/// Takes the culprit's data away, all of it or from the begin of the trouble.
fn hide(incident: &mut Incident, world: &World, culprit: usize, random: &mut Random) {
    let own = |series: &Series| series.service as usize == culprit;
    if random.chance(0.5) {
        incident.series.retain(|series| !own(series));
        return;
    }
    for series in incident.series.iter_mut().filter(|s| own(s)) {
        series.values[world.onset..].fill(f64::NAN);
    }
}
