//! worker: takes orders from the queue and packs them; it listens on nothing. Fault `queue-backlog` makes it slow.

use crate::database::Database;
use crate::dice;
use crate::downstream::Downstream;
use crate::faults::Watch;
use crate::lifeline;
use crate::services::Service;
use color_eyre::Result;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// How often an empty queue, or one that does not answer, is asked again.
const IDLE: Duration = Duration::from_millis(150);
/// What packing costs while the fault is on.
const SLOW: Duration = Duration::from_secs(2);

/// Packs until the process is told to stop.
pub async fn run(base_port: u16, stdin: bool) -> Result<()> {
    let worker = Worker {
        orders: Downstream::new(Service::Orders.port(base_port))?,
        stock: Database::new(Service::Stock.port(base_port), Watch::default()),
        slow: Watch::follow("queue-backlog")?,
    };
    tokio::select! {
        () = lifeline::stop(stdin) => {}
        () = worker.pack_for_ever() => {}
    }
    Ok(())
}

struct Worker {
    orders: Downstream,
    stock: Database,
    slow: Watch,
}

impl Worker {
    async fn pack_for_ever(&self) {
        loop {
            let next = self.orders.post("/jobs/next", json!({})).await;
            match next.as_ref().ok().and_then(|job| job["job"].as_u64()) {
                Some(job) => self.pack(job).await,
                None => sleep(IDLE).await,
            }
        }
    }

    async fn pack(&self, job: u64) {
        let product = dice::below(200);
        // Who does not know what is left packs all the same.
        let _ = self.stock.ask(format!("LOOK {product}")).await;
        let length = if self.slow.is_on() {
            SLOW
        } else {
            dice::delay(3, 9)
        };
        let _ = tokio::task::spawn_blocking(move || pack_order(length)).await;
        let path = format!("/jobs/{job}/done");
        let _ = self.orders.post(&path, Value::Null).await;
    }
}

#[inline(never)]
fn pack_order(length: Duration) {
    std::thread::sleep(length);
}
