//! Looks for deployments that made something slower, as long as the colony runs.

use crate::Clock;
use crate::query::{Judged, Query};
use coral_store::{Append, Keep};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// Builds change seldom, and it takes half a minute of samples to judge one.
const EVERY: Duration = Duration::from_secs(30);

/// Starts the task; it ends when `stop` turns true.
pub fn start(
    query: Arc<Query>,
    sink: Arc<dyn Append>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut judged = Judged::default();
        loop {
            tokio::select! {
                () = crate::stopped(&mut stop) => return,
                _ = ticks.tick() => {}
            }
            let (query, now) = (query.clone(), clock());
            let look = move || {
                let found = query.regressions(&mut judged, now);
                (found, judged)
            };
            let Ok((found, back)) = tokio::task::spawn_blocking(look).await else {
                return;
            };
            judged = back;
            let events = found.unwrap_or_else(|error| {
                tracing::warn!(%error, "builds could not be compared");
                vec![]
            });
            for event in events {
                if let Err(error) = sink.keep(Keep::Event(event)).await {
                    tracing::warn!(%error, "a regression could not be stored");
                }
            }
        }
    });
}
