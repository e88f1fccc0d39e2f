//! catalog: two hundred products. Fault `cpu-hot` makes it rank them all, badly, for each request.

use crate::dice;
use crate::faults::Watch;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const PRODUCTS: u32 = 200;
/// What one request costs while the fault is on. By the clock and not by rounds, so that the shop stays up on a busy
/// machine and in a build without optimisation.
const BURN: Duration = Duration::from_millis(20);

pub fn routes() -> Result<Router> {
    Ok(Router::new()
        .route("/products", get(list))
        .route("/products/{id}", get(one))
        .with_state(Watch::follow("cpu-hot")?))
}

async fn list(State(hot): State<Watch>) -> Json<Value> {
    sleep(dice::delay(4, 18)).await;
    rank_when(&hot);
    let first: Vec<_> = (0..20).map(describe).collect();
    Json(json!(first))
}

async fn one(
    State(hot): State<Watch>,
    Path(id): Path<u32>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    sleep(dice::delay(2, 10)).await;
    rank_when(&hot);
    if id < PRODUCTS {
        Ok(Json(describe(id)))
    } else {
        let error = json!({ "error": "no such product" });
        Err((StatusCode::NOT_FOUND, Json(error)))
    }
}

fn describe(id: u32) -> Value {
    json!({ "id": id, "name": format!("Product {id}"), "cents": 500 + u64::from(id) * 37 % 9000 })
}

fn rank_when(hot: &Watch) {
    if hot.is_on() {
        black_box(rank_products(PRODUCTS));
    }
}

/// The hot function that a profile must point at: never inlined, so that it keeps its name and its own frame.
#[inline(never)]
fn rank_products(products: u32) -> u64 {
    let begin = Instant::now();
    let mut score = 1_u64;
    while begin.elapsed() < BURN {
        // Many rounds between two looks at the clock, or the profile would show the clock.
        let mut product = 0;
        while product < products * 200 {
            score = (score ^ u64::from(product)).wrapping_mul(0x0100_0000_01b3) ^ (score >> 29);
            product += 1;
        }
    }
    score
}
