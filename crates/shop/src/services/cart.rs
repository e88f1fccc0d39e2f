//! cart: what each customer wants to buy, in memory. Fault `mem-leak` makes it keep more and more, `hung-handler` makes it
//! not answer for one cart in four.

use crate::dice;
use crate::faults::Watch;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The shop runs for days: a full cart starts again.
const ITEMS_MAX: usize = 20;
const CARTS_MAX: usize = 1000;
/// What `mem-leak` keeps for each request, and how often at most.
const SESSION: usize = 256 << 10;
const SESSIONS_MAX: usize = 1536;
/// Nobody hangs longer than this: threads are not endless.
const HANG_MAX: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Cart {
    carts: Arc<Mutex<HashMap<u32, Vec<Value>>>>,
    sessions: Arc<Mutex<Vec<Vec<u8>>>>,
    leaking: Watch,
    hung: Watch,
}

pub fn routes() -> Result<Router> {
    let cart = Cart {
        carts: Arc::default(),
        sessions: Arc::default(),
        leaking: Watch::follow("mem-leak")?,
        hung: Watch::follow("hung-handler")?,
    };
    tokio::spawn(forget_when_healed(cart.clone()));
    Ok(Router::new()
        .route("/carts/{id}", get(show))
        .route("/carts/{id}/items", post(add))
        .with_state(cart))
}

async fn show(State(cart): State<Cart>, Path(id): Path<u32>) -> Json<Value> {
    sleep(dice::delay(2, 9)).await;
    cart.begin(id).await;
    Json(json!({ "id": id, "items": lock(&cart.carts).get(&id) }))
}

async fn add(
    State(cart): State<Cart>,
    Path(id): Path<u32>,
    Json(item): Json<Value>,
) -> (StatusCode, Json<Value>) {
    sleep(dice::delay(3, 14)).await;
    cart.begin(id).await;
    let mut carts = lock(&cart.carts);
    if carts.len() >= CARTS_MAX {
        carts.clear();
    }
    let items = carts.entry(id).or_default();
    if items.len() >= ITEMS_MAX {
        items.clear();
    }
    items.push(item);
    let cart = json!({ "id": id, "count": items.len() });
    (StatusCode::CREATED, Json(cart))
}

impl Cart {
    /// What the faults do to each request.
    async fn begin(&self, id: u32) {
        if self.leaking.is_on() {
            remember_session(&mut lock(&self.sessions));
        }
        if id.is_multiple_of(4) && self.hung.is_on() {
            let hung = self.hung.clone();
            let _ = tokio::task::spawn_blocking(move || wait_for_merge(&hung)).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[inline(never)]
fn remember_session(sessions: &mut Vec<Vec<u8>>) {
    if sessions.len() < SESSIONS_MAX {
        sessions.push(vec![b's'; SESSION]);
    }
}

/// Waits for another cart that never comes, until the fault is over.
#[inline(never)]
fn wait_for_merge(hung: &Watch) {
    let begin = Instant::now();
    while hung.is_on() && begin.elapsed() < HANG_MAX {
        std::thread::park_timeout(Duration::from_millis(200));
    }
}

/// The memory comes back when the fault is switched off.
async fn forget_when_healed(cart: Cart) {
    loop {
        cart.leaking.until(true).await;
        cart.leaking.until(false).await;
        *lock(&cart.sessions) = Vec::new();
    }
}
