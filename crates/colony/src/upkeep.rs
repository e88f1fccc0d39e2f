//! Tells the store the time, so that it rolls up what is complete and forgets what is old: a piece a second, and piece
//! after piece while there is more, with room for batches between them.

use crate::Clock;
use crate::metrics::Meters;
use coral_store::Append;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

const EVERY: Duration = Duration::from_secs(1);
/// Between two pieces while there is more.
const BREATH: Duration = Duration::from_millis(5);

/// Starts the task; it ends when `stop` turns true.
pub fn start(
    store: Arc<dyn Append>,
    clock: Clock,
    meters: Arc<Meters>,
    mut stop: watch::Receiver<bool>,
) {
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = crate::stopped(&mut stop) => return,
                _ = ticks.tick() => {}
            }
            let done = pieces(&*store, &clock, &stop).await;
            meters.store(done.as_ref().err().map(ToString::to_string));
            match done {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    tracing::warn!(%error, "the store could not be maintained; it is tried again");
                    failing = true;
                }
                Err(_) => {}
            }
        }
    });
}

async fn pieces(
    store: &dyn Append,
    clock: &Clock,
    stop: &watch::Receiver<bool>,
) -> Result<(), coral_store::StoreError> {
    while !*stop.borrow() && store.maintain(clock()).await?.more {
        sleep(BREATH).await;
    }
    Ok(())
}
