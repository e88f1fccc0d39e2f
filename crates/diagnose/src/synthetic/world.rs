//! Load, latency, errors and machinery of every service over time. Latency and errors climb to the callers, load goes down to
//! the callees, a busy processor slows.

use super::Shape;
use super::fault::Fault;
use super::random::Random;
use super::topology::Topology;
use crate::family::Family;
use crate::incident::{Incident, Series};
use coral_model::{CauseKind, Observed};

/// The metrics of a service; those after the first four are its inside.
pub const METRICS: [&str; 13] = [
    "requests",
    "latency_p50",
    "latency_p99",
    "error_rate",
    "cpu",
    "mem",
    "disk_io",
    "net_retransmits",
    "lock_wait",
    "pool_waiting",
    "cpu_throttled",
    "cpu_steal",
    "restarts",
];
const OUTSIDE: usize = 4;

/// What a service is by itself.
struct Nature {
    load: f64,
    latency: f64,
    tail: f64,
    errors: f64,
    inner: [f64; 9],
    noise: f64,
}

/// A system over time.
pub struct World {
    pub topology: Topology,
    pub times: Vec<f64>,
    /// The point at which trouble begins.
    pub onset: usize,
    natures: Vec<Nature>,
    sparse: bool,
    restless: bool,
    /// Service, metric, time.
    values: Vec<Vec<Vec<f64>>>,
}

impl World {
    pub fn new(topology: Topology, shape: Shape, random: &mut Random) -> Self {
        let large = topology.len() > 300;
        let step = match (shape, large) {
            (Shape::Sparse, _) => 60.0,
            (_, true) => 20.0,
            _ => 10.0,
        };
        let before = match (shape, large) {
            (Shape::NoHistory, _) => 6 + random.below(5),
            (_, true) => 100 + random.below(20),
            _ => 180 + random.below(120),
        };
        let after = match (shape, large) {
            (Shape::Ramp, _) => 140,
            (_, true) => 40,
            _ => 30 + random.below(90),
        };
        let start = 1_700_000_000.0 + random.between(0.0, 1e7).floor();
        let times = (0..before + after)
            .map(|i| start + i as f64 * step)
            .collect();
        let mut world = Self::over(topology, times, before, random);
        world.sparse = shape == Shape::Sparse;
        world.restless = shape == Shape::Everything;
        world
    }

    /// A healthy system over these times.
    pub fn over(topology: Topology, times: Vec<f64>, onset: usize, random: &mut Random) -> Self {
        let natures = (0..topology.len()).map(|_| Nature::new(random)).collect();
        let mut world = Self {
            topology,
            times,
            onset,
            natures,
            sparse: false,
            restless: false,
            values: vec![],
        };
        world.settle();
        world
    }

    /// Lets time pass.
    pub fn run(&mut self, fault: Option<&Fault>, random: &mut Random) {
        let n = self.topology.len();
        self.values = vec![vec![Vec::with_capacity(self.times.len()); METRICS.len()]; n];
        let phase = random.between(0.0, 86_400.0);
        for at in 0..self.times.len() {
            let after = self.times[at] - self.times[self.onset.min(self.times.len() - 1)];
            let fault = fault.map(|fault| (fault, fault.strength(after)));
            self.step(at, fault, phase, random);
        }
    }

    fn step(&mut self, at: usize, fault: Option<(&Fault, f64)>, phase: f64, random: &mut Random) {
        let loads = self.loads(at, fault, phase, random);
        let n = self.topology.len();
        let (mut middles, mut tails, mut errors) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        for service in (0..n).rev() {
            let here = fault.filter(|(fault, _)| fault.culprit == service);
            let moment = self.moment(service, here, loads[service], random);
            let (mut middle, mut tail, mut fine) =
                (moment.middle, moment.tail, 1.0 - moment.errors);
            for &(callee, calls) in &self.topology.callees[service] {
                middle += calls * middles[callee];
                tail += calls * tails[callee];
                fine *= 1.0 - 0.8 * calls.min(1.0) * errors[callee];
            }
            (middles[service], tails[service], errors[service]) = (middle, tail, 1.0 - fine);
            self.note(
                service,
                loads[service],
                [middle, tail, 1.0 - fine],
                &moment,
                random,
            );
        }
    }

    fn loads(
        &self,
        at: usize,
        fault: Option<(&Fault, f64)>,
        phase: f64,
        random: &mut Random,
    ) -> Vec<f64> {
        let rhythm =
            1.0 + 0.4 * ((self.times[at] + phase) / 86_400.0 * std::f64::consts::TAU).sin();
        let restless = if self.restless {
            random.noise(0.15)
        } else {
            1.0
        };
        let mut loads = vec![0.0; self.topology.len()];
        for service in 0..self.topology.len() {
            if self.topology.is_entry(service) {
                loads[service] =
                    self.natures[service].load * rhythm * restless * random.noise(0.04);
            }
            if let Some((fault, strength)) = fault.filter(|(f, _)| f.culprit == service) {
                loads[service] *= 1.0 + (fault.load - 1.0) * strength;
            }
            for &(callee, calls) in &self.topology.callees[service] {
                loads[callee] += loads[service] * calls;
            }
        }
        loads
    }

    /// What a service does by itself at one moment.
    fn moment(
        &self,
        service: usize,
        fault: Option<(&Fault, f64)>,
        load: f64,
        random: &mut Random,
    ) -> Moment {
        let nature = &self.natures[service];
        let noise = |random: &mut Random, share: f64| random.noise(share * nature.noise);
        let usual = nature.load;
        let busy = (0.35 * load / usual.max(1e-9)).min(0.97);
        let crowd = (1.0 - 0.35) / (1.0 - busy);
        let mut inner = nature.inner;
        inner[0] *= load / usual.max(1e-9);
        let (mut slower, mut failing, mut down) = (1.0, 0.0, false);
        let mut share = 1.0;
        if let Some((fault, strength)) = fault.filter(|(_, strength)| *strength > 0.0) {
            slower = 1.0 + (fault.slower - 1.0) * strength;
            failing = fault.failing * strength * fault.share();
            share = fault.share();
            down = fault.kind == CauseKind::Crash && random.chance(strength * share.max(0.3));
            if let Some(which) = inner_of(fault.kind) {
                inner[which] *= 1.0 + (fault.inner - 1.0) * strength * share.max(0.2);
            }
        }
        for value in &mut inner {
            *value *= noise(random, 0.5);
        }
        inner[0] = inner[0].min(1.0);
        inner[8] = if down { 1.0 } else { 0.0 };
        let wild = if random.chance(0.004) {
            random.between(1.5, 4.0)
        } else {
            1.0
        };
        let few = if share < 0.5 { 1.0 } else { slower };
        Moment {
            middle: nature.latency * crowd * few * noise(random, 1.0),
            tail: nature.latency * nature.tail * crowd * slower * noise(random, 2.0) * wild,
            errors: (nature.errors * noise(random, 2.0)
                + failing
                + if down { 0.7 * share } else { 0.0 })
            .clamp(0.0, 1.0),
            inner,
            down: down && share >= 0.5,
        }
    }

    /// Writes one moment of one service down, as a monitor would see it.
    fn note(
        &mut self,
        service: usize,
        load: f64,
        felt: [f64; 3],
        moment: &Moment,
        random: &mut Random,
    ) {
        let [mut middle, mut tail, mut errors] = felt;
        let mut load = load;
        if self.sparse {
            // One request, or none.
            load = if random.chance(0.75) { 1.0 } else { 0.0 };
            let one = middle * random.noise(0.25);
            (middle, tail) = (one, one);
            errors = if random.chance(errors) { 1.0 } else { 0.0 };
            if load == 0.0 {
                (middle, tail, errors) = (f64::NAN, f64::NAN, f64::NAN);
            }
        }
        if moment.down {
            (middle, tail, load) = (f64::NAN, f64::NAN, 0.05 * load);
        }
        let seen = [load, middle, tail, errors];
        let all = seen.into_iter().chain(moment.inner);
        for (values, value) in self.values[service].iter_mut().zip(all) {
            values.push(value);
        }
    }

    /// What the engine gets of it.
    pub fn incident(&mut self) -> Incident {
        let mut series = Vec::new();
        for (service, values) in std::mem::take(&mut self.values).into_iter().enumerate() {
            let most = if self.topology.outside[service] {
                OUTSIDE
            } else {
                METRICS.len()
            };
            for (metric, values) in METRICS.iter().zip(values).take(most) {
                series.push(Series {
                    service: service as u32,
                    metric: Observed::new(*metric),
                    family: Family::of(metric),
                    values,
                });
            }
        }
        Incident {
            name: Observed::new("synthetic"),
            services: (0..self.topology.len())
                .map(|s| self.topology.name(s))
                .collect(),
            times: self.times.clone(),
            series,
            edges: self.topology.edges(),
            ..Incident::default()
        }
    }

    /// Sets each service's usual load to what reaches it on an average day.
    fn settle(&mut self) {
        let mut loads = vec![0.0; self.topology.len()];
        for service in 0..self.topology.len() {
            if self.topology.is_entry(service) {
                loads[service] = self.natures[service].load;
            }
            for &(callee, calls) in &self.topology.callees[service] {
                loads[callee] += loads[service] * calls;
            }
        }
        for (nature, load) in self.natures.iter_mut().zip(loads) {
            nature.load = load;
        }
    }
}

/// One service at one moment.
struct Moment {
    middle: f64,
    tail: f64,
    errors: f64,
    inner: [f64; 9],
    down: bool,
}

impl Nature {
    fn new(random: &mut Random) -> Self {
        Self {
            load: random.between(10.0, 200.0),
            latency: random.between(0.8, 30.0),
            tail: random.between(2.0, 6.0),
            errors: if random.chance(0.5) {
                0.0
            } else {
                random.between(0.0, 0.004)
            },
            inner: [
                random.between(0.02, 0.15),
                random.between(5e7, 2e9),
                random.between(1.0, 50.0),
                random.between(0.1, 3.0),
                random.between(0.1, 5.0),
                random.between(0.1, 2.0),
                random.between(0.1, 2.0),
                random.between(0.05, 0.5),
                0.0,
            ],
            noise: random.between(0.04, 0.12),
        }
    }
}

/// The place of the inner figure that a kind of trouble shows in.
const fn inner_of(kind: CauseKind) -> Option<usize> {
    match kind {
        CauseKind::Cpu => Some(0),
        CauseKind::Memory => Some(1),
        CauseKind::Disk => Some(2),
        CauseKind::Network => Some(3),
        CauseKind::Lock => Some(4),
        CauseKind::PoolExhausted => Some(5),
        CauseKind::Throttled => Some(6),
        CauseKind::NoisyNeighbour => Some(7),
        _ => None,
    }
}
