//! payments: takes the money and writes an audit log. Fault `slow-downstream` makes its bank slow, `lock-log` its log,
//! `conn-refused` closes its port.

mod audit;

use crate::dice;
use crate::faults::Watch;
use audit::Audit;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::sleep;

#[derive(Clone)]
struct Payments {
    bank: Watch,
    audit: Audit,
    begun: Arc<AtomicU64>,
}

pub fn routes() -> Result<Router> {
    let payments = Payments {
        bank: Watch::follow("slow-downstream")?,
        audit: Audit::open()?,
        begun: Arc::default(),
    };
    Ok(Router::new()
        .route("/charges", post(charge))
        .route("/charges/count", get(count))
        .with_state(payments))
}

async fn charge(State(payments): State<Payments>, Json(charge): Json<Value>) -> Json<Value> {
    let number = payments.begun.fetch_add(1, Ordering::Relaxed);
    sleep(dice::delay(10, 40)).await;
    if payments.bank.is_on() {
        sleep(dice::delay(760, 840)).await;
    }
    payments.audit.note(format!("charge {number}")).await;
    Json(json!({ "paid": charge.get("cents"), "receipt": dice::below(1_000_000) }))
}

/// How many charges were begun, those that were given up included.
async fn count(State(payments): State<Payments>) -> Json<Value> {
    Json(json!({ "begun": payments.begun.load(Ordering::Relaxed) }))
}
