//! catalog: two hundred products, with a cache of what stock says about each. Fault `cpu-hot` makes it rank them all, badly,
//! for each request; `slow-route` makes its search slow.

use super::Service;
use crate::database::Database;
use crate::faults::Watch;
use crate::{dice, work};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const PRODUCTS: u32 = 200;
/// What one request costs while `cpu-hot` is on.
const BURN: Duration = Duration::from_millis(20);
/// What a search costs more while `slow-route` is on.
const SLOW: Duration = Duration::from_millis(300);
/// What is known of a product is asked for again after this.
const FRESH: Duration = Duration::from_secs(20);

#[derive(Clone)]
struct Catalog {
    stock: Database,
    cache: Arc<Mutex<HashMap<u32, (Instant, u64)>>>,
    hot: Watch,
    slow: Watch,
}

pub fn routes(base_port: u16) -> Result<Router> {
    let catalog = Catalog {
        stock: Database::new(Service::Stock.port(base_port), Watch::default()),
        cache: Arc::default(),
        hot: Watch::follow("cpu-hot")?,
        slow: Watch::follow("slow-route")?,
    };
    Ok(Router::new()
        .route("/products", get(list))
        .route("/products/{id}", get(one))
        .route("/search", get(search))
        .with_state(catalog))
}

async fn list(State(catalog): State<Catalog>) -> Json<Value> {
    sleep(dice::delay(4, 18)).await;
    catalog.rank_when_hot();
    let first: Vec<_> = (0..20).map(|id| describe(id, None)).collect();
    Json(json!(first))
}

async fn one(
    State(catalog): State<Catalog>,
    Path(id): Path<u32>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    sleep(dice::delay(2, 10)).await;
    catalog.rank_when_hot();
    if id < PRODUCTS {
        Ok(Json(describe(id, catalog.left(id).await)))
    } else {
        let error = json!({ "error": "no such product" });
        Err((StatusCode::NOT_FOUND, Json(error)))
    }
}

async fn search(State(catalog): State<Catalog>) -> Json<Value> {
    sleep(dice::delay(3, 12)).await;
    let slow = catalog.slow.is_on();
    let found = tokio::task::spawn_blocking(move || search_index(slow)).await;
    Json(json!(found.unwrap_or_default()))
}

fn describe(id: u32, left: Option<u64>) -> Value {
    let cents = 500 + u64::from(id) * 37 % 9000;
    json!({ "id": id, "name": format!("Product {id}"), "cents": cents, "left": left })
}

impl Catalog {
    /// How many are left: from the cache, else from stock; unknown when stock does not answer.
    async fn left(&self, id: u32) -> Option<u64> {
        if let Some(left) = self.cached(id) {
            return Some(left);
        }
        let answer = self.stock.ask(format!("LOOK {id}")).await.ok()?;
        let left = answer.strip_prefix("LEFT ")?.parse().ok()?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(id, (Instant::now(), left));
        Some(left)
    }

    fn cached(&self, id: u32) -> Option<u64> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, left) = cache.get(&id)?;
        (since.elapsed() < FRESH).then_some(*left)
    }

    fn rank_when_hot(&self) {
        if self.hot.is_on() {
            black_box(rank_products(BURN));
        }
    }
}

/// The hot function that a profile must point at: never inlined, so that it keeps its name and its own frame.
#[inline(never)]
fn rank_products(length: Duration) -> u64 {
    work::burn(length)
}

#[inline(never)]
fn search_index(slow: bool) -> Vec<u64> {
    if slow {
        std::thread::sleep(SLOW);
    }
    (0..5).map(|_| dice::below(u64::from(PRODUCTS))).collect()
}
