//! checkout: turns a cart into an order: takes it from stock, calls payments, puts it into the queue. Fault `error-burst`
//! makes it answer 500 three times in ten, `retry-storm` makes it impatient, `pool-exhausted` is in its database client.

use super::Service;
use crate::database::Database;
use crate::dice;
use crate::downstream::{Downstream, Failed};
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
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long payments gets, and how often it is asked, while `retry-storm` is on.
const IMPATIENT: Duration = Duration::from_millis(15);
const TRIES: usize = 10;

#[derive(Clone)]
struct Checkout {
    stock: Database,
    payments: Downstream,
    orders: Downstream,
    failing: Watch,
    impatient: Watch,
    number: Arc<AtomicU64>,
}

pub fn routes(base_port: u16) -> Result<Router> {
    let checkout = Checkout {
        stock: Database::new(
            Service::Stock.port(base_port),
            Watch::follow("pool-exhausted")?,
        ),
        payments: Downstream::new(Service::Payments.port(base_port))?,
        orders: Downstream::new(Service::Orders.port(base_port))?,
        failing: Watch::follow("error-burst")?,
        impatient: Watch::follow("retry-storm")?,
        number: Arc::default(),
    };
    Ok(Router::new()
        .route("/orders", post(order))
        .with_state(checkout))
}

async fn order(State(checkout): State<Checkout>, Json(request): Json<Value>) -> Response {
    sleep(dice::delay(5, 20)).await;
    let number = checkout.number.fetch_add(1, Ordering::Relaxed);
    if checkout.failing.is_on() && fails(number) {
        let error = json!({ "error": "the order could not be written" });
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response();
    }
    match checkout.place(number, &request).await {
        Ok(order) => (StatusCode::CREATED, Json(order)).into_response(),
        Err(failed) => failed.into_response(),
    }
}

impl Checkout {
    async fn place(&self, number: u64, request: &Value) -> Result<Value, Failed> {
        let product = dice::below(200);
        self.stock.ask(format!("TAKE {product} 1")).await?;
        let charge = json!({ "cart": request.get("cart"), "cents": 500 + dice::below(20_000) });
        let receipt = self.charge(charge).await?;
        let order = json!({ "order": number, "receipt": receipt });
        self.orders.post("/orders", order).await
    }

    async fn charge(&self, charge: Value) -> Result<Value, Failed> {
        if !self.impatient.is_on() {
            return self.payments.post("/charges", charge).await;
        }
        for _ in 0..TRIES {
            let answer = self.payments.post("/charges", charge.clone());
            if let Ok(Ok(receipt)) = timeout(IMPATIENT, answer).await {
                return Ok(receipt);
            }
        }
        Err(Failed(StatusCode::GATEWAY_TIMEOUT))
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
