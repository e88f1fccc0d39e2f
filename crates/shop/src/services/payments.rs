//! payments: takes the money. Fault `slow-downstream` makes its bank slow.

use crate::dice;
use crate::faults::Watch;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use tokio::time::sleep;

pub fn routes() -> Result<Router> {
    Ok(Router::new()
        .route("/charges", post(charge))
        .with_state(Watch::follow("slow-downstream")?))
}

async fn charge(State(slow): State<Watch>, Json(charge): Json<Value>) -> Json<Value> {
    sleep(dice::delay(10, 40)).await;
    if slow.is_on() {
        sleep(dice::delay(760, 840)).await;
    }
    Json(json!({ "paid": charge.get("cents"), "receipt": dice::below(1_000_000) }))
}
