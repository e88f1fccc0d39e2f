//! What must not matter: the order of columns and rows, the names of services, the unit of a metric, an offset in time.

use coral_diagnose::bundle::{Files, parse};
use coral_diagnose::synthetic::{Bundle, Shape, Wish, bundle, make};
use coral_diagnose::{Incident, diagnose, ranking};
use coral_model::{CauseKind, Observed};
use proptest::prelude::*;

fn read(bundle: &Bundle) -> Incident {
    parse(&Files {
        incident: bundle.incident.as_bytes(),
        metrics: bundle.metrics.as_bytes(),
        edges: Some(bundle.edges.as_bytes()),
        events: Some(bundle.events.as_bytes()),
    })
    .unwrap()
}

fn some(seed: u64) -> Incident {
    let kinds = CauseKind::ALL;
    make(&Wish {
        seed,
        services: 5 + seed as usize % 20,
        kind: kinds[seed as usize % (kinds.len() - 1)],
        shape: Shape::ALL[seed as usize / 16 % Shape::ALL.len()],
    })
    .incident
}

/// The names in order, with scores to what rounding leaves.
fn order(incident: &Incident) -> Vec<(String, i64)> {
    let ranked = ranking(incident);
    let name = |service: u32| incident.services[service as usize].raw().to_owned();
    let mut order: Vec<_> = ranked
        .iter()
        .map(|r| (name(r.service), (r.score * 1e6).round() as i64))
        .collect();
    // Equal scores have no order of their own.
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    order
}

/// Columns turned by so many, rows reversed.
fn turned(metrics: &str, by: usize) -> String {
    let lines = metrics.lines().map(|line| {
        let mut fields: Vec<&str> = line.split(',').collect();
        let by = by % (fields.len() - 1);
        fields[1..].rotate_left(by);
        fields.join(",") + "\n"
    });
    let mut lines: Vec<String> = lines.collect();
    lines[1..].reverse();
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_columns_and_rows_does_not_matter(seed in 0u64..10_000, by in 1usize..200) {
        let mut written = bundle(&some(seed));
        let once = format!("{:?}", diagnose(&read(&written)));
        written.metrics = turned(&written.metrics, by);
        let (head, rows) = written.edges.split_once('\n').unwrap();
        let rows: Vec<&str> = rows.lines().rev().collect();
        written.edges = format!("{head}\n{}\n", rows.join("\n"));
        prop_assert_eq!(once, format!("{:?}", diagnose(&read(&written))));
    }

    #[test]
    fn names_of_services_do_not_matter(seed in 0u64..10_000) {
        let incident = some(seed);
        let mut other = incident.clone();
        for (at, name) in other.services.iter_mut().enumerate() {
            *name = Observed::new(format!("error cpu latency {}", at * 7919 % 1009));
        }
        let scores = |i: &Incident| ranking(i).iter().map(|r| (r.service, r.score)).collect::<Vec<_>>();
        prop_assert_eq!(scores(&incident), scores(&other));
    }

    #[test]
    fn the_unit_of_a_metric_does_not_matter(seed in 0u64..10_000, power in -12i32..12) {
        let incident = some(seed);
        let mut other = incident.clone();
        let factor = 2f64.powi(power);
        for series in &mut other.series {
            // Shares have no unit.
            if series.metric.raw() != "error_rate" {
                series.values.iter_mut().for_each(|v| *v *= factor);
            }
        }
        prop_assert_eq!(order(&incident), order(&other));
    }

    #[test]
    fn an_offset_in_time_does_not_matter(seed in 0u64..10_000, days in -5_000i32..5_000) {
        let incident = some(seed);
        let mut other = incident.clone();
        let offset = f64::from(days) * 86_400.0;
        other.times.iter_mut().for_each(|t| *t += offset);
        other.events.iter_mut().for_each(|e| e.at += offset);
        if let Some(at) = other.stated.as_mut().and_then(|s| s.at.as_mut()) {
            *at += offset;
        }
        prop_assert_eq!(order(&incident), order(&other));
    }
}
