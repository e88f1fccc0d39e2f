//! Synthetic incidents: by kind, by shape, how often a confidence is right, and the time for 1,000 services.

use crate::rounded;
use coral_diagnose::bundle::{Files, parse};
use coral_diagnose::synthetic::{Made, Shape, Wish, bundle, healthy, make};
use coral_diagnose::{Incident, Range, diagnose, ranking};
use coral_model::{CauseKind, Confidence, Diagnosis};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// Seeds that nothing was tuned with.
pub const HELD_OUT: u64 = 7_000_000;
/// Seeds for tuning.
pub const TUNING: u64 = 1_000;
/// So many incidents of each kind and shape.
const EACH: u64 = 6;
const SIZES: [usize; 6] = [5, 12, 25, 50, 120, 400];
const HEALTHY_SERVICES: usize = 100;

/// Less than there usually is, for abrupt incidents.
type Less = (&'static str, fn(&mut Incident));
const LESS: [Less; 4] = [
    ("abrupt, no topology", |i| i.edges.clear()),
    ("abrupt, six metrics, no topology", bare),
    ("the same, windows 60 s late", |i| {
        bare(i);
        windows(i, 60.0);
    }),
    ("abrupt, windows 60 s late", |i| windows(i, 60.0)),
];

/// Without topology, symptom and events, and with the metrics that every monitor has.
fn bare(incident: &mut Incident) {
    const KEPT: [&str; 6] = [
        "requests",
        "latency_p50",
        "latency_p99",
        "error_rate",
        "cpu",
        "mem",
    ];
    incident.edges.clear();
    incident.events.clear();
    incident.stated = None;
    incident.series.retain(|s| KEPT.contains(&s.metric.raw()));
}

/// Normal up to the begin, anomalous from there, as somebody would say who is late.
fn windows(incident: &mut Incident, late: f64) {
    let began = incident.times[incident.times.len() - incident.times.len() / 5];
    let began = incident.stated.as_ref().and_then(|s| s.at).unwrap_or(began);
    let (first, last) = (incident.times[0], incident.times[incident.times.len() - 1]);
    let split = (began + late).min(last);
    incident.normal = Some(Range {
        from: first,
        to: split - 1.0,
    });
    incident.anomalous = Some(Range {
        from: split,
        to: last,
    });
}

/// Hits of a group.
#[derive(Default, Clone, Copy)]
struct Tally {
    n: usize,
    top: [usize; 3],
    kind: usize,
}

impl Tally {
    fn add(&mut self, place: Option<usize>, kind: bool) {
        self.n += 1;
        for (top, most) in self.top.iter_mut().zip([1, 3, 5]) {
            *top += usize::from(place.is_some_and(|p| p < most));
        }
        self.kind += usize::from(kind && place == Some(0));
    }

    fn share(&self, hits: usize) -> f64 {
        hits as f64 / self.n.max(1) as f64
    }

    fn row(&self) -> Value {
        let [one, three, five] = self.top.map(|hits| rounded(self.share(hits)));
        let kind = rounded(self.share(self.kind));
        json!({ "n": self.n, "top1": one, "top3": three, "top5": five, "kind": kind })
    }
}

/// Runs them all.
pub fn run(seed: u64) -> Value {
    let (mut kinds, mut shapes) = (BTreeMap::new(), BTreeMap::new());
    let (mut all, mut sure) = (
        Tally::default(),
        BTreeMap::<Confidence, (usize, usize)>::new(),
    );
    let (mut chance, mut abstained) = (0.0, 0);
    let wishes = wishes(seed);
    for wish in &wishes {
        let made = make(wish);
        let (place, said) = place(&made);
        let kind = said.causes.first().is_some_and(|c| c.kind == made.kind);
        all.add(place, kind);
        kinds
            .entry(wish.kind)
            .or_insert_with(Tally::default)
            .add(place, kind);
        shapes
            .entry(wish.shape)
            .or_insert_with(Tally::default)
            .add(place, kind);
        chance += 1.0 / made.incident.services.len() as f64;
        abstained += usize::from(said.abstained);
        if let Some(cause) = said.causes.first().filter(|_| !said.abstained) {
            let entry = sure.entry(cause.confidence).or_default();
            entry.0 += 1;
            entry.1 += usize::from(place == Some(0));
        }
    }
    let mut figures = all.row();
    figures["chance"] = rounded(chance / wishes.len() as f64);
    figures["abstained"] = abstained.into();
    for (kind, tally) in &kinds {
        line(kind.name(), tally);
        figures["kinds"][kind.name()] = tally.row();
    }
    for (shape, tally) in &shapes {
        line(shape.name(), tally);
        figures["shapes"][shape.name()] = tally.row();
    }
    line("all", &all);
    for (name, take) in LESS {
        let mut tally = Tally::default();
        for wish in wishes.iter().filter(|w| w.shape == Shape::Abrupt) {
            let mut made = make(wish);
            take(&mut made.incident);
            let (place, said) = place(&made);
            tally.add(
                place,
                said.causes.first().is_some_and(|c| c.kind == made.kind),
            );
        }
        line(name, &tally);
        figures["less"][name] = tally.row();
    }
    for (confidence, (n, right)) in sure.iter().rev() {
        let share = *right as f64 / *n as f64;
        println!("{:28} n {n:4}  right {share:.2}", confidence.name());
        figures["confidence"][confidence.name()] = json!({ "n": n, "right": rounded(share) });
    }
    figures["ms"] = rounded(largest(seed));
    figures["rss_mb"] = peak_mb().map_or(Value::Null, rounded);
    figures["false_per_100_services_day"] = rounded(false_findings(seed));
    figures
}

fn line(name: &str, tally: &Tally) {
    let [one, three, five] = tally.top.map(|hits| tally.share(hits));
    let (n, kind) = (tally.n, tally.share(tally.kind));
    println!(
        "{name:28} n {n:4}  top1 {one:.2}  top3 {three:.2}  top5 {five:.2}  and its kind {kind:.2}"
    );
}

fn wishes(seed: u64) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for &kind in CauseKind::ALL
        .iter()
        .filter(|kind| **kind != CauseKind::Unknown)
    {
        for shape in Shape::ALL {
            for i in 0..EACH {
                let seed = seed + wishes.len() as u64;
                let services = SIZES[(i as usize + wishes.len() / 6) % SIZES.len()];
                wishes.push(Wish {
                    seed,
                    services,
                    kind,
                    shape,
                });
            }
        }
    }
    wishes
}

fn place(made: &Made) -> (Option<usize>, Diagnosis) {
    let order = ranking(&made.incident);
    let place = order.iter().position(|r| r.service == made.service);
    (place, diagnose(&made.incident))
}

/// Milliseconds to read and diagnose a bundle of 1,000 services, the slowest of three.
fn largest(seed: u64) -> f64 {
    let one = |i: u64| {
        let made = make(&Wish {
            seed: seed + i,
            services: 1_000,
            kind: CauseKind::Lock,
            shape: Shape::Abrupt,
        });
        let written = bundle(&made.incident);
        let files = Files {
            incident: written.incident.as_bytes(),
            metrics: written.metrics.as_bytes(),
            edges: Some(written.edges.as_bytes()),
            events: Some(written.events.as_bytes()),
        };
        let begun = Instant::now();
        let said = parse(&files).map(|incident| diagnose(&incident));
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let (edges, metrics) = (made.incident.edges.len(), made.incident.series.len());
        println!(
            "1,000 services, {edges} edges, {metrics} metrics: {ms:.0} ms, abstained: {:?}",
            said.map(|s| s.abstained)
        );
        ms
    };
    (0..3).map(one).fold(0.0, f64::max)
}

/// The most memory that this process has had so far; the 1,000 services are the largest of it.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Findings in healthy days, each looked at every quarter of an hour with two hours before it.
fn false_findings(seed: u64) -> f64 {
    const DAYS: u64 = 3;
    let mut found = 0;
    for day in 0..DAYS {
        let whole = healthy(seed + 900 + day, HEALTHY_SERVICES);
        for end in (135..=whole.times.len()).step_by(15) {
            let said = diagnose(&whole.between(end - 135, end));
            if let Some(cause) = said.causes.first().filter(|_| !said.abstained) {
                found += 1;
                let evidence = cause
                    .evidence
                    .first()
                    .map(|e| e.text.visible().into_owned());
                println!(
                    "false: {} {:.2} {:?}",
                    cause.kind.name(),
                    cause.score,
                    evidence
                );
            }
        }
    }
    found as f64 / DAYS as f64 * 100.0 / HEALTHY_SERVICES as f64
}
