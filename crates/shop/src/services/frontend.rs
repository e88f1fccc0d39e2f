//! frontend: what customers talk to. Calls catalog, cart and checkout.

use super::Service;
use crate::dice;
use crate::downstream::{Downstream, Failed};
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use tokio::time::sleep;

#[derive(Clone)]
struct Frontend {
    catalog: Downstream,
    cart: Downstream,
    checkout: Downstream,
}

type Page = Result<Json<Value>, Failed>;

pub fn routes(base_port: u16) -> Result<Router> {
    let client = |service: Service| Downstream::new(service.port(base_port));
    let frontend = Frontend {
        catalog: client(Service::Catalog)?,
        cart: client(Service::Cart)?,
        checkout: client(Service::Checkout)?,
    };
    Ok(Router::new()
        .route("/", get(home))
        .route("/products/{id}", get(product))
        .route("/cart/{id}", get(cart))
        .route("/cart/{id}/items", post(add_item))
        .route("/cart/{id}/checkout", post(buy))
        .with_state(frontend))
}

async fn home(State(shop): State<Frontend>) -> Page {
    sleep(dice::delay(2, 8)).await;
    let products = shop.catalog.get("/products").await?;
    Ok(Json(json!({ "page": "home", "products": products })))
}

async fn product(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    sleep(dice::delay(2, 6)).await;
    let product = shop.catalog.get(&format!("/products/{id}")).await?;
    Ok(Json(json!({ "page": "product", "product": product })))
}

async fn cart(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    sleep(dice::delay(2, 5)).await;
    let cart = shop.cart.get(&format!("/carts/{id}")).await?;
    Ok(Json(json!({ "page": "cart", "cart": cart })))
}

async fn add_item(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    let item = json!({ "product": dice::below(200), "count": 1 + dice::below(3) });
    let cart = shop.cart.post(&format!("/carts/{id}/items"), item).await?;
    Ok(Json(json!({ "page": "cart", "cart": cart })))
}

async fn buy(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    sleep(dice::delay(2, 6)).await;
    let order = shop.checkout.post("/orders", json!({ "cart": id })).await?;
    Ok(Json(json!({ "page": "thanks", "order": order })))
}
