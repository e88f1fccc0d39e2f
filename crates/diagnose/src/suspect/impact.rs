//! Which share of all added time and of all added errors passes through a service: what slows few requests cannot have
//! slowed many. Only where load and latency (or failures) are known in the same units for all.

use crate::change::Change;
use crate::family::Family;
use crate::incident::Incident;
use coral_model::Observed;
use std::collections::BTreeMap;

/// Only changes of this strength add.
const ADDS: f64 = 1.0;

/// Shares of the largest, 0 to 1; `None` when that cannot be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Impact {
    /// Of the added time.
    pub time: Option<f64>,
    /// Of the added errors.
    pub errors: Option<f64>,
}

/// For each service its share of the largest.
pub fn shares(incident: &Incident, changes: &[Change]) -> Vec<Impact> {
    let n = incident.services.len();
    let load = metric(incident, Family::Load, &["sum", "requests", "rate"]);
    let time = metric(incident, Family::Latency, &["average", "avg", "mean", "50"]);
    let share = metric(incident, Family::Availability, &["average", "avg", "rate"]);
    let Some(load) = load.map(|metric| values(incident, changes, metric, n)) else {
        return vec![Impact::default(); n];
    };
    let added = |metric: Option<&Observed>| -> Vec<Option<f64>> {
        let Some(metric) = metric else {
            return vec![None; n];
        };
        let found = values(incident, changes, metric, n);
        let added = found.iter().zip(&load).map(|(change, load)| {
            let (change, load) = ((*change)?, (*load)?);
            let more = (change.after - change.before).abs() * load.after;
            let counts = change.strength >= ADDS && more.is_finite();
            Some(if counts { more } else { 0.0 })
        });
        of_largest(added.collect())
    };
    let each = added(time).into_iter().zip(added(share));
    each.map(|(time, errors)| Impact { time, errors }).collect()
}

/// Of the metrics of a family the one that most services have; among equals the one with the best word.
fn metric<'a>(incident: &'a Incident, family: Family, words: &[&str]) -> Option<&'a Observed> {
    let mut counts: BTreeMap<&Observed, usize> = BTreeMap::new();
    for series in incident.series.iter().filter(|s| s.family == family) {
        *counts.entry(&series.metric).or_default() += 1;
    }
    let word = |metric: &Observed| {
        let name = metric.raw().to_lowercase();
        words
            .iter()
            .position(|word| name.contains(word))
            .unwrap_or(words.len())
    };
    let best = counts
        .into_iter()
        .min_by_key(|(metric, count)| (usize::MAX - count, word(metric)));
    best.map(|(metric, _)| metric)
}

fn values<'a>(
    incident: &Incident,
    changes: &'a [Change],
    metric: &Observed,
    n: usize,
) -> Vec<Option<&'a Change>> {
    let mut found = vec![None; n];
    for change in changes {
        let series = &incident.series[change.series];
        if series.metric == *metric {
            found[series.service as usize] = Some(change);
        }
    }
    found
}

fn of_largest(added: Vec<Option<f64>>) -> Vec<Option<f64>> {
    let most = added.iter().flatten().copied().fold(0.0, f64::max);
    let share = |added: Option<f64>| added.filter(|_| most > 0.0).map(|added| added / most);
    added.into_iter().map(share).collect()
}
