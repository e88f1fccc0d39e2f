//! A healthy day: daily rhythm, deployments with a short hitch, scale-out, batch jobs that keep a processor busy.

use super::random::Random;
use super::topology::Topology;
use super::world::World;
use crate::family::Family;
use crate::incident::{EventKind, Incident};
use std::ops::Range;

/// One point a minute.
const STEP_S: f64 = 60.0;
const DAY: usize = 1440;

/// A day of so many services, with the hours before it that are needed to know what is usual.
pub fn healthy(seed: u64, services: usize) -> Incident {
    let mut random = Random::new(seed);
    let topology = Topology::new(services.max(5), &mut random);
    let start = 1_700_000_000.0;
    let times: Vec<f64> = (0..DAY).map(|i| start + i as f64 * STEP_S).collect();
    let mut world = World::over(topology, times, DAY, &mut random);
    world.run(None, &mut random);
    let mut incident = world.incident();
    for service in 0..incident.services.len() {
        if random.chance(0.3) {
            deploy(&mut incident, service, &mut random);
        }
        if random.chance(0.15) {
            scale_out(&mut incident, service, &mut random);
        }
        if random.chance(0.15) {
            batch(&mut incident, service, &mut random);
        }
    }
    incident.events.sort_by(|a, b| a.at.total_cmp(&b.at));
    incident
}

fn times(incident: &mut Incident, service: usize, family: Family, at: Range<usize>, factor: f64) {
    let own = incident.series.iter_mut();
    for series in own.filter(|s| s.service as usize == service && s.family == family) {
        let end = at.end.min(series.values.len());
        for value in &mut series.values[at.start.min(end)..end] {
            *value *= factor;
        }
    }
}

/// A new build: two minutes somewhat slower, then another memory use.
fn deploy(incident: &mut Incident, service: usize, random: &mut Random) {
    let at = random.below(DAY);
    times(
        incident,
        service,
        Family::Latency,
        at..at + 2,
        random.between(1.0, 1.4),
    );
    let other = random.between(0.9, 1.1);
    times(incident, service, Family::Memory, at..DAY, other);
    let when = incident.times[at];
    incident.events.push(super::event(
        when,
        service,
        EventKind::Deployment,
        "new build",
    ));
}

/// One more instance: each has less to do.
fn scale_out(incident: &mut Incident, service: usize, random: &mut Random) {
    let at = random.below(DAY);
    let less = random.between(0.6, 0.8);
    times(incident, service, Family::Cpu, at..DAY, less);
    times(
        incident,
        service,
        Family::Memory,
        at..DAY,
        random.between(1.0, 1.2),
    );
}

/// A job for some minutes: processor and disk are busy, users feel nothing.
fn batch(incident: &mut Incident, service: usize, random: &mut Random) {
    let at = random.below(DAY);
    let job = at..at + 5 + random.below(40);
    times(
        incident,
        service,
        Family::Cpu,
        job.clone(),
        random.between(1.5, 3.0),
    );
    times(
        incident,
        service,
        Family::Disk,
        job,
        random.between(2.0, 8.0),
    );
}
