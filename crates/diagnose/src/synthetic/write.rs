//! An incident as the files of a bundle.

use crate::incident::Incident;
use serde_json::json;
use std::fmt::Write as _;

/// The files of a bundle.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// `incident.json`.
    pub incident: String,
    /// `metrics.csv`.
    pub metrics: String,
    /// `edges.csv`.
    pub edges: String,
    /// `events.csv`.
    pub events: String,
}

/// The files of this incident. Names with commas or quotes are not written right; synthetic ones have none.
pub fn bundle(incident: &Incident) -> Bundle {
    let name = |service: u32| incident.services[service as usize].raw();
    let mut metrics = "time".to_owned();
    for series in &incident.series {
        let _ = write!(metrics, ",{}|{}", name(series.service), series.metric.raw());
    }
    metrics.push('\n');
    for (at, time) in incident.times.iter().enumerate() {
        let _ = write!(metrics, "{time}");
        for series in &incident.series {
            match series.values[at] {
                value if value.is_nan() => metrics.push(','),
                value => drop(write!(metrics, ",{value:.5}")),
            }
        }
        metrics.push('\n');
    }
    let mut edges = "caller,callee\n".to_owned();
    for &(caller, callee) in &incident.edges {
        let _ = writeln!(edges, "{},{}", name(caller), name(callee));
    }
    let mut events = "time,service,kind,text\n".to_owned();
    for event in &incident.events {
        let service = event.service.map_or("", name);
        let _ = writeln!(
            events,
            "{},{service},{},{}",
            event.at,
            event.kind.name(),
            event.text.raw()
        );
    }
    let symptom = incident.stated.as_ref().map(|stated| {
        json!({ "service": stated.service.raw(), "signal": stated.signal.raw(), "at": stated.at })
    });
    let head = json!({ "version": 1, "name": incident.name.raw(), "symptom": symptom });
    Bundle {
        incident: head.to_string(),
        metrics,
        edges,
        events,
    }
}
