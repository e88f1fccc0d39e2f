//! An incident as the files of a bundle, which read back as the same incident.

use crate::incident::{Incident, Range};
use coral_model::Observed;
use coral_model::diagnosis::Bundle;
use serde_json::json;
use std::fmt::Write as _;

/// The files of this incident.
pub fn write(incident: &Incident) -> Bundle {
    Bundle {
        incident: header(incident),
        metrics: metrics(incident),
        edges: edges(incident),
        events: events(incident),
    }
}

fn header(incident: &Incident) -> String {
    let range = |range: &Option<Range>| range.map(|r| json!({ "from": r.from, "to": r.to }));
    let symptom = incident.stated.as_ref().map(|stated| {
        json!({
            "service": &*stated.service.visible(),
            "signal": &*stated.signal.visible(),
            "at": stated.at,
        })
    });
    let head = json!({
        "version": 1,
        "name": &*incident.name.visible(),
        "symptom": symptom,
        "normal": range(&incident.normal),
        "anomalous": range(&incident.anomalous),
        "chosen": incident.chosen,
    });
    format!("{head}\n")
}

fn metrics(incident: &Incident) -> String {
    let mut out = "time".to_owned();
    for series in &incident.series {
        let metric = series.metric.visible();
        let column = format!("{}|{metric}", name(incident, series.service));
        out.push(',');
        out.push_str(&field(&column));
    }
    out.push('\n');
    for (at, time) in incident.times.iter().enumerate() {
        let _ = write!(out, "{time}");
        for series in &incident.series {
            out.push(',');
            let value = series.values[at];
            if !value.is_nan() {
                let _ = write!(out, "{value}");
            }
        }
        out.push('\n');
    }
    out
}

fn edges(incident: &Incident) -> String {
    let mut out = "caller,callee\n".to_owned();
    for &(caller, callee) in &incident.edges {
        let ends = [caller, callee].map(|end| field(&name(incident, end)));
        let _ = writeln!(out, "{},{}", ends[0], ends[1]);
    }
    out
}

fn events(incident: &Incident) -> String {
    let mut out = "time,service,kind,text\n".to_owned();
    for event in &incident.events {
        let service = event.service.map(|s| name(incident, s));
        let service = field(&service.unwrap_or_default());
        let (kind, text) = (event.kind.name(), field(&event.text.visible()));
        let _ = writeln!(out, "{},{service},{kind},{text}", event.at);
    }
    out
}

fn name(incident: &Incident, service: u32) -> String {
    let name = incident.services.get(service as usize);
    name.map(Observed::visible).unwrap_or_default().into_owned()
}

/// A field of one line (RFC 4180).
fn field(text: &str) -> String {
    if text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
