//! frontend: what customers talk to. Calls catalog, cart and checkout, several at once for one page. As the second build
//! (fault `slow-build`) it renders slowly.

use super::Service;
use crate::downstream::{Downstream, Failed};
use crate::{dice, second_build, work};
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use color_eyre::Result;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Duration;
use tokio::time::sleep;

/// What a page costs more in the second build.
const SLOW: Duration = Duration::from_millis(25);

#[derive(Clone)]
struct Frontend {
    catalog: Downstream,
    cart: Downstream,
    checkout: Downstream,
    slow: bool,
}

type Page = Result<Json<Value>, Failed>;

pub fn routes(base_port: u16) -> Result<Router> {
    let client = |service: Service| Downstream::new(service.port(base_port));
    let frontend = Frontend {
        catalog: client(Service::Catalog)?,
        cart: client(Service::Cart)?,
        checkout: client(Service::Checkout)?,
        slow: second_build::is_this(),
    };
    Ok(Router::new()
        .route("/", get(home))
        .route("/products/{id}", get(product))
        .route("/search", get(search))
        .route("/cart/{id}", get(cart))
        .route("/cart/{id}/items", post(add_item))
        .route("/cart/{id}/checkout", post(buy))
        .with_state(frontend))
}

async fn home(State(shop): State<Frontend>) -> Page {
    sleep(dice::delay(2, 8)).await;
    let cart = format!("/carts/{}", dice::below(50));
    let (products, cart) = tokio::try_join!(shop.catalog.get("/products"), shop.cart.get(&cart))?;
    shop.page(json!({ "page": "home", "products": products, "cart": cart }))
}

async fn product(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    sleep(dice::delay(2, 6)).await;
    let product = shop.catalog.get(&format!("/products/{id}")).await?;
    shop.page(json!({ "page": "product", "product": product }))
}

async fn search(State(shop): State<Frontend>) -> Page {
    let found = shop.catalog.get("/search").await?;
    shop.page(json!({ "page": "search", "found": found }))
}

async fn cart(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    sleep(dice::delay(2, 5)).await;
    let cart = shop.cart.get(&format!("/carts/{id}")).await?;
    shop.page(json!({ "page": "cart", "cart": cart }))
}

async fn add_item(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    let item = json!({ "product": dice::below(200), "count": 1 + dice::below(3) });
    let cart = shop.cart.post(&format!("/carts/{id}/items"), item).await?;
    shop.page(json!({ "page": "cart", "cart": cart }))
}

async fn buy(State(shop): State<Frontend>, Path(id): Path<u32>) -> Page {
    sleep(dice::delay(2, 6)).await;
    let order = shop.checkout.post("/orders", json!({ "cart": id })).await?;
    shop.page(json!({ "page": "thanks", "order": order }))
}

impl Frontend {
    fn page(&self, content: Value) -> Page {
        Ok(Json(render_page(content, self.slow)))
    }
}

#[inline(never)]
fn render_page(content: Value, slow: bool) -> Value {
    if slow {
        black_box(work::burn(SLOW));
    }
    content
}
