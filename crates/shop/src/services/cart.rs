//! cart: what each customer wants to buy, in memory.

use crate::dice;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::sleep;

/// The shop runs for days: a full cart starts again.
const ITEMS_MAX: usize = 20;
const CARTS_MAX: usize = 1000;

type Carts = Arc<Mutex<HashMap<u32, Vec<Value>>>>;

pub fn routes() -> Router {
    Router::new()
        .route("/carts/{id}", get(show))
        .route("/carts/{id}/items", post(add))
        .with_state(Carts::default())
}

async fn show(State(carts): State<Carts>, Path(id): Path<u32>) -> Json<Value> {
    sleep(dice::delay(2, 9)).await;
    let carts = carts.lock().unwrap_or_else(PoisonError::into_inner);
    Json(json!({ "id": id, "items": carts.get(&id) }))
}

async fn add(
    State(carts): State<Carts>,
    Path(id): Path<u32>,
    Json(item): Json<Value>,
) -> (StatusCode, Json<Value>) {
    sleep(dice::delay(3, 14)).await;
    let mut carts = carts.lock().unwrap_or_else(PoisonError::into_inner);
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
