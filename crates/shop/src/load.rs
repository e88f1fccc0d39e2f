//! The shop's customers: about 40 requests a second, more and fewer over the minutes, whatever the answers are, over
//! kept-alive connections.

use crate::{dice, lifeline, services::Service};
use axum::http::Method;
use color_eyre::Result;
use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::sleep_until;

/// A shop that hangs is not buried under waiting customers.
const AT_ONCE: usize = 64;
/// The day of the shop: from the mean up, down and back.
const DAY: f64 = 300.0;
/// A rush now and then: so often, so long, so much more.
const RUSH_EVERY: f64 = 110.0;
const RUSH: f64 = 12.0;
const RUSH_FACTOR: f64 = 1.5;

/// Sends the load until the process is told to stop, then lets the last answers come.
pub async fn run(base_port: u16, rate: u32, stdin: bool) -> Result<()> {
    let base = format!("http://127.0.0.1:{}", Service::Frontend.port(base_port));
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()?;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let begin = Instant::now();
    let mut next = begin;
    let stop = lifeline::stop(stdin);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = sleep_until(next.into()) => {}
        }
        let now = Instant::now();
        let factor = factor(now.duration_since(begin).as_secs_f64());
        let pause = Duration::from_secs_f64(1.0 / (f64::from(rate.max(1)) * factor));
        // A customer who could not come in time does not come twice later.
        next = (next + pause).max(now);
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            next = now + pause;
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

/// How much of the mean rate comes at this second: a wave with a rush on top.
fn factor(second: f64) -> f64 {
    let wave = 1.0 + 0.4 * (second / DAY * TAU).sin();
    let in_rush = second % RUSH_EVERY >= RUSH_EVERY - RUSH;
    if in_rush { wave * RUSH_FACTOR } else { wave }
}

/// What one customer wants: mostly looking, sometimes buying, now and then a product that is gone.
fn errand() -> (Method, String) {
    let (product, cart) = (dice::below(200), dice::below(50));
    match dice::below(100) {
        0..20 => (Method::GET, "/".into()),
        20..54 => (Method::GET, format!("/products/{product}")),
        54..56 => (Method::GET, format!("/products/{}", 9000 + product)),
        56..62 => (Method::GET, "/search".into()),
        62..75 => (Method::GET, format!("/cart/{cart}")),
        75..88 => (Method::POST, format!("/cart/{cart}/items")),
        _ => (Method::POST, format!("/cart/{cart}/checkout")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_varies_around_its_mean_over_minutes() {
        let factors: Vec<_> = (0..3300).map(|second| factor(f64::from(second))).collect();
        let mean = factors.iter().sum::<f64>() / factors.len() as f64;
        assert!((1.0..1.1).contains(&mean), "{mean}");
        let least = factors.iter().copied().fold(f64::MAX, f64::min);
        let most = factors.iter().copied().fold(0.0, f64::max);
        assert!(least < 0.65 && most > 1.8, "{least} {most}");
    }
}
