//! What is wrong with the service that somebody named, as its own figures say.

use super::fill::{ERRORS, P95, RATE};
use coral_diagnose::{Incident, Stated};
use coral_model::Observed;

/// What lasts so many points is heard.
const LAST: usize = 6;
/// So much slower or busier is heard, and so many more errors of all requests.
const SLOWER: f64 = 1.5;
const MORE_ERRORS: f64 = 0.02;

/// The complaint with the number of its service and what it is about.
pub(super) fn heard(mut stated: Stated, incident: &Incident) -> Stated {
    let name = |service: &Observed| *service == stated.service;
    let Some(index) = incident.services.iter().position(name) else {
        return stated;
    };
    let index = index as u32;
    stated.index = Some(index);
    let change = |metric: &str| {
        let of = |s: &&coral_diagnose::Series| s.service == index && s.metric.raw() == metric;
        let values = &incident.series.iter().find(of)?.values;
        worst(values)
    };
    let signal = match (change(ERRORS), change(P95), change(RATE)) {
        (Some((before, after)), ..) if after - before >= MORE_ERRORS => "errors",
        (_, Some((before, after)), _) if after >= SLOWER * before => "latency",
        (_, _, Some((before, after))) if after >= SLOWER * before => "rate",
        _ => "",
    };
    stated.signal = Observed::new(signal);
    stated
}

/// What is usual, and the most that the mean of some points in a row is in the last half.
fn worst(values: &[f64]) -> Option<(f64, f64)> {
    let mut known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if known.len() <= 2 * LAST {
        return None;
    }
    let recent = known.len() / 2;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let most = known[recent..]
        .windows(LAST)
        .map(mean)
        .fold(f64::MIN, f64::max);
    known.sort_unstable_by(f64::total_cmp);
    Some((known[known.len() / 2], most))
}
