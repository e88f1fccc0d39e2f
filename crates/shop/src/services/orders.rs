//! orders: a queue of orders between checkout and worker. Fault `crash-loop` ends it two seconds after each start.

use crate::dice;
use crate::faults::Watch;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// A queue that nobody empties refuses more.
const WAITING_MAX: usize = 2000;
/// How often the queue is compacted; with the fault on, that ends the process.
const COMPACT: Duration = Duration::from_secs(2);

#[derive(Clone, Default)]
struct Orders(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<u64>,
    next: u64,
    taken: u64,
    done: u64,
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn routes() -> Result<Router> {
    let orders = Orders::default();
    tokio::spawn(compact_for_ever(
        orders.clone(),
        Watch::follow("crash-loop")?,
    ));
    Ok(Router::new()
        .route("/orders", post(put))
        .route("/jobs/next", post(take))
        .route("/jobs/{id}/done", post(done))
        .route("/queue", get(show))
        .with_state(orders))
}

async fn put(State(orders): State<Orders>, Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    sleep(dice::delay(1, 4)).await;
    let mut queue = orders.lock();
    if queue.waiting.len() >= WAITING_MAX {
        let error = json!({ "error": "the queue is full" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(error));
    }
    let job = queue.next;
    queue.next += 1;
    queue.waiting.push_back(job);
    let queued = json!({ "order": order.get("order"), "job": job });
    (StatusCode::CREATED, Json(queued))
}

/// The oldest job, or null.
async fn take(State(orders): State<Orders>) -> Json<Value> {
    let mut queue = orders.lock();
    let job = queue.waiting.pop_front();
    queue.taken += u64::from(job.is_some());
    Json(json!({ "job": job }))
}

async fn done(State(orders): State<Orders>, Path(id): Path<u64>) -> Json<Value> {
    orders.lock().done += 1;
    Json(json!({ "job": id }))
}

async fn show(State(orders): State<Orders>) -> Json<Value> {
    let queue = orders.lock();
    Json(json!({ "waiting": queue.waiting.len(), "taken": queue.taken, "done": queue.done }))
}

async fn compact_for_ever(orders: Orders, crashing: Watch) {
    loop {
        sleep(COMPACT).await;
        compact_queue(&mut orders.lock().waiting, crashing.is_on());
    }
}

#[inline(never)]
fn compact_queue(waiting: &mut VecDeque<u64>, crashing: bool) {
    if crashing {
        // A crash on purpose is not worth a core file.
        let _ = nix::sys::prctl::set_dumpable(false);
        std::process::abort();
    }
    waiting.shrink_to(64);
}
