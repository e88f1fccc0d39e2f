//! checkout: turns a cart into an order and calls payments. Fault `error-burst` makes it answer 500 three times in ten.

use super::Service;
use crate::dice;
use crate::downstream::Downstream;
use crate::faults::Watch;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::sleep;

#[derive(Clone)]
struct Checkout {
    payments: Downstream,
    failing: Watch,
    orders: Arc<AtomicU64>,
}

pub fn routes(base_port: u16) -> Result<Router> {
    let checkout = Checkout {
        payments: Downstream::new(Service::Payments.port(base_port))?,
        failing: Watch::follow("error-burst")?,
        orders: Arc::default(),
    };
    Ok(Router::new()
        .route("/orders", post(order))
        .with_state(checkout))
}

async fn order(State(checkout): State<Checkout>, Json(request): Json<Value>) -> Response {
    sleep(dice::delay(5, 20)).await;
    let number = checkout.orders.fetch_add(1, Ordering::Relaxed);
    if checkout.failing.is_on() && fails(number) {
        let error = json!({ "error": "the order could not be written" });
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response();
    }
    let charge = json!({ "cart": request.get("cart"), "cents": 500 + dice::below(20_000) });
    match checkout.payments.post("/charges", charge).await {
        Ok(receipt) => {
            let order = json!({ "order": number, "receipt": receipt });
            (StatusCode::CREATED, Json(order)).into_response()
        }
        Err(failed) => failed.into_response(),
    }
}

/// Three of each ten, spread out: the share is exact, so a test can rely on it.
const fn fails(number: u64) -> bool {
    matches!(number % 10, 0 | 3 | 7)
}

#[cfg(test)]
mod tests {
    #[test]
    fn three_of_ten_orders_fail() {
        assert_eq!((0..1000).filter(|&n| super::fails(n)).count(), 300);
    }
}
