//! What is wrong: which service, how much each of its figures is off, and how that grows with time.

use super::random::Random;
use super::world::World;
use super::{Shape, Wish};
use coral_model::CauseKind;

/// The share of requests that a canary gets.
const CANARY: f64 = 0.05;
/// How long a ramp takes.
const RAMP_S: f64 = 1200.0;

/// Factors and additions on the culprit's own figures at full strength.
#[derive(Debug, Clone)]
pub struct Fault {
    pub culprit: usize,
    pub kind: CauseKind,
    shape: Shape,
    /// Own latency times this.
    pub slower: f64,
    /// Own error ratio plus this.
    pub failing: f64,
    /// Load of the culprit times this.
    pub load: f64,
    /// One of the inner figures, times this.
    pub inner: f64,
}

impl Fault {
    pub fn new(wish: &Wish, world: &World, random: &mut Random) -> Self {
        let (slower, failing, inner) = match wish.kind {
            CauseKind::Cpu => (random.between(2.0, 6.0), 0.0, random.between(2.5, 6.0)),
            CauseKind::Memory => (random.between(1.5, 4.0), 0.0, random.between(1.5, 3.0)),
            CauseKind::Disk => (random.between(2.0, 8.0), 0.0, random.between(4.0, 20.0)),
            CauseKind::Network => (random.between(2.0, 10.0), 0.01, random.between(8.0, 50.0)),
            CauseKind::Lock => (random.between(4.0, 20.0), 0.0, random.between(10.0, 80.0)),
            CauseKind::DependencySlow => (random.between(4.0, 20.0), 0.0, 1.0),
            CauseKind::DependencyFailing => (1.0, random.between(0.2, 0.8), 1.0),
            CauseKind::ErrorsInCode => (0.9, random.between(0.05, 0.6), 1.0),
            CauseKind::PoolExhausted => {
                (random.between(4.0, 20.0), 0.02, random.between(8.0, 40.0))
            }
            CauseKind::Throttled => (random.between(2.0, 6.0), 0.0, random.between(8.0, 30.0)),
            CauseKind::NoisyNeighbour => (random.between(1.8, 4.0), 0.0, random.between(6.0, 20.0)),
            CauseKind::Deployment => match random.chance(0.5) {
                true => (random.between(2.0, 6.0), 0.0, 1.0),
                false => (1.0, random.between(0.05, 0.4), 1.0),
            },
            CauseKind::Crash | CauseKind::LoadSurge | CauseKind::Unknown => (1.0, 0.0, 1.0),
        };
        let surge = wish.kind == CauseKind::LoadSurge;
        Self {
            culprit: culprit(wish.kind, world, random),
            kind: wish.kind,
            shape: wish.shape,
            slower,
            failing,
            load: if surge { random.between(2.5, 5.0) } else { 1.0 },
            inner,
        }
    }

    /// Whether users see errors rather than slowness.
    pub fn fails(&self) -> bool {
        self.failing > 0.04 || self.kind == CauseKind::Crash
    }

    /// How strong it is so many seconds after its begin, 0 to 1.
    pub fn strength(&self, after: f64) -> f64 {
        match self.shape {
            _ if after < 0.0 => 0.0,
            Shape::Ramp => (after / RAMP_S).min(1.0),
            // Memory is never taken at once.
            _ if self.kind == CauseKind::Memory => (0.2 + after / 600.0).min(1.0),
            _ => 1.0,
        }
    }

    /// The share of requests that meet it.
    pub fn share(&self) -> f64 {
        if self.shape == Shape::Canary {
            CANARY
        } else {
            1.0
        }
    }
}

/// A service that this kind of trouble can have.
fn culprit(kind: CauseKind, world: &World, random: &mut Random) -> usize {
    let topology = &world.topology;
    let all: Vec<usize> = (0..topology.len())
        .filter(|s| match kind {
            CauseKind::LoadSurge => topology.is_entry(*s),
            CauseKind::DependencySlow | CauseKind::DependencyFailing => topology.outside[*s],
            _ => !topology.outside[*s],
        })
        .collect();
    all[random.below(all.len())]
}
