//! RED of a service by side, protocol, method, route and status class. The rows add up to the exact counts: what could
//! not be given a route stands in a row of its own.

use super::Uses;
use super::fold::Fold;
use super::scope::Scope;
use coral_model::answer::MetricRow;
use coral_model::request::UNATTRIBUTED;
use coral_model::summary::Counts;
use coral_model::{Method, Observed, Protocol, Route, ServiceKey, Side, StatusClass};
use coral_store::{Level, Routes, StoreError, SummaryFilter};
use std::collections::BTreeMap;

type Key = (Side, Protocol, Method, Route, StatusClass);

pub(super) fn answer(scope: &Scope<'_>, only: &[ServiceKey]) -> Result<Vec<MetricRow>, StoreError> {
    let filter = SummaryFilter {
        window: scope.window,
        instances: Some(scope.ids_of(only)),
        routes: Routes::Split,
        widest: Level::Hour,
    };
    let mut folds: BTreeMap<Key, Fold> = BTreeMap::new();
    scope.snapshot().each_summary(&filter, &mut |row| {
        if let Some(seen) = scope.instance(row.instance) {
            let key = (
                row.side,
                row.protocol,
                row.method,
                row.route,
                row.status_class,
            );
            let agent = &seen.instance.key.agent;
            let fold = folds.entry(key).or_default();
            fold.add(agent, row.counts, row.durations)?;
        }
        Ok(())
    })?;
    Ok(folds
        .into_iter()
        .map(|(key, fold)| row(scope, key, &fold))
        .collect())
}

fn row(scope: &Scope<'_>, key: Key, fold: &Fold) -> MetricRow {
    let (side, protocol, method, route, status_class) = key;
    let complete = complete(status_class, fold.counts);
    let samples = fold.durations.count();
    MetricRow {
        side,
        protocol,
        method,
        route: match route {
            Route::Template(text) => text,
            Route::Unattributed | Route::All => Observed::new(UNATTRIBUTED),
        },
        status_class,
        red: fold.red(scope, Uses::Intervals),
        sampled_ratio: (complete > 0).then(|| (samples as f64 / complete as f64).min(1.0)),
    }
}

/// How many of the requests have a duration to sample. Of a 5xx it is not known which were cut off in the answer; they
/// count as complete.
fn complete(class: StatusClass, counts: Counts) -> u64 {
    match class {
        StatusClass::None => 0,
        StatusClass::ServerError => counts.requests,
        StatusClass::Informational
        | StatusClass::Success
        | StatusClass::Redirection
        | StatusClass::ClientError => counts.requests.saturating_sub(counts.errors),
    }
}
