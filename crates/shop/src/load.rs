//! The shop's customers: about 40 requests a second, whatever the answers are, over kept-alive connections.

use crate::{dice, lifeline, services::Service};
use axum::http::Method;
use color_eyre::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

/// One request each; 40 a second.
const EVERY: Duration = Duration::from_millis(25);
/// A shop that hangs is not buried under waiting customers.
const AT_ONCE: usize = 64;

/// Sends the load until the process is told to stop, then lets the last answers come.
pub async fn run(base_port: u16, stdin: bool) -> Result<()> {
    let base = format!("http://127.0.0.1:{}", Service::Frontend.port(base_port));
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()?;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stop = lifeline::stop(stdin);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = tick.tick() => {}
        }
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let (method, path) = errand();
        let request = http.request(method, format!("{base}{path}"));
        tokio::spawn(async move {
            // The services tell how it went; a customer only waits for the whole answer.
            if let Ok(answer) = request.send().await {
                let _ = answer.bytes().await;
            }
            drop(permit);
        });
    }
    let _ = room.acquire_many(AT_ONCE as u32).await;
    Ok(())
}

/// What one customer wants: mostly looking, sometimes buying, now and then a product that is gone.
fn errand() -> (Method, String) {
    let (product, cart) = (dice::below(200), dice::below(50));
    match dice::below(100) {
        0..25 => (Method::GET, "/".into()),
        25..60 => (Method::GET, format!("/products/{product}")),
        60..62 => (Method::GET, format!("/products/{}", 9000 + product)),
        62..75 => (Method::GET, format!("/cart/{cart}")),
        75..88 => (Method::POST, format!("/cart/{cart}/items")),
        _ => (Method::POST, format!("/cart/{cart}/checkout")),
    }
}
