//! The goals on the training incidents, and that none is lost when something is not known.

use coral_diagnose::bundle::{Files, parse};
use coral_diagnose::{Incident, diagnose, ranking};
use std::fs;
use std::path::PathBuf;

/// All training incidents have the same true service.
pub struct Known {
    pub name: String,
    pub incident: Incident,
    truth: String,
}

pub fn incidents() -> Vec<Known> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/incidents/petshop-train");
    let truth = fs::read(folder.join("truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    let known = truth.as_object().unwrap().iter().map(|(name, truth)| {
        let read = |file: &str| fs::read(folder.join(name).join(file)).unwrap();
        let (incident, metrics, edges) = (
            read("incident.json"),
            read("metrics.csv"),
            read("edges.csv"),
        );
        let files = Files {
            incident: &incident,
            metrics: &metrics,
            edges: Some(&edges),
            events: None,
        };
        Known {
            name: name.clone(),
            incident: parse(&files).unwrap(),
            truth: truth["service"].as_str().unwrap().to_owned(),
        }
    });
    known.collect()
}

/// What is taken away.
type Change<'a> = &'a dyn Fn(&mut Incident);

/// The share of incidents whose truth is among the first so many.
fn shares(known: &[Known], change: impl Fn(&mut Incident)) -> [f64; 3] {
    let mut hits = [0; 3];
    for one in known {
        let mut incident = one.incident.clone();
        change(&mut incident);
        let order = ranking(&incident);
        assert_eq!(
            order.len(),
            incident.services.len(),
            "every service has a place"
        );
        let is_truth = |service: u32| incident.services[service as usize].raw() == one.truth;
        let place = order.iter().position(|r| is_truth(r.service));
        for (hits, most) in hits.iter_mut().zip([1, 3, 5]) {
            *hits += usize::from(place.is_some_and(|p| p < most));
        }
    }
    hits.map(|h| h as f64 / known.len() as f64)
}

#[test]
fn the_goals_are_reached_and_nothing_is_lost_when_less_is_known() {
    let known = incidents();
    assert_eq!(known.len(), 16);
    let late = |i: &mut Incident| {
        if let Some(at) = i.stated.as_mut().and_then(|s| s.at.as_mut()) {
            *at += 60.0;
        }
        if let Some(window) = i.anomalous.as_mut() {
            window.from += 60.0;
        }
    };
    let changes: [(&str, Change<'_>); 7] = [
        ("nothing", &|_| {}),
        ("topology", &|i| i.edges.clear()),
        ("symptom", &|i| i.stated = None),
        ("moment", &|i| i.stated.as_mut().unwrap().at = None),
        ("windows", &|i| (i.normal, i.anomalous) = (None, None)),
        ("windows and symptom", &|i| {
            (i.normal, i.anomalous, i.stated) = (None, None, None)
        }),
        ("60 s", &late),
    ];
    for (without, change) in changes {
        let [one, three, five] = shares(&known, change);
        let reached = one >= 0.9 && three >= 0.95 && five >= 0.95;
        assert!(reached, "without {without}: {one:.2} {three:.2} {five:.2}");
    }
}

#[test]
fn a_diagnosis_explains_itself() {
    for known in incidents() {
        let said = diagnose(&known.incident);
        assert!(!said.abstained, "{}", known.name);
        let first = &said.causes[0];
        assert_eq!(first.service.raw(), known.truth, "{}", known.name);
        assert!(!first.evidence.is_empty() && !first.next.is_empty());
        assert_eq!(first.path.first().unwrap().raw(), "PetSite");
        assert_eq!(first.path.last(), Some(&first.service));
        assert!(
            said.victims.iter().any(|v| v.raw() == "PetSite"),
            "{:?}",
            said.victims
        );
        let ranks: Vec<u32> = said.causes.iter().map(|c| c.rank).collect();
        assert_eq!(ranks, (1..=ranks.len() as u32).collect::<Vec<_>>());
        assert!(said.causes.iter().all(|c| (0.0..=1.0).contains(&c.score)));
        assert!(
            said.causes
                .windows(2)
                .all(|pair| pair[0].score >= pair[1].score)
        );
    }
}
